"""How a dispute goes on, and what may be said against it when. Pure."""

from __future__ import annotations

from typing import Literal

import msgspec

from bursar.connectors.contract import BankDispute
from bursar.disputes.evidence import EVIDENCE_LENGTH_MAX
from bursar.disputes.schemas import (
    Dispute,
    DisputedCard,
    DisputeMethodDetails,
    DisputeStatus,
    DisputeUpdateParams,
    EvidenceDetails,
)
from bursar.http.params import changed_metadata
from bursar.kit.errors import InvalidRequest
from bursar.payments.charge_schemas import Charge

# Each leads to a later one only, so that of two messages the one that came last need not be the newer.
_ORDER: dict[DisputeStatus, int] = {
    "warning_needs_response": 0,
    "warning_under_review": 1,
    "needs_response": 2,
    "under_review": 3,
    "lost": 4,
    "warning_closed": 4,
    "won": 4,
}
ENDS = frozenset({"lost", "warning_closed", "won"})
ANSWERABLE = frozenset({"needs_response", "warning_needs_response"})
REVIEWED = frozenset({"under_review", "warning_under_review"})
INQUIRIES = frozenset({"warning_closed", "warning_needs_response", "warning_under_review"})
_REASON_CODES: dict[str, dict[str, str]] = {
    "mastercard": {"fraudulent": "4837", "product_not_received": "4853", "duplicate": "4834", "general": "4853"},
    "visa": {"fraudulent": "10.4", "product_not_received": "13.1", "duplicate": "12.6.1", "general": "13.3"},
}

# What a message of the bank is to a dispute as it stands.
News = Literal["new", "known", "contradictory"]


def status_of(told: BankDispute) -> DisputeStatus:
    if told.inquiry:
        if told.status == "open":
            return "warning_needs_response"
        return "warning_under_review" if told.status == "under_review" else "warning_closed"
    if told.status == "open":
        return "needs_response"
    return told.status


def compare(stored: Dispute | None, told: BankDispute) -> News:
    """A message that is older than what is known, or says another end, is for the bank to explain."""
    if stored is None:
        return "new"
    status = status_of(told)
    if status == stored.status:
        return "known"
    return "new" if _ORDER[status] > _ORDER[stored.status] else "contradictory"


def is_older(stored: Dispute, told: BankDispute) -> bool:
    """Whether a message tells of what was before, and so contradicts nothing."""
    return _ORDER[status_of(told)] < _ORDER[stored.status]


def withdraws(told: BankDispute) -> bool:
    """Whether it has taken money, be it that some came back."""
    return not told.inquiry


def fits(told: BankDispute, withdrawn_minor: int, left_minor: int) -> bool:
    """No more is taken back than there is. A refund that is under way, and that the bank will refuse because of the
    dispute, can stand in the way for a while.
    """
    stays = withdraws(told) and told.status != "won"
    return not stays or told.amount_minor - withdrawn_minor <= left_minor


def opened(told: BankDispute, charge: Charge, dispute_id: str, created: int) -> Dispute:
    """As it is before the bank's message is applied to it."""
    details = charge.payment_method_details
    card = details.card if details is not None and details.card else None
    brand = card.brand if card is not None and card.brand else "unknown"
    code = _REASON_CODES.get(brand, {}).get(told.reason)
    disputed = DisputedCard(
        brand=brand,
        case_type="inquiry" if told.inquiry else "chargeback",
        network=(card.network if card is not None else None) or brand,
        network_reason_code=code,
    )
    is_card = details is None or details.type == "card"
    return Dispute(
        id=dispute_id,
        amount=told.amount_minor,
        charge=charge.id,
        created=created,
        currency=told.currency,
        is_charge_refundable=False,
        livemode=charge.livemode,
        network_reason_code=code,
        payment_intent=charge.payment_intent,
        # The wire has words for disputes of cards only.
        payment_method_details=DisputeMethodDetails(card=disputed) if is_card else None,
        reason=told.reason,
        status="warning_needs_response" if told.inquiry else "needs_response",
    )


def moved(dispute: Dispute, told: BankDispute, left_minor: int) -> Dispute:
    """The dispute as the bank sees it now; `left_minor` is what could still be refunded."""
    status = status_of(told)
    details = dispute.evidence_details
    if status in REVIEWED and dispute.status not in REVIEWED:
        details = _submitted(details)
    method = dispute.payment_method_details
    if method is not None and status not in INQUIRIES:
        method = msgspec.structs.replace(method, card=msgspec.structs.replace(method.card, case_type="chargeback"))
    return msgspec.structs.replace(
        dispute,
        amount=told.amount_minor,
        evidence_details=msgspec.structs.replace(details, due_by=told.evidence_due),
        is_charge_refundable=status in INQUIRIES and left_minor > 0,
        payment_method_details=method,
        status=status,
    )


def _submitted(details: EvidenceDetails) -> EvidenceDetails:
    return msgspec.structs.replace(
        details,
        has_evidence=True,
        submission_count=details.submission_count + 1,
        submission_method="manual",
    )


def as_of(dispute: Dispute, now_seconds: int) -> Dispute:
    """Whether it is too late to answer is not stored: it follows from the time."""
    details = dispute.evidence_details
    late = details.due_by is not None and details.due_by < now_seconds and dispute.status in ANSWERABLE
    return msgspec.structs.replace(dispute, evidence_details=msgspec.structs.replace(details, past_due=late))


def described(dispute: Dispute, params: DisputeUpdateParams) -> Dispute:
    evidence = dispute.evidence
    if params.evidence is not None:
        evidence = params.evidence.applied_to(evidence)
    said = evidence.texts()
    if sum(map(len, said.values())) > EVIDENCE_LENGTH_MAX:
        raise InvalidRequest(
            f"The evidence has more than {EVIDENCE_LENGTH_MAX} characters in all; send less.", param="evidence"
        )
    return msgspec.structs.replace(
        dispute,
        evidence=evidence,
        evidence_details=msgspec.structs.replace(dispute.evidence_details, has_evidence=bool(said)),
        intended_submission_method=params.intended_submission_method or dispute.intended_submission_method,
        metadata=changed_metadata(dispute.metadata, params.metadata),
    )


def is_submitted(params: DisputeUpdateParams) -> bool:
    """Evidence goes to the bank unless it shall wait; what waits goes when that is asked for."""
    return params.submit is True or (params.evidence is not None and params.submit is not False)


def check_evidence(before: Dispute, after: Dispute, params: DisputeUpdateParams) -> None:
    if params.evidence is None and params.submit is None:
        return
    require_open(before)
    if before.status not in ANSWERABLE:
        raise InvalidRequest(
            f"The evidence of this dispute was submitted: its status is {before.status}, so the bank takes no more.",
            param="evidence",
        )
    if is_submitted(params) and not after.evidence.texts():
        raise InvalidRequest("There is no evidence to submit; send evidence with it.", param="evidence")


def require_open(dispute: Dispute) -> None:
    if dispute.status in ENDS:
        raise InvalidRequest(f"This dispute is already closed; its status is {dispute.status}.", param="id")
