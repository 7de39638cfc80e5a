"""Work that goes on for ever, and what only one process does at a time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from bursar.events.leases import Leases
from bursar.kit.clock import Clock
from bursar.store.errors import StoreError
from bursar.store.store import Store

# Often enough that a lease is renewed well before it runs out.
LOOK_SECONDS = 3.0
AGAIN_SECONDS = 1.0
GIVE_UP_SECONDS_MAX = 3.0

Job = Callable[[], Awaitable[None]]

logger = logging.getLogger(__name__)


async def keep_running(name: str, job: Job) -> None:
    """A defect in one piece of work must neither end it silently nor touch the others."""
    while True:
        try:
            await job()
        except Exception:
            logger.exception("the work of %s met a defect, and begins anew", name)
        else:
            logger.error("the work of %s ended by itself, and begins anew", name)
        await asyncio.sleep(AGAIN_SECONDS)


async def cancelled(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class OneAtATime:
    """Of all processes with this role, one works. Should it die, another takes over when its lease has run out."""

    def __init__(self, store: Store, clock: Clock, name: str, jobs: Sequence[Job]) -> None:
        self._leases = Leases(store, clock)
        self._name = name
        self._jobs = jobs
        self._tasks: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        try:
            while True:
                await self._look()
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            await cancelled(self._tasks)
            await self._give_up()

    async def _look(self) -> None:
        try:
            is_ours = await self._leases.hold(self._name)
        except StoreError as problem:  # nobody else gets further while the database is away
            logger.warning("whose turn %s is, is looked at later: %s", self._name, problem)
            return
        if is_ours and not self._tasks:
            self._tasks = [asyncio.create_task(keep_running(self._name, job)) for job in self._jobs]
        elif not is_ours and self._tasks:
            tasks, self._tasks = self._tasks, []
            await cancelled(tasks)

    async def _give_up(self) -> None:
        """So that whoever comes next need not wait."""
        try:
            async with asyncio.timeout(GIVE_UP_SECONDS_MAX):
                await self._leases.give_up(self._name)
        except (StoreError, TimeoutError) as problem:
            logger.warning("%s ends without handing its turn on: %s", self._name, problem)
