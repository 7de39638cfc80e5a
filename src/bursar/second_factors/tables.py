"""What belongs to a person belongs to the installation: one may work for several organisations."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, SmallInteger, Table, UniqueConstraint

from bursar.store.columns import (
    document_text,
    id_column,
    key_text,
    metadata,
    org_id_column,
    people_text,
    timestamp_column,
)

HASH_LENGTH = 64  # SHA-256 in hexadecimal
CHANNEL_LENGTH, PURPOSE_LENGTH = 8, 16
RECIPIENT_LENGTH = 254

totp_secrets = Table(
    "totp_secrets",
    metadata,
    org_id_column(),
    id_column("user_id"),
    Column("sealed", document_text(), nullable=False),
    timestamp_column("created"),
    # Until a first right code came, it counts for nothing.
    timestamp_column("confirmed", nullable=True),
    # The half minute of the last code that was taken: neither it nor an older one is taken again.
    Column("last_step", BigInteger, nullable=False),
)

# One row for all codes of somebody: of two that use or replace them at once, one finds another version.
recovery_codes = Table(
    "recovery_codes",
    metadata,
    org_id_column(),
    id_column("user_id"),
    Column("version", BigInteger, nullable=False),
    # Keyed hashes of those that were not used yet, as JSON.
    Column("hashes", document_text(), nullable=False),
    timestamp_column("created"),
)

passkeys = Table(
    "passkeys",
    metadata,
    org_id_column(),
    id_column("user_id"),
    id_column(),
    # The credential's own id has up to 1,023 bytes, more than a key's column holds everywhere.
    Column("credential_hash", key_text(HASH_LENGTH), nullable=False),
    Column("credential_id", document_text(), nullable=False),
    Column("public_key", document_text(), nullable=False),
    # How often the authenticator says it was used; rises, or stays 0 with those that do not count.
    Column("sign_count", BigInteger, nullable=False),
    Column("name", people_text(100), nullable=False),
    Column("transports", document_text(), nullable=False),
    Column("backed_up", SmallInteger, nullable=False),
    timestamp_column("created"),
    timestamp_column("last_used", nullable=True),
    UniqueConstraint("org_id", "credential_hash", name="uq_passkeys_credential"),
)

# Where somebody has codes sent to, once a code that went there was right.
code_factors = Table(
    "code_factors",
    metadata,
    org_id_column(),
    id_column("user_id"),
    Column("channel", key_text(CHANNEL_LENGTH), primary_key=True),
    Column("recipient", people_text(RECIPIENT_LENGTH), nullable=False),
    timestamp_column("created"),
)

# One for each purpose of somebody: a newer code replaces the older.
sent_codes = Table(
    "sent_codes",
    metadata,
    org_id_column(),
    id_column("user_id"),
    Column("purpose", key_text(PURPOSE_LENGTH), primary_key=True),
    Column("channel", key_text(CHANNEL_LENGTH), nullable=False),
    Column("recipient", people_text(RECIPIENT_LENGTH), nullable=False),
    Column("code_hash", key_text(HASH_LENGTH), nullable=False),
    # Wrong ones so far.
    Column("tries", Integer, nullable=False),
    timestamp_column("created"),
    timestamp_column("expires"),
    Index("ix_sent_codes_expires", "org_id", "expires"),
)

# Challenges carry their own proof and are stored nowhere, so asking for one fills no table. Those that were
# answered are kept until they would be too old anyway, so that no answer is taken twice.
spent_challenges = Table(
    "spent_challenges",
    metadata,
    org_id_column(),
    Column("challenge_hash", key_text(HASH_LENGTH), primary_key=True),
    timestamp_column("expires"),
    Index("ix_spent_challenges_expires", "org_id", "expires"),
)
