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

refunds = Table(
    "refunds",
    metadata,
    org_id_column(),
    livemode_column(),
    id_column(),
    Column("version", Integer, nullable=False),
    Column("charge", key_text(40), nullable=False),
    Column("payment_intent", key_text(40), nullable=False),
    Column("status", key_text(16), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", key_text(3), nullable=False),
    # The operation at the bank.
    Column("attempt_id", key_text(40), nullable=False),
    Column("document", document_text(), nullable=False),
    Index("ix_refunds_charge", "org_id", "livemode", "charge", "id"),
    Index("ix_refunds_payment_intent", "org_id", "livemode", "payment_intent", "id"),
)
