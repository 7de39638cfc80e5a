from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, Table

from bursar.store.columns import (
    document_text,
    id_column,
    key_text,
    livemode_column,
    metadata,
    org_id_column,
    timestamp_column,
)

STATE_LENGTH = 12

attempts = Table(
    "attempts",
    metadata,
    org_id_column(),
    livemode_column(),
    # Also what the bank knows the operation by.
    id_column(),
    Column("kind", key_text(12), nullable=False),
    Column("subject_id", key_text(40), nullable=False),
    Column("state", key_text(STATE_LENGTH), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", key_text(3), nullable=False),
    # The fencing token: whoever takes the attempt over raises it, and only its holder can settle.
    Column("fence", Integer, nullable=False),
    Column("tries", Integer, nullable=False),
    # When somebody must look at it; empty once nothing is open.
    timestamp_column("next_look", nullable=True),
    Column("bank_reference", key_text(100), nullable=True),
    Column("order_document", document_text(), nullable=False),
    Column("outcome_document", document_text(), nullable=True),
)

_open = attempts.c.next_look.is_not(None)
# Begins with the time and not with the organisation: the resolver looks for what is due in all of them at once.
Index("ix_attempts_next_look", attempts.c.next_look, attempts.c.org_id, sqlite_where=_open, postgresql_where=_open)
