"""Whoever reads the log is told of commits that had entries, and of no others."""

from __future__ import annotations

import asyncio

import pytest

from bursar.store.signal import CommitSignal
from bursar.store.unit import Unit
from tests.databases import Database, on
from tests.webhooks.world import World, opened


@pytest.mark.parametrize("database", on("sqlite"), indirect=True)
def test_a_commit_with_entries_wakes_whoever_waits(database: Database) -> None:
    async def scenario(world: World) -> None:
        listener, other = world.store.committed.listen(), world.store.committed.listen()
        assert not await listener.wait(0.01)
        await world.store.commit(Unit())
        assert not await listener.wait(0.05)
        await world.tell(3)
        assert await listener.wait(5)
        assert await other.wait(5)
        assert not await listener.wait(0.05)
        other.close()
        await world.tell(1)
        assert await listener.wait(5)
        assert not await other.wait(0.05)
        listener.close()

    with opened(database) as store:
        asyncio.run(scenario(World(store)))


def tell_often(signal: CommitSignal) -> None:
    for _ in range(10):
        signal.tell()


def test_no_commit_between_two_waits_is_missed_and_many_are_one_call() -> None:
    async def scenario() -> None:
        signal = CommitSignal()
        listener = signal.listen()
        calls = 0
        for _ in range(200):
            await asyncio.to_thread(tell_often, signal)
            calls += await listener.wait(5)
        assert calls == 200
        assert not await listener.wait(0.01)

    asyncio.run(scenario())


def test_a_loop_that_is_closed_is_forgotten() -> None:
    signal = CommitSignal()

    async def listen() -> None:
        signal.listen()

    asyncio.run(listen())
    signal.tell()
    assert signal._listeners == ()
