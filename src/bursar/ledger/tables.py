from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, Table

from bursar.ledger.accounts import ACCOUNT_LENGTH_MAX
from bursar.store.columns import (
    document_text,
    id_column,
    key_text,
    livemode_column,
    metadata,
    org_id_column,
    timestamp_column,
)


def _account_column() -> Column[str]:
    return Column("account", key_text(ACCOUNT_LENGTH_MAX), primary_key=True)


# Append-only. In the order of accounts and, within each, of time: a balance is a sum over neighbours.
ledger_postings = Table(
    "ledger_postings",
    metadata,
    org_id_column(),
    livemode_column(),
    _account_column(),
    # One for each group; where money moved, it is the balance transaction's.
    id_column("transaction_id"),
    # Credits positive, debits negative.
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", key_text(3), nullable=False),
    timestamp_column("created"),
    # The bank operation that the group belongs to; empty for what happens without a bank.
    Column("operation_id", key_text(40), nullable=True),
    Column("hold_id", key_text(40), nullable=True),
    # Wider than its key by little: one tree instead of two.
    sqlite_with_rowid=False,
)

balance_transactions = Table(
    "balance_transactions",
    metadata,
    org_id_column(),
    livemode_column(),
    id_column(),
    Column("source_id", key_text(40), nullable=False),
    Column("transaction_type", key_text(40), nullable=False),
    Column("currency", key_text(3), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("fee_minor", BigInteger, nullable=False),
    Column("net_minor", BigInteger, nullable=False),
    timestamp_column("available_on"),
    timestamp_column("created"),
    Column("payout_id", key_text(40), nullable=True),
    Column("document", document_text(), nullable=False),
    # Empty for the main one, where most money moves: so the index below costs nothing there.
    Column("wallet", key_text(40), nullable=True),
    Index("ix_balance_transactions_source", "org_id", "livemode", "source_id", "id"),
)
Index(
    "ix_balance_transactions_wallet",
    *(balance_transactions.c[name] for name in ("org_id", "livemode", "wallet", "id")),
    postgresql_where=balance_transactions.c.wallet.is_not(None),
    sqlite_where=balance_transactions.c.wallet.is_not(None),
)

# One row for each hold, named after its charge. What is left of it moves by conditional updates, so that it
# can be captured or released only by whoever knows what is there, and resolved only once.
ledger_holds = Table(
    "ledger_holds",
    metadata,
    org_id_column(),
    livemode_column(),
    id_column(),
    Column("operation_id", key_text(40), nullable=True),
    Column("currency", key_text(3), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("resolution", key_text(20), nullable=True),
)

# The sum of an account's postings up to and with `through_id`.
balance_snapshots = Table(
    "balance_snapshots",
    metadata,
    org_id_column(),
    livemode_column(),
    _account_column(),
    Column("through_id", key_text(40), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
)

# How far the release of pending money has come: days before this one are done with.
ledger_releases = Table(
    "ledger_releases",
    metadata,
    org_id_column(),
    livemode_column(),
    Column("version", Integer, nullable=False),
    Column("open_day", Integer, nullable=False),
)
