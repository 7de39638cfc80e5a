"""Keeps the histories: reads the log, tells MongoDB, and only then moves its cursor."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from bursar.events.leases import Leases
from bursar.events.reader import LogReader, Position, read_heads
from bursar.histories.figures import Figures
from bursar.histories.mongo import Histories, HistoryAway
from bursar.kit.clock import Clock
from bursar.store.errors import RowsExpected, StoreError
from bursar.store.signal import Listener
from bursar.store.store import Store
from bursar.store.unit import Unit

READER = "histories"
EVENTS_AT_ONCE = 500
LOOK_SECONDS = 0.2
GATHER_SECONDS = 0.05
LEASE_WAIT_SECONDS = 1.0
DATABASE_WAIT_SECONDS = 1.0
MEASURE_SECONDS = 2.0
AWAY_SECONDS_FIRST, AWAY_SECONDS_MAX = 0.5, 30.0

logger = logging.getLogger(__name__)


class HistoriesWorker:
    """One for the installation: all organisations' payments, from the first event on."""

    def __init__(self, store: Store, clock: Clock, url: str, figures: Figures | None = None) -> None:
        self._store = store
        self._clock = clock
        self._url = url
        self._leases = Leases(store, clock)
        self._reader: LogReader | None = None
        self._histories: Histories | None = None
        self._failures = 0
        self._measured_at = 0.0
        self.figures = figures or Figures()

    async def run(self) -> None:
        listener = self._store.committed.listen()
        try:
            while True:
                await self._step(listener)
        finally:
            listener.close()
            if self._histories is not None:
                await asyncio.to_thread(self._histories.close)
            try:
                async with asyncio.timeout(DATABASE_WAIT_SECONDS):
                    await self._leases.give_up(READER)
            except (StoreError, TimeoutError):
                pass  # it runs out by itself

    async def _step(self, listener: Listener) -> None:
        try:
            if not await self._leases.hold(READER):
                await asyncio.sleep(LEASE_WAIT_SECONDS)
                return
            if await self._carry():
                return
            self._failures = 0
            if await listener.wait(LOOK_SECONDS):
                await asyncio.sleep(GATHER_SECONDS)
        except (HistoryAway, StoreError) as problem:
            self._reader = None
            if isinstance(problem, RowsExpected):
                return
            self._failures += 1
            self.figures.problem()
            wait = min(AWAY_SECONDS_FIRST * 2.0 ** min(self._failures - 1, 10), AWAY_SECONDS_MAX)
            logger.warning("histories go on in %.0f s: %s", wait, problem)
            await asyncio.sleep(wait)
        except Exception:
            logger.exception("histories have failed")
            self._reader = None
            await asyncio.sleep(AWAY_SECONDS_MAX)

    async def _carry(self) -> int:
        """How many events."""
        reader = self._reader
        if reader is None:
            reader = self._reader = LogReader(READER, self._clock)
            await self._store.read(reader.load)
        await self._measure(reader)
        found = await self._store.read(lambda connection: reader.read(connection, None, EVENTS_AT_ONCE))
        if not found:
            return 0
        if self._histories is None:
            self._histories = Histories(self._url, self.figures.unreadable)
        await asyncio.to_thread(self._histories.apply, found)
        reader.done_with(found)
        await self._store.commit(Unit(reader.advanced()))
        reader.stored()
        self.figures.told(len(found))
        return len(found)

    async def _measure(self, reader: LogReader) -> None:
        now = time.monotonic()
        if self._measured_at and now - self._measured_at < MEASURE_SECONDS:
            return
        self._measured_at = now
        heads = await self._store.read(lambda connection: read_heads(connection, None))
        self.figures.behind(
            sum(
                max(head.sequence_number - reader.positions.get(chain, Position()).sequence_number, 0)
                for chain, head in heads.items()
            )
        )


def rebuild(store: Store, clock: Clock, url: str, told: Callable[[int], None] = lambda _events: None) -> int:
    """All documents anew, from the log alone; how many events that were. Servers may go on working meanwhile.

    What a worker adds beside it is the same as what is added here. Raises HistoryAway and StoreError.
    """
    histories = Histories(url)
    try:
        histories.clear()
        reader, events = LogReader(READER, clock), 0
        while found := store.read_blocking(lambda connection: reader.read(connection, None, EVENTS_AT_ONCE)):
            histories.apply(found)
            reader.done_with(found)
            events += len(found)
            told(events)
        return events
    finally:
        histories.close()
