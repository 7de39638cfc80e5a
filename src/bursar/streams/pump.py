"""One stream at work: read the log, publish, wait for the confirmations, and only then move the cursor."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from bursar.events.leases import Leases
from bursar.events.reader import LoggedEvent, LogReader, Position, read_heads
from bursar.kit.clock import MICROSECONDS_PER_SECOND, Clock
from bursar.store.errors import RowsExpected, StoreError
from bursar.store.signal import Listener
from bursar.store.store import Store
from bursar.store.unit import Unit
from bursar.streams import repository
from bursar.streams.figures import Figures
from bursar.streams.port import CONNECT_SECONDS_MAX, Problem, Publisher, StreamProblem
from bursar.streams.repository import RETRYING, RUNNING, StreamKey
from bursar.streams.rules import MENDED_BY_PEOPLE, Filter, Pace
from bursar.streams.shipping import ship

FLIGHTS_AT_ONCE, EVENTS_AT_ONCE = 4, 4_000  # each flight waits for its confirmations: full ones are worth the wait
EVENTS_OF_CHAIN_MIN = 20  # with many chains behind, each look takes few of each
BYTES_AT_ONCE = 8 * 1024 * 1024  # what a stream holds in memory, whatever is behind it
LOOK_SECONDS = 0.2
GATHER_SECONDS = 0.02  # under load, one commit for what comes meanwhile
RENEW_SECONDS = 2.0
LET_GO_SECONDS = 1.0  # the end of a lease, in which nothing of ours is on its way any more
LEASE_WAIT_SECONDS = 1.0
DATABASE_WAIT_SECONDS = 1.0
DETAIL_LENGTH_MAX = 500

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    key: StreamKey
    kind: str
    filter: Filter
    # None for all organisations.
    org_ids: Sequence[str] | None
    livemodes: tuple[int, ...]
    make: Callable[[], Awaitable[Publisher]]
    # For a stream that nobody created: where it begins when it is seen for the first time.
    begins_now: bool | None = None


@dataclass(frozen=True)
class Surroundings:
    store: Store
    clock: Clock
    leases: Leases
    pace: Pace
    figures: Figures


class Pump:
    def __init__(self, job: Job, surroundings: Surroundings) -> None:
        self._job = job
        self._key = job.key
        self._store = surroundings.store
        self._clock = surroundings.clock
        self._leases = surroundings.leases
        self._pace = surroundings.pace
        self._figures = surroundings.figures
        self._reader: LogReader | None = None
        self._publisher: Publisher | None = None
        self._failures = 0
        self._told: tuple[str, str | None, str | None] | None = None
        self._since = 0
        # By the monotonic clock: when the lease was asked for and when renewed, and until when it is ours.
        self._asked_at = self._renewed_at = self._held_until = 0.0
        self._measured_at = 0.0
        self._chains_behind = 1

    async def run(self) -> None:
        """Until cancelled. Whatever goes wrong is said, and tried again."""
        listener = self._store.committed.listen()
        try:
            while True:
                await self._step(listener)
        finally:
            listener.close()
            await self._let_go()
            try:
                async with asyncio.timeout(DATABASE_WAIT_SECONDS):
                    await self._leases.give_up(self._key.reader)
            except (StoreError, TimeoutError):
                pass  # it runs out by itself

    async def _step(self, listener: Listener) -> None:
        try:
            await self._work(listener)
        except StreamProblem as problem:
            await self._let_go()
            await self._pause(problem.problem)
        except RowsExpected:
            # Another process went on, or the stream was deleted: what is true now stands in the database.
            self._forget()
            await asyncio.sleep(LOOK_SECONDS)
        except StoreError as problem:
            logger.warning("stream %s goes on later: %s", self._key.id, problem)
            self._forget()
            await asyncio.sleep(DATABASE_WAIT_SECONDS)
        except Exception:
            logger.exception("stream %s has failed", self._key.id)
            await self._let_go()
            await self._pause(Problem("internal_error", "A defect of ours: see the server's log."))

    async def _work(self, listener: Listener) -> None:
        while True:
            if not await self._hold():
                await self._let_go()
                await asyncio.sleep(LEASE_WAIT_SECONDS)
                continue
            reader = self._reader or await self._begin()
            await self._measure(reader)
            publisher = self._publisher or await self._open()
            events = await self._read(reader, publisher)
            if not events:
                await self._tell(RUNNING, None, None)
                if await listener.wait(LOOK_SECONDS):
                    await asyncio.sleep(GATHER_SECONDS)
                continue
            # Reading and connecting may have taken a while: nearly all of the lease is left for what comes now.
            if await self._hold(renew=True):
                await self._carry(reader, publisher, events)

    async def _hold(self, *, renew: bool = False) -> bool:
        """Whether the stream is ours; asked now and then, far more often than a lease runs out."""
        now = time.monotonic()
        known_at = self._renewed_at if renew else self._asked_at
        if self._seconds_left() > 0 and now - known_at < RENEW_SECONDS:
            return True
        if now >= self._held_until:
            self._reader = None  # somebody else may have gone on meanwhile
        left = await self._leases.hold_for(self._key.reader, renew=renew)
        self._asked_at, self._held_until = now, now + left if left > 0 else 0.0
        if renew:
            self._renewed_at = now
        return self._seconds_left() > 0

    def _seconds_left(self) -> float:
        """How long messages may be on their way: then they are let go of, before anybody else begins."""
        return self._held_until - time.monotonic() - LET_GO_SECONDS

    def _forget(self) -> None:
        """What is true now is read and asked for again."""
        self._reader = None
        self._held_until = 0.0

    async def _begin(self) -> LogReader:
        reader = LogReader(self._key.reader, self._clock)
        job, now = self._job, self._clock.now_microseconds()

        def query(connection: Connection) -> repository.StreamState | None:
            reader.load(connection, job.org_ids)
            state = repository.find_state(connection, job.key)
            if state is None and job.begins_now:
                reader.begin_at(read_heads(connection, job.org_ids))
            return state

        state = await self._store.read(query)
        if state is None:
            if job.begins_now is None:
                raise RowsExpected("the stream was deleted")
            state = repository.new_state(now)
            await self._store.commit(Unit([repository.state_insertion(job.key, state), *reader.advanced()]))
            reader.stored()
        self._told, self._since = (state.state, state.reason, state.detail), state.since
        self._reader = reader
        return reader

    async def _open(self) -> Publisher:
        publisher = self._publisher = await self._job.make()
        try:
            async with asyncio.timeout(CONNECT_SECONDS_MAX):
                await publisher.open()
        except TimeoutError:
            raise StreamProblem("broker_away", f"No connection within {CONNECT_SECONDS_MAX:.0f} s.") from None
        return publisher

    async def _read(self, reader: LogReader, publisher: Publisher) -> list[LoggedEvent]:
        at_once = min(publisher.flight_max * FLIGHTS_AT_ONCE, EVENTS_AT_ONCE)
        limit = max(at_once // self._chains_behind, EVENTS_OF_CHAIN_MIN)
        job = self._job
        found = await self._store.read(lambda connection: reader.read(connection, job.org_ids, limit, job.livemodes))
        self._tell_age(found)
        room = BYTES_AT_ONCE
        for number, event in enumerate(found):
            room -= len(event.data)
            if room < 0 and number:
                return found[:number]
        return found

    async def _carry(self, reader: LogReader, publisher: Publisher, events: Sequence[LoggedEvent]) -> None:
        wanted = [number for number, event in enumerate(events) if self._job.filter.wants(event.event_type)]
        with self._figures.under_way(self._key, self._job.kind, len(wanted)):
            try:
                async with asyncio.timeout(self._seconds_left()):
                    taken, referenced, problem = await ship(publisher, [events[number] for number in wanted])
            except TimeoutError:
                raise StreamProblem("broker_away", "No confirmation in time.") from None
        done = events if taken == len(wanted) else events[: wanted[taken]]
        if done:
            reader.done_with(done)
            changes = reader.advanced()
            if taken:
                now, last = self._clock.now_microseconds(), events[wanted[taken - 1]].id
                changes.append(repository.progress(self._key, taken, referenced, last, now))
            await self._store.commit(Unit(changes))
            reader.stored()
            self._figures.published(self._key, self._job.kind, taken)
        if problem is not None:
            raise StreamProblem(problem.reason, problem.detail)
        self._failures = 0
        await self._tell(RUNNING, None, None)

    async def _measure(self, reader: LogReader) -> None:
        """How far behind it is, now and then: for the figures, and for how much is read of each chain."""
        now = time.monotonic()
        if self._measured_at and now - self._measured_at < RENEW_SECONDS:
            return
        self._measured_at = now
        job = self._job
        heads = await self._store.read(lambda connection: read_heads(connection, job.org_ids))
        if self._publisher is None:  # nothing is read while the broker is away, and its events grow older
            self._tell_age(await self._store.read(lambda one: reader.read(one, job.org_ids, 1, job.livemodes)))
        behind = [
            head.sequence_number - reader.positions.get(chain, Position()).sequence_number
            for chain, head in heads.items()
            if chain.livemode in job.livemodes
        ]
        behind = [events for events in behind if events > 0]
        self._chains_behind = max(len(behind), 1)
        self._figures.behind(self._key, job.kind, sum(behind))

    def _tell_age(self, found: Sequence[LoggedEvent]) -> None:
        age = (self._clock.now_microseconds() - found[0].created) / MICROSECONDS_PER_SECOND if found else 0.0
        self._figures.age(self._key, self._job.kind, age)

    async def _tell(self, state: str, reason: str | None, detail: str | None, retry_at: int | None = None) -> None:
        """Writes how it is doing, where that has changed."""
        told = (state, reason, detail)
        if told == self._told and retry_at is None:
            return
        if self._told is None or self._told[:2] != told[:2]:
            self._since = self._clock.now_microseconds()
        change = repository.telling(self._key, state, reason, detail, self._since, retry_at)
        await self._store.commit(Unit([change]))
        self._told = told

    async def _pause(self, problem: Problem) -> None:
        """Says what is wrong, and waits a while, longer each time."""
        self._failures += 1
        self._figures.problem(self._key, self._job.kind, problem.reason)
        wait = self._pace.wait(self._failures, problem.reason, random.random())  # noqa: S311 - spreads tries, no secret
        state = repository.REFUSED if problem.reason in MENDED_BY_PEOPLE else RETRYING
        retry_at = self._clock.now_microseconds() + int(wait * MICROSECONDS_PER_SECOND)
        logger.warning("stream %s to %s: %s", self._key.id, self._job.kind, problem.reason)
        try:
            await self._tell(state, problem.reason, problem.detail[:DETAIL_LENGTH_MAX], retry_at)
        except StoreError as trouble:
            logger.warning("the state of stream %s is not written: %s", self._key.id, trouble)
            self._told = None
        self._forget()  # what was read and not confirmed is read again
        await asyncio.sleep(wait)

    async def _let_go(self) -> None:
        publisher, self._publisher = self._publisher, None
        if publisher is not None:
            try:
                async with asyncio.timeout(CONNECT_SECONDS_MAX):
                    await publisher.close()
            except Exception as problem:
                logger.debug("closing the connection of stream %s: %s", self._key.id, type(problem).__name__)
