"""How a process says that it is alive, and what it works at."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Sequence

from bursar import __version__
from bursar.kit.clock import Clock
from bursar.kit.ids import IdFactory
from bursar.processes import repository, rules
from bursar.processes.schemas import Command
from bursar.processes.tables import ROLES_LENGTH_MAX
from bursar.store.errors import DuplicateKey, RowsExpected, StoreError
from bursar.store.store import Store
from bursar.store.unit import Unit

PREFIX = "proc"
HOST_LENGTH_MAX = 60
STOP_SECONDS_MAX = 3.0

_Tell = Callable[[], Awaitable[None]]

logger = logging.getLogger(__name__)


class Heart:
    """A row of its own for each process, written anew every ten seconds and deleted at an orderly end."""

    def __init__(self, store: Store, ids: IdFactory, clock: Clock, command: Command, roles: Sequence[str]) -> None:
        self._store = store
        self._clock = clock
        self._id = ids.new(PREFIX)
        self._command = command
        self._roles = ",".join(roles)
        assert len(self._roles) <= ROLES_LENGTH_MAX, "the column holds every role's name"
        self._started = clock.now_microseconds()

    async def run(self) -> None:
        try:
            await self._tell_safely(self._begin)
            while True:
                await asyncio.sleep(rules.BEAT_SECONDS)
                await self._tell_safely(self.beat)
        finally:
            await self._stop()

    async def beat(self) -> None:
        now = self._clock.now_microseconds()
        try:
            await self._store.commit(Unit([repository.seen(self._id, self._roles, now)]))
        except RowsExpected:  # it slept so long that it was forgotten
            await self._insert(now)

    async def _begin(self) -> None:
        """Those that died long ago make room for whoever comes."""
        now = self._clock.now_microseconds()
        await self._insert(now)
        before = rules.forgotten_before(now)
        gone = await self._store.read(lambda connection: repository.find_forgotten(connection, before))
        if gone:
            await self._store.commit(Unit([repository.deletion(process_id) for process_id in gone]))

    async def _insert(self, now: int) -> None:
        row = {
            "id": self._id,
            "command": self._command,
            "host": socket.gethostname()[:HOST_LENGTH_MAX],
            "process_number": os.getpid(),
            "program_version": __version__,
            "roles": self._roles,
            "started": self._started,
            "seen": now,
        }
        try:
            await self._store.commit(Unit([repository.insertion(row)]))
        except DuplicateKey:  # its answer was lost, and it stood none the less
            logger.debug("the process is known already")

    async def _tell_safely(self, tell: _Tell) -> None:
        try:
            await tell()
        except StoreError as problem:
            logger.warning("that this process is alive is told later: %s", problem)

    async def _stop(self) -> None:
        try:
            async with asyncio.timeout(STOP_SECONDS_MAX):
                await self._store.commit(Unit([repository.deletion(self._id)]))
        except (StoreError, TimeoutError) as problem:
            logger.warning("the process ends without saying so: %s", problem)
