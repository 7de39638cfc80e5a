"""What can be allowed: one table. Guards, roles, keys, the API's description and the tests of all routes read it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Permission(NamedTuple):
    name: str
    title: str
    # Whether an API key may have it. What is about people and their rights is for people only.
    keys: bool = True


CATALOGUE = (
    Permission("balance.read", "See balances and their transactions"),
    Permission("charges.read", "See charges"),
    Permission("charges.write", "Change and capture charges"),
    Permission("customers.read", "See customers"),
    Permission("customers.write", "Create, change and delete customers"),
    Permission("disputes.read", "See disputes"),
    Permission("disputes.write", "Answer and close disputes"),
    Permission("events.read", "See events"),
    Permission("payment_intents.read", "See payments"),
    Permission("payment_intents.write", "Take, capture and cancel payments"),
    Permission("payment_methods.read", "See payment methods"),
    Permission("payment_methods.write", "Create, change, attach and detach payment methods"),
    Permission("refunds.read", "See refunds"),
    Permission("refunds.write", "Give refunds"),
    Permission("setup_intents.read", "See setup intents"),
    Permission("setup_intents.write", "Set payment methods up for later"),
    Permission("tokens.read", "See tokens"),
    Permission("tokens.write", "Make tokens"),
    Permission("payment_sessions.read", "See payment sessions"),
    Permission("payment_sessions.write", "Open payment sessions"),
    Permission("transactions.read", "See transactions"),
    Permission("wallets.read", "See wallets, balances and statements"),
    Permission("wallets.write", "Create and change wallets, and set their PINs"),
    Permission("transfers.write", "Move money between wallets"),
    Permission("withdrawals.read", "See withdrawals"),
    Permission("withdrawals.write", "Ask for withdrawals, and cancel them"),
    Permission("withdrawals.approve", "Approve or refuse withdrawals", keys=False),
    Permission("contracts.read", "See contracts with acquirers"),
    Permission("contracts.write", "Change contracts with acquirers", keys=False),
    Permission("webhooks.read", "See webhook endpoints and their deliveries"),
    Permission("webhooks.write", "Create, change and delete webhook endpoints, and send again"),
    Permission("streams.read", "See streams to message brokers, and how they are doing", keys=False),
    Permission("streams.write", "Set streams to message brokers up, change and delete them", keys=False),
    Permission("incoming_webhooks.read", "See what banks have sent, and what became of it"),
    Permission("incoming_webhooks.write", "Process a bank's message again"),
    Permission("limits.read", "See limits of payments and of requests"),
    Permission("limits.write", "Change limits of payments and of requests", keys=False),
    Permission("organisation.read", "See the organisation's profile", keys=False),
    Permission("organisation.write", "Change the organisation's profile", keys=False),
    Permission("members.read", "See members and invitations", keys=False),
    Permission("members.write", "Invite, change and remove members", keys=False),
    Permission("roles.read", "See roles", keys=False),
    Permission("roles.write", "Make and change roles", keys=False),
    Permission("api_keys.read", "See API keys, without the keys themselves", keys=False),
    Permission("api_keys.write", "Create, change, rotate and revoke API keys", keys=False),
    Permission("sign_in.read", "See how people sign in", keys=False),
    Permission("sign_in.write", "Change how people sign in", keys=False),
    Permission("audit.read", "See the audit trail", keys=False),
    Permission("platform.read", "See all organisations", keys=False),
    Permission("platform.write", "Change any organisation's state", keys=False),
)
# Whoever has signed in may do this with what is their own, whatever their role.
SELF = "self"

NAMES = tuple(permission.name for permission in CATALOGUE)
OF_KEYS = frozenset(permission.name for permission in CATALOGUE if permission.keys)

_PLATFORM = frozenset(name for name in NAMES if name.startswith("platform."))
_OF_ORGANISATIONS = frozenset(NAMES) - _PLATFORM
_READS = frozenset(name for name in _OF_ORGANISATIONS if name.endswith(".read"))
_PAYMENTS = (
    "charges",
    "customers",
    "payment_intents",
    "payment_methods",
    "payment_sessions",
    "setup_intents",
    "tokens",
)


def _all_of(groups: Iterable[str]) -> frozenset[str]:
    return frozenset(name for name in NAMES if name.partition(".")[0] in set(groups))


OWNER, ADMIN, PLATFORM_ADMIN = "owner", "admin", "platform_admin"
# The roles that every organisation has; it may make others of the same permissions.
ROLES: dict[str, frozenset[str]] = {
    OWNER: _OF_ORGANISATIONS,
    # Everything but who owns the organisation: that owners appoint owners is a rule of memberships.
    ADMIN: _OF_ORGANISATIONS,
    "developer": (_READS - {"audit.read", "withdrawals.read"})
    | _all_of((*_PAYMENTS, "api_keys", "refunds", "disputes", "events", "incoming_webhooks", "streams", "webhooks")),
    "finance": (_READS - {"api_keys.read", "sign_in.read", "roles.read"})
    | _all_of(("balance", "disputes", "refunds", "transfers", "wallets", "withdrawals")),
    "support": frozenset(
        {
            "charges.read",
            "disputes.read",
            "events.read",
            "payment_intents.read",
            "payment_methods.read",
            "payment_sessions.read",
            "setup_intents.read",
            "transactions.read",
            "organisation.read",
        }
    )
    | _all_of(("customers", "refunds")),
    "viewer": _READS - {"api_keys.read", "audit.read", "members.read", "roles.read", "sign_in.read"},
}
# Of the installation, not of an organisation: sees everything, and changes no organisation's payments.
PLATFORM_ADMIN_PERMISSIONS = _PLATFORM | _READS
