"""Every table that there is. Importing a table is what makes it known to the schema, so all are named here."""

from bursar.accounts import tables as accounts
from bursar.attempts import tables as attempts
from bursar.contracts import tables as contracts
from bursar.customers import tables as customers
from bursar.disputes import tables as disputes
from bursar.events import tables as events
from bursar.federation import tables as federation
from bursar.hooks import tables as hooks
from bursar.http import idempotency
from bursar.ledger import tables as ledger
from bursar.memberships import tables as memberships
from bursar.methods import tables as methods
from bursar.notifications import tables as notifications
from bursar.payment_sessions import tables as payment_sessions
from bursar.payments import tables as payments
from bursar.people import tables as people
from bursar.processes import tables as processes
from bursar.refunds import tables as refunds
from bursar.second_factors import tables as second_factors
from bursar.setup_intents import tables as setup_intents
from bursar.store import search_index
from bursar.store.columns import metadata
from bursar.streams import tables as streams
from bursar.three_d_secure import tables as three_d_secure
from bursar.vault import tables as vault
from bursar.wallets import tables as wallets
from bursar.webhooks import tables as webhooks
from bursar.withdrawals import tables as withdrawals

__all__ = [
    "accounts",
    "attempts",
    "contracts",
    "customers",
    "disputes",
    "events",
    "federation",
    "hooks",
    "idempotency",
    "ledger",
    "memberships",
    "metadata",
    "methods",
    "notifications",
    "payment_sessions",
    "payments",
    "people",
    "processes",
    "refunds",
    "search_index",
    "second_factors",
    "setup_intents",
    "streams",
    "three_d_secure",
    "vault",
    "wallets",
    "webhooks",
    "withdrawals",
]
