"""What a payment intent may become, and what it is after a change. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import UNSET, UnsetType

from bursar.customers.schemas import Shipping
from bursar.customers.schemas import ShippingParams as ShippingInput
from bursar.http.params import changed_metadata
from bursar.http.search import FieldKind
from bursar.kit.errors import InvalidRequest
from bursar.kit.money import CURRENCIES, Currency, display, find_currency
from bursar.payments.method_rules import METHOD_TYPES, with_possible_types
from bursar.payments.params import (
    DescribedParams,
    IntentConfirmParams,
    IntentParams,
    IntentUpdateParams,
    MethodOptionsParams,
)
from bursar.payments.schemas import (
    AutomaticPaymentMethods,
    CancellationReason,
    CardOptions,
    IntentMethodOptions,
    IntentStatus,
    PaymentIntent,
)

INCREMENTS_MAX = 10
RETURN_URL_LENGTH_MAX = 2048
_SCHEMES_OF_CODE = ("javascript", "data", "vbscript", "file", "blob")
_NOT_IN_ADDRESSES = re.compile(r"[\x00-\x20\x7f-\xa0\\]")
CONFIRMABLE: tuple[IntentStatus, ...] = ("requires_payment_method", "requires_confirmation", "requires_action")
# One that is processing while nobody is being asked waits for its customer.
CANCELABLE: tuple[IntentStatus, ...] = (*CONFIRMABLE, "processing", "requires_capture")
CHANGEABLE: tuple[IntentStatus, ...] = CONFIRMABLE
_CLEARABLE = (
    "description",
    "receipt_email",
    "setup_future_usage",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_group",
)

SEARCHABLE = {
    "amount": FieldKind.NUMBER,
    "created": FieldKind.NUMBER,
    "currency": FieldKind.TOKEN,
    "customer": FieldKind.TOKEN,
    "metadata": FieldKind.MAP,
    "status": FieldKind.TOKEN,
}


def require_currency(code: str) -> Currency:
    currency = find_currency(code)
    if currency is None:
        raise InvalidRequest(
            f"Invalid currency: {code.lower()}. It must be a three-letter ISO 4217 code that cards can be charged in, "
            "such as usd, eur or jpy.",
            param="currency",
        )
    return currency


def check_amount(amount: int, currency: Currency, param: str = "amount") -> None:
    """Whether that much can be paid; what an SDK's user expects otherwise."""
    if amount <= 0:
        raise InvalidRequest(
            f"Invalid {param}: it must be a positive integer in the smallest unit of the currency.",
            param=param,
            code="parameter_invalid_integer",
        )
    if amount < currency.amount_min:
        raise InvalidRequest(
            f"The {param} must be at least {display(currency.amount_min, currency.code)}.",
            param=param,
            code="amount_too_small",
        )
    if amount > currency.amount_max:
        raise InvalidRequest(
            f"The {param} must be no more than {display(currency.amount_max, currency.code)}.",
            param=param,
            code="amount_too_large",
        )
    _check_last_digit(amount, currency, param)


def _check_last_digit(amount: int, currency: Currency, param: str) -> None:
    if currency.exponent == 3 and amount % 10:
        raise InvalidRequest(
            f"Invalid {param}: card networks take {currency.code} in whole hundredths, so the last digit must be 0.",
            param=param,
        )


def require_status(intent: PaymentIntent, allowed: Sequence[IntentStatus], act: str) -> None:
    if intent.status in allowed:
        return
    raise InvalidRequest(
        f"This payment intent cannot {act} because its status is {intent.status}; only one with the status "
        f"{' or '.join(allowed)} can.",
        code="payment_intent_unexpected_state",
        extras={"payment_intent": intent},
    )


def new_intent(params: IntentParams, intent_id: str, secret: str, created: int, *, livemode: bool) -> PaymentIntent:
    currency = require_currency(params.currency)
    check_amount(params.amount, currency)
    automatic = params.automatic_payment_methods
    intent = PaymentIntent(
        id=intent_id,
        amount=params.amount,
        client_secret=f"{intent_id}_secret_{secret}",
        confirmation_method=params.confirmation_method,
        created=created,
        currency=currency.code,
        customer=params.customer or None,
        livemode=livemode,
    )
    # Without a list of methods the platform chooses, which is what automatic methods mean.
    if automatic is not None and automatic.enabled:
        intent.automatic_payment_methods = AutomaticPaymentMethods(
            enabled=True, allow_redirects=automatic.allow_redirects or "always"
        )
    elif params.payment_method_types is None and params.confirmation_method == "automatic" and automatic is None:
        intent.automatic_payment_methods = AutomaticPaymentMethods(enabled=True, allow_redirects="always")
    return with_possible_types(described(intent, params))


def updated(intent: PaymentIntent, params: IntentUpdateParams) -> PaymentIntent:
    changes: dict[str, Any] = {}
    currency = require_currency(params.currency or intent.currency)
    amount = intent.amount if params.amount is None else params.amount
    if params.currency is not None or params.amount is not None:
        check_amount(amount, currency)
        changes |= {"amount": amount, "currency": currency.code}
    if params.customer is not UNSET:
        changes["customer"] = params.customer or None
    return with_possible_types(described(msgspec.structs.replace(intent, **changes), params))


def described(intent: PaymentIntent, params: DescribedParams) -> PaymentIntent:
    """With what was given in place; the payment method itself is the service's affair."""
    changes: dict[str, Any] = {}
    for name in _CLEARABLE:
        if (value := getattr(params, name)) is not UNSET:
            changes[name] = value or None
    if params.shipping is not UNSET:
        changes["shipping"] = shipping(params.shipping)
    if params.capture_method is not None:
        changes["capture_method"] = params.capture_method
    if params.payment_method_types is not None:
        _check_method_types(params.payment_method_types)
        changes["payment_method_types"] = params.payment_method_types
        changes["automatic_payment_methods"] = None
    if params.payment_method_options is not None:
        changes["payment_method_options"] = _options(intent.payment_method_options, params.payment_method_options)
    if params.metadata is not UNSET:
        changes["metadata"] = changed_metadata(intent.metadata, params.metadata)
    return msgspec.structs.replace(intent, **changes) if changes else intent


def prepared_to_confirm(intent: PaymentIntent, params: IntentConfirmParams) -> PaymentIntent:
    changes: dict[str, Any] = {}
    if params.receipt_email is not UNSET:
        changes["receipt_email"] = params.receipt_email or None
    if params.setup_future_usage is not UNSET:
        changes["setup_future_usage"] = params.setup_future_usage or None
    if params.shipping is not UNSET:
        changes["shipping"] = shipping(params.shipping)
    if params.capture_method is not None:
        changes["capture_method"] = params.capture_method
    if params.payment_method_options is not None:
        changes["payment_method_options"] = _options(intent.payment_method_options, params.payment_method_options)
    return msgspec.structs.replace(intent, **changes) if changes else intent


def captures_later(intent: PaymentIntent) -> bool:
    return "manual" in (intent.capture_method, intent.payment_method_options.card.capture_method)


def released(intent: PaymentIntent, now_seconds: int, reason: CancellationReason | None) -> PaymentIntent:
    """What was still held is free again. What was captured before is paid: then the payment has succeeded."""
    if intent.amount_received:
        return msgspec.structs.replace(intent, status="succeeded", amount_capturable=0, processing=None)
    return msgspec.structs.replace(
        intent,
        status="canceled",
        amount_capturable=0,
        canceled_at=now_seconds,
        cancellation_reason=reason,
        processing=None,
    )


def service_fee_of_capture(fee_minor: int | None, intent: PaymentIntent, amount: int) -> int:
    """The part of the fee that goes with this capture: all captures together take all of it, or less if less is taken.

    Whole minor units of the sum so far, so that no rounding is ever lost.
    """
    if not fee_minor:
        return 0
    before, after = intent.amount_received, intent.amount_received + amount
    return fee_minor * after // intent.amount - fee_minor * before // intent.amount


def check_capture(intent: PaymentIntent, amount: int, *, final: bool) -> None:
    require_status(intent, ("requires_capture",), "be captured")
    if amount <= 0:
        raise InvalidRequest(
            "Invalid amount_to_capture: it must be a positive integer.",
            param="amount_to_capture",
            code="parameter_invalid_integer",
        )
    if amount > intent.amount_capturable:
        raise InvalidRequest(
            f"The amount_to_capture of {display(amount, intent.currency)} is more than the "
            f"{display(intent.amount_capturable, intent.currency)} that can be captured.",
            param="amount_to_capture",
            code="amount_too_large",
        )
    _check_last_digit(amount, CURRENCIES[intent.currency], "amount_to_capture")
    if not final and intent.payment_method_options.card.request_multicapture != "if_available":
        raise InvalidRequest(
            "This payment intent can be captured once only. Create it with "
            "payment_method_options[card][request_multicapture]=if_available to capture it in parts.",
            param="final_capture",
        )


def check_increment(intent: PaymentIntent, amount: int, increments: int) -> None:
    require_status(intent, ("requires_capture",), "be incremented")
    if intent.payment_method_options.card.request_incremental_authorization != "if_available":
        raise InvalidRequest(
            "The authorisation of this payment intent cannot be raised. Create it with "
            "payment_method_options[card][request_incremental_authorization]=if_available.",
            code="payment_intent_unexpected_state",
        )
    check_amount(amount, require_currency(intent.currency))
    if amount <= intent.amount:
        raise InvalidRequest(
            f"The amount must be more than the {display(intent.amount, intent.currency)} that is authorised already.",
            param="amount",
            code="amount_too_small",
        )
    if intent.amount_received:
        raise InvalidRequest("This payment intent is partly captured, so its authorisation cannot be raised any more.")
    if increments >= INCREMENTS_MAX:
        raise InvalidRequest(
            f"This authorisation was raised {INCREMENTS_MAX} times already, which is the most there can be."
        )


def shown_amount(intent: PaymentIntent) -> str:
    return display(intent.amount, intent.currency)


def shown_title(intent: PaymentIntent) -> str:
    return intent.description or "A payment waits for you to confirm it."


def check_return_url(url: str | None) -> None:
    """Customers are sent there: only to where a browser or an app can go, never to a script."""
    if url is None:
        return
    try:
        # Whitespace and control characters are dropped by some readers of an address and not by others.
        parts = None if _NOT_IN_ADDRESSES.search(url) else urlsplit(url)
    except ValueError:  # a host that is none, such as half of an IPv6 address
        parts = None
    if (
        parts is None
        or not parts.scheme
        or parts.scheme.lower() in _SCHEMES_OF_CODE
        or len(url) > RETURN_URL_LENGTH_MAX
    ):
        raise InvalidRequest(
            "Invalid return_url: it must be an absolute address such as https://example.com/done.",
            param="return_url",
            code="url_invalid",
        )
    if parts.scheme.lower() in ("http", "https") and not parts.netloc:
        raise InvalidRequest("Invalid return_url: it names no host.", param="return_url", code="url_invalid")


def shipping(given: ShippingInput | UnsetType | None) -> Shipping | None:
    if not isinstance(given, ShippingInput):
        return None
    return Shipping(address=given.address, name=given.name, phone=given.phone or None)


def _options(current: IntentMethodOptions, given: MethodOptionsParams) -> IntentMethodOptions:
    if given.card is None:
        return current
    changes: dict[str, Any] = {
        name: value or None
        for name in given.card.__struct_fields__
        if name in CardOptions.__struct_fields__ and (value := getattr(given.card, name)) is not None
    }
    return msgspec.structs.replace(current, card=msgspec.structs.replace(current.card, **changes))


def _check_method_types(types: Sequence[str]) -> None:
    unknown = [name for name in types if name not in METHOD_TYPES]
    possible = ", ".join(METHOD_TYPES)
    if unknown or not types:
        raise InvalidRequest(
            f"The payment method type {unknown[0][:40]!r} is not possible here; possible are: {possible}."
            if unknown
            else f"payment_method_types must name at least one type; possible are: {possible}.",
            param="payment_method_types",
            code="payment_intent_invalid_parameter",
        )
