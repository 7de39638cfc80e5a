from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, Table, UniqueConstraint

from bursar.store.columns import (
    document_text,
    id_column,
    key_text,
    livemode_column,
    metadata,
    org_id_column,
    timestamp_column,
)

CODE_LENGTH = 20

payment_sessions = Table(
    "payment_sessions",
    metadata,
    org_id_column(),
    livemode_column(),
    id_column(),
    Column("version", Integer, nullable=False),
    Column("status", key_text(12), nullable=False),
    # Of the secret part of its trace id; the secret itself is kept nowhere.
    Column("secret_hash", key_text(64), nullable=False),
    Column("wallet_id", key_text(40), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("service_fee_minor", BigInteger, nullable=False),
    Column("currency", key_text(3), nullable=False),
    timestamp_column("expires"),
    # When somebody must see to its end; empty once it has one.
    timestamp_column("due", nullable=True),
    # How often somebody tried to pay it.
    Column("tries", Integer, nullable=False),
    Column("payment_intent", key_text(40), nullable=True),
    Column("transaction_id", key_text(40), nullable=False),
    # Whose wallet paid it, and what they were answered: they are told the same again, whoever asks twice.
    Column("paid_by", key_text(40), nullable=True),
    Column("answer", document_text(), nullable=True),
    Column("document", document_text(), nullable=False),
)
_waiting = payment_sessions.c.due.is_not(None)
# Begins with the time: the task looks for what is due in all organisations at once.
Index("ix_payment_sessions_due", payment_sessions.c.due, sqlite_where=_waiting, postgresql_where=_waiting)

# What wallets pay and are paid, in merchants' words: a row for each side, each under a code of its own.
transactions = Table(
    "transactions",
    metadata,
    org_id_column(),
    livemode_column(),
    id_column(),
    Column("version", Integer, nullable=False),
    Column("code", key_text(CODE_LENGTH), nullable=False),
    Column("direction", key_text(6), nullable=False),
    # Unless it is paid by a payment intent: then that says more.
    Column("state", key_text(20), nullable=False),
    Column("method", key_text(20), nullable=True),
    Column("amount_minor", BigInteger, nullable=False),
    Column("service_fee_minor", BigInteger, nullable=False),
    Column("refunded_minor", BigInteger, nullable=False),
    Column("currency", key_text(3), nullable=False),
    Column("wallet_id", key_text(40), nullable=False),
    Column("session_id", key_text(40), nullable=True),
    Column("payment_intent", key_text(40), nullable=True),
    Column("wallet_payment", key_text(40), nullable=True),
    Column("customer", key_text(40), nullable=True),
    Column("reason", key_text(60), nullable=True),
    Column("document", document_text(), nullable=False),
    UniqueConstraint("org_id", "livemode", "code", name="uq_transactions_code"),
    Index("ix_transactions_wallet", "org_id", "livemode", "wallet_id", "id"),
)
