"""Reading the log for `/v1/events`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

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
    events.c.livemode,
    events.c.event_type,
    events.c.created,
    events.c.request_id,
    events.c.idempotency_key,
    events.c.api_version,
    events.c.data,
)
# The character behind the full stop: everything from here on no longer begins with the prefix.
_PUBLIC = or_(events.c.event_type < INTERNAL_PREFIX, events.c.event_type >= INTERNAL_PREFIX[:-1] + "/")
_FIND = select(*_COLUMNS).where(
    events.c.org_id == bindparam("o"),
    events.c.livemode == bindparam("m"),
    events.c.id == bindparam("i"),
    _PUBLIC,
)


def find(connection: Connection, org_id: str, livemode: int, event_id: str) -> Event | None:
    row = connection.execute(_FIND, {"o": org_id, "m": livemode, "i": event_id}).mappings().first()
    return _event(row) if row else None


def page(
    connection: Connection,
    org_id: str,
    livemode: int,
    window: Window,
    *,
    types: Sequence[str] | None,
    created: tuple[int | None, int | None],
) -> list[Event]:
    """One row more than the page shows, in the window's order.

    Each type's ids are read from its own stretch of the index, without touching a row, and merged: a list of
    rare types among millions of others costs no more than any, and one of many types little more than of one.
    """
    order = events.c.id.desc() if window.newest_first else events.c.id.asc()
    own = (events.c.org_id == org_id, events.c.livemode == livemode)
    rows = select(*_COLUMNS).where(*own).order_by(order).limit(window.rows_to_read)
    conditions = _conditions(window, created)
    if types is None:
        rows = rows.where(_PUBLIC, *conditions)
    elif len(types) == 1:
        rows = rows.where(events.c.event_type == types[0], *conditions)
    else:
        ids = select(events.c.id).where(*own, *conditions).order_by(order).limit(window.rows_to_read)
        rows = rows.where(events.c.id.in_(_newest_of(connection, ids, types, window)))
    return [_event(row) for row in connection.execute(rows).mappings()]


def _newest_of(connection: Connection, ids: Select[Any], types: Sequence[str], window: Window) -> list[str]:
    """The ids nearest to where the page begins, among those of all the types."""
    found: list[str] = []
    for name in types:
        found.extend(connection.execute(ids.where(events.c.event_type == name)).scalars())
    found.sort(reverse=window.newest_first)
    return found[: window.rows_to_read]


def _conditions(window: Window, created: tuple[int | None, int | None]) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    low, high = created
    if low is not None:
        conditions.append(events.c.id >= lowest_id_at(PREFIX, low))
    if high is not None:
        conditions.append(events.c.id < lowest_id_at(PREFIX, high))
    if window.after_id is not None:
        conditions.append(events.c.id < window.after_id)
    if window.before_id is not None:
        conditions.append(events.c.id > window.before_id)
    return conditions


def _event(row: RowMapping) -> Event:
    return Event(
        id=row["id"],
        api_version=row["api_version"],
        created=seconds(row["created"]),
        data=msgspec.Raw(row["data"].encode()),
        livemode=bool(row["livemode"]),
        request=EventRequest(id=row["request_id"], idempotency_key=row["idempotency_key"]),
        type=row["event_type"],
    )
