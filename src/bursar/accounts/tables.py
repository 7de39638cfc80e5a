from __future__ import annotations

from sqlalchemy import Column, Index, SmallInteger, Table

from bursar.store.columns import (
    document_text,
    id_column,
    key_text,
    metadata,
    org_id_column,
    people_text,
    timestamp_column,
)

organisations = Table(
    "organisations",
    metadata,
    org_id_column(),
    Column("name", people_text(200), nullable=False),
    timestamp_column("created"),
)

api_keys = Table(
    "api_keys",
    metadata,
    org_id_column(),
    id_column(),
    Column("livemode", SmallInteger, nullable=False),
    Column("kind", key_text(20), nullable=False),
    Column("name", people_text(200), nullable=False),
    # A keyed hash of the key; the key itself is shown once and kept nowhere.
    Column("key_hash", key_text(64), nullable=False),
    Column("hint", key_text(24), nullable=False),
    Column("permissions", document_text(), nullable=False),
    timestamp_column("created"),
    timestamp_column("expires", nullable=True),
    timestamp_column("revoked", nullable=True),
    # Not unique, as a caller is looked up before its organisation is known; 256 bits never meet by chance.
    Index("ix_api_keys_hash", "key_hash"),
)
