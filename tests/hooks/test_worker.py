"""Who processes what has come in: at once where it arrived, and by another process where that one has died."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bursar.hooks import arrivals, rules, worker
from bursar.hooks.tables import incoming_webhooks
from bursar.hooks.worker import HookWorker
from tests.databases import Database, on, sqlite_database
from tests.refunds.harness import DISPUTED, Bench, Message, bench_on

SECONDS_MAX = 30.0


@asynccontextmanager
async def running(*workers: HookWorker) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(worker.run()) for worker in workers]
    try:
        await asyncio.sleep(0)
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until(look: Callable[[], Awaitable[bool]]) -> None:
    """The database is asked, as another process would ask it."""
    async with asyncio.timeout(SECONDS_MAX):
        while not await look():  # noqa: ASYNC110 - nobody tells what a database holds
            await asyncio.sleep(0.02)


def rest(bench: Bench, count: int) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        rows = await asyncio.to_thread(bench.rows, incoming_webhooks)
        return len([row for row in rows if row.next_at is None]) == count

    return look


async def disputed(bench: Bench, count: int) -> list[Message]:
    for _ in range(count):
        await bench.pay(DISPUTED)
    bench.pass_time(2)
    return bench.news()


@pytest.mark.parametrize("database", on("sqlite", "postgresql"), indirect=True)
def test_what_arrives_is_processed_by_those_who_run(database: Database, tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        other = bench.hooks.worker()
        async with running(bench.hook_worker, other):
            messages = await disputed(bench, 6)
            for message in messages * 2:
                await bench.receive(message)
            await until(rest(bench, 6))
        assert bench.messages() == [("dispute_opened", "processed")] * 6, "what came again was only acknowledged"
        assert len(bench.all_disputes()) == 6

    with bench_on(database, tmp_path / "house", writers=2 if database.kind == "postgresql" else 1) as bench:
        asyncio.run(scenario(bench))
        assert bench.findings() == []


def test_what_a_process_left_behind_is_found_when_its_lease_is_over(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        (first, second) = await disputed(bench, 2)
        with bench.hooks.arrivals.attended():  # and it dies before it does anything
            await bench.receive(first)
        bench.hooks.arrivals.take_all()
        await bench.process()
        assert bench.messages() == [("dispute_opened", "received")], "it may still be at it"
        bench.clock.advance(rules.LEASE_SECONDS + 1)
        async with running(bench.hook_worker):
            await bench.receive(bench.signed(second[1]))
            await until(rest(bench, 2))
        assert len(bench.all_disputes()) == 2

    with bench_on(sqlite_database(tmp_path), tmp_path / "house") as bench:
        asyncio.run(scenario(bench))


def test_a_process_that_ends_gives_up_what_it_has_not_begun(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        (message,) = await disputed(bench, 1)
        begun = asyncio.Event()

        async def never(held: Any) -> None:
            begun.set()
            await asyncio.Event().wait()

        bench.hooks.processing.process = never  # type: ignore[method-assign]
        async with running(bench.hook_worker):
            await bench.receive(message)
            async with asyncio.timeout(SECONDS_MAX):
                await begun.wait()
        (row,) = bench.rows(incoming_webhooks)
        assert (row.state, row.next_at) == ("received", bench.clock.now_microseconds())
        del bench.hooks.processing.process
        await bench.process()
        assert bench.messages() == [("dispute_opened", "processed")]

    with bench_on(sqlite_database(tmp_path), tmp_path / "house") as bench:
        asyncio.run(scenario(bench))


def test_a_process_that_ends_gives_up_what_has_not_made_its_first_step(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        first, second = await disputed(bench, 2)
        with bench.hooks.arrivals.attended():
            await bench.receive(first)
            await bench.receive(second)
        release, releases = bench.hooks.processing.release, list[str]()

        async def releasing(message: Any) -> None:
            releases.append(message.id)
            if len(releases) == 1:
                raise ZeroDivisionError
            await release(message)

        bench.hooks.processing.release = releasing  # type: ignore[method-assign]
        bench.hook_worker._start_arrived()
        tasks = list(bench.hook_worker._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await bench.hook_worker._close()
        assert len(set(releases)) == 2
        due = [row.next_at <= bench.clock.now_microseconds() for row in bench.rows(incoming_webhooks)]
        assert sorted(due) == [False, True], "a release that fails keeps no other from its own"

    with bench_on(sqlite_database(tmp_path), tmp_path / "house") as bench:
        asyncio.run(scenario(bench))


def test_what_waits_in_memory_is_bounded_and_is_not_begun_when_its_lease_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrivals, "WAITING_MAX", 3)
    monkeypatch.setattr(worker, "VERIFIED_MAX", 2)

    async def scenario(bench: Bench) -> None:
        messages = await disputed(bench, 9)
        process, may_go_on, begun = bench.hooks.processing.process, asyncio.Event(), list[bool]()

        async def slowly(held: Any) -> Any:
            begun.append(held.next_at > bench.clock.now_microseconds())
            await may_go_on.wait()
            return await process(held)

        bench.hooks.processing.process = slowly  # type: ignore[method-assign]
        async with running(bench.hooks.worker()):
            for message in messages:
                await bench.receive(message)
                await asyncio.sleep(0.01)  # whoever could take it has done so
            now = bench.clock.now_microseconds()
            assert len(begun) == 2
            assert len([row for row in bench.rows(incoming_webhooks) if row.next_at > now]) == 2 + 3
            bench.clock.advance(rules.LEASE_SECONDS + 1)
            may_go_on.set()
            await until(rest(bench, 9))
        assert begun == [True] * len(begun)
        assert bench.messages() == [("dispute_opened", "processed")] * 9

    with bench_on(sqlite_database(tmp_path), tmp_path / "house") as bench:
        asyncio.run(scenario(bench))
        assert bench.findings() == []


def test_what_comes_too_early_is_tried_again_by_itself(tmp_path: Path) -> None:
    """With a clock that goes, as the worker waits by it."""

    async def scenario(bench: Bench) -> None:
        (message,) = await disputed(bench, 1)
        judge, tries = bench.hooks.processing._matching.judge, 0

        def judging(connection: Any, message: Any) -> Any:
            nonlocal tries
            tries += 1
            if tries < 3:
                raise TooEarly
            return judge(connection, message)

        bench.hooks.processing._matching.judge = judging  # type: ignore[method-assign]
        async with running(bench.hook_worker):
            await bench.receive(message)
            for _ in range(1_000):
                if await rest(bench, 1)():
                    break
                bench.clock.advance(0.05)
                await asyncio.sleep(0.02)
        (row,) = bench.rows(incoming_webhooks)
        assert (row.state, row.tries) == ("processed", 3)

    from bursar.hooks.matching import TooEarly

    with bench_on(sqlite_database(tmp_path), tmp_path / "house") as bench:
        asyncio.run(scenario(bench))


def test_many_that_were_left_behind_do_not_wait_for_each_other(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        messages = await disputed(bench, 60)
        for message in messages:
            await bench.receive(message)  # nobody runs
        assert [state for _, state in bench.messages()] == ["received"] * 60
        async with running(bench.hook_worker, bench.hooks.worker()):
            await until(rest(bench, 60))
        assert len(bench.all_disputes()) == 60

    with bench_on(sqlite_database(tmp_path), tmp_path / "house") as bench:
        asyncio.run(scenario(bench))
        assert bench.findings() == []
