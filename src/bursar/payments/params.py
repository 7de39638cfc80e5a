"""What can be asked of payment intents and charges."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from bursar.customers.schemas import ShippingParams
from bursar.http.params import (
    ListParams,
    MetadataChange,
    Params,
    Seconds,
    ShortText,
    Text,
    TimeRange,
)
from bursar.methods.schemas import PaymentMethodData
from bursar.payments.schemas import CaptureMethod, FutureUsage, IfAvailable, ThreeDSecureRequest

# Any whole number: which of them can be paid depends on the currency, and is said in those words.
Amount = Annotated[int, Meta(ge=-(10**15), le=10**15)]
CurrencyCode = Annotated[str, Meta(min_length=3, max_length=3)]
Id = Annotated[str, Meta(max_length=100, pattern="^[!-~]*$")]
Url = Annotated[str, Meta(max_length=2048)]
Email = Annotated[str, Meta(max_length=512)]
Descriptor = Annotated[str, Meta(max_length=22)]


class CardOptionsParams(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    capture_method: Literal["manual", ""] | None = None
    moto: bool | None = None
    request_extended_authorization: IfAvailable | None = None
    request_incremental_authorization: IfAvailable | None = None
    request_multicapture: IfAvailable | None = None
    request_overcapture: IfAvailable | None = None
    request_three_d_secure: ThreeDSecureRequest | None = None
    setup_future_usage: Literal["none", "off_session", "on_session", ""] | None = None


class MethodOptionsParams(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    card: CardOptionsParams | None = None


class AutomaticMethodsParams(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    enabled: bool
    allow_redirects: Literal["always", "never"] | None = None


class RadarOptionsParams(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    session: ShortText | None = None


class DescribedParams(Params):
    """What describes a payment and can be given at any time before its end."""

    description: Text | UnsetType = UNSET
    metadata: MetadataChange = UNSET
    receipt_email: Email | UnsetType = UNSET
    setup_future_usage: FutureUsage | Literal[""] | UnsetType = UNSET
    shipping: ShippingParams | UnsetType | None = UNSET
    statement_descriptor: Descriptor | UnsetType = UNSET
    statement_descriptor_suffix: Descriptor | UnsetType = UNSET
    transfer_group: ShortText | UnsetType = UNSET
    payment_method: Id | UnsetType = UNSET
    payment_method_data: PaymentMethodData | None = None
    payment_method_options: MethodOptionsParams | None = None
    payment_method_types: Annotated[list[ShortText], Meta(max_length=20)] | None = None
    capture_method: CaptureMethod | None = None


class IntentParams(DescribedParams, kw_only=True):
    amount: Amount
    currency: CurrencyCode
    automatic_payment_methods: AutomaticMethodsParams | None = None
    confirm: bool = False
    confirmation_method: Literal["automatic", "manual"] = "automatic"
    customer: Id | None = None
    # What counts for the confirmation only.
    error_on_requires_action: bool = False
    mandate_data: dict[str, Any] | None = None
    off_session: bool | Literal["one_off", "recurring"] = False
    radar_options: RadarOptionsParams | None = None
    return_url: Url | None = None
    use_stripe_sdk: bool = False


class IntentUpdateParams(DescribedParams):
    amount: Amount | None = None
    currency: CurrencyCode | None = None
    customer: Id | UnsetType = UNSET


class IntentConfirmParams(Params):
    capture_method: CaptureMethod | None = None
    client_secret: ShortText | None = None
    payment_method: Id | UnsetType = UNSET
    payment_method_data: PaymentMethodData | None = None
    payment_method_options: MethodOptionsParams | None = None
    receipt_email: Email | UnsetType = UNSET
    setup_future_usage: FutureUsage | Literal[""] | UnsetType = UNSET
    shipping: ShippingParams | UnsetType | None = UNSET
    # What counts for the confirmation only.
    error_on_requires_action: bool = False
    mandate_data: dict[str, Any] | None = None
    off_session: bool | Literal["one_off", "recurring"] = False
    radar_options: RadarOptionsParams | None = None
    return_url: Url | None = None
    use_stripe_sdk: bool = False


ConfirmationParams = IntentParams | IntentConfirmParams


class IntentRetrieveParams(Params):
    client_secret: ShortText | None = None


class IntentCaptureParams(Params):
    amount_to_capture: Amount | None = None
    final_capture: bool = True
    metadata: MetadataChange = UNSET
    statement_descriptor: Descriptor | UnsetType = UNSET
    statement_descriptor_suffix: Descriptor | UnsetType = UNSET


class IntentCancelParams(Params):
    cancellation_reason: Literal["abandoned", "duplicate", "fraudulent", "requested_by_customer"] | None = None


class IntentIncrementParams(Params, kw_only=True):
    amount: Amount
    description: Text | UnsetType = UNSET
    metadata: MetadataChange = UNSET
    statement_descriptor: Descriptor | UnsetType = UNSET


class IntentListParams(ListParams):
    created: Seconds | TimeRange | None = None
    customer: Id | None = None


class ChargeListParams(ListParams):
    created: Seconds | TimeRange | None = None
    customer: Id | None = None
    payment_intent: Id | None = None


class FraudDetailsParams(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    user_report: Literal["fraudulent", "safe", ""]


class ChargeUpdateParams(Params):
    customer: Id | None = None
    description: Text | UnsetType = UNSET
    fraud_details: FraudDetailsParams | None = None
    metadata: MetadataChange = UNSET
    receipt_email: Email | UnsetType = UNSET
    shipping: ShippingParams | UnsetType | None = UNSET
    transfer_group: ShortText | UnsetType = UNSET


class ChargeCaptureParams(Params):
    amount: Amount | None = None
    receipt_email: Email | UnsetType = UNSET
    statement_descriptor: Descriptor | UnsetType = UNSET
    statement_descriptor_suffix: Descriptor | UnsetType = UNSET
    transfer_group: ShortText | UnsetType = UNSET
