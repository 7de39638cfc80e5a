"""Processes share the work, whenever they come, and nothing is sent twice because it changed hands."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bursar.webhooks import sharing
from bursar.webhooks.sharing import SHARDS, WISH, Shards, gives_one_up, shard_of
from bursar.webhooks.worker import WebhookWorker
from tests.databases import Database, on
from tests.webhooks.receivers import receiving
from tests.webhooks.world import World, opened


def holders(*names: str, wishing: str | None = None) -> dict[str, str]:
    found = {f"webhooks:{shard}": name for shard, name in enumerate(names)}
    return found if wishing is None else found | {WISH: wishing}


@pytest.mark.parametrize(
    ("names", "wishing", "giving"),
    [
        ("aaaa", "b", "a"),
        ("aaab", "b", "a"),
        ("aabb", "b", None),
        ("aabb", "c", "b"),
        ("aabc", "c", None),
        ("abcd", "e", None),
        ("aaaa", None, None),
        ("aaaa", "a", None),
    ],
)
def test_whoever_has_the_most_gives_up_until_it_is_even(names: str, wishing: str | None, giving: str | None) -> None:
    known = holders(*names, wishing=wishing)
    found = [name for name in "abcde" if gives_one_up(known, name, names.count(name))]
    assert found == ([] if giving is None else [giving])


class Leases:
    """As those of the database, while nobody dies."""

    def __init__(self, holder: str, table: dict[str, str]) -> None:
        self.holder = holder
        self._table = table

    async def hold(self, name: str) -> bool:
        return self._table.setdefault(name, self.holder) == self.holder

    async def holders(self, _group: str) -> dict[str, str]:
        return dict(self._table)

    async def give_up(self, name: str) -> None:
        if self._table.get(name) == self.holder:
            del self._table[name]


async def nothing_is_on_its_way(_shard: int) -> None:
    await asyncio.sleep(0)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from("abcdef"), max_size=10), st.integers(0, 1_000_000))
def test_whoever_comes_and_goes_all_is_looked_after_evenly(changes: list[str], seed: int) -> None:
    """Each of these comes, or goes if it is there; then all look, in any order, until nothing changes any more."""
    chance = Random(seed)  # noqa: S311 - the order of a test

    async def scenario() -> None:
        table: dict[str, str] = {}
        present: dict[str, Shards] = {}
        for name in changes:
            if name in present:
                await present.pop(name).close()
            else:
                leases: Any = Leases(name, table)
                present[name] = Shards(leases, nothing_is_on_its_way)
            for _ in range(30):
                for shards in chance.sample(list(present.values()), len(present)):
                    await shards.look()
                    await asyncio.sleep(0)
                    await asyncio.sleep(0)
                held = [shard for shards in present.values() for shard in shards.held]
                assert len(held) == len(set(held)), "never two at once"
            counts = [len(shards.held) for shards in present.values()]
            assert sum(counts) == (SHARDS if present else 0)
            assert max(counts, default=0) - min(counts, default=0) <= 1

    asyncio.run(scenario())


@pytest.mark.parametrize("database", on("sqlite", "postgresql"), indirect=True)
def test_one_that_comes_later_takes_its_part_and_leaves_it_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With something on its way all the time, each event is sent once."""
    monkeypatch.setattr(sharing, "LOOK_SECONDS", 0.2)
    names = [f"acct_{number}" for number in range(12)]
    assert {shard_of(name) for name in names} == set(range(SHARDS))

    async def scenario(world: World) -> None:
        async with receiving() as receiver, AsyncExitStack() as stack:
            first = await stack.enter_async_context(world.working())
            for name in names:
                await world.listen(f"{receiver.url}/{name}", org_id=name)
            told = 0

            async def tell() -> None:
                nonlocal told
                for name in names:
                    await world.tell(1, org_id=name)
                told += len(names)

            async def until_held(worker: WebhookWorker, count: int) -> None:
                async with asyncio.timeout(30):
                    while len(held(worker)) != count:
                        await tell()
                        await asyncio.sleep(0.05)

            await until_held(first, SHARDS)
            async with world.working() as second:
                await until_held(second, SHARDS // 2)
                await until_held(first, SHARDS // 2)
                assert not held(first) & held(second)
                await tell()
                await receiver.until_received(told, 30)
            await until_held(first, SHARDS)
            await receiver.until_received(told, 30)
            await world.until_none_pending(30)
            assert len(await world.rows()) == told
            sent = Counter((one.path, one.event_id) for one in receiver.received)
            assert set(sent.values()) == {1}

    with opened(database) as store:
        asyncio.run(scenario(World(store)))


def held(worker: WebhookWorker) -> frozenset[int]:
    return worker.shards.held
