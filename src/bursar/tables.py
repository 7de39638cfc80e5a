"""Every table that there is. Importing a table is what makes it known to the schema, so all are named here."""

from bursar.accounts import tables as accounts
from bursar.attempts import tables as attempts
from bursar.customers import tables as customers
from bursar.disputes import tables as disputes
from bursar.events import tables as events
from bursar.hooks import tables as hooks
from bursar.http import idempotency
from bursar.ledger import tables as ledger
from bursar.methods import tables as methods
from bursar.payments import tables as payments
from bursar.refunds import tables as refunds
from bursar.setup_intents import tables as setup_intents
from bursar.store import search_index
from bursar.store.columns import metadata
from bursar.three_d_secure import tables as three_d_secure
from bursar.vault import tables as vault

__all__ = [
    "accounts",
    "attempts",
    "customers",
    "disputes",
    "events",
    "hooks",
    "idempotency",
    "ledger",
    "metadata",
    "methods",
    "payments",
    "refunds",
    "search_index",
    "setup_intents",
    "three_d_secure",
    "vault",
]
