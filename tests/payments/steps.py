"""A process that can be stopped at each point at which it waits, and that does the same every time."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar, cast

from sqlalchemy import Connection

from bursar.connectors.contract import Account, Order, Outcome
from bursar.store.store import Store
from bursar.store.unit import Unit
from tests.payments.bank import ScriptedBank

T = TypeVar("T")
QUIET_TURNS = 40  # of the event loop, in which nothing happens: then everybody waits for somebody outside


class Killed(BaseException):
    """As if by a signal: nothing that handles errors may see it."""


class Steps:
    """With a fuse, the process dies at that point; whatever of it still runs dies at its next one."""

    def __init__(self) -> None:
        self.fuse: int | None = None
        self.is_dead = False
        self.taken = 0

    async def take(self) -> None:
        await asyncio.sleep(0)
        self.taken += 1
        if self.fuse is not None:
            self.fuse -= 1
            self.is_dead = self.is_dead or self.fuse < 0
        if self.is_dead:
            raise Killed


class SteppedStore:
    """Does at once what the store does in threads, so that the same choices give the same story again."""

    def __init__(self, store: Store, steps: Steps) -> None:
        self._store = store
        self._steps = steps

    @classmethod
    def on(cls, store: Store, steps: Steps) -> Store:
        return cast(Store, cls(store, steps))

    async def commit(self, unit: Unit) -> None:
        await self.transact(lambda _: (None, unit))

    async def transact(self, work: Callable[[Connection], tuple[Any, Unit]]) -> Any:
        await self._steps.take()
        result = self._store.transact_blocking(work)
        await self._steps.take()
        return result

    async def read(self, query: Callable[[Connection], T]) -> T:
        await self._steps.take()
        return self._store.read_blocking(query)

    def read_blocking(self, query: Callable[[Connection], T]) -> T:
        return self._store.read_blocking(query)

    def transact_blocking(self, work: Callable[[Connection], tuple[Any, Unit]]) -> Any:
        return self._store.transact_blocking(work)


class SteppedBank:
    def __init__(self, bank: ScriptedBank, steps: Steps) -> None:
        self._bank = bank
        self._steps = steps

    def account_for(self, org_id: str, livemode: bool) -> Account:
        return self._bank.account_for(org_id, livemode)

    async def carry_out(self, order: Order) -> Outcome:
        await self._steps.take()
        outcome = await self._bank.carry_out(order)
        await self._steps.take()
        return outcome


class Driver:
    """Runs coroutines on one event loop until they are done, or wait for the bank to let them go."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self.held_up: list[asyncio.Task[Any]] = []

    def run(self, steps: Steps, works: Sequence[Coroutine[Any, Any, Any]]) -> list[asyncio.Task[Any]]:
        """Their tasks, and before them those that had been held up and are done by now."""
        return self._runner.run(self._run(steps, works))

    def abandon(self) -> None:
        """The process is dead, and with it whatever it was doing."""
        self._runner.run(_cancel(self.held_up))
        self.held_up = []

    def close(self) -> None:
        self.abandon()
        self._runner.close()

    async def _run(self, steps: Steps, works: Sequence[Coroutine[Any, Any, Any]]) -> list[asyncio.Task[Any]]:
        tasks = [*self.held_up, *(asyncio.create_task(work) for work in works)]
        quiet, taken = 0, steps.taken
        while quiet < QUIET_TURNS and not all(task.done() for task in tasks) and not steps.is_dead:
            await asyncio.sleep(0)
            quiet, taken = (quiet + 1, taken) if taken == steps.taken else (0, steps.taken)
        if steps.is_dead:
            await _cancel(tasks)
        self.held_up = [task for task in tasks if not task.done()]
        return [task for task in tasks if task.done()]


async def _cancel(tasks: Sequence[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
