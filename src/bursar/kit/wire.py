"""Facts of the wire that several layers must agree on."""

from __future__ import annotations

# The release of the official SDKs' API whose shapes `/v1` answers in.
API_VERSION = "2026-10-28.endive"

# What a restricted key may be allowed. Every endpoint needs exactly one of these.
PERMISSIONS = (
    "balance.read",
    "charges.read",
    "charges.write",
    "customers.read",
    "customers.write",
    "disputes.read",
    "disputes.write",
    "events.read",
    "payment_intents.read",
    "payment_intents.write",
    "payment_methods.read",
    "payment_methods.write",
    "refunds.read",
    "refunds.write",
    "setup_intents.read",
    "setup_intents.write",
    "tokens.read",
    "tokens.write",
)
