"""What can be asked of setup intents."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from bursar.http.params import ListParams, MetadataChange, Params, Seconds, ShortText, Text, TimeRange
from bursar.methods.schemas import PaymentMethodData
from bursar.payments.params import AutomaticMethodsParams, Id, Url
from bursar.payments.schemas import FutureUsage, ThreeDSecureRequest
from bursar.setup_intents.schemas import CancellationReason


class CardOptionsParams(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    request_three_d_secure: ThreeDSecureRequest | None = None


class MethodOptionsParams(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    card: CardOptionsParams | None = None


class DescribedParams(Params):
    """What describes a setup and can be given at any time before its end."""

    description: Text | UnsetType = UNSET
    metadata: MetadataChange = UNSET
    payment_method: Id | UnsetType = UNSET
    payment_method_data: PaymentMethodData | None = None
    payment_method_options: MethodOptionsParams | None = None
    payment_method_types: Annotated[list[ShortText], Meta(max_length=20)] | None = None


class SetupParams(DescribedParams):
    automatic_payment_methods: AutomaticMethodsParams | None = None
    confirm: bool = False
    customer: Id | None = None
    usage: FutureUsage = "off_session"
    # What counts for the confirmation only.
    mandate_data: dict[str, Any] | None = None
    return_url: Url | None = None
    use_stripe_sdk: bool = False


class SetupUpdateParams(DescribedParams):
    customer: Id | UnsetType = UNSET


class SetupConfirmParams(Params):
    client_secret: ShortText | None = None
    payment_method: Id | UnsetType = UNSET
    payment_method_data: PaymentMethodData | None = None
    payment_method_options: MethodOptionsParams | None = None
    # What counts for the confirmation only.
    mandate_data: dict[str, Any] | None = None
    return_url: Url | None = None
    use_stripe_sdk: bool = False


class SetupRetrieveParams(Params):
    client_secret: ShortText | None = None


class SetupCancelParams(Params):
    cancellation_reason: CancellationReason | None = None


class SetupListParams(ListParams):
    created: Seconds | TimeRange | None = None
    customer: Id | None = None
    payment_method: Id | None = None
