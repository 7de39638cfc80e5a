from __future__ import annotations

from sqlalchemy import Column, Integer, Table

from bursar.store.columns import (
    document_text,
    id_column,
    livemode_column,
    metadata,
    org_id_column,
    people_text,
)

# Longer texts are searched by their beginning.
SEARCHED_LENGTH_MAX = 256

customers = Table(
    "customers",
    metadata,
    org_id_column(),
    livemode_column(),
    id_column(),
    Column("version", Integer, nullable=False),
    Column("email", people_text(512), nullable=True),
    # Folded to one case, for searches by a part of the text; the document has them as they were given.
    Column("email_folded", people_text(SEARCHED_LENGTH_MAX), nullable=True),
    Column("name_folded", people_text(SEARCHED_LENGTH_MAX), nullable=True),
    Column("phone_folded", people_text(SEARCHED_LENGTH_MAX), nullable=True),
    Column("document", document_text(), nullable=False),
)

# What remains of a deleted customer: that it was. Its personal data is gone.
deleted_customers = Table("deleted_customers", metadata, org_id_column(), livemode_column(), id_column())
