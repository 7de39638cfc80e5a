from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, Table

from bursar.store.columns import (
    document_text,
    id_column,
    key_text,
    livemode_column,
    metadata,
    org_id_column,
)

disputes = Table(
    "disputes",
    metadata,
    org_id_column(),
    livemode_column(),
    id_column(),
    Column("version", Integer, nullable=False),
    Column("charge", key_text(40), nullable=False),
    Column("payment_intent", key_text(40), nullable=False),
    Column("status", key_text(24), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", key_text(3), nullable=False),
    # What the cardholder's bank has of the charge because of it, and what the acquirer took for it.
    Column("withdrawn_minor", BigInteger, nullable=False),
    Column("fee_minor", BigInteger, nullable=False),
    # Where it was opened, and what it is called there.
    Column("connector", key_text(40), nullable=False),
    Column("bank_reference", key_text(100), nullable=False),
    Column("document", document_text(), nullable=False),
    # Two messages of one dispute that come at once must not make two of it.
    Index("ix_disputes_bank_reference", "org_id", "livemode", "connector", "bank_reference", unique=True),
    Index("ix_disputes_charge", "org_id", "livemode", "charge", "id"),
    Index("ix_disputes_payment_intent", "org_id", "livemode", "payment_intent", "id"),
)
