"""What `/v1/events` says of deliveries: how many are still to come, and which events somebody has not got."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bursar.events.schemas import EventListParams
from bursar.events.service import EventService
from tests.databases import Database, on
from tests.webhooks.receivers import answering, receiving, status
from tests.webhooks.world import World, hasty, opened

everywhere = pytest.mark.parametrize("database", on("sqlite", "postgresql", "mariadb", "firebird"), indirect=True)
sqlite_only = pytest.mark.parametrize("database", on("sqlite"), indirect=True)


class Log:
    def __init__(self, world: World) -> None:
        self._service = EventService(world.store)
        self._service.deliveries = world.webhooks.event_states
        self._world = world

    async def page(self, **params: Any) -> tuple[list[tuple[str, int]], bool]:
        page = await self._service.page(self._world.call(), EventListParams(**params))
        return [(event.type, event.pending_webhooks) for event in page.data], page.has_more

    async def types(self, **params: Any) -> list[str]:
        return [name for name, _ in (await self.page(**params))[0]]

    async def ids(self, **params: Any) -> list[str]:
        return [event.id for event in (await self._service.page(self._world.call(), EventListParams(**params))).data]

    async def pending(self, event_id: str) -> int:
        return (await self._service.retrieve(self._world.call(event=event_id))).pending_webhooks


@everywhere
def test_what_is_pending_is_counted_before_and_after_it_is_taken_in(database: Database) -> None:
    async def scenario(world: World) -> None:
        log = Log(world)
        await world.tell(1, "refund.created")
        async with receiving() as good, receiving(answering(status(500))) as bad:
            await world.listen(good.url)
            await world.listen(bad.url, "charge.*")
            await world.listen(good.url, livemode=1)
            await world.tell(1, "charge.succeeded")
            await world.tell(1, "customer.created")
            before = [("customer.created", 1), ("charge.succeeded", 2), ("refund.created", 0)]
            assert (await log.page())[0] == before, "nobody has taken anything in yet"
            async with world.working(hasty(waits_seconds=(60.0,) * 3)):
                await good.until_received(2)
                await bad.until_received(1)
                async with asyncio.timeout(20):
                    while (await log.page())[0] != [(name, int(name == "charge.succeeded")) for name, _ in before]:  # noqa: ASYNC110
                        await asyncio.sleep(0.05)
            (charge,) = await log.ids(type="charge.succeeded")
            assert await log.pending(charge) == 1

    with opened(database) as store:
        asyncio.run(scenario(World(store)))


@everywhere
def test_events_are_listed_by_whether_everybody_has_got_them(database: Database) -> None:
    async def scenario(world: World) -> None:
        log = Log(world)
        async with receiving() as good, receiving(answering(status(500))) as bad:
            await world.listen(good.url)
            endpoint = await world.listen(bad.url, "charge.*", "bursar.webhook_endpoint.*")
            for event_type in ("charge.succeeded", "customer.created", "charge.failed", "refund.created"):
                await world.tell(2, event_type)
            async with world.working():
                await world.until_none_pending()
            # Tests are not on the wire.
            await world.done(await world.webhooks.endpoints.test(world.call(webhook_endpoint=endpoint.id)))
            charges, others = ["charge.failed"] * 2 + ["charge.succeeded"] * 2, ["refund.created"] * 2
            others += ["customer.created"] * 2
            assert await log.types(delivery_success=False) == charges
            assert await log.types(delivery_success=True) == others
            assert await log.types(delivery_success=False, type="charge.failed") == charges[:2]
            assert await log.types(delivery_success=True, types=["refund.created", "charge.failed"]) == others[:2]
            assert await log.types(delivery_success=True, type="charge.failed") == []
            assert await log.types(delivery_success=False, types=["charge.*", "refund.created"]) == charges
            page, has_more = await log.page(delivery_success=False, limit=3)
            assert (len(page), has_more) == (3, True)
            ids = await log.ids(delivery_success=False)
            assert await log.ids(delivery_success=False, limit=3, starting_after=ids[0]) == ids[1:]
            assert await log.ids(delivery_success=False, limit=2, ending_before=ids[3]) == ids[1:3]
            assert await log.ids(delivery_success=False, limit=2, created=1) == []

    with opened(database) as store:
        asyncio.run(scenario(World(store)))


@sqlite_only
def test_who_is_gone_counts_no_more(database: Database) -> None:
    async def scenario(world: World) -> None:
        log = Log(world)
        async with receiving(answering(status(500))) as bad:
            disabled = await world.listen(bad.url)
            deleted = await world.listen(bad.url)
            await world.tell(1)
            async with world.working():
                await world.until_none_pending()
            assert await log.page(delivery_success=False) == ([("charge.succeeded", 0)], False)
            await world.change(disabled, disabled=True)
            await world.done(await world.webhooks.endpoints.delete(world.call(webhook_endpoint=deleted.id)))
            await world.tell(1, "charge.failed")
            assert (await log.page())[0] == [("charge.failed", 0), ("charge.succeeded", 0)]
            await world.done(await world.webhooks.endpoints.delete(world.call(webhook_endpoint=disabled.id)))
            assert await log.page(delivery_success=False) == ([], False)
            assert len(await log.types(delivery_success=True)) == 2

    with opened(database) as store:
        asyncio.run(scenario(World(store)))
