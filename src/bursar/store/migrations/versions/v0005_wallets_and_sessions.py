"""Wallets, withdrawals, contracts, payment sessions; payments that belong to a wallet."""

import secrets
from typing import Any

from alembic import op
from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    UniqueConstraint,
    column,
    select,
    table,
    text,
)

from bursar.store.columns import document_text, key_text, people_text

revision = "0005"
down_revision = "0004"

CODE_ALPHABET, CODE_LENGTH = "0123456789ABCDEFGHJKMNPQRSTVWXYZ", 10
TABLE_OPTIONS: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}


def _org_id() -> Column[str]:
    return Column("org_id", key_text(40), nullable=False)


def _livemode() -> Column[int]:
    return Column("livemode", SmallInteger, nullable=False)


def _id(name: str = "id") -> Column[str]:
    return Column(name, key_text(40), nullable=False)


def upgrade() -> None:
    _changed_tables()
    _known_organisations()
    _contracts()
    _wallets()
    _withdrawals()
    _payment_sessions()


def _changed_tables() -> None:
    op.add_column("api_keys", Column("version", Integer, nullable=False, server_default="1"))
    op.add_column("api_keys", Column("addresses", document_text()))
    op.add_column("api_keys", Column("last_used", BigInteger))
    op.add_column("api_keys", Column("last_used_address", key_text(64)))
    op.add_column("balance_transactions", Column("wallet", key_text(40)))
    where = text("wallet IS NOT NULL")
    op.create_index(
        "ix_balance_transactions_wallet",
        "balance_transactions",
        ["org_id", "livemode", "wallet", "id"],
        sqlite_where=where,
        postgresql_where=where,
    )
    op.add_column("charges", Column("wallet", key_text(40)))
    op.add_column("organisations", Column("version", Integer, nullable=False, server_default="1"))
    op.add_column("organisations", Column("name_folded", people_text(400), nullable=False, server_default="?"))
    op.add_column("organisations", Column("code", key_text(20), nullable=False, server_default="?"))
    op.add_column("organisations", Column("category", people_text(60), nullable=False, server_default="general"))
    op.add_column("organisations", Column("country", key_text(2)))
    op.add_column("organisations", Column("currency", key_text(3), nullable=False, server_default="usd"))
    op.add_column("organisations", Column("suspended", BigInteger))
    op.add_column("payment_intents", Column("wallet", key_text(40)))
    op.add_column("payment_intents", Column("service_fee_minor", BigInteger))
    op.add_column("payment_intents", Column("transaction_id", key_text(40)))


def _contracts() -> None:
    op.create_table(
        "contracts",
        _org_id(),
        _livemode(),
        _id("acquirer"),
        Column("version", Integer, nullable=False),
        Column("status", key_text(12), nullable=False),
        Column("created", BigInteger, nullable=False),
        Column("ended", BigInteger),
        PrimaryKeyConstraint("org_id", "livemode", "acquirer", name="pk_contracts"),
        **TABLE_OPTIONS,
    )


def _wallets() -> None:
    op.create_table(
        "wallets",
        _org_id(),
        _livemode(),
        _id(),
        Column("code", key_text(11), nullable=False),
        Column("name", people_text(100), nullable=False),
        Column("currency", key_text(3)),
        Column("ledger_name", key_text(40), nullable=False),
        Column("closed", SmallInteger, nullable=False),
        Column("version", Integer, nullable=False),
        PrimaryKeyConstraint("org_id", "livemode", "id", name="pk_wallets"),
        UniqueConstraint("org_id", "livemode", "ledger_name", name="uq_wallets_ledger_name"),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "wallet_codes",
        _org_id(),
        Column("code", key_text(11), nullable=False),
        Column("wallet_org_id", key_text(40), nullable=False),
        Column("wallet_livemode", SmallInteger, nullable=False),
        Column("wallet_id", key_text(40), nullable=False),
        PrimaryKeyConstraint("org_id", "code", name="pk_wallet_codes"),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "wallet_pins",
        _org_id(),
        _livemode(),
        _id("wallet_id"),
        Column("pin_hash", key_text(200), nullable=False),
        Column("tries", Integer, nullable=False),
        Column("pauses", Integer, nullable=False),
        Column("paused_until", BigInteger, nullable=False),
        Column("version", Integer, nullable=False),
        PrimaryKeyConstraint("org_id", "livemode", "wallet_id", name="pk_wallet_pins"),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "wallet_transfers",
        _org_id(),
        _livemode(),
        _id(),
        Column("from_wallet_id", key_text(40), nullable=False),
        Column("to_wallet_id", key_text(40), nullable=False),
        Column("currency", key_text(3), nullable=False),
        Column("amount_minor", BigInteger, nullable=False),
        Column("document", document_text(), nullable=False),
        PrimaryKeyConstraint("org_id", "livemode", "id", name="pk_wallet_transfers"),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "wallet_payments",
        _org_id(),
        _livemode(),
        _id(),
        Column("side", key_text(5), nullable=False),
        Column("wallet_id", key_text(40), nullable=False),
        Column("source_id", key_text(40), nullable=False),
        Column("other_org_id", key_text(40), nullable=False),
        Column("other_wallet_id", key_text(40), nullable=False),
        Column("currency", key_text(3), nullable=False),
        Column("total_minor", BigInteger, nullable=False),
        Column("service_fee_minor", BigInteger, nullable=False),
        Column("refunded_minor", BigInteger, nullable=False),
        PrimaryKeyConstraint("org_id", "livemode", "id", "side", name="pk_wallet_payments"),
        **TABLE_OPTIONS,
    )


def _withdrawals() -> None:
    op.create_table(
        "withdrawals",
        _org_id(),
        _livemode(),
        _id(),
        Column("wallet_id", key_text(40), nullable=False),
        Column("ledger_name", key_text(40), nullable=False),
        Column("status", key_text(20), nullable=False),
        Column("currency", key_text(3), nullable=False),
        Column("amount_minor", BigInteger, nullable=False),
        Column("version", Integer, nullable=False),
        Column("destination_sealed", document_text(), nullable=False),
        Column("document", document_text(), nullable=False),
        PrimaryKeyConstraint("org_id", "livemode", "id", name="pk_withdrawals"),
        **TABLE_OPTIONS,
    )


def _payment_sessions() -> None:
    op.create_table(
        "payment_sessions",
        _org_id(),
        _livemode(),
        _id(),
        Column("version", Integer, nullable=False),
        Column("status", key_text(12), nullable=False),
        Column("secret_hash", key_text(64), nullable=False),
        Column("wallet_id", key_text(40), nullable=False),
        Column("amount_minor", BigInteger, nullable=False),
        Column("service_fee_minor", BigInteger, nullable=False),
        Column("currency", key_text(3), nullable=False),
        Column("expires", BigInteger, nullable=False),
        Column("due", BigInteger),
        Column("tries", Integer, nullable=False),
        Column("payment_intent", key_text(40)),
        Column("transaction_id", key_text(40), nullable=False),
        Column("paid_by", key_text(40)),
        Column("answer", document_text()),
        Column("document", document_text(), nullable=False),
        PrimaryKeyConstraint("org_id", "livemode", "id", name="pk_payment_sessions"),
        **TABLE_OPTIONS,
    )
    where = text("due IS NOT NULL")
    op.create_index("ix_payment_sessions_due", "payment_sessions", ["due"], sqlite_where=where, postgresql_where=where)
    op.create_table(
        "transactions",
        _org_id(),
        _livemode(),
        _id(),
        Column("version", Integer, nullable=False),
        Column("code", key_text(20), nullable=False),
        Column("direction", key_text(6), nullable=False),
        Column("state", key_text(20), nullable=False),
        Column("method", key_text(20)),
        Column("amount_minor", BigInteger, nullable=False),
        Column("service_fee_minor", BigInteger, nullable=False),
        Column("refunded_minor", BigInteger, nullable=False),
        Column("currency", key_text(3), nullable=False),
        Column("wallet_id", key_text(40), nullable=False),
        Column("session_id", key_text(40)),
        Column("payment_intent", key_text(40)),
        Column("wallet_payment", key_text(40)),
        Column("customer", key_text(40)),
        Column("reason", key_text(60)),
        Column("document", document_text(), nullable=False),
        PrimaryKeyConstraint("org_id", "livemode", "id", name="pk_transactions"),
        UniqueConstraint("org_id", "livemode", "code", name="uq_transactions_code"),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_transactions_wallet", "transactions", ["org_id", "livemode", "wallet_id", "id"])


def _known_organisations() -> None:
    """Those that were there before get what new ones are made with."""
    organisations = table("organisations", column("org_id"), column("name"), column("name_folded"), column("code"))
    codes = table("organisation_codes", column("org_id"), column("code"), column("organisation"))
    connection = op.get_bind()
    if connection.dialect.name.startswith("firebird"):
        # Nobody may touch a new table or column there before it is committed.
        connection.connection.commit()
    for org_id, name in connection.execute(select(organisations.c.org_id, organisations.c.name)).all():
        code = "ORG" + "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH))
        connection.execute(
            organisations.update()
            .where(organisations.c.org_id == org_id)
            .values(name_folded=name.casefold(), code=code)
        )
        connection.execute(codes.insert().values(org_id="installation", code=code, organisation=org_id))
