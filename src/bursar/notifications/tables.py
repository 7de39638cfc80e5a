"""The outbox, and what decides what goes into it."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, Table

from bursar.people.rules import EMAIL_LENGTH_MAX
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

PROBLEM_LENGTH_MAX = 300

# One message to one recipient. Its id follows from the event and the recipient, so that no event makes it twice.
notification_messages = Table(
    "notification_messages",
    metadata,
    org_id_column(),
    livemode_column(),
    id_column(),
    # The event of the log that it tells of.
    Column("event_id", key_text(40), nullable=False),
    Column("channel", key_text(10), nullable=False),
    Column("template", key_text(40), nullable=False),
    Column("language", key_text(10), nullable=False),
    # An address, a telephone number, or the id of a target.
    Column("recipient", people_text(EMAIL_LENGTH_MAX), nullable=False),
    Column("user_id", key_text(40), nullable=True),
    # What the template shows, as JSON: nothing secret, and no card's number.
    Column("data", document_text(), nullable=False),
    # A link's token or a code, sealed; gone as soon as nothing is to be sent any more.
    Column("sealed", document_text(), nullable=True),
    # waiting, waiting_for_settings, gathered, digested, sent, failed.
    Column("state", key_text(24), nullable=False),
    Column("tries", Integer, nullable=False),
    # When it is looked at next; of one that is done with, when it makes room.
    Column("next_at", BigInteger, nullable=False),
    Column("problem", people_text(PROBLEM_LENGTH_MAX), nullable=True),
    timestamp_column("created"),
    # What comes later than this is of no use any more.
    timestamp_column("expires"),
    timestamp_column("finished", nullable=True),
    Index("ix_notification_messages_due", "state", "next_at"),
)

# How an organisation's messages look, and which its customers get. Belongs to both modes.
notification_brandings = Table(
    "notification_brandings",
    metadata,
    org_id_column(),
    Column("document", document_text(), nullable=False),
    Column("version", BigInteger, nullable=False),
)

# What one person wants to be told of one organisation, where it is not the default.
notification_preferences = Table(
    "notification_preferences",
    metadata,
    org_id_column(),
    id_column("user_id"),
    Column("document", document_text(), nullable=False),
    Column("version", BigInteger, nullable=False),
)

# Where else notices go: a chat, a pager, a telephone.
notification_targets = Table(
    "notification_targets",
    metadata,
    org_id_column(),
    id_column(),
    Column("document", document_text(), nullable=False),
    # The service's address with its credentials.
    Column("sealed", document_text(), nullable=False),
)
