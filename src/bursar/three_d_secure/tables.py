from __future__ import annotations

from sqlalchemy import Column, Table

from bursar.store.columns import (
    document_text,
    id_column,
    key_text,
    livemode_column,
    metadata,
    org_id_column,
)

# A customer who was sent to authenticate, and what came of it.
authentications = Table(
    "authentications",
    metadata,
    org_id_column(),
    livemode_column(),
    # The attempt that asked for it.
    id_column(),
    # The payment or setup that waits for it.
    Column("subject_id", key_text(40), nullable=False),
    Column("secret", key_text(64), nullable=False),
    Column("state", key_text(12), nullable=False),
    # What the bank knows the waiting authorisation by.
    Column("bank_reference", key_text(100), nullable=False),
    Column("return_url", document_text(), nullable=True),
)
