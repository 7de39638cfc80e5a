"""Reading the log for `/v1/events`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import msgspec
from sqlalchemy import ColumnElement, Connection, RowMapping, Select, bindparam, or_, select

from bursar.events.rules import INTERNAL_PREFIX
from bursar.events.schemas import Event, EventRequest
from bursar.events.tables import events
from bursar.http.paging import Window
from bursar.kit.clock import seconds
from bursar.kit.ids import lowest_id_at

PREFIX = "evt"

_COLUMNS = (
    events.c.id,
    events.c.lane,
    events.c.livemode,
    events.c.event_type,
    events.c.created,
    events.c.request_id,
    events.c.idempotency_key,
    events.c.api_version,
    events.c.data,
)


def _is_public(event_type: ColumnElement[str]) -> ColumnElement[bool]:
    # The character behind the full stop: everything from there on no longer begins with the prefix.
    return or_(event_type < INTERNAL_PREFIX, event_type >= INTERNAL_PREFIX[:-1] + "/")


_PUBLIC = _is_public(events.c.event_type)
_FIND = select(*_COLUMNS).where(
    events.c.org_id == bindparam("o"),
    events.c.livemode == bindparam("m"),
    events.c.id == bindparam("i"),
    _PUBLIC,
)


class Listed(NamedTuple):
    event: Event
    lane: int


class Undelivered(NamedTuple):
    """Events that some webhook endpoint has not got."""

    # Each gives `event_id` and `event_type`, and can be narrowed down and put in order by its index.
    queries: Sequence[Select[Any]]
    # Of a row of the log: that it is none of them.
    is_none: ColumnElement[bool]


class Deliveries(Protocol):
    """What is known of the log's events by those who tell of them."""

    def pending(self, connection: Connection, org_id: str, livemode: int, listed: Sequence[Listed]) -> dict[str, int]:
        """To how many endpoints each is still to be delivered; those with none are left out."""

    def undelivered(self, connection: Connection, org_id: str, livemode: int) -> Undelivered | None:
        """None where nobody listens."""


def find(connection: Connection, org_id: str, livemode: int, event_id: str) -> Listed | None:
    row = connection.execute(_FIND, {"o": org_id, "m": livemode, "i": event_id}).mappings().first()
    return _listed(row) if row else None


def page(
    connection: Connection,
    org_id: str,
    livemode: int,
    window: Window,
    *,
    types: Sequence[str] | None,
    created: tuple[int | None, int | None],
    without: ColumnElement[bool] | None = None,
) -> list[Listed]:
    """One row more than the page shows, in the window's order.

    Each type's ids are read from its own stretch of the index, without touching a row, and merged: a list of
    rare types among millions of others costs no more than any, and one of many types little more than of one.
    """
    order = events.c.id.desc() if window.newest_first else events.c.id.asc()
    own = (events.c.org_id == org_id, events.c.livemode == livemode)
    rows = select(*_COLUMNS).where(*own).order_by(order).limit(window.rows_to_read)
    conditions = _conditions(events.c.id, window, created)
    if without is not None:
        conditions.append(without)
    if types is None:
        rows = rows.where(_PUBLIC, *conditions)
    elif len(types) == 1:
        rows = rows.where(events.c.event_type == types[0], *conditions)
    else:
        ids = select(events.c.id).where(*own, *conditions).order_by(order).limit(window.rows_to_read)
        narrowed = [ids.where(events.c.event_type == name) for name in types]
        rows = rows.where(events.c.id.in_(_nearest(connection, narrowed, window)))
    return [_listed(row) for row in connection.execute(rows).mappings()]


def page_of(
    connection: Connection,
    org_id: str,
    livemode: int,
    window: Window,
    undelivered: Undelivered,
    *,
    types: Sequence[str] | None,
    created: tuple[int | None, int | None],
) -> list[Listed]:
    """As `page`, of those that somebody has not got."""
    narrowed = []
    for query in undelivered.queries:
        event_id, event_type = query.selected_columns
        is_wanted = _is_public(event_type) if types is None else event_type.in_(list(types))
        order = event_id.desc() if window.newest_first else event_id.asc()
        narrowed.append(
            query.where(is_wanted, *_conditions(event_id, window, created)).order_by(order).limit(window.rows_to_read)
        )
    ids = _nearest(connection, narrowed, window)
    order = events.c.id.desc() if window.newest_first else events.c.id.asc()
    rows = select(*_COLUMNS).where(events.c.org_id == org_id, events.c.livemode == livemode, events.c.id.in_(ids))
    return [_listed(row) for row in connection.execute(rows.order_by(order)).mappings()]


def _nearest(connection: Connection, queries: Sequence[Select[Any]], window: Window) -> list[str]:
    """The ids nearest to where the page begins, among those that all of the queries find."""
    found = {event_id for query in queries for event_id in connection.execute(query).scalars()}
    return sorted(found, reverse=window.newest_first)[: window.rows_to_read]


def _conditions(
    event_id: ColumnElement[str], window: Window, created: tuple[int | None, int | None]
) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    low, high = created
    if low is not None:
        conditions.append(event_id >= lowest_id_at(PREFIX, low))
    if high is not None:
        conditions.append(event_id < lowest_id_at(PREFIX, high))
    if window.after_id is not None:
        conditions.append(event_id < window.after_id)
    if window.before_id is not None:
        conditions.append(event_id > window.before_id)
    return conditions


def _listed(row: RowMapping) -> Listed:
    event = Event(
        id=row["id"],
        api_version=row["api_version"],
        created=seconds(row["created"]),
        data=msgspec.Raw(row["data"].encode()),
        livemode=bool(row["livemode"]),
        request=EventRequest(id=row["request_id"], idempotency_key=row["idempotency_key"]),
        type=row["event_type"],
    )
    return Listed(event, row["lane"])
