"""The vault, payment methods, operations at banks, payments and authentications."""

from typing import Any

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, PrimaryKeyConstraint, SmallInteger, text

from bursar.store.columns import document_text, key_text

revision = "0002"
down_revision = "0001"

TABLE_OPTIONS: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}


def _org_id() -> Column[str]:
    return Column("org_id", key_text(40), nullable=False)


def _livemode() -> Column[int]:
    return Column("livemode", SmallInteger, nullable=False)


def _id(name: str = "id") -> Column[str]:
    return Column(name, key_text(40), nullable=False)


def upgrade() -> None:
    _vault()
    _methods()
    _attempts()
    _three_d_secure()
    _payments()


def _vault() -> None:
    op.create_table(
        "vault_cards",
        _org_id(),
        _livemode(),
        _id(),
        Column("key_version", Integer, nullable=False),
        Column("sealed", key_text(64), nullable=False),
        PrimaryKeyConstraint("org_id", "livemode", "id", name="pk_vault_cards"),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "data_keys",
        _org_id(),
        _livemode(),
        Column("version", Integer, nullable=False, autoincrement=False),
        Column("wrapped", key_text(80), nullable=False),
        Column("kek_id", key_text(16), nullable=False),
        Column("created", BigInteger, nullable=False),
        Column("state", key_text(10), nullable=False),
        PrimaryKeyConstraint("org_id", "livemode", "version", name="pk_data_keys"),
        **TABLE_OPTIONS,
    )


def _methods() -> None:
    op.create_table(
        "payment_methods",
        _org_id(),
        _livemode(),
        _id(),
        Column("version", Integer, nullable=False),
        Column("state", key_text(10), nullable=False),
        Column("allow_redisplay", key_text(12), nullable=False),
        Column("agreed", SmallInteger, nullable=False),
        Column("document", document_text(), nullable=False),
        PrimaryKeyConstraint("org_id", "livemode", "id", name="pk_payment_methods"),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "customer_methods",
        _org_id(),
        _livemode(),
        _id("customer_id"),
        _id("method_id"),
        PrimaryKeyConstraint("org_id", "livemode", "customer_id", "method_id", name="pk_customer_methods"),
        sqlite_with_rowid=False,
        **TABLE_OPTIONS,
    )
    op.create_table(
        "tokens",
        _org_id(),
        _livemode(),
        _id(),
        Column("used", SmallInteger, nullable=False),
        Column("document", document_text(), nullable=False),
        PrimaryKeyConstraint("org_id", "livemode", "id", name="pk_tokens"),
        **TABLE_OPTIONS,
    )


def _attempts() -> None:
    op.create_table(
        "attempts",
        _org_id(),
        _livemode(),
        _id(),
        Column("kind", key_text(12), nullable=False),
        Column("subject_id", key_text(40), nullable=False),
        Column("state", key_text(12), nullable=False),
        Column("amount_minor", BigInteger, nullable=False),
        Column("currency", key_text(3), nullable=False),
        Column("fence", Integer, nullable=False),
        Column("tries", Integer, nullable=False),
        Column("next_look", BigInteger),
        Column("bank_reference", key_text(100)),
        Column("order_document", document_text(), nullable=False),
        Column("outcome_document", document_text()),
        PrimaryKeyConstraint("org_id", "livemode", "id", name="pk_attempts"),
        **TABLE_OPTIONS,
    )
    where = text("next_look IS NOT NULL")
    op.create_index(
        "ix_attempts_next_look", "attempts", ["next_look", "org_id"], sqlite_where=where, postgresql_where=where
    )


def _three_d_secure() -> None:
    op.create_table(
        "authentications",
        _org_id(),
        _livemode(),
        _id(),
        Column("subject_id", key_text(40), nullable=False),
        Column("secret", key_text(64), nullable=False),
        Column("state", key_text(12), nullable=False),
        Column("bank_reference", key_text(100), nullable=False),
        Column("return_url", document_text()),
        PrimaryKeyConstraint("org_id", "livemode", "id", name="pk_authentications"),
        **TABLE_OPTIONS,
    )


def _payments() -> None:
    op.create_table(
        "payment_intents",
        _org_id(),
        _livemode(),
        _id(),
        Column("version", Integer, nullable=False),
        Column("status", key_text(24), nullable=False),
        Column("amount_minor", BigInteger, nullable=False),
        Column("currency", key_text(3), nullable=False),
        Column("customer", key_text(40)),
        Column("attempt_id", key_text(40)),
        Column("authentication_id", key_text(40)),
        Column("document", document_text(), nullable=False),
        PrimaryKeyConstraint("org_id", "livemode", "id", name="pk_payment_intents"),
        **TABLE_OPTIONS,
    )
    where = text("customer IS NOT NULL")
    op.create_index(
        "ix_payment_intents_customer",
        "payment_intents",
        ["org_id", "livemode", "customer", "id"],
        sqlite_where=where,
        postgresql_where=where,
    )
    op.create_table(
        "charges",
        _org_id(),
        _livemode(),
        _id(),
        Column("version", Integer, nullable=False),
        Column("payment_intent", key_text(40), nullable=False),
        Column("customer", key_text(40)),
        Column("status", key_text(12), nullable=False),
        Column("amount_minor", BigInteger, nullable=False),
        Column("captured_minor", BigInteger, nullable=False),
        Column("refunded_minor", BigInteger, nullable=False),
        Column("disputed_minor", BigInteger, nullable=False),
        Column("currency", key_text(3), nullable=False),
        Column("connector", key_text(40), nullable=False),
        Column("bank_reference", key_text(100)),
        Column("attempt_id", key_text(40), nullable=False),
        Column("increments", Integer, nullable=False),
        Column("document", document_text(), nullable=False),
        PrimaryKeyConstraint("org_id", "livemode", "id", name="pk_charges"),
        **TABLE_OPTIONS,
    )
    where = text("customer IS NOT NULL")
    op.create_index(
        "ix_charges_customer",
        "charges",
        ["org_id", "livemode", "customer", "id"],
        sqlite_where=where,
        postgresql_where=where,
    )
    op.create_index("ix_charges_payment_intent", "charges", ["org_id", "livemode", "payment_intent", "id"])
    op.create_table(
        "capture_deadlines",
        _org_id(),
        _livemode(),
        _id("payment_intent"),
        Column("due", BigInteger, nullable=False),
        PrimaryKeyConstraint("org_id", "livemode", "payment_intent", name="pk_capture_deadlines"),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_capture_deadlines_due", "capture_deadlines", ["due"])
