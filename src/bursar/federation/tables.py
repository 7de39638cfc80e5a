"""Providers and whom they know. Both belong to the installation: whoever names a person must be trusted by all."""

from __future__ import annotations

from sqlalchemy import Column, Integer, Table

from bursar.store.columns import (
    document_text,
    id_column,
    key_text,
    metadata,
    org_id_column,
    timestamp_column,
)

SUBJECT_HASH_LENGTH = 64

sign_in_providers = Table(
    "sign_in_providers",
    metadata,
    org_id_column(),
    id_column(),
    Column("version", Integer, nullable=False),
    # The client's secret, sealed and bound to the provider's id.
    Column("sealed_secret", document_text(), nullable=True),
    Column("document", document_text(), nullable=False),
    timestamp_column("created"),
)

# Who a provider's subject is here. Subjects are long and of any characters, so they are found by a hash.
identities = Table(
    "identities",
    metadata,
    org_id_column(),
    Column("provider_id", key_text(40), primary_key=True),
    Column("subject_hash", key_text(SUBJECT_HASH_LENGTH), primary_key=True),
    Column("user_id", key_text(40), nullable=False),
    timestamp_column("created"),
    timestamp_column("seen"),
)
