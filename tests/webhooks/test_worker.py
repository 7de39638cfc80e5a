"""The worker's parts, where a whole run would not show them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bursar.store.errors import RowsExpected, StoreDefect, StoreUnavailable
from bursar.store.unit import Change, Unit
from bursar.webhooks import delivery_repository as deliveries
from bursar.webhooks.delivery_repository import StoredDelivery
from bursar.webhooks.results import Result, Results
from bursar.webhooks.sharing import SHARDS, shard_of
from bursar.webhooks.taking_in import ORGANISATIONS_OF_A_LOOK
from tests.databases import Database, on
from tests.webhooks.receivers import receiving
from tests.webhooks.world import ORGANISATION, World, opened

sqlite = pytest.mark.parametrize("database", on("sqlite"), indirect=True)


@sqlite
def test_many_organisations_are_all_served_each_with_its_own(database: Database) -> None:
    names = [f"acct_{number}" for number in range(3 * ORGANISATIONS_OF_A_LOOK)]
    assert {shard_of(name) for name in names} == set(range(SHARDS))

    async def scenario(world: World) -> None:
        async with receiving() as receiver, world.working():
            endpoints = {}
            for name in names:
                endpoint = await world.listen(f"{receiver.url}/{name}", org_id=name)
                endpoints[name] = endpoint
            await world.store.commit(Unit([], [world.entry(number=n, org_id=name) for n in range(3) for name in names]))
            await receiver.until_received(3 * len(names), 20)
            rows = await world.until_none_pending()
            assert {(row.org_id, row.endpoint_id) for row in rows} == {(n, e.id) for n, e in endpoints.items()}
            for name in names:
                own = [one for one in receiver.received if one.path == f"/hook/{name}"]
                # Several are on their way at once: the number tells the order, not the arrival.
                assert sorted(one.headers["bursar-sequence"] for one in own) == ["1", "2", "3"]

    with opened(database) as store:
        asyncio.run(scenario(World(store)))


@sqlite
def test_nobody_is_asked_and_nothing_is_written_where_there_is_no_endpoint(database: Database) -> None:
    async def scenario(world: World) -> None:
        async with world.working():
            before = sum(writer.batches for writer in world.store.writers)
            await asyncio.sleep(1.0)
            assert sum(writer.batches for writer in world.store.writers) == before

    with opened(database) as store:
        asyncio.run(scenario(World(store)))


@sqlite
def test_a_result_of_who_slept_is_not_written(database: Database) -> None:
    """Another process has tried meanwhile: the tries in the row are more than this one knows of."""

    async def scenario(world: World) -> None:
        row = StoredDelivery(ORGANISATION, 0, "we_1", "evt_1", "pending", "charge.failed", 1, 1, 0, 0, 1)
        await world.store.commit(Unit([deliveries.insertion(row)]))
        await world.store.commit(Unit([deliveries.finished_try(row, "delivered", 0, 1, 200, None)]))
        with pytest.raises(RowsExpected):
            await world.store.commit(Unit([deliveries.finished_try(row, "dead", 0, 1, 500, "status")]))
        assert [(one.status, one.tries) for one in await world.rows()] == [("delivered", 1)]

    with opened(database) as store:
        asyncio.run(scenario(World(store)))


class FailingStore:
    """Fails as it is told to, one commit after the other."""

    def __init__(self, *failures: Exception | None) -> None:
        self._failures = list(failures)
        self.written: list[Any] = []

    async def commit(self, unit: Unit) -> None:
        failure = self._failures.pop(0) if self._failures else None
        if failure is not None:
            raise failure
        self.written.append([change.row["n"] for change in unit.changes])


def result(number: int, recorded: list[int]) -> Result:
    change = Change(deliveries.DELETE, {"n": number})
    return Result([change], lambda: recorded.append(number))


def test_results_outlive_a_database_that_was_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bursar.webhooks.results.AGAIN_SECONDS", 0.001)

    async def scenario() -> None:
        store: Any = FailingStore(StoreUnavailable("away"), StoreUnavailable("away"))
        results, recorded = Results(store), list[int]()
        for number in range(3):
            results.put(result(number, recorded))
        await results.flush()
        assert store.written == [[0, 1, 2]]
        assert recorded == [0, 1, 2]

    asyncio.run(scenario())


def test_one_that_is_not_needed_any_more_does_not_take_the_others_with_it(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        store: Any = FailingStore(RowsExpected("moved"), None, RowsExpected("moved"), StoreDefect("wrong"))
        results, recorded = Results(store), list[int]()
        for number in range(4):
            results.put(result(number, recorded))
        await results.flush()
        assert store.written == [[0], [3]]
        assert recorded == [0, 1, 2, 3]

    asyncio.run(scenario())
    assert "could not be written" in caplog.text


def test_results_that_could_not_be_written_one_by_one_are_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bursar.webhooks.results.AGAIN_SECONDS", 0.001)

    async def scenario() -> None:
        store: Any = FailingStore(RowsExpected("moved"), None, StoreUnavailable("away"), RowsExpected("moved"))
        results, recorded = Results(store), list[int]()
        for number in range(2):
            results.put(result(number, recorded))
        await results.flush()
        assert recorded == [0, 1]
        assert [1] in store.written

    asyncio.run(scenario())
