from __future__ import annotations

from sqlalchemy import Column, Integer, Table

from bursar.store.columns import (
    id_column,
    key_text,
    livemode_column,
    metadata,
    org_id_column,
    timestamp_column,
)

KEY_ID_LENGTH = 16
# Base64 of a nonce, 12 to 19 digits and a tag; and of a nonce, a key of 32 bytes and a tag.
SEALED_LENGTH = 64
WRAPPED_LENGTH = 80

vault_cards = Table(
    "vault_cards",
    metadata,
    org_id_column(),
    livemode_column(),
    # The id of the payment method or token that the number belongs to.
    id_column(),
    # Which of the organisation's data keys it is sealed under.
    Column("key_version", Integer, nullable=False),
    Column("sealed", key_text(SEALED_LENGTH), nullable=False),
)

# The keys that card numbers are sealed under, themselves wrapped by a key that is not in the database.
data_keys = Table(
    "data_keys",
    metadata,
    org_id_column(),
    livemode_column(),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("wrapped", key_text(WRAPPED_LENGTH), nullable=False),
    # Names the key that wraps this one; tells nothing of it.
    Column("kek_id", key_text(KEY_ID_LENGTH), nullable=False),
    timestamp_column("created"),
    Column("state", key_text(10), nullable=False),
)
