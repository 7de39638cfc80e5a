"""Attempts' SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, bindparam, select

from bursar.attempts.rules import end_state
from bursar.attempts.schemas import OPEN_STATES, Attempt, State, decode_order, decode_outcome
from bursar.attempts.tables import attempts
from bursar.connectors.contract import Outcome
from bursar.store.unit import Change

INSERT = attempts.insert()
_ONE = (
    attempts.c.org_id == bindparam("o"),
    attempts.c.livemode == bindparam("m"),
    attempts.c.id == bindparam("i"),
)
# Each of these moves an attempt only for whoever holds its fence.
_HELD = (*_ONE, attempts.c.fence == bindparam("held_fence"), attempts.c.next_look.is_not(None))
CLAIM = (
    attempts.update()
    .where(*_HELD, attempts.c.next_look == bindparam("seen_look"))
    .values(fence=attempts.c.fence + 1, next_look=bindparam("new_look"))
)
SETTLE = (
    attempts.update()
    .where(*_HELD)
    .values(
        state=bindparam("new_state"),
        next_look=bindparam("new_look"),
        bank_reference=bindparam("new_reference"),
        outcome_document=bindparam("new_outcome"),
    )
)
POSTPONE = (
    attempts.update()
    .where(*_HELD)
    .values(state=bindparam("new_state"), next_look=bindparam("new_look"), tries=attempts.c.tries + 1)
)
REOPEN = (
    attempts.update()
    .where(*_ONE, attempts.c.fence == bindparam("held_fence"))
    .values(state="reversing", next_look=bindparam("new_look"), tries=0, fence=attempts.c.fence + 1)
)
GIVE_UP = (
    attempts.update()
    .where(*_HELD, attempts.c.state == "pending")
    .values(state="reversing", next_look=bindparam("new_look"), tries=0, fence=attempts.c.fence + 1)
)
# An end that came later, told by the bank itself, such as a refund that was pending.
CONCLUDE = (
    attempts.update()
    .where(*_ONE, attempts.c.state == bindparam("expected_state"))
    .values(state=bindparam("new_state"), next_look=None)
)
_FIND = select(attempts).where(*_ONE)
_DUE = (
    select(attempts)
    .where(attempts.c.next_look <= bindparam("now"))
    .order_by(attempts.c.next_look)
    .limit(bindparam("rows"))
)


def insertion(attempt: Attempt) -> Change:
    return Change(
        INSERT,
        {
            "org_id": attempt.org_id,
            "livemode": attempt.livemode,
            "id": attempt.id,
            "kind": attempt.kind,
            "subject_id": attempt.subject_id,
            "state": attempt.state,
            "amount_minor": attempt.amount_minor,
            "currency": attempt.currency,
            "fence": attempt.fence,
            "tries": attempt.tries,
            "next_look": attempt.next_look,
            "bank_reference": attempt.bank_reference,
            "order_document": msgspec.json.encode(attempt.order).decode(),
            "outcome_document": None,
        },
    )


def claiming(attempt: Attempt, until: int) -> Change:
    return Change(CLAIM, _held(attempt) | {"seen_look": attempt.next_look, "new_look": until}, rows_expected=1)


def settling(attempt: Attempt, outcome: Outcome, look_again: int | None = None) -> Change:
    row = _held(attempt) | {
        "new_state": end_state(outcome),
        "new_look": look_again,
        "new_reference": outcome.bank_reference or attempt.bank_reference,
        "new_outcome": msgspec.json.encode(outcome).decode(),
    }
    return Change(SETTLE, row, rows_expected=1)


def postponing(attempt: Attempt, state: State, look: int) -> Change:
    return Change(POSTPONE, _held(attempt) | {"new_state": state, "new_look": look}, rows_expected=1)


def reopening(attempt: Attempt, look: int) -> Change:
    return Change(REOPEN, _held(attempt) | {"new_look": look}, rows_expected=1)


def giving_up(attempt: Attempt, look: int) -> Change:
    return Change(GIVE_UP, _held(attempt) | {"new_look": look}, rows_expected=1)


def concluding(attempt: Attempt, state: State) -> Change:
    row = {"o": attempt.org_id, "m": attempt.livemode, "i": attempt.id}
    return Change(CONCLUDE, row | {"expected_state": attempt.state, "new_state": state}, rows_expected=1)


def find(connection: Connection, org_id: str, livemode: int, attempt_id: str) -> Attempt | None:
    row = connection.execute(_FIND, {"o": org_id, "m": livemode, "i": attempt_id}).first()
    return _attempt(row) if row else None


def find_due(connection: Connection, now: int, rows: int) -> list[Attempt]:
    return [_attempt(row) for row in connection.execute(_DUE, {"now": now, "rows": rows})]


def find_open(connection: Connection, org_id: str | None = None) -> list[Attempt]:
    """What is not known yet, for people who watch over it."""
    query = select(attempts).where(attempts.c.next_look.is_not(None), attempts.c.state.in_(OPEN_STATES))
    if org_id is not None:
        query = query.where(attempts.c.org_id == org_id)
    return [_attempt(row) for row in connection.execute(query.order_by(attempts.c.next_look))]


def _held(attempt: Attempt) -> dict[str, Any]:
    return {"o": attempt.org_id, "m": attempt.livemode, "i": attempt.id, "held_fence": attempt.fence}


def _attempt(row: Row[Any]) -> Attempt:
    return Attempt(
        org_id=row.org_id,
        livemode=row.livemode,
        id=row.id,
        kind=row.kind,
        subject_id=row.subject_id,
        state=row.state,
        amount_minor=row.amount_minor,
        currency=row.currency,
        fence=row.fence,
        tries=row.tries,
        next_look=row.next_look,
        bank_reference=row.bank_reference,
        order=decode_order(row.order_document),
        outcome=decode_outcome(row.outcome_document) if row.outcome_document else None,
    )


def states(rows: Sequence[Attempt]) -> dict[str, int]:
    """How many there are of each state."""
    counts: dict[str, int] = {}
    for attempt in rows:
        counts[attempt.state] = counts.get(attempt.state, 0) + 1
    return counts
