from __future__ import annotations

from sqlalchemy import Column, Index, Integer, SmallInteger, Table

from bursar.store.columns import (
    document_text,
    id_column,
    key_text,
    metadata,
    org_id_column,
    people_text,
    timestamp_column,
)

organisations = Table(
    "organisations",
    metadata,
    org_id_column(),
    Column("name", people_text(200), nullable=False),
    timestamp_column("created"),
    # The defaults are of organisations that were made before there were these; every new one brings its own.
    Column("version", Integer, nullable=False, server_default="1"),
    # What it is searched by.
    Column("name_folded", people_text(400), nullable=False, server_default="?"),
    Column("code", key_text(20), nullable=False, server_default="?"),
    Column("category", people_text(60), nullable=False, server_default="general"),
    Column("country", key_text(2), nullable=True),
    Column("currency", key_text(3), nullable=False, server_default="usd"),
    timestamp_column("suspended", nullable=True),
)

# From the code that is printed to whom it belongs. Of the installation: whoever has a code knows no more.
organisation_codes = Table(
    "organisation_codes",
    metadata,
    org_id_column(),
    Column("code", key_text(20), primary_key=True),
    Column("organisation", key_text(40), nullable=False),
)

# Only what an organisation has changed: the rest is the defaults of the version that runs.
organisation_terms = Table(
    "organisation_terms",
    metadata,
    org_id_column(),
    Column("version", Integer, nullable=False),
    Column("document", document_text(), nullable=False),
)

own_roles = Table(
    "own_roles",
    metadata,
    org_id_column(),
    id_column(),
    Column("version", Integer, nullable=False),
    Column("document", document_text(), nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    org_id_column(),
    id_column(),
    Column("livemode", SmallInteger, nullable=False),
    Column("kind", key_text(20), nullable=False),
    Column("name", people_text(200), nullable=False),
    # A keyed hash of the key; the key itself is shown once and kept nowhere.
    Column("key_hash", key_text(64), nullable=False),
    Column("hint", key_text(24), nullable=False),
    Column("permissions", document_text(), nullable=False),
    timestamp_column("created"),
    timestamp_column("expires", nullable=True),
    timestamp_column("revoked", nullable=True),
    Column("version", Integer, nullable=False, server_default="1"),
    # From where it may be used, as JSON; null for anywhere.
    Column("addresses", document_text(), nullable=True),
    timestamp_column("last_used", nullable=True),
    Column("last_used_address", key_text(64), nullable=True),
    # Not unique, as a caller is looked up before its organisation is known; 256 bits never meet by chance.
    Index("ix_api_keys_hash", "key_hash"),
)
