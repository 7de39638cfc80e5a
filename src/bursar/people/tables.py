"""People, their sessions, and what keeps both safe. All of it belongs to the installation."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, SmallInteger, Table, UniqueConstraint

from bursar.people.rules import EMAIL_LENGTH_MAX, LOCALE_LENGTH_MAX, NAME_LENGTH_MAX
from bursar.store.columns import (
    document_text,
    id_column,
    key_text,
    metadata,
    org_id_column,
    people_text,
    timestamp_column,
)

HASH_LENGTH = 64
PASSWORD_HASH_LENGTH_MAX = 255
ADDRESS_LENGTH_MAX = 64
USER_AGENT_LENGTH_MAX = 300
METHODS_LENGTH_MAX = 200


users = Table(
    "users",
    metadata,
    org_id_column(),
    id_column(),
    # In the one spelling that it is found by.
    Column("email", people_text(EMAIL_LENGTH_MAX), nullable=False),
    Column("name", people_text(NAME_LENGTH_MAX), nullable=False),
    Column("password_hash", key_text(PASSWORD_HASH_LENGTH_MAX), nullable=True),
    Column("email_verified", SmallInteger, nullable=False),
    Column("platform_admin", SmallInteger, nullable=False),
    Column("disabled", SmallInteger, nullable=False),
    Column("locale", key_text(LOCALE_LENGTH_MAX), nullable=True),
    timestamp_column("created"),
    Column("version", BigInteger, nullable=False),
    UniqueConstraint("org_id", "email"),
)

sessions = Table(
    "sessions",
    metadata,
    org_id_column(),
    id_column(),
    Column("user_id", key_text(40), nullable=False),
    # Where the person acts at the moment, if anywhere.
    Column("organisation", key_text(40), nullable=True),
    # How they proved who they are, by commas.
    Column("methods", key_text(METHODS_LENGTH_MAX), nullable=False),
    # A keyed hash of the cookie, for browsers.
    Column("cookie_hash", key_text(HASH_LENGTH), nullable=True),
    Column("remembered", SmallInteger, nullable=False),
    timestamp_column("created"),
    timestamp_column("proved_at"),
    timestamp_column("seen"),
    timestamp_column("expires"),
    timestamp_column("ended", nullable=True),
    Column("address", key_text(ADDRESS_LENGTH_MAX), nullable=True),
    Column("user_agent", key_text(USER_AGENT_LENGTH_MAX), nullable=True),
    Index("ix_sessions_user", "org_id", "user_id", "id"),
    Index("ix_sessions_cookie", "org_id", "cookie_hash"),
    Index("ix_sessions_expires", "org_id", "expires"),
)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    org_id_column(),
    Column("token_hash", key_text(HASH_LENGTH), primary_key=True),
    Column("session_id", key_text(40), nullable=False),
    timestamp_column("created"),
    timestamp_column("expires"),
    # When it was exchanged for its successor.
    timestamp_column("used", nullable=True),
    Index("ix_refresh_tokens_expires", "org_id", "expires"),
)

signing_keys = Table(
    "signing_keys",
    metadata,
    org_id_column(),
    # Counted up, so that of two processes that make the next key only one can.
    Column("key_number", Integer, primary_key=True, autoincrement=False),
    Column("kid", key_text(64), nullable=False),
    Column("sealed", document_text(), nullable=False),
    timestamp_column("created"),
    # It signs from then on until its successor does.
    timestamp_column("signs_from"),
)

# How often somebody was wrong of late: by account, by address, by the place that an account is known to come from.
sign_in_failures = Table(
    "sign_in_failures",
    metadata,
    org_id_column(),
    Column("subject_hash", key_text(HASH_LENGTH), primary_key=True),
    Column("failures", Integer, nullable=False),
    timestamp_column("changed"),
    timestamp_column("locked_until"),
    Column("version", BigInteger, nullable=False),
    Index("ix_sign_in_failures_changed", "org_id", "changed"),
)

# Addresses and devices where somebody has signed in: a lock-out that others caused does not reach there.
sign_in_places = Table(
    "sign_in_places",
    metadata,
    org_id_column(),
    Column("user_id", key_text(40), primary_key=True),
    Column("place_hash", key_text(HASH_LENGTH), primary_key=True),
    timestamp_column("seen"),
    Index("ix_sign_in_places_seen", "org_id", "seen"),
)

one_time_tokens = Table(
    "one_time_tokens",
    metadata,
    org_id_column(),
    Column("token_hash", key_text(HASH_LENGTH), primary_key=True),
    Column("purpose", key_text(40), nullable=False),
    Column("subject", document_text(), nullable=False),
    timestamp_column("created"),
    timestamp_column("expires"),
    timestamp_column("used", nullable=True),
    Index("ix_one_time_tokens_expires", "org_id", "expires"),
)
