"""Killed at any moment, the worker loses nothing: whoever comes next sends what is due, with the same id and bytes."""

from __future__ import annotations

import asyncio
import os
import random
import sys

import pytest

from tests.databases import Database, on
from tests.webhooks.receivers import OK, Received, receiving
from tests.webhooks.world import World, opened

EVENTS_OF_A_LIFE = 40


async def slowly(_received: Received, writer: asyncio.StreamWriter) -> bool:
    """So slow that something is on its way at every moment."""
    await asyncio.sleep(0.01)
    writer.write(OK)
    return True


async def lives_and_kills(world: World, url: str, kills: int) -> None:
    chance = random.Random(kills)  # noqa: S311 - the order of a test
    async with receiving(slowly) as first, receiving(slowly) as second:
        for receiver in (first, second):
            await world.listen(receiver.url)
        told = 0
        for number in range(kills + 1):
            await world.tell(EVENTS_OF_A_LIFE)
            told += EVENTS_OF_A_LIFE
            before = len(first.received)
            child = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.webhooks.delivering_process", url, env=dict(os.environ)
            )
            try:
                if number < kills:
                    # In the midst of it, after one more or after all but one.
                    few = before + chance.randrange(1, EVENTS_OF_A_LIFE)
                    await first.until(lambda few=few: len(first.received) >= few, 30)  # type: ignore[misc]
                else:
                    await world.until_none_pending(30)
            finally:
                child.kill()
                await child.wait()
        rows = await world.rows()
        assert len(rows) == 2 * told
        assert {row.status for row in rows} == {"delivered"}
        assert sorted({row.sequence_number for row in rows}) == list(range(1, told + 1))
        for receiver in (first, second):
            bodies: dict[str, set[tuple[bytes, str]]] = {}
            for one in receiver.received:
                bodies.setdefault(one.event_id, set()).add((one.body, one.headers["bursar-sequence"]))
            assert len(bodies) == told
            assert {len(each) for each in bodies.values()} == {1}


@pytest.mark.parametrize("database", on("sqlite", "postgresql"), indirect=True)
def test_a_killed_worker_loses_nothing(database: Database) -> None:
    with opened(database) as store:
        asyncio.run(lives_and_kills(World(store), database.url, 4))


@pytest.mark.slow
@pytest.mark.parametrize("database", on("sqlite", "postgresql"), indirect=True)
def test_a_worker_killed_a_hundred_times_loses_nothing(database: Database) -> None:
    with opened(database) as store:
        asyncio.run(lives_and_kills(World(store), database.url, 100))


@pytest.mark.parametrize("database", on("sqlite", "postgresql"), indirect=True)
def test_two_workers_at_once_send_each_event_once(database: Database) -> None:
    """One holds the lease of an organisation, the other waits for it, and goes on when it ends."""

    async def scenario(world: World) -> None:
        async with receiving() as receiver, world.working():
            await world.listen(receiver.url)
            await world.tell(20)
            await receiver.until_received(20)
            async with world.working():
                await world.tell(20)
                await receiver.until_received(40)
            await world.tell(20)
            await receiver.until_received(60)
            await world.until_none_pending()
            assert len(receiver.received) == 60
        async with receiving() as receiver:
            await world.listen(receiver.url)
            async with world.working():
                await world.tell(5)
                await receiver.until_received(5)

    with opened(database) as store:
        asyncio.run(scenario(World(store)))
