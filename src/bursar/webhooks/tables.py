"""Who is told, what each of them is to be told, each try to tell it, and the numbers that say in which order."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, SmallInteger, Table

from bursar.store.columns import (
    document_text,
    id_column,
    key_text,
    livemode_column,
    metadata,
    org_id_column,
    timestamp_column,
)

webhook_endpoints = Table(
    "webhook_endpoints",
    metadata,
    org_id_column(),
    livemode_column(),
    id_column(),
    Column("version", Integer, nullable=False),
    # enabled, disabled, deleted: a deleted one stays until its deliveries are gone.
    Column("status", key_text(12), nullable=False),
    Column("is_paused", SmallInteger, nullable=False),
    # Raised when deliveries were made due by somebody else than the worker, so that it looks.
    Column("wakes", Integer, nullable=False),
    # Since when nothing has arrived, though it was tried.
    timestamp_column("failing_since", nullable=True),
    Column("disabled_reason", key_text(40), nullable=True),
    timestamp_column("disabled_at", nullable=True),
    Column("secret_sealed", document_text(), nullable=False),
    # After a rotation the previous one signs, too, for a while.
    Column("previous_secret_sealed", document_text(), nullable=True),
    timestamp_column("previous_secret_until", nullable=True),
    # The last event of each lane before it began to listen, as JSON: what is behind those is for it.
    Column("begins_behind", document_text(), nullable=False),
    Column("document", document_text(), nullable=False),
)

# One event for one endpoint. It holds no body: what is sent is made of the log each time, and comes out the same.
webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    org_id_column(),
    livemode_column(),
    id_column("endpoint_id"),
    id_column("event_id"),
    # pending, delivered, dead.
    Column("status", key_text(12), nullable=False),
    Column("event_type", key_text(80), nullable=False),
    # None for an event that was never taken in, and is sent because somebody asked for it.
    Column("sequence_number", BigInteger, nullable=True),
    # Part of the body, so it must stay what it was.
    Column("pending_webhooks", Integer, nullable=False),
    Column("tries", Integer, nullable=False),
    # How many there had been when it was last asked for anew: the schedule begins there.
    Column("tries_before", Integer, nullable=False),
    # When it is due; 0 when nothing is to be done any more.
    Column("next_at", BigInteger, nullable=False),
    timestamp_column("finished_at", nullable=True),
    Column("last_status_code", Integer, nullable=True),
    Column("last_error", key_text(40), nullable=True),
    Index("ix_webhook_deliveries_due", "org_id", "livemode", "endpoint_id", "status", "next_at", "event_id"),
)

webhook_attempts = Table(
    "webhook_attempts",
    metadata,
    org_id_column(),
    livemode_column(),
    id_column("endpoint_id"),
    id_column("event_id"),
    Column("number", Integer, primary_key=True, autoincrement=False),
    timestamp_column("started"),
    Column("latency_milliseconds", Integer, nullable=False),
    Column("status_code", Integer, nullable=True),
    # Why it counts as failed; None when it arrived.
    Column("error", key_text(40), nullable=True),
    # How the answer begins.
    Column("answer", document_text(), nullable=True),
)

# The last number that an event of this organisation and mode was given.
webhook_counters = Table(
    "webhook_counters",
    metadata,
    org_id_column(),
    livemode_column(),
    Column("sequence_number", BigInteger, nullable=False),
)
