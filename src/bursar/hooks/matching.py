"""What a bank's message is about, and what it makes of that. Called within the transaction that takes it in."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import Connection

from bursar.attempts import repository as attempts
from bursar.attempts.schemas import Attempt, State
from bursar.attempts.service import AttemptService, late_success
from bursar.connectors.contract import BankDispute, BankEvent, Decline, Outcome
from bursar.disputes import repository as disputes
from bursar.disputes import rules as dispute_rules
from bursar.disputes.settlement import DisputeSettlement
from bursar.hooks import repository
from bursar.hooks.expiry import expired
from bursar.hooks.places import NOBODYS
from bursar.hooks.repository import StoredMessage
from bursar.hooks.rules import VerdictState
from bursar.hooks.schemas import AnnouncedSettlement, EarlyFraudWarning
from bursar.http.endpoint import encode
from bursar.kit.clock import Clock, seconds
from bursar.kit.errors import BursarError, Conflict
from bursar.kit.ids import IdFactory, may_be_id
from bursar.ledger.service import LedgerService
from bursar.payments import charge_repository
from bursar.payments import repository as intents
from bursar.payments.charge_repository import StoredCharge
from bursar.payments.waiting import WaitingPayments
from bursar.refunds import repository as refunds
from bursar.refunds import rules as refund_rules
from bursar.refunds.settlement import RefundSettlement
from bursar.store.log import Entry, Origin
from bursar.store.unit import Unit

GIVEN_UP: frozenset[State] = frozenset({"declined", "failed", "reversed"})
WARNING_PREFIX = "issfr"
SETTLEMENT_EVENT = "bursar.settlement.announced"


class TooEarly(Conflict):
    """What it tells of is not durable here yet."""

    def __init__(self) -> None:
        super().__init__("what this is about is still being carried out")


class AskBank(BursarError):
    """The message does not go with what is known: the bank must say how it is now."""

    def __init__(self, question: Attempt | BankDispute) -> None:
        super().__init__("a message of the bank contradicts what is known")
        self.question = question


@dataclass(slots=True)
class Verdict:
    state: VerdictState
    note: str | None = None
    unit: Unit = field(default_factory=Unit)


@dataclass(frozen=True, slots=True)
class Message:
    """One message, with what the bank said when it was asked about it."""

    stored: StoredMessage
    event: BankEvent
    outcome: Outcome | None = None
    dispute: BankDispute | None = None

    @property
    def connector(self) -> str:
        return self.stored.connector

    @property
    def place(self) -> tuple[str, int]:
        return self.stored.org_id, self.stored.livemode

    @property
    def origin(self) -> Origin:
        return Origin(address=self.stored.sender, request_id=self.stored.request_id)

    @property
    def was_asked(self) -> bool:
        return self.outcome is not None or self.dispute is not None


class Matching:
    def __init__(
        self,
        ids: IdFactory,
        clock: Clock,
        attempt_service: AttemptService,
        ledger: LedgerService,
        refund_settlement: RefundSettlement,
        dispute_settlement: DisputeSettlement,
        waiting: WaitingPayments,
    ) -> None:
        self._ids = ids
        self._clock = clock
        self._attempts = attempt_service
        self._ledger = ledger
        self._refunds = refund_settlement
        self._disputes = dispute_settlement
        self._waiting = waiting

    def judge(self, connection: Connection, message: Message) -> Verdict:
        if message.place == NOBODYS:
            return Verdict("unmatched", "the merchant is none of ours")
        if message.event.kind == "settlement_ready":
            return self._announced(connection, message)
        return self._of_payment(connection, message)

    def _of_payment(self, connection: Connection, message: Message) -> Verdict:
        event = message.event
        attempt = _find_attempt(connection, message)
        if attempt is None:
            return Verdict("unmatched", "no operation of ours has this reference")
        if event.kind in ("refund_succeeded", "refund_failed"):
            return self._refund(connection, message, attempt)
        if event.kind in ("authorization_approved", "authorization_declined"):
            return self._decided(connection, message, attempt)
        if event.kind == "authorization_expired":
            return self._expired(connection, message, attempt)
        charge = _find_charge(connection, message, attempt)
        if charge is None:
            return Verdict("unmatched", "no charge was made by this authorisation")
        if event.kind == "fraud_warning":
            return self._warned(message, charge)
        return self._disputed(connection, message, charge)

    def found_out(self, connection: Connection, attempt: Attempt, outcome: Outcome, origin: Origin) -> Unit:
        """What a bank's answer makes of an operation that somebody has pointed to; nothing where all of it is known."""
        if attempt.is_open:
            return Unit()  # the resolver is about to ask
        if attempt.kind == "refund":
            return self._refund_found_out(connection, attempt, outcome, origin)
        if attempt.state == "pending":
            return self._waiting.settled(connection, attempt, outcome, origin)
        if attempt.state in GIVEN_UP and outcome.kind == "succeeded" and not outcome.reversed:
            return Unit([self._attempts.reverse_again(attempt)], [late_success(attempt, origin)])
        return Unit()

    def _refund_found_out(self, connection: Connection, attempt: Attempt, outcome: Outcome, origin: Origin) -> Unit:
        _, unit = self._refunds.apply(connection, attempt, outcome, origin)
        if unit.changes:
            end: State = "succeeded" if outcome.kind == "succeeded" else "failed"
            unit.changes.append(attempts.concluding(attempt, end))
        return unit

    def _refund(self, connection: Connection, message: Message, attempt: Attempt) -> Verdict:
        if attempt.kind != "refund":
            return Verdict("unmatched", "the reference is not that of a refund")
        if attempt.is_open:
            raise TooEarly
        stored = refunds.find(connection, *message.place, attempt.subject_id)
        assert stored is not None, "an attempt belongs to a refund that exists"
        told_success = message.event.kind == "refund_succeeded"
        outcome = message.outcome
        if outcome is None:
            if refund_rules.compare(stored.refund, told_success=told_success) == "contradictory":
                raise AskBank(attempt)
            outcome = _refund_outcome(message.event, attempt, succeeded=told_success)
        unit = self._refund_found_out(connection, attempt, outcome, message.origin)
        if not unit.changes:
            return _nothing_new(message)
        return Verdict("applied", _note(message), unit)

    def _decided(self, connection: Connection, message: Message, attempt: Attempt) -> Verdict:
        """A waiting authorisation is over. The bank is asked how, as its messages may come late or in any order."""
        if attempt.is_open:
            raise TooEarly
        if attempt.state == "pending":
            if message.outcome is None:
                raise AskBank(attempt)
            unit = self._waiting.settled(connection, attempt, message.outcome, message.origin)
            if not unit.changes:  # it says to wait, and that it is over: the message comes again
                raise TooEarly
            return Verdict("applied", None, unit)
        if message.event.kind == "authorization_approved" and attempt.state in GIVEN_UP:
            # Money that the customer was told is not taken must not be taken.
            unit = Unit([self._attempts.reverse_again(attempt)], [late_success(attempt, message.origin)])
            return Verdict("applied", "approved too late; reversed again", unit)
        return Verdict("known")

    def _expired(self, connection: Connection, message: Message, attempt: Attempt) -> Verdict:
        stored = intents.find(connection, *message.place, attempt.subject_id)
        if stored is None:
            return Verdict("known", "nothing of it is held for a payment")
        if attempt.is_open or stored.attempt_id is not None:
            raise TooEarly
        charge = _find_charge(connection, message, attempt)
        if charge is None or stored.intent.status != "requires_capture":
            return Verdict("known", f"the payment intent has the status {stored.intent.status}")
        now = self._clock.now_microseconds()
        unit = expired(self._ledger, *message.place, stored, charge, now, message.origin)
        return Verdict("applied", None, unit)

    def _warned(self, message: Message, charge: StoredCharge) -> Verdict:
        warning_id, now = self._ids.new_with_time(WARNING_PREFIX)
        warning = EarlyFraudWarning(
            id=warning_id,
            actionable=not charge.charge.disputed and not charge.charge.refunded,
            charge=charge.charge.id,
            created=seconds(now),
            fraud_type=message.event.reason or "misc",
            livemode=bool(message.stored.livemode),
            payment_intent=charge.charge.payment_intent,
        )
        event_type = "radar.early_fraud_warning.created"
        entry = Entry(*message.place, event_type, warning_id, encode(warning), origin=message.origin)
        return Verdict("applied", None, Unit([], [entry]))

    def _announced(self, connection: Connection, message: Message) -> Verdict:
        """A fact, and no money: that comes later, or does not."""
        told, stored = message.event.settlement, message.stored
        if told is None:
            return Verdict("unmatched", "the message names no settlement")
        settlement = AnnouncedSettlement(
            id=told.settlement_id,
            account=stored.account,
            begins=told.begins,
            connector=stored.connector,
            currency=told.currency,
            disputed_minor=told.disputed_minor,
            ends=told.ends,
            fee_minor=told.fee_minor,
            gross_minor=told.gross_minor,
            livemode=bool(stored.livemode),
            net_minor=told.net_minor,
            payments=told.payments,
            refunded_minor=told.refunded_minor,
        )
        known = repository.find_settlement(connection, stored, settlement.id)
        if known is not None:
            if known == settlement:
                return Verdict("known")
            return Verdict("contradicted", "this settlement was announced before, with other figures")
        change = repository.settlement_insertion(stored.org_id, settlement, self._clock.now_microseconds())
        entry = Entry(*message.place, SETTLEMENT_EVENT, settlement.id, encode(settlement), origin=message.origin)
        return Verdict("applied", None, Unit([change], [entry]))

    def _disputed(self, connection: Connection, message: Message, charge: StoredCharge) -> Verdict:
        told = message.dispute or message.event.dispute
        if told is None or told.currency != charge.charge.currency or told.bank_reference != charge.bank_reference:
            return Verdict("unmatched", "the dispute is not of this charge")
        stored = disputes.find_of_bank(connection, *message.place, message.connector, told.dispute_id)
        news = dispute_rules.compare(stored.dispute if stored else None, told)
        if news == "contradictory" and not message.was_asked:
            raise AskBank(told)
        if news != "new":
            sent = message.event.dispute
            if stored is not None and sent is not None and dispute_rules.is_older(stored.dispute, sent):
                return Verdict("known", "older than what is known, which the bank has confirmed")
            return _nothing_new(message)
        if not dispute_rules.fits(told, stored.withdrawn_minor if stored else 0, charge.left_minor):
            raise TooEarly
        _, unit = self._disputes.apply(message.place, charge, stored, told, message.origin)
        return Verdict("applied", _note(message), unit)


def _find_attempt(connection: Connection, message: Message) -> Attempt | None:
    operation_id = message.event.operation_id
    if operation_id is None or not may_be_id(operation_id):
        return None
    return find_own_attempt(connection, message.stored, operation_id)


def find_own_attempt(connection: Connection, stored: StoredMessage, operation_id: str) -> Attempt | None:
    """Only of the account whose bank speaks: no bank settles what another one was asked for."""
    attempt = attempts.find(connection, stored.org_id, stored.livemode, operation_id)
    if attempt is None or (attempt.order.connector, attempt.order.merchant) != (stored.connector, stored.account):
        return None
    return attempt


def _find_charge(connection: Connection, message: Message, attempt: Attempt) -> StoredCharge | None:
    """The operation that the bank names may have asked for authentication, and a later one made the charge."""
    reference, place = message.event.bank_reference, message.place
    intent = intents.find(connection, *place, attempt.subject_id)
    if intent is None or reference is None:
        return None
    charge = charge_repository.find_of_bank(connection, *place, intent.intent.id, reference)
    if charge is None and (attempt.is_open or intent.attempt_id is not None):
        raise TooEarly
    return charge


def _refund_outcome(event: BankEvent, attempt: Attempt, *, succeeded: bool) -> Outcome:
    before = attempt.outcome
    reference = before.retrieval_reference if before is not None else None
    if succeeded:
        return Outcome(kind="succeeded", bank_reference=event.bank_reference, retrieval_reference=reference)
    decline = Decline(code=event.reason) if event.reason is not None else None
    return Outcome(kind="declined", bank_reference=event.bank_reference, decline=decline)


def _nothing_new(message: Message) -> Verdict:
    if message.was_asked:
        return Verdict("contradicted", "it does not go with what is known, which the bank has confirmed")
    return Verdict("known")


def _note(message: Message) -> str | None:
    return "the bank was asked, as it did not go with what is known" if message.was_asked else None
