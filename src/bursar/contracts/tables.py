from __future__ import annotations

from sqlalchemy import Column, Integer, Table

from bursar.store.columns import id_column, key_text, livemode_column, metadata, org_id_column, timestamp_column

contracts = Table(
    "contracts",
    metadata,
    org_id_column(),
    livemode_column(),
    id_column("acquirer"),
    Column("version", Integer, nullable=False),
    Column("status", key_text(12), nullable=False),
    timestamp_column("created"),
    timestamp_column("ended", nullable=True),
)
