from __future__ import annotations

from sqlalchemy import Column, Table

from bursar.store.columns import (
    document_text,
    id_column,
    key_text,
    livemode_column,
    metadata,
    org_id_column,
    timestamp_column,
)

# What came in, and what it was good for. The key is what makes a message count once.
bank_events = Table(
    "bank_events",
    metadata,
    org_id_column(),
    livemode_column(),
    id_column("connector"),
    Column("event_id", key_text(100), primary_key=True),
    Column("kind", key_text(40), nullable=False),
    Column("state", key_text(12), nullable=False),
    timestamp_column("received"),
    Column("note", document_text(), nullable=True),
    Column("document", document_text(), nullable=False),
)
