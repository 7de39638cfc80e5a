"""What happens by itself, some time after what caused it: disputes, outcomes of refunds, holds that end."""

from __future__ import annotations

import heapq

from piggybank import views
from piggybank.authorization import Authorization
from piggybank.customers import Customers
from piggybank.disputes import Disputes
from piggybank.records import Record
from piggybank.settlements import Settlements
from piggybank.state import State, number_of

HAPPENINGS_MAX = 200  # in one go; what asks the bank meanwhile should not wait for all of them


class Later:
    def __init__(self, state: State, disputes: Disputes, customers: Customers, settlements: Settlements) -> None:
        self._state = state
        self._disputes = disputes
        self._customers = customers
        self._settlements = settlements

    def next_due(self) -> int | None:
        """When to call `run`, in milliseconds."""
        state = self._state
        times = [heap[0][0] for heap in (state.due, state.evidence_due, state.holds_out_of_order) if heap]
        if state.holds:
            times.append(next(iter(state.holds.values())))
        end = self._settlements.next_due()
        if end is not None:
            times.append(end)
        return min(times, default=None)

    def run(self) -> None:
        """Everything that is due by now, up to a limit."""
        state, now = self._state, self._state.clock()
        for _ in range(HAPPENINGS_MAX):
            if state.due and state.due[0][0] <= now:
                self._happen(heapq.heappop(state.due)[1])
            elif state.evidence_due and state.evidence_due[0][0] <= now:
                self._miss_evidence(*heapq.heappop(state.evidence_due))
            elif state.holds_out_of_order and state.holds_out_of_order[0][0] <= now:
                due, number = heapq.heappop(state.holds_out_of_order)
                if state.holds.get(number) == due:
                    self._expire(number)
            elif state.holds and (first := next(iter(state.holds.items())))[1] <= now:
                self._expire(first[0])
            elif (end := self._settlements.next_due()) is not None and end <= now:
                self._settlements.run()
            else:
                return

    def _happen(self, seq: int) -> None:
        what = self._state.pending.get(seq)
        if what is None:
            return  # it has happened
        record = self._state.journal.read(seq)
        about = self._state.authorization(number_of(record.authorization))
        if what in ("dispute", "second_dispute"):
            done = self._dispute(about, seq, second=what == "second_dispute")
        elif what == "fraud_warning":
            done = self._warn(about, seq)
        elif what in ("refund_succeeds", "refund_fails"):
            done = self._settle_refund(record, about, succeeded=what == "refund_succeeds")
        elif what == "late_approval":
            done = self._approve_late(about, seq)
        elif what in ("customer_acts", "waiting_ends", "pending_ends", "late_success"):
            done = self._customers.happen(what, record, about)
        else:
            done = self._decide_dispute(record, about, what)
        if not done:
            self._state.keep(self._state.record("lapse", authorization=about.id, cause=seq), about)

    def _dispute(self, about: Authorization, cause: int, *, second: bool) -> bool:
        if not about.refundable:
            return False
        behaviour = about.behaviour.dispute or "fraudulent"
        amount = about.refundable
        several = behaviour == "multiple" and not second and amount > 1
        self._disputes.open(
            about,
            amount // 2 if several else amount,
            "fraudulent" if behaviour in ("multiple", "inquiry") else behaviour,
            inquiry=behaviour == "inquiry",
            cause=cause,
            later="second_dispute" if several else None,
        )
        return True

    def _warn(self, about: Authorization, cause: int) -> bool:
        if about.reversed:
            return False
        warning = {
            "id": self._state.new_id("fw"),
            "authorization": about.id,
            "reference": about.reference,
            "amount": about.captured,
            "currency": about.currency,
            "reason": "unauthorized_use_of_card",
        }
        record = self._state.record("fraud_warning", merchant=about.merchant, authorization=about.id, cause=cause)
        self._state.keep(record, about, "fraud_warning.opened", lambda: {"fraud_warning": warning})
        return True

    def _settle_refund(self, refund: Record, about: Authorization, *, succeeded: bool) -> bool:
        if about.reversed or refund.seq in about.undone:
            return False
        record = self._state.record(
            "refund_outcome",
            merchant=about.merchant,
            authorization=about.id,
            amount=refund.amount,
            currency=refund.currency,
            status="approved" if succeeded else "failed",
            cause=refund.seq,
        )
        self._state.keep(
            record,
            about,
            "refund.succeeded" if succeeded else "refund.failed",
            lambda: {"operation": views.operation(refund, about)},
        )
        return True

    def _approve_late(self, about: Authorization, cause: int) -> bool:
        if (
            not about.reversed
            or about.reversed_for_good
            or self._customers.has_spent(about, about.captured - about.refunded)
        ):
            return False
        if self._customers.bring_back(about, cause):
            return True
        record = self._state.record("late_approval", merchant=about.merchant, authorization=about.id, cause=cause)
        self._state.keep(record, about, "authorization.approved", lambda: self._authorization_data(about))
        return True

    def _decide_dispute(self, record: Record, about: Authorization, what: str) -> bool:
        assert record.dispute is not None, "evidence belongs to a dispute"
        change, _ = self._disputes.get(record.dispute.id, None)
        if change.status != "under_review":
            return False
        if what == "dispute_escalated":
            if not change.inquiry:
                return False  # no text that decides a dispute: it stays under review
            if self._disputes.escalate(change, about, record.seq) is not None:
                return True
        # An inquiry that cannot be escalated, as all was given back meanwhile, is over too.
        self._disputes.close(change, about, won=what != "dispute_lost", cause=record.seq)
        return True

    def _miss_evidence(self, due: int, dispute_id: str) -> None:
        change, about = self._disputes.get(dispute_id, None)
        if change.status == "open" and change.evidence_due * 1000 == due:
            self._disputes.close(change, about, won=False)

    def _expire(self, number: int) -> None:
        about = self._state.authorization(number)
        record = self._state.record("expiry", merchant=about.merchant, authorization=about.id, amount=about.held)
        self._state.keep(record, about, "authorization.expired", lambda: self._authorization_data(about))

    def _authorization_data(self, about: Authorization) -> dict[str, object]:
        return {"operation": views.operation(self._state.journal.read(about.seq), about)}
