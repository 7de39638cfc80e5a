"""Of several processes with the same upkeep one works; a defect ends nobody's work."""

import asyncio
from collections.abc import Iterator

import pytest

from bursar.events.leases import LEASE_SECONDS
from bursar.kit.clock import ManualClock
from bursar.workers import turns
from bursar.workers.turns import OneAtATime, cancelled, keep_running
from tests.databases import Database, on
from tests.events.test_reader import opened

WAIT_SECONDS_MAX = 30


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(turns, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(turns, "AGAIN_SECONDS", 0.01)
    yield


class Work:
    def __init__(self) -> None:
        self.began, self.ended = asyncio.Event(), asyncio.Event()

    async def run(self) -> None:
        self.began.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.ended.set()


@pytest.mark.parametrize("database", on("sqlite", "postgresql"), indirect=True)
def test_one_works_and_when_it_ends_the_other_goes_on_at_once(database: Database) -> None:
    clock = ManualClock()

    async def scenario() -> None:
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            first, second = Work(), Work()
            one = asyncio.create_task(OneAtATime(store, clock, "upkeep", [first.run]).run())
            await first.began.wait()
            other = asyncio.create_task(OneAtATime(store, clock, "upkeep", [second.run]).run())
            await asyncio.sleep(0.1)
            assert not second.began.is_set()
            await cancelled([one])
            assert first.ended.is_set()
            await second.began.wait()
            await cancelled([other])

    with opened(database, 2) as store:
        asyncio.run(scenario())


@pytest.mark.parametrize("database", on("sqlite", "postgresql"), indirect=True)
def test_whoever_lost_the_turn_stops_and_the_dead_are_followed(database: Database) -> None:
    clock = ManualClock()

    async def scenario() -> None:
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            slept, awake = Work(), Work()
            sleeper = OneAtATime(store, clock, "upkeep", [slept.run])
            await sleeper._look()
            await slept.began.wait()
            clock.advance(LEASE_SECONDS + 1)  # as of a process that was stopped, or killed
            task = asyncio.create_task(OneAtATime(store, clock, "upkeep", [awake.run]).run())
            await awake.began.wait()
            await sleeper._look()
            assert slept.ended.is_set()
            await cancelled([task])

    with opened(database, 2) as store:
        asyncio.run(scenario())


def test_work_that_meets_a_defect_begins_anew(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        times = 0
        done = asyncio.Event()

        async def job() -> None:
            nonlocal times
            times += 1
            if times == 1:
                raise ZeroDivisionError
            if times == 3:
                done.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(keep_running("testing", job))
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            await done.wait()
        await cancelled([task])

    asyncio.run(scenario())
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR"]
    assert "testing met a defect" in caplog.text and "testing ended by itself" in caplog.text
