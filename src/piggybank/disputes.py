"""Disputes: the cardholder's bank takes money back, and evidence decides whether it stays there.

An inquiry only asks: it moves no money and costs nothing, whichever way it is closed, unless it is escalated.
"""

from __future__ import annotations

import msgspec

from piggybank import requests, views
from piggybank.authorization import Authorization
from piggybank.money import minor_digits
from piggybank.records import DisputeChange, Later, Record
from piggybank.requests import Refused, not_found
from piggybank.state import State

PREFIX = "dp"
EVIDENCE_DAYS = 7
DAY_SECONDS = 86_400
FEE_UNITS = 15
DECISION_MILLISECONDS = 1_000
_DECISIONS: dict[str, Later] = {
    "winning_evidence": "dispute_won",
    "losing_evidence": "dispute_lost",
    "escalate_inquiry_evidence": "dispute_escalated",
}

Answer = tuple[views.DisputeView, int]


def fee_in(currency: str) -> int:
    factor: int = 10 ** minor_digits(currency)
    return FEE_UNITS * factor


class Disputes:
    def __init__(self, state: State) -> None:
        self._state = state

    def open_by_hand(self, request: requests.NewDispute) -> Answer:
        about = self._state.find_authorization(request.authorization, request.merchant)
        if about is None:
            raise not_found("authorization")
        if about.payer is not None and about.payer.method == "wallet":
            # Money of a wallet that was spent again could not be taken back when the merchant wins.
            raise Refused(
                409, "not_disputable", "Payments from a wallet cannot be disputed; refund it.", "authorization"
            )
        amount = request.amount or about.refundable
        if not 0 < amount <= about.refundable:
            raise Refused(409, "amount_too_large", "More than what is captured and not given back.", "amount")
        record = self.open(about, amount, request.reason, inquiry=request.reason == "inquiry")
        return self._shown(record, about)

    def open(
        self,
        about: Authorization,
        amount: int,
        reason: str,
        *,
        inquiry: bool,
        cause: int = 0,
        later: Later | None = None,
    ) -> Record:
        now = self._state.clock()
        change = DisputeChange(
            id=self._state.new_id(PREFIX),
            amount=amount,
            currency=about.currency,
            reason="general" if inquiry else reason,
            fee=0 if inquiry else fee_in(about.currency),
            status="open",
            inquiry=inquiry,
            evidence_due=now // 1000 + EVIDENCE_DAYS * DAY_SECONDS,
            withdrawn=0 if inquiry else amount,
        )
        record = self._record(change, about, cause)
        if later is not None:
            record.later, record.due = later, now
        self._keep(record, about, "dispute.opened")
        return record

    def get(self, dispute_id: str, merchant: str | None) -> tuple[DisputeChange, Authorization]:
        found = self._state.disputes.get(dispute_id)
        about = self._state.authorization(found[1]) if found is not None else None
        if found is None or about is None or merchant not in (None, about.merchant):
            raise not_found("dispute")
        return found[0], about

    def show(self, dispute_id: str) -> Answer:
        change, about = self.get(dispute_id, None)
        return views.dispute(change, about), about.latest

    def submit_evidence(self, dispute_id: str, request: requests.Evidence) -> Answer:
        change, about = self.get(dispute_id, request.merchant)
        if change.status == "under_review":
            return views.dispute(change, about), about.latest  # sent again: the first one is being read
        _refuse_closed(change)
        record = self._record(msgspec.structs.replace(change, status="under_review"), about)
        record.later = _DECISIONS.get(request.text.strip())
        if record.later is not None:
            record.due = record.at + DECISION_MILLISECONDS
        self._keep(record, about, "dispute.updated")
        return self._shown(record, about)

    def accept(self, dispute_id: str, request: requests.Acceptance) -> Answer:
        change, about = self.get(dispute_id, request.merchant)
        if change.status == "lost":
            return views.dispute(change, about), about.latest
        _refuse_closed(change)
        return self._shown(self.close(change, about, won=False), about)

    def close(self, change: DisputeChange, about: Authorization, *, won: bool, cause: int = 0) -> Record:
        closed = msgspec.structs.replace(change, status="won" if won else "lost")
        if won:
            closed = msgspec.structs.replace(closed, withdrawn=0)
        record = self._record(closed, about, cause)
        self._keep(record, about, "dispute.won" if won else "dispute.lost")
        return record

    def escalate(self, change: DisputeChange, about: Authorization, cause: int) -> Record | None:
        """An inquiry becomes a dispute, for what is still there to be taken."""
        amount = min(change.amount, about.refundable)
        if not change.inquiry or not amount:
            return None
        escalated = msgspec.structs.replace(
            change,
            inquiry=False,
            status="open",
            amount=amount,
            withdrawn=amount,
            fee=fee_in(change.currency),
            evidence_due=self._state.clock() // 1000 + EVIDENCE_DAYS * DAY_SECONDS,
        )
        record = self._record(escalated, about, cause)
        self._keep(record, about, "dispute.updated")
        return record

    def _record(self, change: DisputeChange, about: Authorization, cause: int = 0) -> Record:
        return self._state.record(
            "dispute",
            merchant=about.merchant,
            authorization=about.id,
            amount=change.amount,
            currency=change.currency,
            dispute=change,
            cause=cause,
        )

    def _keep(self, record: Record, about: Authorization, tell: str) -> None:
        change = record.dispute
        assert change is not None, "made with one"
        self._state.keep(record, about, tell, lambda: {"dispute": views.dispute(change, about)})

    @staticmethod
    def _shown(record: Record, about: Authorization) -> Answer:
        assert record.dispute is not None, "a dispute's record holds it"
        return views.dispute(record.dispute, about), record.seq


def _refuse_closed(change: DisputeChange) -> None:
    if change.status in ("won", "lost"):
        raise Refused(409, "dispute_closed", f"This dispute is {change.status} already.")
