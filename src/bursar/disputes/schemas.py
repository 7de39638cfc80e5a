"""Disputes on the wire, and what can be asked of them."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import UNSET

from bursar.disputes.evidence import Evidence, EvidenceParams
from bursar.http.params import Cursor, ListParams, Metadata, MetadataChange, Params, Seconds, TimeRange
from bursar.ledger.schemas import BalanceTransaction

DisputeStatus = Literal[
    "lost",
    "needs_response",
    "under_review",
    "warning_closed",
    "warning_needs_response",
    "warning_under_review",
    "won",
]
SubmissionMethod = Literal["manual", "prefer_manual"]


class EnhancedEligibility(msgspec.Struct, kw_only=True):
    mastercard_compliance: None = None
    visa_compelling_evidence_3: None = None
    visa_compliance: None = None


class EvidenceDetails(msgspec.Struct, kw_only=True):
    due_by: int | None = None
    enhanced_eligibility: EnhancedEligibility = msgspec.field(default_factory=EnhancedEligibility)
    has_evidence: bool = False
    past_due: bool = False
    submission_count: int = 0
    submission_method: Literal["manual", "not_submitted"] = "not_submitted"


class DisputedCard(msgspec.Struct, kw_only=True):
    brand: str
    case_type: Literal["chargeback", "inquiry"]
    network: str
    network_reason_code: str | None = None


class DisputeMethodDetails(msgspec.Struct, kw_only=True):
    card: DisputedCard
    type: Literal["card"] = "card"


class Dispute(msgspec.Struct, kw_only=True):
    id: str
    object: Literal["dispute"] = "dispute"
    amount: int
    balance_transactions: list[BalanceTransaction] = []
    charge: str
    created: int
    currency: str
    enhanced_eligibility_types: list[str] = []
    evidence: Evidence = msgspec.field(default_factory=Evidence)
    evidence_details: EvidenceDetails = msgspec.field(default_factory=EvidenceDetails)
    intended_submission_method: SubmissionMethod | None = None
    is_charge_refundable: bool
    livemode: bool
    metadata: Metadata = {}
    network_reason_code: str | None = None
    payment_intent: str | None = None
    payment_method_details: DisputeMethodDetails | None = None
    reason: str
    status: DisputeStatus


class DisputeUpdateParams(Params):
    evidence: EvidenceParams | None = None
    intended_submission_method: SubmissionMethod | None = None
    metadata: MetadataChange = UNSET
    submit: bool | None = None


class DisputeListParams(ListParams):
    charge: Cursor | None = None
    created: Seconds | TimeRange | None = None
    payment_intent: Cursor | None = None


_decoder = msgspec.json.Decoder(Dispute)


def decode_dispute(document: str) -> Dispute:
    return _decoder.decode(document)
