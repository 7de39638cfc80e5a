"""What is due is found, all of it: what a look leaves out, nobody would look for again."""

from __future__ import annotations

import asyncio

import pytest

from bursar.store.unit import Unit
from bursar.webhooks import delivery_repository as deliveries
from bursar.webhooks.bodies import RecentBodies, body_of, find_events
from bursar.webhooks.delivery_repository import StoredDelivery
from bursar.webhooks.loading import ROWS_MAX, load
from bursar.webhooks.repository import EndpointKey
from tests.databases import Database, on
from tests.webhooks.world import ORGANISATION, World, opened

pytestmark = pytest.mark.parametrize("database", on("sqlite"), indirect=True)
KEY = EndpointKey(ORGANISATION, 0, "we_1")


def pending(event_id: str, next_at: int) -> StoredDelivery:
    return StoredDelivery(ORGANISATION, 0, KEY.id, event_id, "pending", "charge.succeeded", 1, 1, 0, 0, next_at)


async def logged(world: World, count: int) -> list[str]:
    await world.tell(count)
    from sqlalchemy import select

    from bursar.events.tables import events

    return await world.store.read(
        lambda connection: list(connection.execute(select(events.c.id).order_by(events.c.id)).scalars())
    )


@pytest.mark.parametrize("strangers", [0, 1, ROWS_MAX, 2 * ROWS_MAX])
def test_whatever_is_on_its_way_everything_else_is_found_or_looked_for_again(
    database: Database, strangers: int
) -> None:
    """What is known as being on its way may be in the database no more."""

    async def scenario(world: World) -> None:
        ids = await logged(world, ROWS_MAX + 150)
        await world.store.commit(Unit([deliveries.insertion(pending(event_id, 1_000)) for event_id in ids]))
        known = frozenset({*ids[:10], *(f"evt_gone{number}" for number in range(strangers))})
        wanted = set(ids[10:])
        for _ in range(5):
            found = await load(world.store, RecentBodies(), KEY, None, known, 2_000)
            known |= {job.delivery.event_id for job in found.jobs}
            if found.next_at is None:
                break
            assert found.next_at <= 2_000
        assert found.next_at is None
        assert wanted <= known

    with opened(database) as store:
        asyncio.run(scenario(World(store)))


def test_what_is_due_later_is_told_and_what_has_no_event_is_named(database: Database) -> None:
    async def scenario(world: World) -> None:
        ids = await logged(world, 3)
        rows = [pending(ids[0], 1_000), pending(ids[1], 5_000), pending(ids[2], 9_000), pending("evt_none", 1_000)]
        await world.store.commit(Unit([deliveries.insertion(row) for row in rows]))
        found = await load(world.store, RecentBodies(), KEY, None, frozenset(), 2_000)
        assert [job.delivery.event_id for job in found.jobs] == [ids[0]]
        assert [delivery.event_id for delivery in found.unreadable] == ["evt_none"]
        assert found.next_at == 5_000

    with opened(database) as store:
        asyncio.run(scenario(World(store)))


def test_recent_bodies_are_few_and_the_same(database: Database) -> None:
    async def scenario(world: World) -> None:
        ids = await logged(world, 20)
        events = await world.store.read(lambda connection: find_events(connection, ORGANISATION, 0, ids))
        size = len(body_of(events[ids[0]], None, 1))
        bodies = RecentBodies(bytes_max=5 * size)
        for event_id in ids:
            assert bodies.of(events[event_id], None, 1) == body_of(events[event_id], None, 1)
        kept = [event_id for event_id in ids if bodies.find(event_id, None, 1)]
        assert kept == ids[-len(kept) :]
        assert 1 <= len(kept) <= 5
        assert bodies.find(ids[-1], "2025-03-31.basil", 1) is None

    with opened(database) as store:
        asyncio.run(scenario(World(store)))
