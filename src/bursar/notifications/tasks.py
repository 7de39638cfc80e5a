"""What sends by itself: reads the log into the outbox, and works the outbox off. One process at a time."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Protocol

from sqlalchemy import Connection

from bursar.events.leases import Leases
from bursar.events.reader import PREFIX as EVENT_PREFIX
from bursar.events.reader import LoggedEvent, LogReader, Position, read_heads
from bursar.kit.clock import MICROSECONDS_PER_SECOND, Clock
from bursar.kit.ids import time_part
from bursar.notifications import repository
from bursar.notifications.outbox import Outbox
from bursar.notifications.planning import Planner
from bursar.notifications.rules import TYPES_READ
from bursar.notifications.schemas import StoredMessage
from bursar.store.errors import DuplicateKey, RowsExpected, StoreError
from bursar.store.store import Store
from bursar.store.unit import Unit

ROLE = "notifications"
EVENTS_OF_A_LOOK = 500
# Whoever begins with a log that is there already tells nobody of what is long past.
FIRST_LOOK_SECONDS = 3_600
HOLD_SECONDS = 3  # between two looks at the lease
PACE_SECONDS = 0.1  # while payments pour in, a look is at many at once
WAIT_SECONDS = 1.0
CURSOR_SECONDS = 5  # events that nobody is told of are passed over this long before the cursor is written
DIGEST_SECONDS, FORGET_SECONDS = 30, 3_600
REST_SECONDS = 1.0

logger = logging.getLogger(__name__)


class Worker(Protocol):
    async def run(self) -> None: ...


class Notifier:
    def __init__(self, store: Store, clock: Clock, planner: Planner, outbox: Outbox) -> None:
        self._store = store
        self._clock = clock
        self._planner = planner
        self.outbox = outbox
        self._leases = Leases(store, clock)
        self._reader: LogReader | None = None
        self._next: dict[str, int] = {}

    async def run(self) -> None:
        listener = self._store.committed.listen()
        try:
            while True:
                try:
                    busy = await self._look_if_first()
                except StoreError as problem:
                    logger.warning("messages are sent later: %s", problem)
                    self._reader, busy = None, False
                    await asyncio.sleep(REST_SECONDS)
                except Exception:  # a defect, which must not end what tells everybody
                    logger.exception("messages cannot be sent")
                    self._reader, busy = None, False
                    await asyncio.sleep(REST_SECONDS)
                if not busy:
                    await listener.wait(WAIT_SECONDS)
                await asyncio.sleep(PACE_SECONDS)
        finally:
            listener.close()
            await self.outbox.close()
            with suppress(StoreError):
                await self._leases.give_up(ROLE)

    async def look(self) -> bool:
        """Once all over; tells whether there is more. For whoever holds the lease."""
        if self._is_time("revive", FIRST_LOOK_SECONDS):
            await self.outbox.revive()
        more = await self.read()
        if self._is_time("digest", DIGEST_SECONDS):
            await self.outbox.gather_digests()
        if self._is_time("forget", FORGET_SECONDS):
            await self.outbox.forget()
        await self.outbox.look()
        return more

    async def read(self) -> bool:
        """What is new in the log, into the outbox; with the cursor in one commit."""
        reader = self._reader or await self._begun()

        def query(connection: Connection) -> tuple[list[LoggedEvent], list[StoredMessage]]:
            found = reader.read(connection, None, EVENTS_OF_A_LOOK)
            wanted = [event for event in found if event.event_type in TYPES_READ]
            return found, self._planner.plan(connection, wanted) if wanted else []

        events, planned = await self._store.read(query)
        reader.done_with(events)
        if planned or self._is_time("cursor", CURSOR_SECONDS):
            changes = [*reader.advanced(), *(repository.insertion(message) for message in planned)]
            if changes:
                try:
                    await self._store.commit(Unit(changes))
                except (RowsExpected, DuplicateKey):  # another process went on meanwhile: where it is now, we follow
                    self._reader = None
                    return True
                except StoreError:
                    self._reader = None
                    raise
            reader.stored()
        return len(events) >= EVENTS_OF_A_LOOK

    async def _look_if_first(self) -> bool:
        if self._is_time("hold", HOLD_SECONDS) and not await self._leases.hold(ROLE):
            self._reader = None
            self._next.pop("hold")
            await asyncio.sleep(REST_SECONDS)
            return False
        return await self.look()

    async def _begun(self) -> LogReader:
        reader = LogReader(ROLE, self._clock)
        since = self._clock.now_microseconds() - FIRST_LOOK_SECONDS * MICROSECONDS_PER_SECOND

        def query(connection: Connection) -> None:
            reader.load(connection)
            if not reader.positions:
                first = Position(f"{EVENT_PREFIX}_{time_part(since)}")
                reader.positions = dict.fromkeys(read_heads(connection, None), first)

        await self._store.read(query)
        self._reader = reader
        return reader

    def _is_time(self, what: str, every_seconds: int) -> bool:
        now = self._clock.now_microseconds()
        if now < self._next.get(what, 0):
            return False
        self._next[what] = now + every_seconds * MICROSECONDS_PER_SECOND
        return True
