"""What a setup intent may become, and what it is after a change. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import UNSET

from bursar.http.params import changed_metadata
from bursar.kit.errors import InvalidRequest
from bursar.methods.schemas import PaymentMethod
from bursar.methods.without_card import NAMES
from bursar.payments.schemas import AutomaticPaymentMethods
from bursar.setup_intents.params import DescribedParams, MethodOptionsParams, SetupParams, SetupUpdateParams
from bursar.setup_intents.schemas import SetupIntent, SetupMethodOptions, SetupStatus

CONFIRMABLE: tuple[SetupStatus, ...] = ("requires_payment_method", "requires_confirmation", "requires_action")
CANCELABLE = CONFIRMABLE
CHANGEABLE = CONFIRMABLE
# A bank wants a currency named, although no money moves.
VERIFICATION_CURRENCY = "usd"


def require_status(setup: SetupIntent, allowed: Sequence[SetupStatus], act: str) -> None:
    if setup.status in allowed:
        return
    raise InvalidRequest(
        f"This setup intent cannot {act} because its status is {setup.status}; only one with the status "
        f"{' or '.join(allowed)} can.",
        code="setup_intent_unexpected_state",
        extras={"setup_intent": setup},
    )


def new_setup(params: SetupParams, setup_id: str, secret: str, created: int, *, livemode: bool) -> SetupIntent:
    automatic = params.automatic_payment_methods
    setup = SetupIntent(
        id=setup_id,
        client_secret=f"{setup_id}_secret_{secret}",
        created=created,
        customer=params.customer or None,
        livemode=livemode,
        usage=params.usage,
    )
    # Without a list of methods the platform chooses, which is what automatic methods mean.
    if automatic is not None and automatic.enabled:
        setup.automatic_payment_methods = AutomaticPaymentMethods(
            enabled=True, allow_redirects=automatic.allow_redirects or "always"
        )
    elif params.payment_method_types is None and automatic is None:
        setup.automatic_payment_methods = AutomaticPaymentMethods(enabled=True, allow_redirects="always")
    return described(setup, params)


def updated(setup: SetupIntent, params: SetupUpdateParams) -> SetupIntent:
    if params.customer is not UNSET:
        setup = msgspec.structs.replace(setup, customer=params.customer or None)
    if params.payment_method == "":
        setup = msgspec.structs.replace(setup, payment_method=None)
    return described(setup, params)


def described(setup: SetupIntent, params: DescribedParams) -> SetupIntent:
    """With what was given in place; the payment method itself is the service's affair."""
    changes: dict[str, Any] = {}
    if params.description is not UNSET:
        changes["description"] = params.description or None
    if params.payment_method_types is not None:
        _check_method_types(params.payment_method_types)
        changes["payment_method_types"] = params.payment_method_types
    if params.payment_method_options is not None:
        changes["payment_method_options"] = options(setup.payment_method_options, params.payment_method_options)
    if params.metadata is not UNSET:
        changes["metadata"] = changed_metadata(setup.metadata, params.metadata)
    return msgspec.structs.replace(setup, **changes) if changes else setup


def options(current: SetupMethodOptions, given: MethodOptionsParams | None) -> SetupMethodOptions:
    if given is None or given.card is None or given.card.request_three_d_secure is None:
        return current
    card = msgspec.structs.replace(current.card, request_three_d_secure=given.card.request_three_d_secure)
    return SetupMethodOptions(card=card)


def restarted(before: SetupIntent, after: SetupIntent) -> SetupIntent:
    """Where a change leaves it: an authentication belongs to one payment method."""
    if after.payment_method == before.payment_method:
        return msgspec.structs.replace(after, status=before.status)
    return msgspec.structs.replace(
        after,
        status="requires_confirmation" if after.payment_method else "requires_payment_method",
        next_action=None,
    )


def changes_the_card(params: SetupUpdateParams) -> bool:
    """What may still be changed at any time is what only describes the setup."""
    return (
        params.customer is not UNSET
        or params.payment_method is not UNSET
        or params.payment_method_data is not None
        or params.payment_method_options is not None
        or params.payment_method_types is not None
    )


def check_owner(setup: SetupIntent, method: PaymentMethod) -> None:
    if method.customer is None or method.customer == setup.customer:
        return
    raise InvalidRequest(
        f"The payment method {method.id} belongs to a customer. Send that customer's id as customer with the "
        "setup intent.",
        param="payment_method",
        code="setup_intent_invalid_parameter",
    )


def shown_title(setup: SetupIntent) -> str:
    return setup.description or "Your card is being saved for later payments."


def check_kind(kind: str, param: str) -> None:
    """A customer approves each payment of the others at the bank: there is nothing that could be set up."""
    if kind in NAMES:
        raise InvalidRequest(
            f"{NAMES[kind]} cannot be set up for later payments: the customer approves each payment. Make a payment "
            "intent instead, or set up a card.",
            param=param,
            code="setup_intent_invalid_parameter",
        )


def _check_method_types(types: Sequence[str]) -> None:
    unknown = [name for name in types if name != "card"]
    if unknown or not types:
        for name in unknown:
            check_kind(name, "payment_method_types")
        raise InvalidRequest(
            f"The payment method type {unknown[0][:40]!r} is not possible here; card is."
            if unknown
            else "payment_method_types must name at least one type; card is possible.",
            param="payment_method_types",
            code="setup_intent_invalid_parameter",
        )
