"""The store as features see it: commit a unit, run a transaction, read."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from bursar.store.checkpoints import Checkpointer
from bursar.store.engine import Engines, is_memory
from bursar.store.errors import StoreBusy, translate
from bursar.store.signal import CommitSignal
from bursar.store.unit import Sealer, Unit
from bursar.store.writer import Ticket, Work, WriteQueue, Writer

T = TypeVar("T")

READS_WAITING_MAX = 512  # beyond it a reader would wait longer than its client


class Store:
    """Owns the threads that talk to the database. Everything above it is asynchronous or patient."""

    def __init__(
        self, engines: Engines, make_sealer: Callable[[], Sealer], *, writers: int = 1, readers: int = 4
    ) -> None:
        self.engines = engines
        self.queue = WriteQueue()
        # For whoever reads the log: told after each commit of this process that had entries of it.
        self.committed = CommitSignal()
        in_a_file = engines.dialect_name == "sqlite" and not is_memory(engines.url)
        self._checkpointer = Checkpointer(engines.reading) if in_a_file else None
        told = self._checkpointer.written if self._checkpointer else None
        self.writers = [
            Writer(engines.writing, self.queue, make_sealer(), f"bursar-writer-{number}", told, self.committed.tell)
            for number in range(writers)
        ]
        self._reader_pool = ThreadPoolExecutor(readers, thread_name_prefix="bursar-reader")
        self._reads_waiting = 0
        for writer in self.writers:
            writer.start()
        if self._checkpointer is not None:
            self._checkpointer.start()

    def close(self) -> None:
        """Writes what was accepted, then lets go of the database."""
        self.queue.close()
        for writer in self.writers:
            writer.join()
        if self._checkpointer is not None:
            self._checkpointer.close()
        self._reader_pool.shutdown(wait=True)
        self.engines.close()

    async def commit(self, unit: Unit) -> None:
        """Returns when the unit is durable; raises a StoreError when none of it is."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self.queue.put(Ticket(unit, None, future, loop))
        await future

    async def transact(self, work: Work) -> Any:
        """For cold paths: a function that reads, decides and returns (result, unit) in one transaction."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self.queue.put(Ticket(None, work, future, loop))
        return await future

    def transact_blocking(self, work: Work) -> Any:
        future: concurrent.futures.Future[Any] = concurrent.futures.Future()
        self.queue.put(Ticket(None, work, future, None))
        return future.result()

    async def read(self, query: Callable[[Connection], T]) -> T:
        if self._reads_waiting >= READS_WAITING_MAX:
            raise StoreBusy("too many reads wait for the database")
        self._reads_waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._reader_pool, self.read_blocking, query)
        finally:
            self._reads_waiting -= 1

    def read_blocking(self, query: Callable[[Connection], T]) -> T:
        try:
            with self.engines.reading.connect() as connection:
                return query(connection)
        except SQLAlchemyError as problem:
            raise translate(problem) from problem

    def ping(self) -> None:
        """Raises a StoreError when the database does not answer."""
        probe = "SELECT 1 FROM rdb$database" if self.engines.dialect_name == "firebird" else "SELECT 1"
        if self.engines.dialect_name == "oracle":
            probe += " FROM dual"
        self.read_blocking(lambda connection: connection.execute(text(probe)).scalar())
