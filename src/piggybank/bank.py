"""What can be asked of the bank. Every operation is decided, applied and written down in one go.

Each answer comes with the number of the record that must be on the disk before it may be given.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

import piggybank_cards
from piggybank import issuers, requests, views
from piggybank.authorization import Authorization, opened_by
from piggybank.cardholders import ID_PREFIX as ACCOUNT_PREFIX
from piggybank.cardholders import Account
from piggybank.customers import Customers
from piggybank.faults import Faults
from piggybank.records import Behaviour, CardTrace, Later, OperationKind, Payer, Record
from piggybank.requests import Refused, not_found
from piggybank.state import AUTHORIZATION_PREFIX, State

LATER_MILLISECONDS = 1_000
ACCOUNT_CARD_YEARS = 4
_PREFIXES: dict[OperationKind, str] = {
    "authorization": AUTHORIZATION_PREFIX,
    "completion": "comp",
    "capture": "capt",
    "void": "void",
    "refund": "refd",
    "increment": "incr",
    "reversal": "rvsl",
}

Answer = tuple[views.Operation, int]
_encoder = msgspec.json.Encoder()


class Bank:
    def __init__(self, state: State, faults: Faults) -> None:
        self._state = state
        self._faults = faults
        self.customers = Customers(state, faults)

    def authorize(self, request: requests.Authorization) -> Answer:
        cvc, request.card.cvc = request.card.cvc, None
        fingerprint = self._fingerprint("authorization", "", request)
        request.card.cvc = cvc
        known = self._known("authorization", request, fingerprint, request.amount, request.currency)
        if known is not None:
            return known
        number = request.card.number
        row = piggybank_cards.by_number(number) or issuers.ORDINARY
        brand = row.brand if row.number else issuers.brand_of(number)
        number_hash = self._state.cardholders.card_hash(number)
        account = self._state.cardholders.find(number_hash)
        decision = issuers.decide(
            request, row, brand, account.funds if account else None, self._month(), self._faults.decline()
        )
        paid = decision.status == "approved" and request.capture and request.amount > 0
        behaviour = Behaviour(row.dispute, row.refund, row.bypass_pending, row.decline_after_authentication)
        authorization_id = self._state.new_id(AUTHORIZATION_PREFIX)
        record = self._state.record(
            "authorization",
            id=authorization_id,
            authorization=authorization_id,
            merchant=request.merchant,
            reference=request.reference,
            fingerprint=fingerprint,
            amount=request.amount,
            currency=request.currency,
            capture=request.capture,
            partial_captures=bool(request.partial_captures),
            card=CardTrace(number[:6], number[-4:], number_hash, brand),
            behaviour=behaviour if behaviour != Behaviour() else None,
            account=account.id if account is not None else "",
            status=decision.status,
            code=decision.code,
            decline=decision.decline,
            advice_code=decision.advice_code,
            checks=decision.checks,
            risk=decision.risk,
            authentication=decision.authentication,
            fee=views.fee_of(request.amount) if paid else 0,
        )
        if paid:
            self._expect_dispute(record, behaviour)
        about = opened_by(record)
        self._state.keep(record, about)
        return views.operation(record, about), record.seq

    def authorize_without_card(self, request: requests.AuthorizationWithoutCard) -> Answer:
        """By UPI, on a bank's page, or from a wallet."""
        fingerprint = self._fingerprint("authorization", "", request)
        payer = self.customers.payer(request)
        known = self._known("authorization", request, fingerprint, request.amount, request.currency, payer)
        if known is not None:
            return known
        authorization_id = self._state.new_id(AUTHORIZATION_PREFIX)
        record = self._state.record(
            "authorization",
            id=authorization_id,
            authorization=authorization_id,
            merchant=request.merchant,
            reference=request.reference,
            fingerprint=fingerprint,
            amount=request.amount,
            currency=request.currency,
            capture=True,
            payer=payer,
            **self.customers.decide(request, payer),
        )
        about = opened_by(record)
        self._state.keep(record, about)
        return views.operation(record, about), record.seq

    def complete(self, authorization_id: str, request: requests.Completion) -> Answer:
        """The cardholder came back from the challenge."""

        def decide(about: Authorization) -> dict[str, Any]:
            decline = self._completion_decline(about, request.authentication)
            fields: dict[str, Any] = {"amount": about.amount, "authentication": request.authentication}
            asked = self._state.find(about.merchant, about.reference)
            if asked is not None:  # what was checked when the card came, before the cardholder was asked
                fields |= {"checks": asked.checks, "risk": asked.risk}
            if decline is not None:
                return fields | _declined(decline, about.brand)
            paid = about.capture and about.amount > 0
            return fields | _approved(fee=views.fee_of(about.amount) if paid else 0, capture=paid)

        return self._operate("completion", authorization_id, request, decide)

    def capture(self, authorization_id: str, request: requests.Capture) -> Answer:
        def decide(about: Authorization) -> dict[str, Any]:
            fields: dict[str, Any] = {"amount": request.amount, "final": request.final}
            if not about.held:
                return fields | _declined("invalid_transaction", about.brand)
            if request.amount > about.held:
                return fields | _declined("invalid_amount", about.brand)
            return fields | _approved(fee=views.fee_of(request.amount), capture=True)

        return self._operate("capture", authorization_id, request, decide)

    def increment(self, authorization_id: str, request: requests.Increment) -> Answer:
        def decide(about: Authorization) -> dict[str, Any]:
            fields: dict[str, Any] = {"amount": request.amount}
            decline: str | None = "invalid_transaction"
            if about.held:
                more = request.amount - about.amount
                decline = self._faults.decline() or ("invalid_amount" if more <= 0 else None)
                decline = decline or self._shortage(about, request.amount, more)
            return fields | (_declined(decline, about.brand) if decline else _approved())

        return self._operate("increment", authorization_id, request, decide)

    def void(self, authorization_id: str, request: requests.Void) -> Answer:
        def decide(about: Authorization) -> dict[str, Any]:
            # Released before, or waiting for a cardholder who will not be awaited any longer.
            waits = about.status == "challenge" or about.undecided
            nothing_held = about.voided or about.expired or about.reversed or waits
            if not about.held and not nothing_held:
                return _declined("invalid_transaction", about.brand)
            return _approved(amount=about.held)

        return self._operate("void", authorization_id, request, decide)

    def refund(self, authorization_id: str, request: requests.Refund) -> Answer:
        def decide(about: Authorization) -> dict[str, Any]:
            fields: dict[str, Any] = {"amount": request.amount}
            if request.amount > about.refundable:
                decline = "invalid_amount" if about.refundable else "invalid_transaction"
                return fields | _declined(decline, about.brand)
            fields |= _approved()
            if about.payer is not None:
                if about.payer.method == "upi":
                    fields |= {"status": "pending"} | self._later("refund_succeeds")
            elif about.behaviour.refund is not None:
                pending = about.behaviour.refund == "pending"
                fields["status"] = "pending" if pending else "approved"
                fields |= self._later("refund_succeeds" if pending else "refund_fails")
            return fields

        return self._operate("refund", authorization_id, request, decide)

    def reverse(self, request: requests.Reversal) -> Answer:
        """Whatever became of an operation, it is undone; if it was never seen, it never will be."""
        fingerprint = self._fingerprint("reversal", "", request)
        known = self._known("reversal", request, fingerprint)
        if known is not None:
            return known
        target = self._state.find(request.merchant, request.reverses)
        about = None
        fields: dict[str, Any] = _approved()
        if target is not None and target.authorization:
            about = self._state.authorization(int(target.authorization.rpartition("_")[2]))
            fields |= self._undoing(target, about)
        record = self._state.record(
            "reversal",
            id=self._state.new_id(_PREFIXES["reversal"]),
            merchant=request.merchant,
            reference=request.reference,
            fingerprint=fingerprint,
            reverses=request.reverses,
            authorization=about.id if about is not None else "",
            currency=target.currency if target is not None else "",
            **fields,
        )
        self._state.keep(record, about)
        return views.operation(record, about), record.seq

    def inquire(self, merchant: str, reference: str) -> Answer:
        record = self._state.find(merchant, reference)
        if record is None:
            raise Refused(404, "absent", "No operation was ever seen under this reference.")
        return self._shown(record)

    def open_account(self, request: requests.NewAccount) -> tuple[dict[str, Any], int]:
        year, month = self._month()
        if request.cvc is not None and (len(request.cvc) == 4) != (request.brand == "amex"):
            raise Refused(400, "invalid", "American Express has CVCs of four digits, others of three.", "cvc")
        account_id = self._state.new_id(ACCOUNT_PREFIX)
        opened = self._state.cardholders.describe(
            account_id,
            request.brand,
            request.balance,
            request.currency,
            (request.exp_year or year + ACCOUNT_CARD_YEARS, request.exp_month or month),
            request.limit,
            request.cvc,
        )
        record = self._state.record("account", id=account_id, opened=opened)
        self._state.keep(record)
        return self.account(account_id).view(), record.seq

    def account(self, account_id: str) -> Account:
        account = self._state.cardholders.get(account_id)
        if account is None:
            raise Refused(404, "not_found", "There is no such account.")
        return account

    def _operate(
        self,
        kind: OperationKind,
        authorization_id: str,
        request: requests.Completion | requests.Capture | requests.Increment | requests.Void | requests.Refund,
        decide: Callable[[Authorization], dict[str, Any]],
    ) -> Answer:
        """An operation on an authorisation: known already, barred, or decided now."""
        fingerprint = self._fingerprint(kind, authorization_id, request)
        known = self._known(kind, request, fingerprint)
        if known is not None:
            return known
        about = self._state.find_authorization(authorization_id, request.merchant)
        if about is None:
            raise not_found("authorization")
        if isinstance(request, requests.Capture) and not (request.final or about.partial_captures):
            raise Refused(400, "partial_captures_not_agreed", "Ask for partial_captures when authorising.", "final")
        record = self._state.record(
            kind,
            id=self._state.new_id(_PREFIXES[kind]),
            authorization=about.id,
            merchant=request.merchant,
            reference=request.reference,
            fingerprint=fingerprint,
            currency=about.currency,
            **decide(about),
        )
        if record.capture and not about.disputed:
            self._expect_dispute(record, about.behaviour)
        self._state.keep(record, about)
        return views.operation(record, about), record.seq

    def _known(
        self,
        kind: OperationKind,
        request: requests.Operation,
        fingerprint: str,
        amount: int = 0,
        currency: str = "",
        payer: Payer | None = None,
    ) -> Answer | None:
        """The answer for a reference that was seen, or that a reversal has barred."""
        found = self._state.find(request.merchant, request.reference)
        if found is not None:
            if found.fingerprint != fingerprint:
                raise Refused(409, "reference_reused", "This reference belongs to a different request.", "reference")
            return self._shown(found)
        if not self._state.is_barred(request.merchant, request.reference):
            return None
        record = self._state.record(
            kind,
            id=self._state.new_id(_PREFIXES[kind]),
            merchant=request.merchant,
            reference=request.reference,
            fingerprint=fingerprint,
            amount=amount,
            currency=currency,
            payer=payer,
            **_declined("duplicate", ""),
        )
        self._state.keep(record)
        return views.operation(record, None), record.seq

    def _shown(self, record: Record) -> Answer:
        if not record.authorization:
            return views.operation(record, None), record.seq
        about = self._state.authorization(int(record.authorization.rpartition("_")[2]))
        return views.operation(record, about), max(record.seq, about.latest)

    def _undoing(self, target: Record, about: Authorization) -> dict[str, Any]:
        if target.kind == "reversal":
            return _declined("invalid_transaction", about.brand)
        if target.kind in ("authorization", "completion"):
            amount = about.held + about.refundable
            fields: dict[str, Any] = {"amount": amount, "undid": about.seq}
            may_come_back = (amount and about.status == "approved") or about.undecided
            if may_come_back and not (about.reversed or about.came_back) and self._faults.late_approval():
                fields |= self._later("late_approval")
            return fields
        if target.status not in ("approved", "pending") or target.seq in about.undone or about.reversed:
            return {}
        if target.kind == "refund" and self.customers.has_spent(about, target.amount):
            return _declined("insufficient_funds", about.brand)
        amounts = {
            "capture": min(target.amount, about.refundable),
            "increment": min(about.increments.get(target.seq, 0), about.amount - about.captured),
            "refund": 0 if about.refunds.get(target.seq) == "failed" else target.amount,
            "void": target.amount,
        }
        return {"amount": amounts[target.kind], "undid": target.seq}

    def _completion_decline(self, about: Authorization, authentication: str) -> str | None:
        if about.status != "challenge" or about.reversed or about.voided:
            return "invalid_transaction"
        if authentication == "failed":
            return "three_ds_failed"
        after = about.behaviour.decline_after_authentication if about.amount else None
        return after or self._faults.decline() or self._shortage(about, about.amount, about.amount)

    def _shortage(self, about: Authorization, amount: int, more: int) -> str | None:
        if not about.account:
            return None
        return issuers.shortage(self.account(about.account).funds, amount, more, about.currency)

    def _expect_dispute(self, record: Record, behaviour: Behaviour) -> None:
        if behaviour.dispute is not None:
            record.later = "fraud_warning" if behaviour.dispute == "fraud_warning" else "dispute"
            record.due = record.at + LATER_MILLISECONDS

    def _later(self, what: Later) -> dict[str, Any]:
        return {"later": what, "due": self._state.clock() + LATER_MILLISECONDS}

    def _fingerprint(self, kind: OperationKind, authorization_id: str, request: requests.Operation) -> str:
        return self._state.secrets.hash(b"request", _encoder.encode((kind, authorization_id, request)))

    def _month(self) -> tuple[int, int]:
        now = datetime.fromtimestamp(self._state.clock() / 1000, UTC)
        return now.year, now.month


def _approved(**fields: Any) -> dict[str, Any]:
    return {"status": "approved", "code": issuers.APPROVED, **fields}


def _declined(decline: str, brand: str) -> dict[str, Any]:
    return {
        "status": "declined",
        "code": issuers.decline_code(decline, brand),
        "decline": decline,
        "advice_code": issuers.advice_code(decline, brand),
    }
