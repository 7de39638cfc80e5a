"""Processes share the work, whenever they come, and nothing is sent twice because it changed hands."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack

import pytest

from bursar.webhooks import sharing
from bursar.webhooks.sharing import SHARDS, WISH, gives_one_up, shard_of
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
