"""Reading the log as it grows: by webhooks, streams, notifications, histories.

A reader keeps, for each chain, the last event that has reached where it goes. Within a chain ids rise strictly, so
"behind that id" misses nothing and repeats nothing. What is new is seen by the heads, which move in the commit of
what they lead to; events of several chains that one look finds are handed out by id, so that what happened to one
payment comes in its order, whichever writers wrote it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, select

from bursar.events.audit import snapshot
from bursar.events.chain import ChainKey, Head
from bursar.events.tables import event_heads, events, log_cursors
from bursar.kit.clock import MICROSECONDS_PER_SECOND, Clock
from bursar.kit.ids import lowest_id_at
from bursar.store.unit import Change

PREFIX = "evt"
# An id is made some time before its commit: a chain that was still at a moment can only grow by ids that are newer
# than this long before that moment.
COMMIT_SECONDS_MAX = 120
ORGANISATIONS_OF_A_QUERY_MAX = 500
EVENTS_OF_A_READ_MAX = 4_000  # of all chains together: what is in memory, however many organisations there are

INSERT_CURSOR = log_cursors.insert()
MOVE_CURSOR = (
    log_cursors.update()
    .where(
        log_cursors.c.org_id == bindparam("o"),
        log_cursors.c.livemode == bindparam("m"),
        log_cursors.c.lane == bindparam("l"),
        log_cursors.c.reader == bindparam("r"),
        log_cursors.c.event_id == bindparam("expected_event"),
    )
    .values(event_id=bindparam("new_event"), sequence_number=bindparam("new_number"))
)
_FIND_CURSORS = select(log_cursors.c.lane, log_cursors.c.event_id).where(
    log_cursors.c.org_id == bindparam("o"),
    log_cursors.c.livemode == bindparam("m"),
    log_cursors.c.reader == bindparam("r"),
)
_COLUMNS: Sequence[Any] = (
    events.c.org_id,
    events.c.livemode,
    events.c.lane,
    events.c.sequence_number,
    events.c.id,
    events.c.event_type,
    events.c.created,
    events.c.object_id,
    events.c.actor,
    events.c.address,
    events.c.request_id,
    events.c.idempotency_key,
    events.c.api_version,
    events.c.data,
)


class LoggedEvent(NamedTuple):
    org_id: str
    livemode: int
    lane: int
    sequence_number: int
    id: str
    event_type: str
    created: int
    object_id: str | None
    actor: str
    address: str | None
    request_id: str | None
    idempotency_key: str | None
    api_version: str
    # {"object": …, "previous_attributes": …} as JSON.
    data: str

    @property
    def chain(self) -> ChainKey:
        return ChainKey(self.org_id, self.livemode, self.lane)


class Position(NamedTuple):
    """The last event of a chain that a reader is done with; and when the chain was last seen to have no other."""

    event_id: str = ""
    sequence_number: int = 0
    still_at: int = 0


Positions = dict[ChainKey, Position]


def read_heads(connection: Connection, org_ids: Sequence[str] | None) -> dict[ChainKey, Head]:
    """Where the chains end. Of some organisations, or of all with None."""
    columns: Sequence[Any] = (
        event_heads.c.org_id,
        event_heads.c.livemode,
        event_heads.c.lane,
        event_heads.c.sequence_number,
        event_heads.c.event_id,
        event_heads.c.row_hash,
    )
    rows: list[Any] = []
    if org_ids is None:
        rows += connection.execute(select(*columns))
    else:
        for start in range(0, len(org_ids), ORGANISATIONS_OF_A_QUERY_MAX):
            some = list(org_ids[start : start + ORGANISATIONS_OF_A_QUERY_MAX])
            rows += connection.execute(select(*columns).where(event_heads.c.org_id.in_(some)))
    return {ChainKey(row[0], row[1], row[2]): Head(row[3], row[4], row[5]) for row in rows}


def read_cursors(connection: Connection, reader: str, org_id: str, livemode: int) -> dict[int, str]:
    """Of each lane, the last event that a reader is known to be done with."""
    rows = connection.execute(_FIND_CURSORS, {"r": reader, "o": org_id, "m": livemode})
    return {row.lane: row.event_id for row in rows}


class LogReader:
    """One reader's place in the log. Its caller keeps the positions: `advanced` says how they become durable."""

    def __init__(self, name: str, clock: Clock) -> None:
        self.name = name
        self._clock = clock
        self.positions: Positions = {}
        self._stored: Positions = {}

    def load(self, connection: Connection, org_ids: Sequence[str] | None = None) -> None:
        """From the database; all organisations' with None."""
        query = select(log_cursors).where(log_cursors.c.reader == self.name)
        if org_ids is not None:
            query = query.where(log_cursors.c.org_id.in_(list(org_ids)))
        for row in connection.execute(query):
            chain = ChainKey(row.org_id, row.livemode, row.lane)
            self._stored[chain] = self.positions[chain] = Position(row.event_id, row.sequence_number)

    def begin_at(self, heads: Mapping[ChainKey, Head]) -> None:
        """From now on, for a reader that has nothing to catch up with."""
        for chain, head in heads.items():
            self.positions[chain] = Position(head.event_id, head.sequence_number)

    def read(
        self, connection: Connection, org_ids: Sequence[str] | None, limit: int, livemodes: Iterable[int] = (0, 1)
    ) -> list[LoggedEvent]:
        """What is new, oldest first: at most `limit` events of each chain, and EVENTS_OF_A_READ_MAX or `limit` of all.

        The connection must be fresh.
        """
        connection = snapshot(connection)
        now = self._clock.now_microseconds()
        wanted_modes = frozenset(livemodes)
        in_all = max(limit, EVENTS_OF_A_READ_MAX)
        # All that is new in the chains read so far, up to the cut: what is behind it waits, in all chains alike.
        found: list[LoggedEvent] = []
        cut: str | None = None
        for chain, head in sorted(read_heads(connection, org_ids).items(), key=_place):
            if chain.livemode not in wanted_modes:
                continue
            position = self.positions.get(chain, Position())
            if head.event_id <= position.event_id:
                self.positions[chain] = position._replace(still_at=now)
                continue
            rows = self._read_chain(connection, chain, position, limit, cut)
            found += rows
            if len(rows) == limit:  # there may be more: what other chains have behind this must wait for it
                cut = rows[-1].id  # none of them is behind the cut before
            if len(found) > in_all:
                found.sort(key=_id)
                found = [event for event in found[:in_all] if cut is None or event.id <= cut]
                cut = found[-1].id
        found.sort(key=_id)
        return found if cut is None else [event for event in found if event.id <= cut]

    def done_with(self, done: Iterable[LoggedEvent]) -> None:
        """They have reached where they go. Each chain's must come in its order."""
        for event in done:
            position = self.positions.get(event.chain, Position())
            assert event.id > position.event_id, "a reader goes forward"
            self.positions[event.chain] = Position(event.id, event.sequence_number)

    def advanced(self) -> list[Change]:
        """What makes the positions durable, for the commit of what they stand for; then call `stored`."""
        changes = []
        for chain, position in self.positions.items():
            before = self._stored.get(chain)
            if before is not None and before.event_id == position.event_id:
                continue
            if not position.event_id:
                continue
            changes.append(_moved(self.name, chain, before, position))
        return changes

    def stored(self) -> None:
        self._stored = dict(self.positions)

    def _read_chain(
        self, connection: Connection, chain: ChainKey, position: Position, limit: int, cut: str | None
    ) -> list[LoggedEvent]:
        after = position.event_id
        if position.still_at:
            since = position.still_at // MICROSECONDS_PER_SECOND - COMMIT_SECONDS_MAX
            after = max(after, lowest_id_at(PREFIX, max(since, 0)))
        query = (
            select(*_COLUMNS)
            .where(
                events.c.org_id == chain.org_id,
                events.c.livemode == chain.livemode,
                events.c.lane == chain.lane,
                events.c.id > after,
            )
            .order_by(events.c.org_id, events.c.livemode, events.c.id)
            .limit(limit)
        )
        if cut is not None:
            query = query.where(events.c.id <= cut)
        return [LoggedEvent._make(row) for row in connection.execute(query)]


def _moved(reader: str, chain: ChainKey, before: Position | None, after: Position) -> Change:
    """Only from where it was: of two processes that read the same, one moves it."""
    if before is None:
        row = {
            "org_id": chain.org_id,
            "livemode": chain.livemode,
            "lane": chain.lane,
            "reader": reader,
            "event_id": after.event_id,
            "sequence_number": after.sequence_number,
        }
        return Change(INSERT_CURSOR, row)
    row = {
        "o": chain.org_id,
        "m": chain.livemode,
        "l": chain.lane,
        "r": reader,
        "expected_event": before.event_id,
        "new_event": after.event_id,
        "new_number": after.sequence_number,
    }
    return Change(MOVE_CURSOR, row, rows_expected=1)


def _id(event: LoggedEvent) -> str:
    return event.id


def _place(item: tuple[ChainKey, Head]) -> tuple[str, int, int]:
    chain = item[0]
    return chain.org_id, chain.livemode, chain.lane
