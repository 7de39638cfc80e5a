"""The plain API on the wire."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta

from bursar.http.params import Metadata, MetadataChange, Params, Text
from bursar.http.shape import DecimalText
from bursar.payments.params import Amount, CurrencyCode, Id, Url
from bursar.plain_payments.states import State

MethodName = Literal["card", "credit_card", "upi", "wallet", "net_banking"]
Status = Literal["approved", "declined", "pending", "requires_action", "canceled"]
Digits = Annotated[str, Meta(max_length=40)]
Whole = Annotated[int, Meta(ge=-(10**9), le=10**9)]


class PlainCard(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """With the month and year of its expiry, or with both as they are printed: MM/YY."""

    number: Digits
    exp_month: Whole | None = None
    exp_year: Whole | None = None
    expiry: Annotated[str, Meta(max_length=20)] | None = None
    cvc: Digits | None = None
    cvv: Digits | None = None
    name: Annotated[str, Meta(max_length=256)] | None = None

    def __repr__(self) -> str:
        """Whatever prints parameters must not print a card."""
        return "PlainCard(…)"


class PlainUpi(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Without an address the customer scans a code, or opens the app by a link."""

    vpa: Annotated[str, Meta(max_length=320)] | None = None


class PlainWallet(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A wallet that the customer has at the bank."""

    wallet_id: Annotated[str, Meta(max_length=100)]


class PlainNetBanking(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    bank_code: Annotated[str, Meta(max_length=40)]
    account: Annotated[str, Meta(max_length=64)] | None = None


class MethodParams(Params, kw_only=True):
    """By what is paid: the method, and the details that it needs. A token stands for both."""

    method: MethodName | None = None
    card: PlainCard | None = None
    upi: PlainUpi | None = None
    wallet: PlainWallet | None = None
    net_banking: PlainNetBanking | None = None
    # A token, or a payment method that was made before.
    token: Id | None = None


class PlainPaymentParams(MethodParams, kw_only=True):
    amount: Amount
    currency: CurrencyCode
    capture: bool = True
    customer: Id | None = None
    description: Text | None = None
    metadata: MetadataChange = UNSET
    return_url: Url | None = None


class PayParams(MethodParams, kw_only=True):
    """The amount in major units: 10.50, as a number or as text."""

    amount: DecimalText
    currency: CurrencyCode
    description: Text | None = None
    return_url: Url | None = None


class PlainCaptureParams(Params):
    amount: Amount | None = None


class PlainRefundParams(Params):
    amount: Amount | None = None
    reason: Literal["duplicate", "fraudulent", "requested_by_customer"] | None = None
    metadata: MetadataChange = UNSET


class NextStep(msgspec.Struct, kw_only=True):
    """What the customer has to do: go to an address, or scan a code."""

    type: Literal["redirect", "qr_code"]
    url: str | None = None
    image_url: str | None = None
    expires_at: int | None = None


class PlainPayment(msgspec.Struct, kw_only=True):
    payment_id: str
    object: Literal["payment"] = "payment"
    amount: int
    amount_captured: int
    amount_refunded: int
    auth_id: str | None
    created: int
    currency: str
    customer: str | None
    description: str | None
    livemode: bool
    message: str | None
    metadata: Metadata
    method: str | None
    next_action: NextStep | None
    reason: str | None
    state: State
    status: Status


class PayAnswer(msgspec.Struct, kw_only=True):
    status: Status
    reason: str | None
    auth_id: str | None
    payment_id: str
    next_action: NextStep | None


class PlainRefund(msgspec.Struct, kw_only=True):
    refund_id: str
    object: Literal["refund"] = "refund"
    amount: int
    created: int
    currency: str
    metadata: Metadata
    payment_id: str | None
    reason: str | None
    status: str
