"""Deliveries' and attempts' SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, bindparam, func, select

from bursar.http.paging import Window
from bursar.kit.ids import created_microseconds
from bursar.store.unit import Change, Row
from bursar.webhooks.repository import EndpointKey
from bursar.webhooks.tables import webhook_attempts, webhook_counters, webhook_deliveries

PENDING, DELIVERED, DEAD = "pending", "delivered", "dead"

INSERT = webhook_deliveries.insert()
INSERT_ATTEMPT = webhook_attempts.insert()
INSERT_COUNTER = webhook_counters.insert()
MOVE_COUNTER = (
    webhook_counters.update()
    .where(
        webhook_counters.c.org_id == bindparam("o"),
        webhook_counters.c.livemode == bindparam("m"),
        webhook_counters.c.sequence_number == bindparam("expected_number"),
    )
    .values(sequence_number=bindparam("new_number"))
)
_table = webhook_deliveries.c
_SAME = (
    _table.org_id == bindparam("o"),
    _table.livemode == bindparam("m"),
    _table.endpoint_id == bindparam("n"),
    _table.event_id == bindparam("e"),
)
# Only of who knows the last try: a worker that slept while another one went on writes nothing.
FINISH_TRY = (
    webhook_deliveries.update()
    .where(*_SAME, _table.status == PENDING, _table.tries == bindparam("expected_tries"))
    .values(
        status=bindparam("new_status"),
        tries=bindparam("new_tries"),
        next_at=bindparam("new_next_at"),
        finished_at=bindparam("new_finished_at"),
        last_status_code=bindparam("new_status_code"),
        last_error=bindparam("new_error"),
    )
)
# What is pending already stays as it is, but becomes due; its schedule begins anew.
SEND_AGAIN = (
    webhook_deliveries.update()
    .where(*_SAME)
    .values(status=PENDING, next_at=bindparam("new_next_at"), tries_before=_table.tries, finished_at=None)
)
GIVE_UP = (
    webhook_deliveries.update()
    .where(*_SAME, _table.status == PENDING)
    .values(status=DEAD, next_at=0, finished_at=bindparam("new_finished_at"), last_error=bindparam("new_error"))
)
DELETE = webhook_deliveries.delete().where(*_SAME)
DELETE_ATTEMPTS = webhook_attempts.delete().where(
    webhook_attempts.c.org_id == bindparam("o"),
    webhook_attempts.c.livemode == bindparam("m"),
    webhook_attempts.c.endpoint_id == bindparam("n"),
    webhook_attempts.c.event_id == bindparam("e"),
)
_FIND = select(webhook_deliveries).where(*_SAME)
_FIND_ATTEMPTS = (
    select(webhook_attempts)
    .where(
        webhook_attempts.c.org_id == bindparam("o"),
        webhook_attempts.c.livemode == bindparam("m"),
        webhook_attempts.c.endpoint_id == bindparam("n"),
        webhook_attempts.c.event_id == bindparam("e"),
    )
    .order_by(webhook_attempts.c.number)
)
_FIND_COUNTER = select(webhook_counters.c.sequence_number).where(
    webhook_counters.c.org_id == bindparam("o"), webhook_counters.c.livemode == bindparam("m")
)


class StoredDelivery(NamedTuple):
    org_id: str
    livemode: int
    endpoint_id: str
    event_id: str
    status: str
    event_type: str
    sequence_number: int | None
    pending_webhooks: int
    tries: int
    tries_before: int
    next_at: int
    finished_at: int | None = None
    last_status_code: int | None = None
    last_error: str | None = None

    @property
    def endpoint(self) -> EndpointKey:
        return EndpointKey(self.org_id, self.livemode, self.endpoint_id)


def insertion(delivery: StoredDelivery) -> Change:
    return Change(INSERT, delivery._asdict())


def attempt(
    delivery: StoredDelivery,
    started: int,
    latency_milliseconds: int,
    status_code: int | None,
    error: str | None,
    answer: str | None,
) -> Change:
    """The next one of this delivery."""
    row = {
        "org_id": delivery.org_id,
        "livemode": delivery.livemode,
        "endpoint_id": delivery.endpoint_id,
        "event_id": delivery.event_id,
        "number": delivery.tries + 1,
        "started": started,
        "latency_milliseconds": latency_milliseconds,
        "status_code": status_code,
        "error": error,
        "answer": answer,
    }
    return Change(INSERT_ATTEMPT, row)


def finished_try(
    delivery: StoredDelivery,
    status: str,
    next_at: int,
    finished_at: int | None,
    status_code: int | None,
    error: str | None,
) -> Change:
    row = _same(delivery.endpoint, delivery.event_id) | {
        "expected_tries": delivery.tries,
        "new_status": status,
        "new_tries": delivery.tries + 1,
        "new_next_at": next_at,
        "new_finished_at": finished_at,
        "new_status_code": status_code,
        "new_error": error,
    }
    return Change(FINISH_TRY, row, rows_expected=1)


def sending_again(endpoint: EndpointKey, event_id: str, now: int) -> Change:
    return Change(SEND_AGAIN, _same(endpoint, event_id) | {"new_next_at": now}, rows_expected=1)


def giving_up(endpoint: EndpointKey, event_id: str, now: int, error: str) -> Change:
    return Change(GIVE_UP, _same(endpoint, event_id) | {"new_finished_at": now, "new_error": error})


def deletion(endpoint: EndpointKey, event_id: str) -> list[Change]:
    row = _same(endpoint, event_id)
    return [Change(DELETE_ATTEMPTS, row), Change(DELETE, row)]


def counting(org_id: str, livemode: int, before: int, after: int) -> Change:
    """Of two that number events, one is lost."""
    if not before:
        return Change(INSERT_COUNTER, {"org_id": org_id, "livemode": livemode, "sequence_number": after})
    row = {"o": org_id, "m": livemode, "expected_number": before, "new_number": after}
    return Change(MOVE_COUNTER, row, rows_expected=1)


def find_counter(connection: Connection, org_id: str, livemode: int) -> int:
    return int(connection.execute(_FIND_COUNTER, {"o": org_id, "m": livemode}).scalar() or 0)


def find(connection: Connection, endpoint: EndpointKey, event_id: str) -> StoredDelivery | None:
    row = connection.execute(_FIND, _same(endpoint, event_id)).first()
    return StoredDelivery._make(row) if row else None


def find_attempts(connection: Connection, endpoint: EndpointKey, event_id: str) -> list[Any]:
    return list(connection.execute(_FIND_ATTEMPTS, _same(endpoint, event_id)))


def known_events(connection: Connection, endpoint: EndpointKey, event_ids: Sequence[str]) -> set[str]:
    """Those of them for which there is a delivery already."""
    if not event_ids:
        return set()
    query = select(_table.event_id).where(*_of(endpoint), _table.event_id.in_(list(event_ids)))
    return set(connection.execute(query).scalars())


def states(
    connection: Connection, org_id: str, livemode: int, endpoint_ids: Sequence[str], event_ids: Sequence[str]
) -> dict[tuple[str, str], str]:
    """By endpoint and event, of those that there are."""
    query = select(_table.endpoint_id, _table.event_id, _table.status).where(
        _table.org_id == org_id,
        _table.livemode == livemode,
        _table.endpoint_id.in_(list(endpoint_ids)),
        _table.event_id.in_(list(event_ids)),
    )
    return {(row[0], row[1]): row[2] for row in connection.execute(query)}


def sequence_numbers(
    connection: Connection, org_id: str, livemode: int, endpoint_ids: Sequence[str], event_ids: Sequence[str]
) -> dict[str, int]:
    """What the events were numbered when they were taken in, for whichever endpoint."""
    if not endpoint_ids or not event_ids:
        return {}
    query = select(_table.event_id, _table.sequence_number).where(
        _table.org_id == org_id,
        _table.livemode == livemode,
        _table.endpoint_id.in_(list(endpoint_ids)),
        _table.event_id.in_(list(event_ids)),
        _table.sequence_number.is_not(None),
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def due(connection: Connection, endpoint: EndpointKey, now: int, rows_max: int) -> list[StoredDelivery]:
    """In the order in which they became due; of one moment, in that of their events."""
    query = (
        select(webhook_deliveries)
        .where(*_of(endpoint), _table.status == PENDING, _table.next_at <= now)
        .order_by(_table.next_at, _table.event_id)
        .limit(rows_max)
    )
    return [StoredDelivery._make(row) for row in connection.execute(query)]


def next_due(connection: Connection, endpoint: EndpointKey, after: int) -> int | None:
    """When the first of those is due that are not yet."""
    query = select(func.min(_table.next_at)).where(*_of(endpoint), _table.status == PENDING, _table.next_at > after)
    found = connection.execute(query).scalar()
    return None if found is None else int(found)


class Waiting(NamedTuple):
    deliveries: int
    # When its oldest event happened, in microseconds.
    oldest: int | None


def waiting(connection: Connection, endpoint: EndpointKey) -> Waiting:
    query = select(func.count(), func.min(_table.event_id)).where(*_of(endpoint), _table.status == PENDING)
    found, event_id = connection.execute(query).one()
    return Waiting(int(found), created_microseconds(event_id) if event_id else None)


def some_of(
    connection: Connection, endpoint: EndpointKey, status: str, rows_max: int, before: str | None = None
) -> list[str]:
    """Events of deliveries in this state; those of events before one, if that is given."""
    conditions = [*_of(endpoint), _table.status == status]
    if before is not None:
        conditions.append(_table.event_id < before)
    return list(connection.execute(select(_table.event_id).where(*conditions).limit(rows_max)).scalars())


def any_of(connection: Connection, endpoint: EndpointKey, rows_max: int) -> list[str]:
    return list(connection.execute(select(_table.event_id).where(*_of(endpoint)).limit(rows_max)).scalars())


def between(
    connection: Connection, endpoint: EndpointKey, status: str, low: str, high: str | None, rows_max: int
) -> list[StoredDelivery]:
    """Of events behind `low` and before `high`, oldest first."""
    conditions = [*_of(endpoint), _table.status == status, _table.event_id > low]
    if high is not None:
        conditions.append(_table.event_id < high)
    query = select(webhook_deliveries).where(*conditions).order_by(_table.event_id).limit(rows_max)
    return [StoredDelivery._make(row) for row in connection.execute(query)]


def page(
    connection: Connection,
    org_id: str,
    livemode: int,
    endpoint_ids: Sequence[str],
    status: str | None,
    window: Window,
    cursor: tuple[str, str] | None,
) -> list[StoredDelivery]:
    """One row more than the page shows, newest event first. Each endpoint's come from its own stretch of the table.

    `cursor` is the event and the endpoint of the delivery that the page begins behind.
    """
    found: list[StoredDelivery] = []
    order = _table.event_id.desc() if window.newest_first else _table.event_id.asc()
    for endpoint_id in endpoint_ids:
        conditions = [*_of(EndpointKey(org_id, livemode, endpoint_id))]
        if status is not None:
            conditions.append(_table.status == status)
        if cursor is not None:
            conditions.append(_behind(cursor, endpoint_id, newest_first=window.newest_first))
        query = select(webhook_deliveries).where(*conditions).order_by(order).limit(window.rows_to_read)
        found += [StoredDelivery._make(row) for row in connection.execute(query)]
    found.sort(key=lambda delivery: (delivery.event_id, delivery.endpoint_id), reverse=window.newest_first)
    return found[: window.rows_to_read]


def _behind(cursor: tuple[str, str], endpoint_id: str, *, newest_first: bool) -> ColumnElement[bool]:
    event_id, cursor_endpoint = cursor
    if newest_first:
        return _table.event_id <= event_id if endpoint_id < cursor_endpoint else _table.event_id < event_id
    return _table.event_id >= event_id if endpoint_id > cursor_endpoint else _table.event_id > event_id


def _of(endpoint: EndpointKey) -> tuple[ColumnElement[bool], ...]:
    return (
        _table.org_id == endpoint.org_id,
        _table.livemode == endpoint.livemode,
        _table.endpoint_id == endpoint.id,
    )


def _same(endpoint: EndpointKey, event_id: str) -> Row:
    return {"o": endpoint.org_id, "m": endpoint.livemode, "n": endpoint.id, "e": event_id}
