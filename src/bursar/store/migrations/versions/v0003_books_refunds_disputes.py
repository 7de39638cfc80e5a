"""The ledger, setup intents, refunds, disputes and what banks tell by themselves."""

from typing import Any

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, PrimaryKeyConstraint, SmallInteger, text

from bursar.store.columns import document_text, key_text

revision = "0003"
down_revision = "0002"

TABLE_OPTIONS: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}


def _org_id() -> Column[str]:
    return Column("org_id", key_text(40), nullable=False)


def _livemode() -> Column[int]:
    return Column("livemode", SmallInteger, nullable=False)


def _id(name: str = "id") -> Column[str]:
    return Column(name, key_text(40), nullable=False)


def upgrade() -> None:
    _ledger()
    _setup_intents()
    _refunds()
    _disputes()
    _hooks()


def _ledger() -> None:
    op.create_table(
        "ledger_postings",
        _org_id(),
        _livemode(),
        Column("account", key_text(80), nullable=False),
        _id("transaction_id"),
        Column("amount_minor", BigInteger, nullable=False),
        Column("currency", key_text(3), nullable=False),
        Column("created", BigInteger, nullable=False),
        Column("operation_id", key_text(40)),
        Column("hold_id", key_text(40)),
        PrimaryKeyConstraint("org_id", "livemode", "account", "transaction_id", name="pk_ledger_postings"),
        sqlite_with_rowid=False,
        **TABLE_OPTIONS,
    )
    op.create_table(
        "balance_transactions",
        _org_id(),
        _livemode(),
        _id(),
        Column("source_id", key_text(40), nullable=False),
        Column("transaction_type", key_text(40), nullable=False),
        Column("currency", key_text(3), nullable=False),
        Column("amount_minor", BigInteger, nullable=False),
        Column("fee_minor", BigInteger, nullable=False),
        Column("net_minor", BigInteger, nullable=False),
        Column("available_on", BigInteger, nullable=False),
        Column("created", BigInteger, nullable=False),
        Column("payout_id", key_text(40)),
        Column("document", document_text(), nullable=False),
        PrimaryKeyConstraint("org_id", "livemode", "id", name="pk_balance_transactions"),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_balance_transactions_source", "balance_transactions", ["org_id", "livemode", "source_id", "id"])
    op.create_table(
        "ledger_holds",
        _org_id(),
        _livemode(),
        _id(),
        Column("operation_id", key_text(40)),
        Column("currency", key_text(3), nullable=False),
        Column("amount_minor", BigInteger, nullable=False),
        Column("resolution", key_text(20)),
        PrimaryKeyConstraint("org_id", "livemode", "id", name="pk_ledger_holds"),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "balance_snapshots",
        _org_id(),
        _livemode(),
        Column("account", key_text(80), nullable=False),
        Column("through_id", key_text(40), nullable=False),
        Column("amount_minor", BigInteger, nullable=False),
        PrimaryKeyConstraint("org_id", "livemode", "account", name="pk_balance_snapshots"),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "ledger_releases",
        _org_id(),
        _livemode(),
        Column("version", Integer, nullable=False),
        Column("open_day", Integer, nullable=False),
        PrimaryKeyConstraint("org_id", "livemode", name="pk_ledger_releases"),
        **TABLE_OPTIONS,
    )


def _setup_intents() -> None:
    op.create_table(
        "setup_intents",
        _org_id(),
        _livemode(),
        _id(),
        Column("version", Integer, nullable=False),
        Column("status", key_text(24), nullable=False),
        Column("customer", key_text(40)),
        Column("payment_method", key_text(40)),
        Column("attempt_id", key_text(40)),
        Column("authentication_id", key_text(40)),
        Column("document", document_text(), nullable=False),
        PrimaryKeyConstraint("org_id", "livemode", "id", name="pk_setup_intents"),
        **TABLE_OPTIONS,
    )
    where = text("customer IS NOT NULL")
    op.create_index(
        "ix_setup_intents_customer",
        "setup_intents",
        ["org_id", "livemode", "customer", "id"],
        sqlite_where=where,
        postgresql_where=where,
    )
    where = text("payment_method IS NOT NULL")
    op.create_index(
        "ix_setup_intents_method",
        "setup_intents",
        ["org_id", "livemode", "payment_method", "id"],
        sqlite_where=where,
        postgresql_where=where,
    )


def _refunds() -> None:
    op.create_table(
        "refunds",
        _org_id(),
        _livemode(),
        _id(),
        Column("version", Integer, nullable=False),
        Column("charge", key_text(40), nullable=False),
        Column("payment_intent", key_text(40), nullable=False),
        Column("status", key_text(16), nullable=False),
        Column("amount_minor", BigInteger, nullable=False),
        Column("currency", key_text(3), nullable=False),
        Column("attempt_id", key_text(40), nullable=False),
        Column("document", document_text(), nullable=False),
        PrimaryKeyConstraint("org_id", "livemode", "id", name="pk_refunds"),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_refunds_charge", "refunds", ["org_id", "livemode", "charge", "id"])
    op.create_index("ix_refunds_payment_intent", "refunds", ["org_id", "livemode", "payment_intent", "id"])


def _disputes() -> None:
    op.create_table(
        "disputes",
        _org_id(),
        _livemode(),
        _id(),
        Column("version", Integer, nullable=False),
        Column("charge", key_text(40), nullable=False),
        Column("payment_intent", key_text(40), nullable=False),
        Column("status", key_text(24), nullable=False),
        Column("amount_minor", BigInteger, nullable=False),
        Column("currency", key_text(3), nullable=False),
        Column("withdrawn_minor", BigInteger, nullable=False),
        Column("fee_minor", BigInteger, nullable=False),
        Column("connector", key_text(40), nullable=False),
        Column("bank_reference", key_text(100), nullable=False),
        Column("document", document_text(), nullable=False),
        PrimaryKeyConstraint("org_id", "livemode", "id", name="pk_disputes"),
        **TABLE_OPTIONS,
    )
    op.create_index(
        "ix_disputes_bank_reference", "disputes", ["org_id", "livemode", "connector", "bank_reference"], unique=True
    )
    op.create_index("ix_disputes_charge", "disputes", ["org_id", "livemode", "charge", "id"])
    op.create_index("ix_disputes_payment_intent", "disputes", ["org_id", "livemode", "payment_intent", "id"])


def _hooks() -> None:
    op.create_table(
        "bank_events",
        _org_id(),
        _livemode(),
        _id("connector"),
        Column("event_id", key_text(100), nullable=False),
        Column("kind", key_text(40), nullable=False),
        Column("state", key_text(12), nullable=False),
        Column("received", BigInteger, nullable=False),
        Column("note", document_text()),
        Column("document", document_text(), nullable=False),
        PrimaryKeyConstraint("org_id", "livemode", "connector", "event_id", name="pk_bank_events"),
        **TABLE_OPTIONS,
    )
