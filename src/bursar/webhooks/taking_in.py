"""Takes events out of the log: one commit makes what is to be delivered durable, and moves the place in the log.

The log is read before the endpoints are, so that no event is passed over for an endpoint that was there before it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from bursar.events.chain import ChainKey
from bursar.events.reader import LoggedEvent, LogReader, Position, read_heads
from bursar.kit.clock import Clock
from bursar.store.errors import DuplicateKey, RowsExpected
from bursar.store.store import Store
from bursar.store.unit import Change, Unit
from bursar.webhooks import delivery_repository as deliveries
from bursar.webhooks import repository
from bursar.webhooks.bodies import RecentBodies
from bursar.webhooks.delivery_repository import PENDING, StoredDelivery
from bursar.webhooks.queues import Job
from bursar.webhooks.repository import ENABLED, StoredEndpoint
from bursar.webhooks.rules import TESTED, Filter

READER = "webhooks"
# Of one commit: so short that no payment waits long behind it.
DELIVERIES_OF_A_COMMIT = 500
EVENTS_OF_A_LOOK_MIN, EVENTS_OF_A_LOOK_MAX = 10, 250
# With more of them, those with something new are found first, so that what one look finds is bounded.
ORGANISATIONS_OF_A_LOOK = 16
# A place in the log behind which nothing was for anybody is made durable now and then only.
STORE_PLACE_SECONDS = 5.0

logger = logging.getLogger(__name__)


class Look(NamedTuple):
    found: list[LoggedEvent]
    endpoints: list[StoredEndpoint]
    # Deliveries that are there already, as endpoint and event. Asked for only after a commit has failed.
    existing: set[tuple[str, str]]
    counters: dict[str, int]


class TakingIn:
    """One mode's events of the organisations that this process looks after."""

    def __init__(self, store: Store, clock: Clock, livemode: int, bodies: RecentBodies) -> None:
        self._store = store
        self._clock = clock
        self._livemode = livemode
        self._bodies = bodies
        self._reader = LogReader(READER, clock)
        self._loaded: set[str] = set()
        self._counters: dict[str, int] = {}
        self._check_existing = False
        self._stored_at = time.monotonic()
        self._limit = EVENTS_OF_A_LOOK_MAX
        self._turn = 0

    def forget(self) -> None:
        """Somebody else has gone on, or may have."""
        self._reader = LogReader(READER, self._clock)
        self._loaded.clear()
        self._counters.clear()

    async def look(self, org_ids: Sequence[str]) -> tuple[list[Job], bool]:
        """What is to be delivered from now on, durable; and whether there may be more to take in."""
        # One that had no endpoint for a while need not be read from where it was left.
        self._loaded.intersection_update(org_ids)
        await self._load([org_id for org_id in org_ids if org_id not in self._loaded])
        with_news = org_ids
        if len(org_ids) > ORGANISATIONS_OF_A_LOOK:
            with_news = await self._with_news(org_ids)
        if not with_news:
            return [], False
        look = await self._store.read(lambda connection: self._read(connection, with_news))
        if not look.found:
            return [], False
        made, changes = self._deliveries(look)
        self._reader.done_with(look.found)
        if changes or time.monotonic() - self._stored_at > STORE_PLACE_SECONDS:
            changes += self._reader.advanced()
            try:
                await self._store.commit(Unit(changes))
            except (RowsExpected, DuplicateKey):
                # Another process was faster, or somebody has asked for one of these already.
                self.forget()
                self._check_existing = True
                return [], True
            except BaseException:
                self.forget()
                raise
            self._reader.stored()
            self._stored_at = time.monotonic()
            self._check_existing = False
        return [self._job(delivery, event, endpoint) for delivery, event, endpoint in made], True

    async def _load(self, new: Sequence[str]) -> None:
        """Their places: where this left off, but not before any of their endpoints began to listen."""
        if not new:
            return

        def query(connection: Connection) -> None:
            stored = repository.of_organisations(connection, new)
            for start in range(0, len(new), repository.ORGANISATIONS_OF_A_QUERY_MAX):
                self._reader.load(connection, new[start : start + repository.ORGANISATIONS_OF_A_QUERY_MAX])
            for chain, head in read_heads(connection, new).items():
                floor = self._floor(chain, stored, head.event_id)
                known = self._reader.positions.get(chain, Position())
                if floor > known.event_id:
                    self._reader.positions[chain] = Position(floor)

        await self._store.read(query)
        self._loaded.update(new)

    def _floor(self, chain: ChainKey, stored: Sequence[StoredEndpoint], end: str) -> str:
        places = [
            one.begins_behind.get(str(chain.lane), "")
            for one in stored
            if one.key.org_id == chain.org_id and one.key.livemode == chain.livemode and one.status == ENABLED
        ]
        return min(places, default=end)

    async def _with_news(self, org_ids: Sequence[str]) -> list[str]:
        heads = await self._store.read(lambda connection: read_heads(connection, org_ids))
        positions = self._reader.positions
        found = sorted(
            {
                chain.org_id
                for chain, head in heads.items()
                if chain.livemode == self._livemode and head.event_id > positions.get(chain, Position()).event_id
            }
        )
        # Each has its turn, however many have something new all the time.
        self._turn = (self._turn + ORGANISATIONS_OF_A_LOOK) % max(len(found), 1)
        return (found[self._turn :] + found[: self._turn])[:ORGANISATIONS_OF_A_LOOK]

    def _read(self, connection: Connection, org_ids: Sequence[str]) -> Look:
        found = self._reader.read(connection, org_ids, self._limit, (self._livemode,))
        if not found:
            return Look([], [], set(), {})
        concerned = sorted({event.org_id for event in found})
        endpoints = [
            stored
            for stored in repository.of_organisations(connection, concerned)
            if stored.key.livemode == self._livemode and stored.status == ENABLED
        ]
        existing: set[tuple[str, str]] = set()
        if self._check_existing:
            event_ids = [event.id for event in found]
            for stored in endpoints:
                known = deliveries.known_events(connection, stored.key, event_ids)
                existing |= {(stored.key.id, event_id) for event_id in known}
        counters = {
            org_id: deliveries.find_counter(connection, org_id, self._livemode)
            for org_id in concerned
            if org_id not in self._counters
        }
        return Look(found, endpoints, existing, counters)

    def _deliveries(self, look: Look) -> tuple[list[tuple[StoredDelivery, LoggedEvent, StoredEndpoint]], list[Change]]:
        now = self._clock.now_microseconds()
        listening: dict[str, list[tuple[StoredEndpoint, Filter]]] = {}
        for stored in look.endpoints:
            one = (stored, Filter(stored.endpoint.enabled_events))
            listening.setdefault(stored.key.org_id, []).append(one)
        self._limit = _limit(max(map(len, listening.values()), default=1))
        before = {**look.counters, **self._counters}
        numbers = dict(before)
        made: list[tuple[StoredDelivery, LoggedEvent, StoredEndpoint]] = []
        for event in look.found:
            wanting = [
                stored
                for stored, events in listening.get(event.org_id, ())
                if _is_for(event, stored, events) and (stored.key.id, event.id) not in look.existing
            ]
            if not wanting:
                continue
            numbers[event.org_id] += 1
            number = numbers[event.org_id]
            made += [(_delivery(event, stored, number, len(wanting), now), event, stored) for stored in wanting]
        changes = [deliveries.insertion(delivery) for delivery, _, _ in made]
        for org_id, number in numbers.items():
            if number != before[org_id]:
                changes.append(deliveries.counting(org_id, self._livemode, before[org_id], number))
        # Should the commit fail, all of this is forgotten.
        self._counters = numbers
        return made, changes

    def _job(self, delivery: StoredDelivery, event: LoggedEvent, stored: StoredEndpoint) -> Job:
        return Job(delivery, self._bodies.of(event, stored.endpoint.api_version, delivery.pending_webhooks))


def _is_for(event: LoggedEvent, stored: StoredEndpoint, events: Filter) -> bool:
    if event.event_type == TESTED:  # for the one that is tested, whatever it listens to
        return event.object_id == stored.key.id
    return events.wants(event.event_type) and stored.hears(event.lane, event.id)


def _limit(endpoints: int) -> int:
    return max(EVENTS_OF_A_LOOK_MIN, min(EVENTS_OF_A_LOOK_MAX, DELIVERIES_OF_A_COMMIT // endpoints))


def _delivery(event: LoggedEvent, stored: StoredEndpoint, number: int, endpoints: int, now: int) -> StoredDelivery:
    return StoredDelivery(
        org_id=event.org_id,
        livemode=event.livemode,
        endpoint_id=stored.key.id,
        event_id=event.id,
        status=PENDING,
        event_type=event.event_type,
        sequence_number=number,
        pending_webhooks=endpoints,
        tries=0,
        tries_before=0,
        next_at=now,
    )
