"""The group-committing writer.

A thread takes every unit that waits, sends each statement once with all its rows, commits once and
answers everybody. While one commit is on its way to the disk, the next batch gathers; under load it
gathers a moment longer, as a commit of few units costs almost what one of many does. If a batch fails
it is split in halves until only the guilty unit fails.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.sql.dml import UpdateBase

from bursar.store.batch import Batches
from bursar.store.errors import (
    StoreBusy,
    StoreContention,
    StoreDefect,
    StoreError,
    StoreLocked,
    StoreUnavailable,
    translate,
)
from bursar.store.log import Entry
from bursar.store.unit import Change, Sealer, Unit

BATCH_UNITS_MAX = 256  # a larger batch no longer saves anything, but makes its members wait
QUEUE_UNITS_MAX = 2_048  # about a second of work; beyond it an honest 503 beats a long wait
CONTENTION_RETRIES_MAX = 4
# Under load batches begin no closer together than this, unless enough units wait. At half of the highest load
# this halves what is written for each payment. Whoever is alone never waits.
GATHER_SECONDS = 0.005
GATHERED_ENOUGH = 32
JOIN_TIMEOUT_SECONDS = 30

logger = logging.getLogger(__name__)

Work = Callable[[Connection], tuple[Any, Unit]]


@dataclass(slots=True)
class Ticket:
    """A unit (or a function that makes one within the transaction) and who waits for it."""

    unit: Unit | None
    work: Work | None
    future: asyncio.Future[Any] | concurrent.futures.Future[Any]
    loop: asyncio.AbstractEventLoop | None
    result: Any = None
    error: StoreError | Exception | None = None


class WriteQueue:
    """Where units wait for a writer. Bounded: a full queue refuses at once."""

    def __init__(self, units_max: int = QUEUE_UNITS_MAX) -> None:
        self._waiting: deque[Ticket] = deque()
        self._condition = threading.Condition()
        self._closed = False
        self._units_max = units_max
        self._gathering = False
        self._taken_at = 0.0
        self._taken = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, ticket: Ticket) -> None:
        with self._condition:
            if self._closed:
                raise StoreBusy("the store is closing")
            if len(self._waiting) >= self._units_max:
                raise StoreBusy("too many changes wait to be written")
            self._waiting.append(ticket)
            # Who gathers wakes up by the clock: woken for each unit it would only go to sleep again.
            if not self._gathering or len(self._waiting) >= GATHERED_ENOUGH:
                self._condition.notify()

    def take(self) -> list[Ticket]:
        """Waits for work. An empty list means that the queue is closed and drained."""
        with self._condition:
            while True:
                while not self._waiting and not self._closed:
                    self._condition.wait()
                pause = self._pause()
                if pause <= 0:
                    break
                self._gathering = True
                self._condition.wait(pause)  # another writer may have taken everything meanwhile
                self._gathering = False
            batch: list[Ticket] = []
            if self._waiting and self._waiting[0].work is not None:
                batch.append(self._waiting.popleft())
            else:
                while self._waiting and len(batch) < BATCH_UNITS_MAX and self._waiting[0].work is None:
                    batch.append(self._waiting.popleft())
            self._taken_at, self._taken = time.monotonic(), len(batch)
            return batch

    def _pause(self) -> float:
        """How much longer to gather. Only where there is a crowd: the last batch had several units."""
        if self._taken < 2 or self._closed or len(self._waiting) >= GATHERED_ENOUGH:
            return 0.0
        return self._taken_at + GATHER_SECONDS - time.monotonic()

    def close(self) -> None:
        with self._condition:
            self._closed = True
            self._condition.notify_all()


class Writer:
    """One committing thread with a connection and a lane of the log of its own."""

    def __init__(
        self,
        engine: Engine,
        queue: WriteQueue,
        sealer: Sealer,
        name: str,
        written: Callable[[Connection], None] | None = None,  # told of each commit
        logged: Callable[[], None] | None = None,  # told of each commit that had entries of the log
    ) -> None:
        self._engine = engine
        self._queue = queue
        self._sealer = sealer
        self._written = written
        self._logged = logged
        self._had_entries = False
        self._connection: Connection | None = None
        self._batches = Batches(engine.dialect)
        self.batches = 0
        self.units = 0
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def join(self) -> None:
        self._thread.join(JOIN_TIMEOUT_SECONDS)

    def _run(self) -> None:
        while batch := self._queue.take():
            try:
                self._write(batch)
            except BaseException as defect:  # whatever happens, nobody may wait for ever
                logger.exception("the writer met a defect")
                self._sealer.forget()
                self._drop_connection()
                for ticket in batch:
                    ticket.error = ticket.error or StoreDefect(type(defect).__name__)
            settle(batch)
        self._drop_connection()

    def _write(self, tickets: Sequence[Ticket], tries_left: int = CONTENTION_RETRIES_MAX) -> None:
        error = self._try_write(tickets)
        if error is None:
            return
        if isinstance(error, StoreUnavailable):
            for ticket in tickets:
                ticket.error = error
        elif isinstance(error, StoreContention) and not isinstance(error, StoreLocked) and tries_left:
            self._write(tickets, tries_left - 1)
        elif len(tickets) > 1:
            middle = len(tickets) // 2
            self._write(tickets[:middle])
            self._write(tickets[middle:])
        else:
            tickets[0].error = error

    def _try_write(self, tickets: Sequence[Ticket]) -> Exception | None:
        """Writes all the units in one transaction, or none of them and says why."""
        try:
            connection = self._connect()
            with connection.begin():
                self._apply(connection, tickets)
        except Exception as problem:
            self._sealer.forget()
            error = problem if _is_from_work(tickets, problem) else translate(problem)
            if isinstance(error, StoreUnavailable):
                logger.warning("the database did not take a batch: %s", error)
                self._drop_connection()
            return error
        self._sealer.committed()
        self.batches += 1
        self.units += len(tickets)
        if self._logged is not None and self._had_entries:
            self._logged()
        if self._written is not None:
            self._written(connection)
        return None

    def _apply(self, connection: Connection, tickets: Sequence[Ticket]) -> None:
        groups: dict[UpdateBase, list[Change]] = {}
        entries: list[Entry] = []
        for ticket in tickets:
            unit = ticket.unit
            if unit is None:
                assert ticket.work is not None
                ticket.result, unit = ticket.work(connection)
            for change in unit.changes:
                group = groups.get(change.statement)
                if group is None:
                    groups[change.statement] = [change]
                else:
                    group.append(change)
            entries.extend(unit.entries)
        for statement, changes in groups.items():
            self._batches.execute(connection, statement, changes)
        self._had_entries = bool(entries)
        if entries:
            self._sealer.seal(connection, entries, self._batches.execute)

    def _connect(self) -> Connection:
        if self._connection is None or self._connection.closed or self._connection.invalidated:
            self._drop_connection()
            self._connection = self._engine.connect()
        return self._connection

    def _drop_connection(self) -> None:
        if self._connection is None:
            return
        try:
            self._connection.invalidate()
            self._connection.close()
        except Exception:
            logger.debug("closing a broken connection failed", exc_info=True)
        self._connection = None


def _is_from_work(tickets: Sequence[Ticket], problem: Exception) -> bool:
    """A transaction function may refuse with an error of its own, which is its caller's to read."""
    return tickets[0].work is not None and not isinstance(problem, SQLAlchemyError)


def settle(batch: Sequence[Ticket]) -> None:
    """Answers everybody: one wake-up for each event loop, however many wait on it."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Ticket]] = {}
    for ticket in batch:
        if ticket.loop is None:
            _resolve(ticket)
        else:
            by_loop.setdefault(ticket.loop, []).append(ticket)
    for loop, tickets in by_loop.items():
        try:
            loop.call_soon_threadsafe(_resolve_all, tickets)
        except RuntimeError:  # the loop is closed: nobody is there to be told
            logger.debug("an event loop closed before its changes were answered")


def _resolve_all(tickets: Sequence[Ticket]) -> None:
    for ticket in tickets:
        _resolve(ticket)


def _resolve(ticket: Ticket) -> None:
    if ticket.future.done():  # its client went away
        return
    if ticket.error is not None:
        ticket.future.set_exception(ticket.error)
    else:
        ticket.future.set_result(ticket.result)
