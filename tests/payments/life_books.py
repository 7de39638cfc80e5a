"""What must be true of payments at every moment, held against the bank's own journal."""

from collections import Counter
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Row, func, select

from bursar.attempts import repository as attempts_repository
from bursar.attempts.schemas import Attempt
from bursar.attempts.tables import attempts
from bursar.connectors.contract import WaitForCustomer
from bursar.events.tables import events
from bursar.ledger.tables import ledger_postings
from bursar.ledger.verification import OperationGroup, groups_by_operation, verify_postings
from bursar.payments.schemas import PaymentIntent, decode_intent
from bursar.payments.tables import payment_intents
from piggybank_cards import by_payment_method
from tests.payments.bank import Authorization, ScriptedBank
from tests.payments.harness import Shop
from tests.payments.life_model import CARDS, WAITS, CardName, State

NO_MONEY = ("requires_payment_method", "requires_confirmation", "requires_action", "processing", "canceled")
# Statuses that nobody gets into without an event; the others belong to the merchant's own calls, or to the way.
EVENTS = {
    "succeeded": "payment_intent.succeeded",
    "canceled": "payment_intent.canceled",
    "processing": "payment_intent.processing",
    "requires_action": "payment_intent.requires_action",
    "requires_capture": "payment_intent.amount_capturable_updated",
}


@dataclass
class Seen:
    """One intent as it is stored, with all that was done for it."""

    intent: PaymentIntent
    is_busy: bool
    attempts: list[Attempt]
    authorizations: list[Authorization]
    # Those whose reversal is not over: the bank may still change its mind.
    unsettled: list[Authorization]
    told: Counter[str]
    last_told_status: str | None
    is_authenticated: bool

    @property
    def is_open(self) -> bool:
        return any(attempt.next_look is not None for attempt in self.attempts)

    @property
    def state(self) -> State:
        """As the model has it."""
        intent = self.intent
        # One that is processing while nobody is at it waits for its customer.
        has_card = intent.status in ("requires_action", "requires_confirmation", "processing")
        assert self.authorizations or not has_card, "a customer is waited for whom no bank has asked"
        return State(
            intent.status,
            intent.amount,
            intent.amount_capturable,
            intent.amount_received,
            card_name(self.authorizations[-1].number) if has_card else None,
            self.is_authenticated,
        )


class Stored(NamedTuple):
    """A row of an intent, the types and contents of its events, and what the bank was asked for."""

    row: Row[Any]
    told: list[tuple[str, str]]
    attempts: list[Attempt]


def look(shop: Shop, bank: ScriptedBank) -> list[Seen]:
    def query(connection: Connection) -> list[Stored]:
        rows = connection.execute(select(payment_intents).order_by(payment_intents.c.id)).all()
        told: dict[str, list[tuple[str, str]]] = {}
        for row in connection.execute(select(events).order_by(events.c.id)):
            told.setdefault(row.object_id or "", []).append((row.event_type, row.data))
        made: dict[str, list[Attempt]] = {}
        for row in connection.execute(select(attempts.c.subject_id, attempts.c.id).order_by(attempts.c.id)):
            if (attempt := attempts_repository.find(connection, shop.org_id, 0, row.id)) is not None:
                made.setdefault(row.subject_id, []).append(attempt)
        return [Stored(row, told.get(row.id, []), made.get(row.id, [])) for row in rows]

    return [_seen(bank, found) for found in shop.read(query)]


def check(seen: Seen) -> None:
    """At every moment."""
    intent = seen.intent
    assert 0 <= intent.amount_received <= intent.amount
    assert 0 <= intent.amount_capturable <= intent.amount - intent.amount_received
    for authorization in seen.authorizations:
        assert authorization.captured_minor <= authorization.amount_minor
    standing = [one for one in seen.authorizations if one not in seen.unsettled and (one.held_minor or one.kept_minor)]
    assert len(standing) <= 1, "a card is charged twice for one intent"
    assert not seen.is_busy or seen.is_open, "it waits for an operation that nobody looks after"
    assert sum(attempt.is_open for attempt in seen.attempts if attempt.outcome is None) <= 1
    if not seen.is_busy:
        _check_money(intent, standing)
        _check_events(seen)


def check_ledger(shop: Shop, bank: ScriptedBank) -> None:
    """Each operation's group says what the bank's journal says."""
    groups: dict[str, OperationGroup] = {
        group.operation_id: group
        for group in shop.read(lambda connection: list(groups_by_operation(connection, shop.org_id, 0)))
    }
    total = shop.read(lambda connection: connection.execute(select(func.sum(ledger_postings.c.amount_minor))).scalar())
    assert not total, "debits and credits differ"
    durable = shop.read(lambda connection: set(connection.execute(select(attempts.c.id)).scalars()))
    known = {operation.reference: operation for operation in bank.journal}
    assert {name for name, one in known.items() if one.kind != "reversal"} <= durable, "the bank was asked in secret"
    for operation_id, group in groups.items():
        assert operation_id in known, "money was booked for what the bank never saw"
        operation = known[operation_id]
        assert operation.ending.kind == "succeeded", "money was booked that the bank never gave"
        assert group.captured_minor == operation.captured_minor
        assert group.fee_minor == (operation.ending.fee_minor if operation.captured_minor else 0)


def check_closed_books(shop: Shop) -> None:
    """When nothing is going on any more."""
    findings = shop.read(lambda connection: list(verify_postings(connection, shop.org_id, 0)))
    assert not findings


def _check_money(intent: PaymentIntent, standing: list[Authorization]) -> None:
    held = sum(one.held_minor for one in standing)
    kept = sum(one.kept_minor + one.refunded_minor for one in standing)
    if intent.status in NO_MONEY:
        assert not held and not kept, f"{intent.status}, but the bank holds {held} and took {kept}"
    assert kept == intent.amount_received, "what was received is not what the cardholder paid"
    assert held == intent.amount_capturable, "what can be captured is not what the bank holds"


def _check_events(seen: Seen) -> None:
    """Each change of status has its event, and each end has one only."""
    intent, told = seen.intent, seen.told
    assert told["payment_intent.created"] == 1
    assert told["payment_intent.succeeded"] == (intent.status == "succeeded")
    assert told["payment_intent.canceled"] == (intent.status == "canceled")
    failures = [one for one in seen.attempts if one.kind in ("authorize", "complete") and _has_failed(one)]
    assert told["payment_intent.payment_failed"] == len(failures)
    challenges = [one for one in seen.attempts if one.outcome is not None and one.outcome.kind == "action_required"]
    wanted = [one for one in challenges if not _has_failed(one) and not _is_silent(one)]
    # What waited at the bank and is over does not say any more whether there had been something to do.
    over = [one for one in seen.attempts if one.order.method != "card" and one.outcome and one not in wanted]
    assert len(wanted) <= told["payment_intent.requires_action"] <= len(wanted) + len(over)
    if intent.status in EVENTS:
        assert seen.last_told_status == intent.status, "the last that was told is not what is"


def _is_silent(attempt: Attempt) -> bool:
    """The bank asks the customer itself: there is nothing to do with us."""
    return attempt.outcome is not None and isinstance(attempt.outcome.action, WaitForCustomer)


def _has_failed(attempt: Attempt) -> bool:
    if attempt.outcome is None:
        return False
    is_unwanted = attempt.outcome.kind == "action_required" and "error_on_requires_action" in attempt.order.notes
    return is_unwanted or attempt.outcome.kind in ("declined", "not_sent", "absent")


def _seen(bank: ScriptedBank, stored: Stored) -> Seen:
    intent = decode_intent(stored.row.document)
    unsettled = [
        operation.authorization
        for attempt in stored.attempts
        if (operation := bank.operation(attempt.id)) is not None
        and operation.authorization is not None
        and (
            (attempt.next_look is not None and attempt.outcome is not None)
            # The bank will tell of it, and nobody has asked before.
            or (operation.authorization.has_news and (attempt.outcome is None or attempt.outcome.kind != "succeeded"))
        )
    ]
    statuses = [str(msgspec.json.decode(data)["object"]["status"]) for _, data in stored.told]
    return Seen(
        intent=intent,
        is_busy=stored.row.attempt_id is not None,
        attempts=stored.attempts,
        authorizations=bank.authorizations_of(attempt.id for attempt in stored.attempts),
        unsettled=unsettled,
        told=Counter(event_type for event_type, _ in stored.told),
        last_told_status=statuses[-1] if statuses else None,
        is_authenticated=intent.status == "requires_confirmation" and stored.row.authentication_id is not None,
    )


def card_name(number: str) -> CardName:
    for waiting, known in WAITS.items():
        if number == known:
            return waiting
    return next(name for name, method in CARDS.items() if (card := by_payment_method(method)) and card.number == number)
