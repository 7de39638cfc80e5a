"""L12: each change of state has exactly one event, and the last one tells what is stored. Pure.

How many events of each type there must be follows from the operations and from how each object ended.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from bursar.books.rules import expiries, succeeded
from bursar.books.schemas import AttemptRow, Case, ChargeRow, DisputeRow, EventRow, IntentRow, RefundRow, Told
from bursar.ledger.verification import Finding

MANY = 2**31
# Objects that are never deleted: an event of one that is not there is one too many.
KEPT_PREFIXES = ("pi_", "seti_", "ch_", "re_", "du_")
# Into these an intent may pass without a word, as nothing has become of it yet: from one of `_BEFORE`.
_QUIET = frozenset({"requires_payment_method", "requires_confirmation", "processing"})
_BEFORE = frozenset({"requires_payment_method", "requires_confirmation", "requires_action"})
_DISPUTE_ENDS = frozenset({"lost", "warning_closed", "won"})

_INTENT_MEMBERS = ("amount_received", "amount_capturable", "latest_charge", "canceled_at")
_CHARGE_MEMBERS = (
    "status",
    "amount",
    "currency",
    "amount_captured",
    "amount_refunded",
    "captured",
    "refunded",
    "disputed",
    "balance_transaction",
)
_REFUND_MEMBERS = ("status", "amount", "currency", "balance_transaction", "failure_balance_transaction")
_DISPUTE_MEMBERS = ("status", "amount", "currency")

# How often at least and at most.
Bounds = tuple[int, int]
Stored = IntentRow | ChargeRow | RefundRow | DisputeRow


def check_log(case: Case) -> Iterator[Finding]:
    stored: dict[str, Stored] = {**case.charges, **case.refunds, **case.disputes}
    if case.intent is not None:
        stored[case.intent.id] = case.intent
    for object_id, row in stored.items():
        yield from _check_row(row)
        events = case.events.get(object_id, [])
        yield from _check_counts(object_id, events, _expected(case, row))
        yield from _check_sequence(object_id, events)
        if events and row.told is not None and events[-1].told is not None:
            yield from _check_last(row, events[-1])
    for object_id in case.events.keys() - stored.keys():
        if object_id.startswith(KEPT_PREFIXES):
            yield Finding("L12", object_id, "the log tells of it, and it is not there")
    if case.intent is None and (case.charges or any(attempt.is_first for attempt in case.attempts.values())):
        yield Finding("L12", case.root, "something belongs to it, and it is not there")


def _check_row(row: Stored) -> Iterator[Finding]:
    """A row repeats what queries need of its document."""
    told = row.told
    if told is None:
        yield Finding("L12", row.id, "its document cannot be read")
        return
    said = (told.id, told.status, told.amount, told.currency)
    if row.amount_minor is None:  # a setup has no amount
        said = (told.id, told.status, None, None)
    kept = (row.id, row.status, row.amount_minor, row.currency)
    if said != kept:
        yield Finding("L12", row.id, f"its row says {_listed(kept[1:])}, its document {_listed(said[1:])}")


def _check_counts(object_id: str, events: Sequence[EventRow], expected: dict[str, Bounds]) -> Iterator[Finding]:
    counts = Counter(event.type for event in events)
    for event_type, (least, most) in expected.items():
        found = counts[event_type]
        if least <= found <= most:
            continue
        wanted = str(least) if least == most else f"at least {least}" if found < least else f"at most {most}"
        yield Finding("L12", object_id, f"{event_type} was told {found} times, {wanted} is right")


def _check_sequence(object_id: str, events: Sequence[EventRow]) -> Iterator[Finding]:
    """Each event tells of its own object, and none tells again what the one before it has told."""
    before = None
    for event in events:
        if event.told is None:
            yield Finding("L12", event.id, "what it tells cannot be read")
        elif event.told.id != object_id:
            yield Finding("L12", event.id, f"it belongs to {object_id} and tells of {event.told.id}")
        if before is not None and (before.type, before.digest) == (event.type, event.digest):
            yield Finding("L12", object_id, f"{event.id} tells again what {before.id} has told: {event.type}")
        before = event


def _check_last(row: Stored, event: EventRow) -> Iterator[Finding]:
    now, last = row.told, event.told
    assert now is not None and last is not None, "both can be read"
    if isinstance(row, IntentRow):
        names = _intent_members(now, last)
    elif isinstance(row, ChargeRow):
        names = _CHARGE_MEMBERS
    else:
        names = _REFUND_MEMBERS if isinstance(row, RefundRow) else _DISPUTE_MEMBERS
    for name in names:
        told, kept = getattr(last, name), getattr(now, name)
        if told != kept:
            yield Finding("L12", row.id, f"{name} is {kept!r}, and was last told as {told!r} by {event.id}")


def _intent_members(now: Told, last: Told) -> tuple[str, ...]:
    """Before money is at stake, an intent may be changed without an event."""
    if now.status in _QUIET and last.status in _BEFORE:
        return _INTENT_MEMBERS
    return (*_INTENT_MEMBERS, "status", "amount", "currency")


def _expected(case: Case, row: Stored) -> dict[str, Bounds]:
    if isinstance(row, IntentRow):
        return _of_setup(case, row) if row.amount_minor is None else _of_intent(case, row)
    if isinstance(row, ChargeRow):
        return _of_charge(case, row)
    if isinstance(row, RefundRow):
        has_moved = row.told is not None and row.told.balance_transaction is not None
        failed = _once(row.status == "failed")
        return {"refund.created": (1, 1), "refund.failed": failed, "refund.updated": (int(has_moved), MANY)}
    transactions = (row.told.balance_transactions or []) if row.told is not None else []
    return {
        "charge.dispute.created": (1, 1),
        "charge.dispute.funds_withdrawn": _once(len(transactions) > 0),
        "charge.dispute.funds_reinstated": _once(len(transactions) > 1),
        "charge.dispute.closed": _once(row.status in _DISPUTE_ENDS),
    }


def _of_intent(case: Case, intent: IntentRow) -> dict[str, Bounds]:
    attempts = [attempt for attempt in case.attempts.values() if attempt.subject_id == intent.id]
    first = [attempt for attempt in attempts if attempt.is_first]
    later = [attempt for attempt in attempts if not attempt.is_first]
    capturable = sum(_leaves_something(attempt) for attempt in attempts)
    # One that nobody knew the end of for a while, and that left all as it was, is told of once more.
    came_to_nothing = sum(attempt.was_refused for attempt in later)
    waiting = sum(attempt.waits_at_bank for attempt in first)
    asked = sum(attempt.asks_customer and not attempt.waits_at_bank for attempt in first)
    return {
        "payment_intent.created": (1, 1),
        "payment_intent.succeeded": _once(intent.status == "succeeded"),
        "payment_intent.canceled": _once(intent.status == "canceled"),
        "payment_intent.requires_action": (asked, asked + waiting),
        "payment_intent.payment_failed": _exactly(sum(attempt.was_refused for attempt in first)),
        "payment_intent.amount_capturable_updated": (capturable, capturable + came_to_nothing),
        "payment_intent.processing": (0, len(attempts) + waiting),
    }


def _of_setup(case: Case, setup: IntentRow) -> dict[str, Bounds]:
    attempts = [attempt for attempt in case.attempts.values() if attempt.subject_id == setup.id]
    return {
        "setup_intent.created": (1, 1),
        "setup_intent.succeeded": _once(setup.status == "succeeded"),
        "setup_intent.canceled": _once(setup.status == "canceled"),
        "setup_intent.requires_action": _exactly(sum(attempt.asks_customer for attempt in attempts)),
        "setup_intent.setup_failed": _exactly(sum(attempt.was_refused for attempt in attempts)),
    }


def _of_charge(case: Case, charge: ChargeRow) -> dict[str, Bounds]:
    done = [
        attempt
        for attempt in case.attempts.values()
        if attempt.order.bank_reference == charge.bank_reference and succeeded(case, attempt)
    ]
    kinds = Counter(attempt.kind for attempt in done if attempt.id != charge.attempt_id)
    maker = case.attempts.get(charge.attempt_id)
    is_sale = maker is not None and maker.has_succeeded and maker.order.capture
    refunds, expired = kinds["refund"], expiries(case, charge)
    voids = [attempt for attempt in done if attempt.kind == "void"]
    released = sum(attempt.order.notes.get("cancellation_reason") != "automatic" for attempt in voids)
    return {
        "charge.succeeded": _once(charge.status == "succeeded"),
        "charge.failed": _once(charge.status == "failed"),
        "charge.captured": _exactly(kinds["capture"]),
        "charge.expired": _exactly(len(voids) - released + expired),
        "charge.refunded": _exactly(refunds + released),
        "charge.updated": (int(is_sale) + kinds["increment"], MANY),
    }


def _leaves_something(attempt: AttemptRow) -> bool:
    """Whether there is something to capture, or another amount than before, once it has succeeded."""
    if not attempt.has_succeeded:
        return False
    if attempt.is_first:
        return not attempt.order.capture
    return attempt.kind == "increment" or (attempt.kind == "capture" and not attempt.order.final)


def _once(is_due: bool) -> Bounds:
    return _exactly(int(is_due))


def _exactly(number: int) -> Bounds:
    return number, number


def _listed(values: Sequence[object]) -> str:
    return ", ".join(str(value) for value in values)
