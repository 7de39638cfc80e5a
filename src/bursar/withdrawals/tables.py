from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, Table

from bursar.store.columns import (
    document_text,
    id_column,
    key_text,
    livemode_column,
    metadata,
    org_id_column,
)

withdrawals = Table(
    "withdrawals",
    metadata,
    org_id_column(),
    livemode_column(),
    id_column(),
    Column("wallet_id", key_text(40), nullable=False),
    # What the ledger calls the wallet.
    Column("ledger_name", key_text(40), nullable=False),
    Column("status", key_text(20), nullable=False),
    Column("currency", key_text(3), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    # Where the money goes, sealed: the document has only what may be shown.
    Column("destination_sealed", document_text(), nullable=False),
    Column("document", document_text(), nullable=False),
)
