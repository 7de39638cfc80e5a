from __future__ import annotations

from sqlalchemy import Column, Integer, SmallInteger, Table

from bursar.store.columns import (
    document_text,
    id_column,
    key_text,
    livemode_column,
    metadata,
    org_id_column,
)

payment_methods = Table(
    "payment_methods",
    metadata,
    org_id_column(),
    livemode_column(),
    id_column(),
    Column("version", Integer, nullable=False),
    # new, attached or detached: what was detached can never be used again.
    Column("state", key_text(10), nullable=False),
    Column("allow_redisplay", key_text(12), nullable=False),
    # Whether the cardholder agreed to payments that are made without them: their bank is told with every payment.
    Column("agreed", SmallInteger, nullable=False),
    Column("document", document_text(), nullable=False),
)

# Which methods a customer has. A table of its own, as most methods pay once and never belong to anybody.
customer_methods = Table(
    "customer_methods",
    metadata,
    org_id_column(),
    livemode_column(),
    id_column("customer_id"),
    id_column("method_id"),
    # The key is all there is: one tree instead of two.
    sqlite_with_rowid=False,
)

tokens = Table(
    "tokens",
    metadata,
    org_id_column(),
    livemode_column(),
    id_column(),
    Column("used", SmallInteger, nullable=False),
    Column("document", document_text(), nullable=False),
)
