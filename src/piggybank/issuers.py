"""How issuers decide. Pure: the test card's row, the account and the time are handed in."""

from __future__ import annotations

import msgspec

from piggybank import requests
from piggybank.records import Authentication, CheckResult, Checks, RiskLevel, Status
from piggybank_cards import RESPONSE_CODES, TestCard, luhn

APPROVED = "00"
# Mastercard has its own code for the same demand.
SCA_REQUIRED_OF_MASTERCARD = "65"
# Merchant Advice Codes of Mastercard: 01 new data, 02 try later, 03 never again.
_ADVICE_NEW_DATA = frozenset(("expired", "cvv_fail", "avs_fail", "invalid_amount", "format_error"))
_ADVICE_LATER = frozenset(
    (
        "do_not_honor",
        "refer_issuer",
        "insufficient_funds",
        "amount_limit",
        "count_limit",
        "restricted",
        "issuer_down",
        "system_error",
        "reenter",
    )
)
_CHALLENGING = frozenset(("required", "required_unless_set_up", "required_on_session"))

_PREFIXES_OF_TWO = {
    **dict.fromkeys(("34", "37"), "amex"),
    **dict.fromkeys(("36", "38", "39"), "diners"),
    **dict.fromkeys(("51", "52", "53", "54", "55"), "mastercard"),
    "35": "jcb",
    "62": "unionpay",
    "60": "discover",
    "64": "discover",
    "65": "discover",
}
ORDINARY = TestCard(number="")


class Funds(msgspec.Struct, frozen=True):
    """What the issuer of an account looks at. `exp_year` and the others are what the card should say."""

    available: int
    currency: str
    exp_month: int
    exp_year: int
    cvc: str
    limit: int | None


class Decision(msgspec.Struct, frozen=True):
    status: Status
    code: str
    decline: str | None = None
    advice_code: str | None = None
    checks: Checks = Checks()
    risk: RiskLevel = "normal"
    authentication: Authentication | None = "not_needed"


def brand_of(number: str) -> str:
    if number[0] == "4":
        return "visa"
    if number[:3] in ("300", "301", "302", "303", "304", "305"):
        return "diners"
    if "2221" <= number[:4] <= "2720":
        return "mastercard"
    return _PREFIXES_OF_TWO.get(number[:2], "unknown")


def decline_code(decline: str, brand: str) -> str:
    if decline == "sca_required" and brand == "mastercard":
        return SCA_REQUIRED_OF_MASTERCARD
    return RESPONSE_CODES[decline]


def advice_code(decline: str, brand: str) -> str | None:
    if brand != "mastercard":
        return None
    if decline in _ADVICE_NEW_DATA:
        return "01"
    return "02" if decline in _ADVICE_LATER else "03"


def decide(
    request: requests.Authorization,
    card: TestCard,
    brand: str,
    funds: Funds | None,
    now: tuple[int, int],
    fault: str | None,
) -> Decision:
    """`now` is year and month; `fault` is a decline that was asked for."""
    checks = _checks(request.card, card, funds)
    risk: RiskLevel = "highest" if card.risk == "blocked" else card.risk
    challenge, authentication = _authentication(request, card)
    decline = fault or _decline(request, card, funds, now) or _sca_decline(request, card)
    if decline is None and not challenge and request.amount and authentication != "frictionless":
        decline = card.decline_after_authentication
    if decline is not None:
        return Decision(
            "declined", decline_code(decline, brand), decline, advice_code(decline, brand), checks, risk, None
        )
    if challenge:
        return Decision("challenge", "", None, None, checks, risk, None)
    return Decision("approved", APPROVED, None, None, checks, risk, authentication)


def shortage(funds: Funds, amount: int, more: int, currency: str) -> str | None:
    """Why an account cannot pay: `more` beside what it holds already, `amount` in all."""
    if not amount:  # a card is only verified, in no currency that matters
        return None
    if currency != funds.currency:
        return "not_permitted_cardholder"
    if funds.limit is not None and amount > funds.limit:
        return "amount_limit"
    return "insufficient_funds" if more > funds.available else None


def _decline(request: requests.Authorization, card: TestCard, funds: Funds | None, now: tuple[int, int]) -> str | None:
    given = request.card
    if not card.number and not luhn.is_valid(given.number):  # what the table names, it judges
        return "invalid_number"
    if card.decline is not None and (request.amount or not card.attachable):
        return card.decline
    if (given.exp_year, given.exp_month) < now:
        return "expired"
    if funds is None:
        return None
    if (given.exp_year, given.exp_month) != (funds.exp_year, funds.exp_month):
        return "expired"
    if given.cvc is not None and given.cvc != funds.cvc:
        return "cvv_fail"
    return shortage(funds, request.amount, request.amount, request.currency)


def _sca_decline(request: requests.Authorization, card: TestCard) -> str | None:
    """Nobody is there to authenticate."""
    if not request.off_session or card.frictionless or card.three_d_secure not in _CHALLENGING:
        return None
    if card.three_d_secure == "required_on_session":
        return None
    if card.three_d_secure == "required_unless_set_up" and request.agreed_before:
        return None
    return "sca_required"


def _authentication(request: requests.Authorization, card: TestCard) -> tuple[bool, Authentication]:
    """Whether the cardholder is challenged, and what else became of the authentication."""
    asked = request.authentication in ("any", "challenge")
    concerned = request.amount > 0 or bool(request.save_for_later) or asked
    if card.three_d_secure == "not_supported" or not concerned:
        return False, "not_needed"
    if card.three_d_secure in _CHALLENGING:
        if card.frictionless:
            return False, "frictionless"
        return not request.off_session, "not_needed"
    if not asked or request.off_session:
        return False, "not_needed"
    return card.three_d_secure == "optional", "attempted"


def _checks(given: requests.Card, card: TestCard, funds: Funds | None) -> Checks:
    """Only what was given can be checked."""
    cvc: CheckResult | None = None
    if given.cvc is not None:
        cvc = card.cvc_check or ("pass" if funds is None or given.cvc == funds.cvc else "fail")
    return Checks(
        cvc,
        (card.line1_check or "pass") if given.line1 else None,
        (card.postal_check or "pass") if given.postal_code else None,
    )
