"""Seals entries into the log, inside the writer's transaction.

Each writer holds a lane of its own, so that writers never wait for one another's chain. The lane is
leased; but the lease only keeps writers apart. What keeps a chain whole is that its head moves by a
conditional update: a writer that woke up late finds the head moved and must look again.
"""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Insert, bindparam, select
from sqlalchemy.exc import DBAPIError

from bursar.events.chain import ChainKey, Head, seal
from bursar.events.tables import event_heads, events, writer_lanes
from bursar.kit.clock import MICROSECONDS_PER_SECOND, Clock, SystemClock
from bursar.kit.ids import IdFactory
from bursar.store.columns import INSTALLATION
from bursar.store.errors import DuplicateKey, StoreContention, translate
from bursar.store.log import Entry
from bursar.store.unit import Change, Execute

LEASE_SECONDS = 30
RENEW_SECONDS = 10
LANES_MAX = 10_000
HEADS_CACHED_MAX = 50_000  # about 15 MB; beyond it all heads are read anew, one by one

INSERT_EVENT = events.insert()
INSERT_HEAD = event_heads.insert()
INSERT_LANE = writer_lanes.insert()
MOVE_HEAD = (
    event_heads.update()
    .where(
        event_heads.c.org_id == bindparam("chain_org_id"),
        event_heads.c.livemode == bindparam("chain_livemode"),
        event_heads.c.lane == bindparam("chain_lane"),
        event_heads.c.sequence_number == bindparam("expected_number"),
    )
    .values(
        sequence_number=bindparam("new_number"),
        event_id=bindparam("new_event_id"),
        row_hash=bindparam("new_hash"),
    )
)


class LaneSealer:
    """One per writer thread; not shared."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._ids = IdFactory(self._clock)
        self._holder = f"{socket.gethostname()[:32]}:{os.getpid()}:{uuid.uuid4().hex[:12]}"
        self._lane: int | None = None
        self._leased_until = 0
        self._heads: dict[ChainKey, Head] = {}
        self._moved: dict[ChainKey, Head] = {}
        self._lease_in_flight: tuple[int, int] | None = None

    def seal(self, connection: Connection, entries: Sequence[Entry], execute: Execute) -> None:
        lane = self._hold_lane(connection)
        before: dict[ChainKey, Head] = {}
        rows = []
        for entry in entries:
            chain = ChainKey(entry.org_id, entry.livemode, lane)
            head = self._moved.get(chain)
            if head is None:
                head = before[chain] = self._head(connection, chain)
            row = self._row(entry, chain, head)
            rows.append(Change(INSERT_EVENT, row))
            self._moved[chain] = Head(row["sequence_number"], row["id"], row["row_hash"])
        execute(connection, INSERT_EVENT, rows)
        for chain, old in before.items():
            self._move_head(connection, chain, old, self._moved[chain])

    def committed(self) -> None:
        if len(self._heads) > HEADS_CACHED_MAX:
            self._heads.clear()
        self._heads.update(self._moved)
        self._moved.clear()
        if self._lease_in_flight is not None:
            self._lane, self._leased_until = self._lease_in_flight
            self._lease_in_flight = None

    def forget(self) -> None:
        """The transaction did not come to be, and why is unknown: nothing cached is trusted."""
        self._moved.clear()
        self._heads.clear()
        self._lease_in_flight = None
        self._lane = None

    def _row(self, entry: Entry, chain: ChainKey, head: Head) -> dict[str, Any]:
        origin = entry.origin
        event_id, created = self._ids.new_with_time("evt")
        row: dict[str, Any] = {
            "org_id": entry.org_id,
            "livemode": entry.livemode,
            "id": event_id,
            "lane": chain.lane,
            "sequence_number": head.sequence_number + 1,
            "event_type": entry.event_type,
            "created": created,
            "object_id": entry.object_id,
            "actor": origin.actor,
            "address": origin.address,
            "request_id": origin.request_id,
            "idempotency_key": origin.idempotency_key,
            "api_version": origin.api_version,
            "data": entry.data(),
        }
        row["row_hash"] = seal(row, head.row_hash)
        return row

    def _head(self, connection: Connection, chain: ChainKey) -> Head:
        known = self._heads.get(chain)
        if known is None:
            known = read_head(connection, chain) or Head()
            if known.event_id:
                self._ids.never_before(known.event_id)
        return known

    def _move_head(self, connection: Connection, chain: ChainKey, old: Head, new: Head) -> None:
        if not old.sequence_number:
            row = {"org_id": chain.org_id, "livemode": chain.livemode, "lane": chain.lane}
            values = {
                "sequence_number": new.sequence_number,
                "event_id": new.event_id,
                "row_hash": new.row_hash,
            }
            contend = f"another writer began the chain of lane {chain.lane}"
            _insert_first(connection, INSERT_HEAD, row | values, contend)
            return
        moved = connection.execute(
            MOVE_HEAD,
            {
                "chain_org_id": chain.org_id,
                "chain_livemode": chain.livemode,
                "chain_lane": chain.lane,
                "expected_number": old.sequence_number,
                "new_number": new.sequence_number,
                "new_event_id": new.event_id,
                "new_hash": new.row_hash,
            },
        )
        if moved.rowcount != 1:
            raise StoreContention(f"another writer moved the head of lane {chain.lane}")

    def _hold_lane(self, connection: Connection) -> int:
        """The lane, leased for long enough; renewed on the way, in the same transaction."""
        now = self._clock.now_microseconds()
        if (
            self._lane is not None
            and now < self._leased_until - (LEASE_SECONDS - RENEW_SECONDS) * MICROSECONDS_PER_SECOND
        ):
            return self._lane
        until = now + LEASE_SECONDS * MICROSECONDS_PER_SECOND
        lane = self._lane
        if lane is None or not self._renew(connection, lane, until):
            self._heads.clear()
            lane = self._claim(connection, now, until)
        self._lease_in_flight = (lane, until)
        return lane

    def _renew(self, connection: Connection, lane: int, until: int) -> bool:
        renewed = connection.execute(
            writer_lanes.update()
            .where(
                writer_lanes.c.org_id == INSTALLATION,
                writer_lanes.c.lane == lane,
                writer_lanes.c.holder == self._holder,
            )
            .values(leased_until=until)
        )
        return renewed.rowcount == 1

    def _claim(self, connection: Connection, now: int, until: int) -> int:
        """The lowest lane that is free, or a new one."""
        leases = {
            row.lane: row
            for row in connection.execute(select(writer_lanes).where(writer_lanes.c.org_id == INSTALLATION))
        }
        for lane in range(LANES_MAX):
            lease = leases.get(lane)
            if lease is None:
                self._insert_lane(connection, lane, until)
                return lane
            if lease.holder == self._holder or lease.leased_until < now:
                taken = connection.execute(
                    writer_lanes.update()
                    .where(
                        writer_lanes.c.org_id == INSTALLATION,
                        writer_lanes.c.lane == lane,
                        writer_lanes.c.leased_until == lease.leased_until,
                        writer_lanes.c.holder == lease.holder,
                    )
                    .values(holder=self._holder, leased_until=until)
                )
                if taken.rowcount == 1:
                    return lane
        raise StoreContention("no lane of the log is free")

    def _insert_lane(self, connection: Connection, lane: int, until: int) -> None:
        row = {"org_id": INSTALLATION, "lane": lane, "holder": self._holder, "leased_until": until}
        _insert_first(connection, INSERT_LANE, row, f"lane {lane} was taken a moment ago")


def _insert_first(connection: Connection, statement: Insert, row: dict[str, Any], otherwise: str) -> None:
    """A row that somebody else has made meanwhile is no fault of the unit that waits for it."""
    try:
        connection.execute(statement, row)
    except DBAPIError as problem:
        if isinstance(translate(problem), DuplicateKey):
            raise StoreContention(otherwise) from problem
        raise


def read_head(connection: Connection, chain: ChainKey) -> Head | None:
    row = connection.execute(
        select(event_heads).where(
            event_heads.c.org_id == chain.org_id,
            event_heads.c.livemode == chain.livemode,
            event_heads.c.lane == chain.lane,
        )
    ).first()
    return Head(row.sequence_number, row.event_id, row.row_hash) if row else None
