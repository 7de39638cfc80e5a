"""The names of accounts. The name is all that there is of an account; its postings make it.

`wallet:main:usd:pending:2026-01-17`  the merchant's money that becomes available on that day
`wallet:main:usd:available`           the merchant's money that can be paid out
`wallet:main:usd:reserved`            set aside, for a payout that waits or a risk
`wallet:main:usd:authorised`          promised by authorisations and not captured; no money yet
`acquirer:piggybank:usd:receivable`   captured less refunded: what the acquirer owes for payments (a debit)
`acquirer:piggybank:usd:fees`         what the acquirer keeps of it
`acquirer:piggybank:usd:holds`        counterpart of `authorised`: what the acquirer holds on cards (a debit)
`acquirer:piggybank:usd:disputes`     what the acquirer took back for disputes
`clearing:wallets:usd:due`            on its way between wallets, also to another organisation's: 0 over all of them
`clearing:transfers:usd:due`          on its way between wallets of the organisation: always 0
`clearing:fees:usd:due`               service fees on their way to the main wallet: always 0
`payouts:banks:usd:in_transit`        on its way to a bank account of the organisation

Pending money is kept apart by the day on which it becomes available. So no index by that day is needed, the
release is one posting for each day, and what is available follows from the clock even before it has run.
"""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache

from bursar.kit.clock import MICROSECONDS_PER_SECOND

MAIN_WALLET = "main"
ACCOUNT_LENGTH_MAX = 80
DAY_SECONDS = 86_400
DAY_MICROSECONDS = DAY_SECONDS * MICROSECONDS_PER_SECOND
# The character behind the colon: everything that begins with a prefix sorts before the prefix with this at its end.
PAST_COLON = ";"
WALLETS = "wallet:"
CLEARING = "clearing:"
BETWEEN_WALLETS = "clearing:wallets:"

_EPOCH = date(1970, 1, 1).toordinal()
_OWNER = "[A-Za-z0-9_-]{1,40}"
_NAME = re.compile(
    rf"wallet:{_OWNER}:[a-z]{{3}}:(available|reserved|authorised|pending:\d{{4}}-\d\d-\d\d)"
    rf"|acquirer:{_OWNER}:[a-z]{{3}}:(receivable|fees|holds|disputes)"
    r"|clearing:(wallets|transfers|fees):[a-z]{3}:due|payouts:banks:[a-z]{3}:in_transit"
)


def available(wallet: str, currency: str) -> str:
    return f"wallet:{wallet}:{currency}:available"


def reserved(wallet: str, currency: str) -> str:
    return f"wallet:{wallet}:{currency}:reserved"


def authorised(wallet: str, currency: str) -> str:
    return f"wallet:{wallet}:{currency}:authorised"


def pending(wallet: str, currency: str, day: int) -> str:
    return f"wallet:{wallet}:{currency}:pending:{day_text(day)}"


def receivable(connector: str, currency: str) -> str:
    return f"acquirer:{connector}:{currency}:receivable"


def fees(connector: str, currency: str) -> str:
    return f"acquirer:{connector}:{currency}:fees"


def holds(connector: str, currency: str) -> str:
    return f"acquirer:{connector}:{currency}:holds"


def disputes(connector: str, currency: str) -> str:
    return f"acquirer:{connector}:{currency}:disputes"


def wallets_due(currency: str) -> str:
    return f"clearing:wallets:{currency}:due"


def transfers_due(currency: str) -> str:
    return f"clearing:transfers:{currency}:due"


def fees_due(currency: str) -> str:
    return f"clearing:fees:{currency}:due"


def in_transit(currency: str) -> str:
    return f"payouts:banks:{currency}:in_transit"


def day_of(microseconds: int) -> int:
    """Days since 1970, UTC."""
    return microseconds // DAY_MICROSECONDS


@lru_cache(maxsize=1024)
def day_text(day: int) -> str:
    """As in account names, whose order is then that of the days."""
    return date.fromordinal(_EPOCH + day).isoformat()


def day_from_text(text: str) -> int:
    return date.fromisoformat(text).toordinal() - _EPOCH


def due_day(account: str) -> int | None:
    """When the money of a pending account becomes available; None for every other account."""
    head, marker, day = account.rpartition(":pending:")
    return day_from_text(day) if marker and head.startswith(WALLETS) else None


@lru_cache(maxsize=4096)
def currency_of(account: str) -> str | None:
    """The currency of a well-formed name, None for anything else."""
    if len(account) > ACCOUNT_LENGTH_MAX or _NAME.fullmatch(account) is None:
        return None
    return account.split(":", 3)[2]


def owner_of(account: str) -> str:
    """Which wallet or acquirer."""
    return account.split(":", 2)[1]


def holds_money(account: str) -> bool:
    """Whether it counts towards the balance: authorisations are promises only, and what is reserved is given away."""
    return account.startswith(WALLETS) and not account.endswith((":authorised", ":reserved"))
