"""The log, the heads of its chains, and the lanes that writers take."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, Table

from bursar.store.columns import (
    document_text,
    id_column,
    key_text,
    livemode_column,
    metadata,
    org_id_column,
    people_text,
    timestamp_column,
)

HASH_LENGTH = 64  # SHA-256 in hexadecimal

events = Table(
    "events",
    metadata,
    org_id_column(),
    livemode_column(),
    id_column(),
    Column("lane", Integer, nullable=False),
    Column("sequence_number", BigInteger, nullable=False),
    Column("event_type", key_text(80), nullable=False),
    timestamp_column("created"),
    Column("object_id", key_text(40), nullable=True),
    # Who: a key, a user or the system itself; from where; by which request.
    Column("actor", key_text(60), nullable=False),
    Column("address", key_text(64), nullable=True),
    Column("request_id", key_text(40), nullable=True),
    Column("idempotency_key", key_text(255), nullable=True),
    Column("api_version", key_text(40), nullable=False),
    # {"object": …, "previous_attributes": …}: after, and what it was before.
    Column("data", document_text(), nullable=False),
    Column("row_hash", key_text(HASH_LENGTH), nullable=False),
    Index("ix_events_type", "org_id", "livemode", "event_type", "id"),
)

# What the hash covers, in this order. A column that is added later goes to the end, with a new version
# of the chain in `events/chain.py`.
SEALED_COLUMNS = (
    "org_id",
    "livemode",
    "id",
    "lane",
    "sequence_number",
    "event_type",
    "created",
    "object_id",
    "actor",
    "address",
    "request_id",
    "idempotency_key",
    "api_version",
    "data",
)

event_heads = Table(
    "event_heads",
    metadata,
    org_id_column(),
    livemode_column(),
    Column("lane", Integer, primary_key=True, autoincrement=False),
    Column("sequence_number", BigInteger, nullable=False),
    Column("event_id", key_text(40), nullable=False),
    Column("row_hash", key_text(HASH_LENGTH), nullable=False),
)

writer_lanes = Table(
    "writer_lanes",
    metadata,
    org_id_column(),
    Column("lane", Integer, primary_key=True, autoincrement=False),
    Column("holder", people_text(80), nullable=False),
    timestamp_column("leased_until"),
)

# How far a reader of the log has come in each chain. Moved on only after what was read has reached where it goes.
log_cursors = Table(
    "log_cursors",
    metadata,
    org_id_column(),
    livemode_column(),
    Column("lane", Integer, primary_key=True, autoincrement=False),
    Column("reader", key_text(60), primary_key=True),
    Column("event_id", key_text(40), nullable=False),
    Column("sequence_number", BigInteger, nullable=False),
)

# Who does what only one process does at a time. Belongs to the installation.
work_leases = Table(
    "work_leases",
    metadata,
    org_id_column(),
    Column("name", key_text(80), primary_key=True),
    Column("holder", people_text(80), nullable=False),
    timestamp_column("until"),
)
