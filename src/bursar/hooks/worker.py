"""Processes what has come in: at once what arrived in this process, and what others have left behind.

A message belongs to whoever has moved its time ahead. A process that is killed leaves its messages to whoever sees them
overdue; one that slept meanwhile finds their time moved, and writes nothing.
"""

from __future__ import annotations

import asyncio
import logging
import time

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
        # Begun, and cut short by the end of this worker: to be released.
        self._cut_short: list[StoredMessage] = []
        # When the next one that was postponed here is due again.
        self._next_at: int | None = None
        # Whether the last look left something for when there is a place.
        self._is_more = False

    async def run(self) -> None:
        """Until it is cancelled."""
        listener = self._arrivals.committed.listen()
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
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
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
        for state in self._places:
            while self._places[state] and (message := self._arrivals.take(state)) is not None:
                # One whose lease is over is found in the database, by whoever looks first.
                if message.next_at is not None and message.next_at > self._clock.now_microseconds():
                    self._start(message)

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
        task.add_done_callback(lambda ended: self._ended(ended, held))

    def _ended(self, task: asyncio.Task[None], held: StoredMessage) -> None:
        self._tasks.discard(task)
        self._places[held.state] += 1
        if task.cancelled():  # perhaps before its first step
            self._cut_short.append(held)
        self._arrivals.committed.tell()  # its place is free

    async def _process(self, held: StoredMessage) -> None:
        try:
            ending = await self._processing.process(held)
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

    async def _close(self) -> None:
        """Whoever comes next need not wait for the leases."""
        releases = [self._processing.release(message) for message in (*self._arrivals.take_all(), *self._cut_short)]
        problems: list[BaseException | None] = []
        try:
            async with asyncio.timeout(CLOSE_SECONDS_MAX):
                problems += await asyncio.gather(*releases, return_exceptions=True)
        except TimeoutError as problem:
            problems.append(problem)
        left = [problem for problem in problems if problem is not None]
        if left:
            what = "%s messages of banks are processed when their leases are over: %s"
            logger.warning(what, len(left), left[0])
