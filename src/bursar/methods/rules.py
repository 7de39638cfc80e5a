"""Which cards are taken, and what a payment method is after a change. Pure."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from bursar.connectors import declines
from bursar.connectors.contract import Card
from bursar.customers.rules import check_email
from bursar.customers.schemas import Address
from bursar.http.params import changed_metadata
from bursar.kit.clock import seconds
from bursar.kit.errors import CardError, InvalidRequest
from bursar.methods import cards
from bursar.methods.schemas import (
    AddressParams,
    BillingDetails,
    BillingDetailsParams,
    CardDetails,
    CardParams,
    CardUpdateParams,
    Checks,
    MethodKind,
    Networks,
    PaymentMethod,
    PaymentMethodCreateParams,
    PaymentMethodData,
    PaymentMethodUpdateParams,
    ThreeDSecureUsage,
    Token,
    TokenCard,
    TokenCardParams,
    TokenNetworks,
    card_of,
)
from piggybank_cards import TestCard, by_number, by_payment_method, by_token

TYPES: tuple[MethodKind, ...] = ("card", "upi", "net_banking", "wallet")
YEARS_AHEAD_MAX = 50
_SEPARATORS = str.maketrans("", "", " -")
_CODE_LENGTHS = {"amex": 4}
_CODE_LENGTH = 3
# What the test cards that are asked for by name are taken to say, besides their number.
TEST_CODE, TEST_CODE_OF_AMEX = "123", "1234"


@dataclass(frozen=True, slots=True)
class GivenCard:
    """A card as it came, checked. Its text shows nothing of it."""

    number: str
    exp_month: int
    exp_year: int
    code: str | None
    preferred_network: str | None = None

    def __repr__(self) -> str:
        return f"GivenCard(…{self.number[-4:]})"


def check_type(kind: str) -> None:
    if kind not in TYPES:
        raise InvalidRequest(
            f"Payment methods of the type {kind[:40]} cannot be used here; possible are: {', '.join(TYPES)}.",
            param="type",
            code="payment_method_unsupported_type",
        )


def given_card(params: CardParams | TokenCardParams | None, *, livemode: int, now: int) -> GivenCard:
    """The card that the parameters hold, or a refusal in the words that card forms look for."""
    if params is None:
        raise missing_param("card")
    for name in ("number", "exp_month", "exp_year"):
        if getattr(params, name) is None:
            raise missing_param(f"card[{name}]")
    assert params.number is not None and params.exp_month is not None and params.exp_year is not None
    number = _checked_number(params.number, livemode=livemode)
    year = _checked_expiry(params.exp_month, params.exp_year, now)
    code = _checked_code(params.cvc, cards.brand_of(number))
    preferred = params.networks.preferred if params.networks else None
    return GivenCard(number, params.exp_month, year, code, preferred)


def card_named_as_method(name: str, now: int) -> GivenCard | None:
    """The card that a name such as `pm_card_visa` stands for."""
    card = by_payment_method(name)
    return _named_card(card, now) if card is not None else None


def card_named_as_token(name: str, now: int) -> GivenCard | None:
    """The card that a name such as `tok_visa` stands for."""
    card = by_token(name)
    return _named_card(card, now) if card is not None else None


def _named_card(card: TestCard, now: int) -> GivenCard:
    """It expires a year from now, so it never will have."""
    today = time.gmtime(seconds(now))
    code = TEST_CODE_OF_AMEX if card.brand == "amex" else TEST_CODE
    return GivenCard(card.number, today.tm_mon, today.tm_year + 1, code)


def _checked_number(given: str, *, livemode: int) -> str:
    number = given.translate(_SEPARATORS)
    if not (number.isascii() and number.isdecimal() and cards.LENGTH_MIN <= len(number) <= cards.LENGTH_MAX):
        raise _refused("invalid_number", "number", "This is not a card number: it has 12 to 19 digits.")
    if not cards.passes_luhn(number) or not cards.has_lawful_length(number):
        raise _refused("incorrect_number", "number", "The card number is not correct. Check it and try again.")
    is_test_card = by_number(number) is not None
    if livemode and is_test_card:
        raise CardError(
            "The card was declined: it is a test card, and the request was in live mode.",
            code="card_declined",
            decline_code="live_mode_test_card",
        )
    if not livemode and not is_test_card:
        raise CardError(
            "The card was declined: it is no test card, and the request was in test mode. "
            "`bursar sim cards` lists the cards that can be used.",
            code="card_declined",
            decline_code="test_mode_live_card",
        )
    return number


def _checked_expiry(month: int, year: int, now: int) -> int:
    """The year in four digits."""
    today = time.gmtime(seconds(now))
    if not 1 <= month <= 12:
        raise _refused("invalid_expiry_month", "exp_month", "The expiry month is not valid: it is 1 to 12.")
    full_year = year + today.tm_year // 100 * 100 if 0 <= year < 100 else year
    if not today.tm_year <= full_year <= today.tm_year + YEARS_AHEAD_MAX:
        raise _refused("invalid_expiry_year", "exp_year", "The expiry year is not valid: it is past, or too far away.")
    if full_year == today.tm_year and month < today.tm_mon:
        raise _refused("invalid_expiry_month", "exp_month", "The expiry month is not valid: it is past.")
    return full_year


def _checked_code(code: str | None, brand: str) -> str | None:
    if not code:
        return None
    wanted = _CODE_LENGTHS.get(brand, _CODE_LENGTH)
    if len(code) != wanted or not (code.isascii() and code.isdecimal()):
        raise _refused("invalid_cvc", "cvc", f"The security code is not valid: it has {wanted} digits.")
    return code


def _refused(code: str, param: str, message: str) -> CardError:
    return CardError(message, param=param, code=code)


def missing_param(param: str) -> InvalidRequest:
    return InvalidRequest(f"Missing required param: {param}.", param=param, code="parameter_missing")


def card_details(card: GivenCard, fingerprint: str, billing: BillingDetails) -> CardDetails:
    brand = cards.brand_of(card.number)
    test_card = by_number(card.number)
    return CardDetails(
        brand=cards.wire_brand(brand),
        checks=Checks(
            address_line1_check="unchecked" if billing.address.line1 else None,
            address_postal_code_check="unchecked" if billing.address.postal_code else None,
            cvc_check="unchecked" if card.code else None,
        ),
        country=test_card.country if test_card else None,
        display_brand=cards.display_brand(brand),
        exp_month=card.exp_month,
        exp_year=card.exp_year,
        fingerprint=fingerprint,
        funding=test_card.funding if test_card else "unknown",
        last4=card.number[-4:],
        networks=_networks(cards.wire_brand(brand), card.preferred_network),
        regulated_status="unregulated" if test_card else None,
        three_d_secure_usage=ThreeDSecureUsage(supported=_authenticates(brand, test_card)),
    )


def _authenticates(brand: str, test_card: TestCard | None) -> bool:
    if test_card is not None:
        return test_card.three_d_secure != "not_supported"
    return brand != "unknown"


def _networks(brand: str, preferred: str | None) -> Networks:
    known = None if preferred is None else preferred if preferred == brand else "invalid_preference"
    return Networks(available=[brand], preferred=known)


def new_method(
    method_id: str,
    created: int,
    livemode: int,
    details: CardDetails,
    billing: BillingDetails,
    data: PaymentMethodData | PaymentMethodCreateParams | None,
) -> PaymentMethod:
    method = PaymentMethod(
        id=method_id, billing_details=billing, card=details, created=created, livemode=bool(livemode)
    )
    if data is not None:
        describe(method, data)
    return method


def describe(method: PaymentMethod, data: PaymentMethodData | PaymentMethodCreateParams) -> None:
    """A new one, with what every type of it can say."""
    if not isinstance(data.allow_redisplay, UnsetType):
        method.allow_redisplay = data.allow_redisplay
    method.metadata = changed_metadata({}, data.metadata)


def changed(method: PaymentMethod, params: PaymentMethodUpdateParams, now: int) -> PaymentMethod:
    """The method with the given parameters in place; what was not given stays."""
    changes: dict[str, Any] = {"metadata": changed_metadata(method.metadata, params.metadata)}
    if params.allow_redisplay is not UNSET:
        changes["allow_redisplay"] = params.allow_redisplay
    if params.billing_details is not UNSET:
        changes["billing_details"] = billing_details(method.billing_details, params.billing_details)
    if params.card is not None:
        changes["card"] = _changed_card(card_of(method), params.card, now)
    return msgspec.structs.replace(method, **changes)


def _changed_card(card: CardDetails, params: CardUpdateParams, now: int) -> CardDetails:
    changes: dict[str, Any] = {}
    if params.exp_month is not None or params.exp_year is not None:
        month = card.exp_month if params.exp_month is None else params.exp_month
        year = card.exp_year if params.exp_year is None else params.exp_year
        changes["exp_year"] = _checked_expiry(month, year, now)
        changes["exp_month"] = month
    if params.networks is not None:
        changes["networks"] = _networks(card.brand, params.networks.preferred)
    return msgspec.structs.replace(card, **changes)


def billing_details(current: BillingDetails, given: Any) -> BillingDetails:
    """With what was given in place of what was; an empty whole clears it all."""
    if given is UNSET:
        return current
    if given is None:
        return BillingDetails()
    assert isinstance(given, BillingDetailsParams)
    changes: dict[str, Any] = {}
    for name in ("email", "name", "phone", "tax_id"):
        if (text := getattr(given, name)) is not UNSET:
            changes[name] = text or None
    if changes.get("email"):
        _check_email(changes["email"])
    if given.address is not UNSET:
        changes["address"] = _address(current.address, given.address)
    return msgspec.structs.replace(current, **changes)


def _check_email(email: str) -> None:
    try:
        check_email(email)
    except InvalidRequest as problem:
        raise InvalidRequest(problem.message, param="billing_details[email]", code=problem.code) from None


def _address(current: Address, given: Any) -> Address:
    if given is None:
        return Address()
    assert isinstance(given, AddressParams)
    changes = {
        name: value or None for name in AddressParams.__struct_fields__ if (value := getattr(given, name)) is not UNSET
    }
    return msgspec.structs.replace(current, **changes)


def new_token(
    token_id: str, card_id: str, created: int, address: str | None, livemode: int, details: CardDetails,
    params: TokenCardParams,
) -> Token:  # fmt: skip
    card = TokenCard(
        id=card_id,
        address_city=params.address_city or None,
        address_country=params.address_country or None,
        address_line1=params.address_line1 or None,
        address_line1_check=details.checks.address_line1_check,
        address_line2=params.address_line2 or None,
        address_state=params.address_state or None,
        address_zip=params.address_zip or None,
        address_zip_check=details.checks.address_postal_code_check,
        brand=_TOKEN_BRANDS.get(details.brand, "Unknown"),
        country=details.country,
        currency=params.currency or None,
        cvc_check=details.checks.cvc_check,
        exp_month=details.exp_month,
        exp_year=details.exp_year,
        fingerprint=details.fingerprint,
        funding=details.funding,
        last4=details.last4,
        name=params.name or None,
        networks=TokenNetworks(preferred=details.networks.preferred if details.networks else None),
        regulated_status=details.regulated_status,
    )
    return Token(id=token_id, card=card, client_ip=address, created=created, livemode=bool(livemode))


# Tokens write brands as people do.
_TOKEN_BRANDS = {
    "amex": "American Express",
    "diners": "Diners Club",
    "discover": "Discover",
    "jcb": "JCB",
    "mastercard": "MasterCard",
    "unionpay": "UnionPay",
    "visa": "Visa",
}


def token_billing(card: TokenCardParams | TokenCard) -> BillingDetails:
    """What a token says of its holder, for the payment method that is made of it."""
    address = Address(
        city=card.address_city or None,
        country=card.address_country or None,
        line1=card.address_line1 or None,
        line2=card.address_line2 or None,
        postal_code=card.address_zip or None,
        state=card.address_state or None,
    )
    return BillingDetails(address=address, name=card.name or None)


def bank_card(method: PaymentMethod, number: str, code: str | None) -> Card:
    """What the bank is sent."""
    card = card_of(method)
    return Card(
        number=number,
        exp_month=card.exp_month,
        exp_year=card.exp_year,
        cvc=code,
        name=method.billing_details.name,
        line1=method.billing_details.address.line1,
        postal_code=method.billing_details.address.postal_code,
    )


def attachment_refusal(number: str) -> CardError | None:
    """Why a test card cannot be kept for a customer: its bank would decline to verify it."""
    card = by_number(number)
    if card is None or card.attachable:
        return None
    row = declines.find(card.decline or "")
    return CardError(row.message, param=row.param, code=row.error_code, decline_code=row.decline_code)
