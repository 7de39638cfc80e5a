from __future__ import annotations

from sqlalchemy import Column, Index, Integer, Table

from bursar.store.columns import document_text, id_column, key_text, livemode_column, metadata, org_id_column

setup_intents = Table(
    "setup_intents",
    metadata,
    org_id_column(),
    livemode_column(),
    id_column(),
    Column("version", Integer, nullable=False),
    Column("status", key_text(24), nullable=False),
    Column("customer", key_text(40), nullable=True),
    Column("payment_method", key_text(40), nullable=True),
    # The operation at the bank that is going on. While there is one, nothing else may change the setup.
    Column("attempt_id", key_text(40), nullable=True),
    # The customer's authentication that it waits for.
    Column("authentication_id", key_text(40), nullable=True),
    Column("document", document_text(), nullable=False),
)
_of_customer = setup_intents.c.customer.is_not(None)
Index(
    "ix_setup_intents_customer",
    setup_intents.c.org_id,
    setup_intents.c.livemode,
    setup_intents.c.customer,
    setup_intents.c.id,
    sqlite_where=_of_customer,
    postgresql_where=_of_customer,
)
_of_method = setup_intents.c.payment_method.is_not(None)
Index(
    "ix_setup_intents_method",
    setup_intents.c.org_id,
    setup_intents.c.livemode,
    setup_intents.c.payment_method,
    setup_intents.c.id,
    sqlite_where=_of_method,
    postgresql_where=_of_method,
)
