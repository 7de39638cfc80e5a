"""Processes what has come in: at once what arrived in this process, and what others have left behind.

A message belongs to whoever has moved its time ahead. A process that is killed leaves its messages to whoever sees them
overdue; one that slept meanwhile finds their time moved, and writes nothing.
"""

from __future__ import annotations

import asyncio
import logging
import time

from bursar.hooks import sweeping
from bursar.hooks.arrivals import Arrivals
from bursar.hooks.processing import Processing
from bursar.hooks.repository import StoredMessage, find_due
from bursar.hooks.schemas import State
from bursar.kit.clock import MICROSECONDS_PER_SECOND, Clock
from bursar.store.errors import StoreError
from bursar.store.store import Store

# Another process's commits are seen by looking.
POLL_SECONDS = 0.2
AGAIN_SECONDS = 1.0
# At once: what is verified, and what may come from anybody. The second never takes a place of the first.
VERIFIED_MAX, UNVERIFIED_MAX = 16, 2
HOUSEKEEPING_FIRST_SECONDS, HOUSEKEEPING_SECONDS = 120.0, 6 * 3_600.0
CLOSE_SECONDS_MAX = 3.0

logger = logging.getLogger(__name__)


class HookWorker:
    role = "incoming_webhooks"

    def __init__(self, store: Store, clock: Clock, arrivals: Arrivals, processing: Processing) -> None:
        self._store = store
        self._clock = clock
        self._arrivals = arrivals
        self._processing = processing
        self._places: dict[State, int] = {"received": VERIFIED_MAX, "unverified": UNVERIFIED_MAX}
        self._tasks: set[asyncio.Task[None]] = set()
        # Arrived, and waits for a place.
        self._waiting: dict[State, list[StoredMessage]] = {"received": [], "unverified": []}
        # When the next one that was postponed here is due again.
        self._next_at: int | None = None
        # Whether the last look left something for when there is a place.
        self._is_more = False

    async def run(self) -> None:
        """Until it is cancelled."""
        listener = self._arrivals.committed.listen()
        house = asyncio.create_task(self._keep_house())
        looked_at = 0.0
        try:
            with self._arrivals.attended():
                while True:
                    self._start_arrived()
                    if self._is_due() or time.monotonic() >= looked_at + POLL_SECONDS:
                        looked_at = time.monotonic()
                        await self._look_safely()
                    await listener.wait(self._pause(looked_at))
        finally:
            listener.close()
            house.cancel()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(house, *self._tasks, return_exceptions=True)
            await self._close()

    async def process_due(self) -> int:
        """All that is due, once; tells how many there were."""
        count = 0
        for state in self._places:
            for message in await self._due(state, VERIFIED_MAX):
                held = await self._processing.claim(message)
                if held is not None:
                    await self._processing.process(held)
                    count += 1
        return count

    def _start_arrived(self) -> None:
        while (message := self._arrivals.take()) is not None:
            self._waiting[message.state].append(message)
        for state, waiting in self._waiting.items():
            while waiting and self._places[state]:
                self._start(waiting.pop(0))

    async def _look_safely(self) -> None:
        try:
            await self._look()
        except StoreError as problem:
            logger.warning("messages of banks are looked for later: %s", problem)
            await asyncio.sleep(AGAIN_SECONDS)
        except Exception:  # a defect, which must not end what processes all the others
            logger.exception("messages of banks cannot be looked for")
            await asyncio.sleep(AGAIN_SECONDS)

    async def _look(self) -> None:
        self._next_at, self._is_more = None, False
        for state, places in self._places.items():
            if not places:
                self._is_more = True
                continue
            due = await self._due(state, places)
            self._is_more |= len(due) == places
            for message in due:
                held = await self._processing.claim(message)
                if held is not None:
                    self._start(held)

    async def _due(self, state: State, rows: int) -> list[StoredMessage]:
        now = self._clock.now_microseconds()
        return await self._store.read(lambda connection: find_due(connection, state, now, rows))

    def _start(self, held: StoredMessage) -> None:
        self._places[held.state] -= 1
        task = asyncio.create_task(self._process(held))
        self._tasks.add(task)
        task.add_done_callback(lambda ended: self._ended(ended, held.state))

    def _ended(self, task: asyncio.Task[None], state: State) -> None:
        self._tasks.discard(task)
        self._places[state] += 1
        self._arrivals.committed.tell()  # its place is free

    async def _process(self, held: StoredMessage) -> None:
        try:
            ending = await self._processing.process(held)
        except asyncio.CancelledError:
            self._waiting[held.state].append(held)  # to be released
            raise
        except StoreError as problem:
            logger.warning("a message of a bank is processed later: %s", problem, extra={"incoming_webhook": held.id})
            return
        except Exception:  # a defect: the message is overdue soon, and found again
            logger.exception("a message of a bank cannot be processed", extra={"incoming_webhook": held.id})
            return
        if ending is not None and ending.next_at is not None:
            self._next_at = min(self._next_at or ending.next_at, ending.next_at)

    def _is_due(self) -> bool:
        if self._is_more and self._places["received"]:
            return True
        return self._next_at is not None and self._next_at <= self._clock.now_microseconds()

    def _pause(self, looked_at: float) -> float:
        pause = looked_at + POLL_SECONDS - time.monotonic()
        if self._next_at is not None:
            pause = min(pause, (self._next_at - self._clock.now_microseconds()) / MICROSECONDS_PER_SECOND)
        return max(pause, 0.001)

    async def _keep_house(self) -> None:
        await asyncio.sleep(HOUSEKEEPING_FIRST_SECONDS)
        while True:
            try:
                await sweeping.delete_old(self._store, self._clock)
            except StoreError as problem:
                logger.warning("old messages of banks make room later: %s", problem)
            await asyncio.sleep(HOUSEKEEPING_SECONDS)

    async def _close(self) -> None:
        """Whoever comes next need not wait for the leases."""
        left = [*self._arrivals.take_all(), *(one for waiting in self._waiting.values() for one in waiting)]
        try:
            async with asyncio.timeout(CLOSE_SECONDS_MAX):
                await asyncio.gather(*(self._processing.release(message) for message in left))
        except (StoreError, TimeoutError) as problem:
            logger.warning("messages of banks are processed when their leases are over: %s", problem)
