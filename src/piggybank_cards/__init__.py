"""The test cards and what each makes the bank do: one table for the bank, the platform, tests and documents.

Nothing is read before the first card is asked for.
"""

from __future__ import annotations

from functools import cache
from typing import ClassVar, Literal

import msgspec

from piggybank_cards.declines import RESPONSE_CODES as RESPONSE_CODES
from piggybank_cards.luhn import check_digit

Brand = Literal["visa", "mastercard", "amex", "discover", "diners", "jcb", "unionpay"]
Funding = Literal["credit", "debit", "prepaid"]
Check = Literal["pass", "fail", "unchecked"]
Risk = Literal["normal", "elevated", "highest", "blocked"]
Dispute = Literal["fraudulent", "product_not_received", "inquiry", "fraud_warning", "multiple"]
ThreeDSecure = Literal[
    "not_supported",  # the brand knows no authentication: the payment goes on without
    "not_enrolled",  # it may be attempted, and nobody is asked: an ordinary card
    "optional",  # a challenge only where the merchant asks for one
    "required",  # always, also off-session, however the card was saved
    "required_unless_set_up",  # on-session always; off-session only if the cardholder never agreed
    "required_on_session",  # on-session always, off-session never: it counts as agreed already
]

PAYMENT_METHOD_PREFIX = "pm_card_"
TOKEN_PREFIX = "tok_"  # noqa: S105 - the beginning of a name, no secret
# Cards outside the table that decline with a code each: these digits, two for the code's row, the check digit.
DECLINE_CARD_PREFIX = "4000009900000"


class TestCard(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A card number that everybody knows, and how the bank behaves for it. Null means: as any other card."""

    __test__: ClassVar[bool] = False  # pytest would take it for a class of tests

    number: str
    suffixes: tuple[str, ...] = ()
    brand: Brand = "visa"
    funding: Funding = "credit"
    country: str = "US"
    # A row of the table of declines. A charge is declined; a verification only if the card cannot be attached.
    decline: str | None = None
    attachable: bool = True
    # Only of what was given: a check of nothing is no check.
    cvc_check: Check | None = None
    line1_check: Check | None = None
    postal_check: Check | None = None
    risk: Risk = "normal"
    dispute: Dispute | None = None
    refund: Literal["pending", "failed"] | None = None
    # What is captured counts as available at once.
    bypass_pending: bool = False
    three_d_secure: ThreeDSecure = "not_enrolled"
    # Authentication succeeds and the charge is declined none the less.
    decline_after_authentication: str | None = None
    # The issuer authenticates without asking anybody.
    frictionless: bool = False


ALL: tuple[TestCard, ...]  # made by `__getattr__` at its first use, as are the other two
DECLINE_CARDS: tuple[TestCard, ...]


def __getattr__(name: str) -> tuple[TestCard, ...]:
    if name == "ALL":
        return _all()
    if name == "DECLINE_CARDS":
        return _decline_cards()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def by_number(number: str) -> TestCard | None:
    """Also the cards that decline with a code each."""
    return _numbers().get(number)


def by_payment_method(name: str) -> TestCard | None:
    """`pm_card_visa`"""
    return _suffixes().get(name[len(PAYMENT_METHOD_PREFIX) :]) if name.startswith(PAYMENT_METHOD_PREFIX) else None


def by_token(name: str) -> TestCard | None:
    """`tok_visa`"""
    return _suffixes().get(name[len(TOKEN_PREFIX) :]) if name.startswith(TOKEN_PREFIX) else None


@cache
def _all() -> tuple[TestCard, ...]:
    from importlib.resources import files

    content = files(__name__).joinpath("cards.json").read_bytes()
    return msgspec.json.decode(content, type=tuple[TestCard, ...])


@cache
def _decline_cards() -> tuple[TestCard, ...]:
    """One per code, so that any can be asked for by the card alone. They attach; their charges decline."""
    cards = []
    for row, code in enumerate(RESPONSE_CODES, start=1):
        digits = f"{DECLINE_CARD_PREFIX}{row:02}"
        cards.append(TestCard(number=digits + check_digit(digits), decline=code))
    return tuple(cards)


@cache
def _numbers() -> dict[str, TestCard]:
    return {card.number: card for card in (*_all(), *_decline_cards())}


@cache
def _suffixes() -> dict[str, TestCard]:
    return {suffix: card for card in _all() for suffix in card.suffixes}
