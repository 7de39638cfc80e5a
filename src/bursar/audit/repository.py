"""Reading the log by what somebody asks for, with a bounded number of rows looked at in each step.

The log has an index for its ids and one for its types, and gets no more of them: each would cost every payment. So
what is asked for by an actor, an address or an object is looked for in stretches of the ids' order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, RowMapping, select

from bursar.audit.rules import result_of
from bursar.audit.schemas import AuditEntry, AuditFilters
from bursar.events.tables import event_heads, events
from bursar.http.params import created_bounds
from bursar.kit.clock import MICROSECONDS_PER_SECOND, seconds
from bursar.kit.errors import InvalidRequest
from bursar.kit.ids import CHANCE_LENGTH, TIME_LENGTH, created_microseconds, lowest_id_at, time_part

PREFIX = "evt"
ROWS_LOOKED_AT_MAX = 5_000  # in each mode and step: some 20 ms where the rows are in memory
CLOCKS_APART_SECONDS_MAX = 24 * 3_600
_OWN_ID_LENGTH = TIME_LENGTH + CHANCE_LENGTH
# No id begins with another, so what follows an id is above it with any character behind it; but for the space, which
# some databases do not see there.
_NEXT = "!"

_COLUMNS = (
    events.c.id,
    events.c.livemode,
    events.c.event_type,
    events.c.created,
    events.c.object_id,
    events.c.actor,
    events.c.address,
    events.c.request_id,
    events.c.idempotency_key,
    events.c.data,
)


class _Data(msgspec.Struct):
    object: msgspec.Raw
    previous_attributes: msgspec.Raw = msgspec.Raw()  # empty where there is none


_decode_data = msgspec.json.Decoder(_Data).decode


@dataclass(frozen=True, slots=True)
class Wanted:
    """The rows of one organisation that are meant, in terms of the log. Ids: from the first, before the second."""

    org_id: str
    modes: tuple[int, ...]
    low: str
    high: str
    conditions: tuple[ColumnElement[bool], ...] = ()
    # Whether an index finds exactly these rows, so that none is looked at in vain.
    indexed: bool = True
    type: str | None = None


@dataclass(slots=True)
class Step:
    rows: list[AuditEntry] = field(default_factory=list)
    # Where to go on; None at the end.
    wanted: Wanted | None = None


def wanted(org_id: str, filters: AuditFilters, now: int) -> Wanted:
    modes = (0, 1) if filters.mode is None else (int(filters.mode == "live"),)
    first, behind = created_bounds(filters.created)
    low = f"{PREFIX}_" if first is None else lowest_id_at(PREFIX, first)
    high = f"{PREFIX}_~" if behind is None else lowest_id_at(PREFIX, behind)
    named = {
        events.c.actor: filters.actor,
        events.c.address: filters.address,
        events.c.object_id: filters.object,
        events.c.request_id: filters.request,
    }
    conditions = [column == value for column, value in named.items() if value is not None]
    for cause in (filters.request, filters.object):
        low = max(low, _not_before(cause, now))
    own_type = filters.type
    if own_type is not None and "*" in own_type:
        conditions += _group(own_type)
        own_type = None
    return Wanted(org_id, modes, low, high, tuple(conditions), not conditions, own_type)


def until(asked: Wanted, now: int) -> Wanted:
    """Without what is written while somebody reads, who would never come to the end."""
    return replace(asked, high=min(asked.high, f"{PREFIX}_{time_part(now)}"))


def step(connection: Connection, asked: Wanted, rows_max: int, *, newest_first: bool) -> Step:
    """Up to so many rows in order, and where to go on. May find none and not be at the end."""
    edge = _edge(connection, asked, newest_first) if not asked.indexed else None
    part = asked if edge is None else _between(asked, edge, newest_first)
    found = [row for mode in part.modes for row in _rows(connection, part, mode, rows_max + 1, newest_first)]
    found.sort(key=lambda row: row["id"], reverse=newest_first)
    rows = [_entry(row) for row in found[:rows_max]]
    if len(found) > rows_max:
        return Step(rows, _behind(asked, rows[-1].id, newest_first))
    return Step(rows, None if edge is None else _behind(asked, edge, newest_first))


def organisations(connection: Connection) -> Sequence[str]:
    """Whoever has a chain, the installation itself included."""
    return connection.execute(select(event_heads.c.org_id).distinct().order_by(event_heads.c.org_id)).scalars().all()


def _edge(connection: Connection, asked: Wanted, newest_first: bool) -> str | None:
    """The last id that this step looks at, None if it comes to the end."""
    edges = []
    for mode in asked.modes:
        query = (
            select(events.c.id)
            .where(*_own(asked, mode))
            .order_by(events.c.id.desc() if newest_first else events.c.id.asc())
            .offset(ROWS_LOOKED_AT_MAX)
            .limit(1)
        )
        found = connection.execute(query).scalar()
        if found is not None:
            edges.append(str(found))
    if not edges:
        return None
    return max(edges) if newest_first else min(edges)


def _rows(connection: Connection, asked: Wanted, mode: int, rows_max: int, newest_first: bool) -> Sequence[RowMapping]:
    query = (
        select(*_COLUMNS)
        .where(*_own(asked, mode), *asked.conditions)
        .order_by(events.c.id.desc() if newest_first else events.c.id.asc())
        .limit(rows_max)
    )
    return connection.execute(query).mappings().all()


def _own(asked: Wanted, mode: int) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [
        events.c.org_id == asked.org_id,
        events.c.livemode == mode,
        events.c.id >= asked.low,
        events.c.id < asked.high,
    ]
    if asked.type is not None:
        conditions.append(events.c.event_type == asked.type)
    return conditions


def _between(asked: Wanted, edge: str, newest_first: bool) -> Wanted:
    return replace(asked, low=edge) if newest_first else replace(asked, high=edge + _NEXT)


def _behind(asked: Wanted, last_id: str, newest_first: bool) -> Wanted:
    return replace(asked, high=last_id) if newest_first else replace(asked, low=last_id + _NEXT)


def _group(pattern: str) -> list[ColumnElement[bool]]:
    group, _, rest = pattern.partition("*")
    if rest or not group.endswith("."):
        raise InvalidRequest("Invalid type: a group of types ends in .* like bursar.wallet.*", param="type")
    # The character behind the full stop: everything from there on no longer begins with the group.
    return [events.c.event_type >= group, events.c.event_type < group[:-1] + "/"]


def _not_before(cause: str | None, now: int) -> str:
    """The id that nothing which came of a request or an object of ours can be below: ids carry their time."""
    stamp = (cause or "").rpartition("_")[2]
    if len(stamp) != _OWN_ID_LENGTH:
        return ""
    try:
        at = created_microseconds(cause or "")
    except ValueError:
        return ""
    if at > now:
        return ""  # no time at all: an id that only looks like ours
    return f"{PREFIX}_{time_part(at - CLOCKS_APART_SECONDS_MAX * MICROSECONDS_PER_SECOND)}"


def _entry(row: RowMapping) -> AuditEntry:
    data = _decode_data(row["data"])
    after: Any = msgspec.json.decode(data.object) if row["event_type"].endswith(".viewed") else {}
    return AuditEntry(
        id=row["id"],
        actor=row["actor"],
        address=row["address"],
        after=data.object,
        before=data.previous_attributes if bytes(data.previous_attributes) else None,
        created=seconds(row["created"]),
        idempotency_key=row["idempotency_key"],
        livemode=bool(row["livemode"]),
        object_id=row["object_id"],
        request=row["request_id"],
        result=result_of(row["event_type"], after),
        type=row["event_type"],
    )
