"""Streams, and how they are doing."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, SmallInteger, Table

from bursar.store.columns import (
    document_text,
    id_column,
    key_text,
    livemode_column,
    metadata,
    org_id_column,
    timestamp_column,
)

streams = Table(
    "streams",
    metadata,
    org_id_column(),
    livemode_column(),
    id_column(),
    Column("version", Integer, nullable=False),
    Column("is_paused", SmallInteger, nullable=False),
    Column("credentials_sealed", document_text(), nullable=True),
    Column("document", document_text(), nullable=False),
)

# Written by the worker. Streams of the installation have their names as ids, and only this row.
stream_states = Table(
    "stream_states",
    metadata,
    org_id_column(),
    livemode_column(),
    id_column(),
    # waiting (nothing tried yet), running, retrying, refused.
    Column("state", key_text(12), nullable=False),
    Column("reason", key_text(40), nullable=True),
    Column("detail", document_text(), nullable=True),
    timestamp_column("since"),
    timestamp_column("retry_at", nullable=True),
    Column("published", BigInteger, nullable=False),
    Column("referenced", BigInteger, nullable=False),
    Column("last_event_id", key_text(40), nullable=True),
    timestamp_column("last_published_at", nullable=True),
)
