"""Reading the log as it grows: nothing missed, nothing twice, and each object's story in its order."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection

from bursar import tables  # noqa: F401 - makes them known to the schema
from bursar.events.reader import LoggedEvent, LogReader, read_heads
from bursar.events.sealing import LaneSealer
from bursar.kit.clock import SystemClock
from bursar.store import schema
from bursar.store.engine import Engines
from bursar.store.log import Entry
from bursar.store.store import Store
from bursar.store.unit import Unit
from tests.databases import Database, on

WRITERS, OBJECTS, STEPS = 3, 24, 12
ORGANISATIONS = ("acct_one", "acct_two")

pytestmark = pytest.mark.parametrize("database", on("sqlite", "postgresql"), indirect=True)


@contextmanager
def opened(database: Database, writers: int) -> Iterator[Store]:
    engines = Engines(database.url, readers=2, writers=writers)
    schema.upgrade(engines.writing)
    clock = SystemClock()
    store = Store(engines, lambda: LaneSealer(clock), writers=writers, readers=2)
    try:
        yield store
    finally:
        store.close()


def entry(org_id: str, object_id: str, step: int) -> Entry:
    return Entry(org_id, 0, f"test.step_{step}", object_id, b'{"step":%d}' % step)


async def live(store: Store, org_id: str, object_id: str) -> None:
    for step in range(STEPS):
        await store.commit(Unit([], [entry(org_id, object_id, step)]))


async def read_all(store: Store, reader: LogReader, limit: int) -> list[LoggedEvent]:
    def query(connection: Connection) -> list[LoggedEvent]:
        return reader.read(connection, None, limit)

    found = await store.read(query)
    reader.done_with(found)
    return found


def test_several_writers_are_read_without_a_gap_and_in_order(database: Database) -> None:
    chance = random.Random(7)  # noqa: S311 - the order of a test

    async def scenario(store: Store) -> list[LoggedEvent]:
        reader = LogReader("test", SystemClock())
        seen: list[LoggedEvent] = []
        lives = [
            asyncio.create_task(live(store, chance.choice(ORGANISATIONS), f"obj_{number}")) for number in range(OBJECTS)
        ]
        while any(not one.done() for one in lives):
            seen += await read_all(store, reader, chance.randrange(1, 20))
        await asyncio.gather(*lives)
        while found := await read_all(store, reader, 7):
            seen += found
        return seen

    with opened(database, WRITERS) as store:
        seen = asyncio.run(scenario(store))
    assert len({event.id for event in seen}) == len(seen) == OBJECTS * STEPS
    stories: dict[str | None, list[str]] = {}
    for event in seen:
        stories.setdefault(event.object_id, []).append(event.event_type)
    wanted = [f"test.step_{step}" for step in range(STEPS)]
    assert all(story == wanted for story in stories.values())


@pytest.mark.parametrize("limit", [1, 3, 10, 100])
def test_what_is_read_at_once_is_bounded_however_many_organisations_there_are(
    database: Database, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    monkeypatch.setattr("bursar.events.reader.EVENTS_OF_A_READ_MAX", 10)
    chance = random.Random(limit)  # noqa: S311 - the order of a test
    organisations = [f"acct_{number:02}" for number in range(12)]

    async def scenario(store: Store) -> list[str]:
        told = [org_id for org_id in organisations for _ in range(chance.randrange(1, 12))]
        chance.shuffle(told)
        for step, org_id in enumerate(told):
            await store.commit(Unit([], [entry(org_id, f"obj_{org_id}", step)]))
        reader = LogReader("test", SystemClock())
        seen: list[LoggedEvent] = []
        while found := await read_all(store, reader, limit):
            assert len(found) <= max(limit, 10)
            seen += found
        assert [event.id for event in seen] == sorted({event.id for event in seen})
        assert [event.org_id for event in seen] == told
        return told

    with opened(database, 1) as store:
        assert len(asyncio.run(scenario(store))) > len(organisations)


def test_a_reader_that_comes_back_goes_on_where_it_was(database: Database) -> None:
    async def scenario(store: Store) -> None:
        await live(store, "acct_one", "obj_one")
        first = LogReader("test", SystemClock())
        half = (await store.read(lambda connection: first.read(connection, None, 100)))[: STEPS // 2]
        first.done_with(half)
        await store.commit(Unit(first.advanced()))

        second = LogReader("test", SystemClock())
        await store.read(second.load)
        rest = await read_all(store, second, 100)
        assert [event.id for event in half + rest] == sorted({event.id for event in half + rest})
        assert len(half) + len(rest) == STEPS
        await store.commit(Unit(second.advanced()))
        second.stored()
        assert second.advanced() == []

    with opened(database, 1) as store:
        asyncio.run(scenario(store))


def test_a_reader_from_now_on_sees_what_comes(database: Database) -> None:
    async def scenario(store: Store) -> None:
        await live(store, "acct_one", "obj_old")
        reader = LogReader("test", SystemClock())
        reader.begin_at(await store.read(lambda connection: read_heads(connection, None)))
        assert await read_all(store, reader, 100) == []
        await live(store, "acct_two", "obj_new")
        assert {event.object_id for event in await read_all(store, reader, 100)} == {"obj_new"}
        # A chain that was still for a while is read from near its end, and not missed.
        await live(store, "acct_one", "obj_newer")
        assert {event.object_id for event in await read_all(store, reader, 100)} == {"obj_newer"}

    with opened(database, 1) as store:
        asyncio.run(scenario(store))
