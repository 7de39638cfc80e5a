"""Payment intents on the wire. Every member is always there, null where empty."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from bursar.customers.schemas import Shipping
from bursar.http.params import Metadata
from bursar.methods.schemas import public_method

IntentStatus = Literal[
    "requires_payment_method",
    "requires_confirmation",
    "requires_action",
    "processing",
    "requires_capture",
    "succeeded",
    "canceled",
]
CancellationReason = Literal[
    "abandoned", "automatic", "duplicate", "expired", "failed_invoice", "fraudulent", "requested_by_customer"
]
CaptureMethod = Literal["automatic", "automatic_async", "manual"]
FutureUsage = Literal["off_session", "on_session"]
ThreeDSecureRequest = Literal["any", "automatic", "challenge"]
IfAvailable = Literal["if_available", "never"]


class RedirectToUrl(msgspec.Struct, kw_only=True):
    url: str
    return_url: str | None = None


class QrImages(msgspec.Struct, kw_only=True):
    expires_at: int
    image_url_png: str
    image_url_svg: str


class UpiInstructions(msgspec.Struct, kw_only=True):
    """The customer scans the code, or opens the page on the phone that has the app."""

    hosted_instructions_url: str
    qr_code: QrImages


class NextAction(msgspec.Struct, kw_only=True):
    """The member that `type` names is there, and none of its siblings."""

    type: Literal["redirect_to_url", "upi_handle_redirect_or_display_qr_code"] = "redirect_to_url"
    redirect_to_url: RedirectToUrl | UnsetType = UNSET
    upi_handle_redirect_or_display_qr_code: UpiInstructions | UnsetType = UNSET


class AutomaticPaymentMethods(msgspec.Struct, kw_only=True):
    enabled: bool
    allow_redirects: Literal["always", "never"] | None = None


class Tip(msgspec.Struct, kw_only=True):
    amount: int | None = None


class AmountDetails(msgspec.Struct, kw_only=True):
    discount_amount: int | None = None
    error: None = None
    line_items: None = None
    shipping: None = None
    tax: None = None
    tip: Tip = msgspec.field(default_factory=Tip)


class CardOptions(msgspec.Struct, kw_only=True):
    capture_method: Literal["manual"] | None = None
    installments: None = None
    mandate_options: None = None
    network: None = None
    request_extended_authorization: IfAvailable | None = None
    request_incremental_authorization: IfAvailable | None = None
    request_multicapture: IfAvailable | None = None
    request_overcapture: IfAvailable | None = None
    request_three_d_secure: ThreeDSecureRequest = "automatic"
    require_cvc_recollection: bool | None = None
    setup_credential_usage: None = None
    setup_future_usage: Literal["none", "off_session", "on_session"] | None = None
    statement_descriptor_suffix_kana: None = None
    statement_descriptor_suffix_kanji: None = None
    stored_credential_usage: None = None


class UpiOptions(msgspec.Struct, kw_only=True):
    setup_future_usage: None = None


class IntentMethodOptions(msgspec.Struct, kw_only=True):
    """Those of UPI are there where it is possible."""

    card: CardOptions = msgspec.field(default_factory=CardOptions)
    upi: UpiOptions | UnsetType = UNSET


class PaymentError(msgspec.Struct, kw_only=True):
    """Why the last try failed; the same members as the error that was answered."""

    advice_code: str | None = None
    charge: str | None = None
    code: str | None = None
    decline_code: str | None = None
    doc_url: str | None = None
    message: str | None = None
    network_advice_code: str | None = None
    network_decline_code: str | None = None
    param: str | None = None
    payment_intent: None = None
    payment_method: dict[str, Any] | None = None
    payment_method_type: str | None = None
    request_log_url: str | None = None
    setup_intent: None = None
    source: None = None
    type: Literal["card_error", "invalid_request_error", "api_error"] = "card_error"


class ProcessingCard(msgspec.Struct, kw_only=True):
    customer_notification: None = None


class Processing(msgspec.Struct, kw_only=True):
    type: Literal["card"] = "card"
    card: ProcessingCard = msgspec.field(default_factory=ProcessingCard)


class PaymentIntent(msgspec.Struct, kw_only=True):
    id: str
    object: Literal["payment_intent"] = "payment_intent"
    allowed_payment_method_types: None = None
    amount: int
    amount_capturable: int = 0
    amount_details: AmountDetails = msgspec.field(default_factory=AmountDetails)
    amount_received: int = 0
    application: None = None
    application_fee_amount: int | None = None
    automatic_payment_methods: AutomaticPaymentMethods | None = None
    canceled_at: int | None = None
    cancellation_reason: CancellationReason | None = None
    capture_method: CaptureMethod = "automatic_async"
    client_secret: str
    confirmation_method: Literal["automatic", "manual"] = "automatic"
    created: int
    currency: str
    customer: str | None = None
    customer_account: str | None = None
    description: str | None = None
    excluded_payment_method_types: None = None
    hooks: None = None
    last_payment_error: PaymentError | None = None
    latest_charge: str | None = None
    livemode: bool
    managed_payments: None = None
    metadata: Metadata = {}
    next_action: NextAction | None = None
    on_behalf_of: None = None
    payment_details: None = None
    payment_method: str | None = None
    payment_method_configuration_details: None = None
    payment_method_options: IntentMethodOptions = msgspec.field(default_factory=IntentMethodOptions)
    payment_method_types: list[str] = msgspec.field(default_factory=lambda: ["card"])
    payment_record: None = None
    presentment_details: None = None
    processing: Processing | None = None
    receipt_email: str | None = None
    review: None = None
    setup_future_usage: FutureUsage | None = None
    shipping: Shipping | None = None
    source: None = None
    statement_descriptor: str | None = None
    statement_descriptor_suffix: str | None = None
    status: IntentStatus = "requires_payment_method"
    transfer_data: None = None
    transfer_group: str | None = None


_decoder = msgspec.json.Decoder(PaymentIntent)


def decode_intent(document: str) -> PaymentIntent:
    return _decoder.decode(document)


# What a browser with the intent's secret needs, and no more.
PUBLIC_MEMBERS = frozenset(
    {
        "id",
        "object",
        "amount",
        "amount_details",
        "automatic_payment_methods",
        "canceled_at",
        "cancellation_reason",
        "capture_method",
        "client_secret",
        "confirmation_method",
        "created",
        "currency",
        "description",
        "last_payment_error",
        "livemode",
        "next_action",
        "payment_method",
        "payment_method_configuration_details",
        "payment_method_types",
        "processing",
        "receipt_email",
        "setup_future_usage",
        "shipping",
        "source",
        "status",
    }
)


def public_view(intent: dict[str, Any]) -> dict[str, Any]:
    shown = {name: value for name, value in intent.items() if name in PUBLIC_MEMBERS}
    return shown | {"last_payment_error": public_error(intent["last_payment_error"])}


def public_error(error: dict[str, Any] | None) -> dict[str, Any] | None:
    """Without what of the payment method is nobody's business but the merchant's."""
    if error is None or error["payment_method"] is None:
        return error
    return error | {"payment_method": public_method(error["payment_method"])}
