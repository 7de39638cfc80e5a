"""What banks have sent, which of their events counted when, and the settlements that they have announced."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, SmallInteger, Table

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

ACCOUNT_LENGTH = 100

# Each message as it came, and what became of it.
incoming_webhooks = Table(
    "incoming_webhooks",
    metadata,
    org_id_column(),
    livemode_column(),
    id_column(),
    Column("connector", key_text(40), nullable=False),
    Column("account", key_text(ACCOUNT_LENGTH), nullable=False),
    Column("state", key_text(14), nullable=False),
    # Of its first event; none where it could not be read.
    Column("kind", key_text(40), nullable=True),
    timestamp_column("received"),
    # When it is due. Whoever processes it moves this ahead and is known by it, so that nobody else does meanwhile.
    timestamp_column("next_at", nullable=True),
    Column("tries", Integer, nullable=False),
    timestamp_column("finished", nullable=True),
    Column("reason", document_text(), nullable=True),
    Column("sender", people_text(64), nullable=True),
    Column("request_id", key_text(40), nullable=True),
    # Operations of ours that it names, separated by commas.
    Column("named", key_text(130), nullable=True),
    Column("body_length", Integer, nullable=False),
    Column("body_digest", key_text(64), nullable=False),
    # Whether the text is the body byte by byte: what is secret was taken out of others.
    Column("is_exact", SmallInteger, nullable=False),
    Column("headers_document", document_text(), nullable=True),
    Column("body_text", document_text(), nullable=True),
    # What the connector has read in it, after it had verified the signature.
    Column("events_document", document_text(), nullable=False),
    Index("ix_incoming_webhooks_due", "state", "next_at"),
    Index("ix_incoming_webhooks_state", "org_id", "livemode", "state", "id"),
)

# The key is what makes an event count once, in the commit of its effect.
incoming_webhook_events = Table(
    "incoming_webhook_events",
    metadata,
    org_id_column(),
    livemode_column(),
    id_column("connector"),
    Column("account", key_text(ACCOUNT_LENGTH), primary_key=True),
    Column("event_id", key_text(100), primary_key=True),
    # The message that it counted by; none for what came before messages were kept.
    Column("webhook_id", key_text(40), nullable=True),
    Column("kind", key_text(40), nullable=False),
    Column("state", key_text(12), nullable=False),
    timestamp_column("received"),
    Column("note", document_text(), nullable=True),
)

announced_settlements = Table(
    "announced_settlements",
    metadata,
    org_id_column(),
    livemode_column(),
    id_column("connector"),
    Column("account", key_text(ACCOUNT_LENGTH), primary_key=True),
    Column("settlement_id", key_text(100), primary_key=True),
    timestamp_column("announced"),
    Column("document", document_text(), nullable=False),
)
