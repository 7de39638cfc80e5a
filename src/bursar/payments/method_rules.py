"""Which payment methods a payment can be made with: their types, currencies, and what each excludes. Pure."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET

from bursar.kit.errors import InvalidRequest
from bursar.methods.schemas import PaymentMethod
from bursar.methods.without_card import NAMES
from bursar.payments.schemas import PaymentIntent, UpiOptions
from piggybank_cards.methods import bank

METHOD_TYPES = ("card", "upi", "net_banking", "wallet")
RUPEES = "inr"


def with_possible_types(intent: PaymentIntent) -> PaymentIntent:
    """With the types that the platform chooses where the merchant does not, and the options that belong to them."""
    changes: dict[str, Any] = {}
    types = intent.payment_method_types
    if intent.automatic_payment_methods is not None:
        pays_by_all = intent.currency == RUPEES and intent.capture_method != "manual"
        chosen = list(METHOD_TYPES) if pays_by_all else ["card"]
        if types != chosen:
            types = changes["payment_method_types"] = chosen
    if ("upi" in types) != bool(intent.payment_method_options.upi):
        upi = UpiOptions() if "upi" in types else UNSET
        changes["payment_method_options"] = msgspec.structs.replace(intent.payment_method_options, upi=upi)
    return msgspec.structs.replace(intent, **changes) if changes else intent


def paid_with(intent: PaymentIntent, method: PaymentMethod) -> PaymentIntent:
    """The intent with that method, or a refusal where the two do not go together: before the bank is asked."""
    is_listed = method.type in intent.payment_method_types
    if not is_listed and intent.automatic_payment_methods is None:
        raise InvalidRequest(
            f"The payment method {method.id} is of the type {method.type}, which this payment intent does not take; it "
            f"takes {', '.join(intent.payment_method_types)}. Add {method.type} to payment_method_types.",
            param="payment_method",
            code="payment_intent_incompatible_payment_method",
        )
    if method.type != "card":
        _check_without_card(intent, method)
    paid = msgspec.structs.replace(intent, payment_method=method.id)
    if is_listed:
        return paid
    types = [*intent.payment_method_types, method.type]
    options = intent.payment_method_options
    if method.type == "upi":
        options = msgspec.structs.replace(options, upi=UpiOptions())
    return msgspec.structs.replace(paid, payment_method_types=types, payment_method_options=options)


def _check_without_card(intent: PaymentIntent, method: PaymentMethod) -> None:
    name = NAMES[method.type]
    if intent.capture_method == "manual":
        raise _impossible(
            f"{name} takes the money at once, so it cannot be captured later. Set capture_method to automatic, or pay "
            "by card.",
            "capture_method",
        )
    if intent.setup_future_usage is not None:
        raise _impossible(
            f"{name} cannot be used again without the customer, who approves each payment. Leave setup_future_usage "
            "away.",
            "setup_future_usage",
        )
    bank_code = method.net_banking.bank_code if method.net_banking else None
    if _pays_in_rupees_only(method.type, bank_code) and intent.currency != RUPEES:
        at = f" at {bank_code}" if bank_code is not None else ""
        raise _impossible(
            f"{name}{at} pays in {RUPEES} only, and this payment is in {intent.currency}. Make a payment intent in "
            f"{RUPEES}, or pay in another way.",
            "currency",
        )
    automatic = intent.automatic_payment_methods
    if method.type == "net_banking" and automatic is not None and automatic.allow_redirects == "never":
        raise _impossible(
            f"{name} sends the customer to the bank, which automatic_payment_methods[allow_redirects]=never excludes.",
            "automatic_payment_methods[allow_redirects]",
        )


def _pays_in_rupees_only(kind: str, bank_code: str | None) -> bool:
    """UPI is India's, and so are all banks but those that are known to take other currencies too."""
    if bank_code is None:
        return kind == "upi"
    known = bank(bank_code)
    return known is None or known.currencies is not None


def check_confirmation(method: PaymentMethod, *, off_session: bool, error_on_requires_action: bool) -> None:
    """What a confirmation may ask of what pays without a card."""
    if method.type == "card":
        return
    name = NAMES[method.type]
    if off_session:
        raise _impossible(
            f"{name} needs the customer, who approves each payment: off_session is not possible.", "off_session"
        )
    if error_on_requires_action and method.type != "wallet":
        raise _impossible(
            f"{name} waits for the customer, which error_on_requires_action excludes. Leave it away.",
            "error_on_requires_action",
        )


def _impossible(message: str, param: str) -> InvalidRequest:
    return InvalidRequest(message, param=param, code="payment_intent_invalid_parameter")
