"""Setup intents on the wire. Every member is always there, null where empty."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from bursar.http.params import Metadata
from bursar.payments.schemas import (
    AutomaticPaymentMethods,
    FutureUsage,
    NextAction,
    PaymentError,
    ThreeDSecureRequest,
    public_error,
)

SetupStatus = Literal[
    "requires_payment_method",
    "requires_confirmation",
    "requires_action",
    "processing",
    "succeeded",
    "canceled",
]
CancellationReason = Literal["abandoned", "duplicate", "requested_by_customer"]


class CardOptions(msgspec.Struct, kw_only=True):
    mandate_options: None = None
    network: None = None
    request_three_d_secure: ThreeDSecureRequest = "automatic"
    setup_credential_usage: None = None


class SetupMethodOptions(msgspec.Struct, kw_only=True):
    card: CardOptions = msgspec.field(default_factory=CardOptions)


class SetupIntent(msgspec.Struct, kw_only=True):
    id: str
    object: Literal["setup_intent"] = "setup_intent"
    allowed_payment_method_types: None = None
    application: None = None
    attach_to_self: None = None
    automatic_payment_methods: AutomaticPaymentMethods | None = None
    cancellation_reason: CancellationReason | None = None
    client_secret: str
    created: int
    customer: str | None = None
    customer_account: None = None
    description: str | None = None
    excluded_payment_method_types: None = None
    flow_directions: None = None
    last_setup_error: PaymentError | None = None
    # Tries are not kept as objects of their own.
    latest_attempt: None = None
    livemode: bool
    managed_payments: None = None
    # Cards need no mandate.
    mandate: None = None
    metadata: Metadata = {}
    next_action: NextAction | None = None
    on_behalf_of: None = None
    payment_method: str | None = None
    payment_method_configuration_details: None = None
    payment_method_options: SetupMethodOptions = msgspec.field(default_factory=SetupMethodOptions)
    payment_method_types: list[str] = msgspec.field(default_factory=lambda: ["card"])
    single_use_mandate: None = None
    status: SetupStatus = "requires_payment_method"
    usage: FutureUsage = "off_session"


_decoder = msgspec.json.Decoder(SetupIntent)


def decode_setup(document: str) -> SetupIntent:
    return _decoder.decode(document)


# What a browser with the intent's secret needs, and no more.
PUBLIC_MEMBERS = frozenset(
    {
        "id",
        "object",
        "automatic_payment_methods",
        "cancellation_reason",
        "client_secret",
        "created",
        "description",
        "last_setup_error",
        "livemode",
        "next_action",
        "payment_method",
        "payment_method_configuration_details",
        "payment_method_types",
        "status",
        "usage",
    }
)


def public_view(setup: dict[str, Any]) -> dict[str, Any]:
    shown = {name: value for name, value in setup.items() if name in PUBLIC_MEMBERS}
    return shown | {"last_setup_error": public_error(setup["last_setup_error"])}
