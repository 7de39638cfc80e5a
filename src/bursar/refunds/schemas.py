"""Refunds on the wire, and what can be asked of them."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta

from bursar.http.params import Cursor, ListParams, Metadata, MetadataChange, Params, Seconds, TimeRange

RefundStatus = Literal["canceled", "failed", "pending", "requires_action", "succeeded"]
PendingReason = Literal["charge_pending", "insufficient_funds", "processing"]
FailureReason = Literal[
    "charge_for_pending_refund_disputed",
    "declined",
    "expired_or_canceled_card",
    "insufficient_funds",
    "lost_or_stolen_card",
    "merchant_request",
    "unknown",
]
ReferenceStatus = Literal["available", "pending", "unavailable"]
# Any whole number: what is too much depends on the charge, and is said in those words.
Amount = Annotated[int, Meta(ge=-(10**15), le=10**15)]
Email = Annotated[str, Meta(max_length=512)]


class RefundedCard(msgspec.Struct, kw_only=True):
    """What the cardholder's bank finds it by."""

    reference: str | None = None
    reference_status: ReferenceStatus | None = None
    reference_type: str | None = None
    type: Literal["pending", "refund", "reversal"] = "pending"


class DestinationDetails(msgspec.Struct, kw_only=True):
    card: RefundedCard
    type: Literal["card"] = "card"


class Refund(msgspec.Struct, kw_only=True):
    id: str
    object: Literal["refund"] = "refund"
    amount: int
    balance_transaction: str | None = None
    charge: str
    created: int
    currency: str
    customer: str | None = None
    customer_account: None = None
    description: None = None
    destination_details: DestinationDetails | None = None
    failure_balance_transaction: str | None = None
    failure_reason: FailureReason | None = None
    instructions_email: str | None = None
    metadata: Metadata = {}
    next_action: None = None
    payment_intent: str | None = None
    payment_method: str | None = None
    pending_reason: PendingReason | None = None
    presentment_details: None = None
    reason: str | None = None
    receipt_number: None = None
    source_transfer_reversal: None = None
    status: RefundStatus
    transfer_reversal: None = None


class RefundParams(Params):
    amount: Amount | None = None
    charge: Cursor | None = None
    instructions_email: Email | None = None
    metadata: MetadataChange = UNSET
    payment_intent: Cursor | None = None
    reason: Literal["duplicate", "fraudulent", "requested_by_customer"] | None = None


class RefundUpdateParams(Params):
    metadata: MetadataChange = UNSET


class RefundListParams(ListParams):
    charge: Cursor | None = None
    created: Seconds | TimeRange | None = None
    payment_intent: Cursor | None = None


_decoder = msgspec.json.Decoder(Refund)


def decode_refund(document: str) -> Refund:
    return _decoder.decode(document)
