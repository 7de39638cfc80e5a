"""Every table that there is. Importing a table is what makes it known to the schema, so all are named here."""

from bursar.accounts import tables as accounts
from bursar.customers import tables as customers
from bursar.events import tables as events
from bursar.http import idempotency
from bursar.store import search_index
from bursar.store.columns import metadata

__all__ = ["accounts", "customers", "events", "idempotency", "metadata", "search_index"]
