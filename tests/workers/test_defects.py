"""What works behind requests meets a defect, says so, and goes on."""

import asyncio
from typing import Any
from unittest.mock import MagicMock

import pytest

from bursar.hooks import sweeping as hook_sweeping
from bursar.store.errors import RowsExpected, StoreUnavailable
from bursar.store.unit import Change, Unit
from bursar.webhooks import delivery_repository as deliveries
from bursar.webhooks import sweeping
from bursar.webhooks import worker as webhook_worker
from bursar.webhooks.results import Result, Results
from bursar.webhooks.worker import WebhookWorker
from bursar.workers import turns
from bursar.workers.upkeep import housekeeping

WAIT_SECONDS_MAX = 30


class DefectiveStore:
    """Fails with what it was given, one after the other, then writes."""

    def __init__(self, *problems: BaseException | None) -> None:
        self._problems = list(problems)
        self.written: list[int] = []

    async def commit(self, unit: Unit) -> None:
        problem = self._problems.pop(0) if self._problems else None
        if problem is not None:
            raise problem
        self.written += [change.row["n"] for change in unit.changes if isinstance(change.row, dict)]


def change(number: int) -> Change:
    return Change(deliveries.DELETE, {"n": number})


def test_a_result_that_meets_a_defect_keeps_no_other_from_being_written(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        store: Any = DefectiveStore(ZeroDivisionError("together"), ZeroDivisionError("the first"))
        results, recorded = Results(store), list[int]()
        for number in range(3):
            results.put(Result([change(number)], lambda number=number: recorded.append(number)))  # type: ignore[misc]
        await results.flush()
        assert store.written == [1, 2]
        assert recorded == [0, 1, 2]

    asyncio.run(scenario())
    assert "could not be written" in caplog.text


def test_whoever_fails_to_hear_of_a_result_keeps_nobody_else_from_it(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        store: Any = DefectiveStore()
        results, heard = Results(store), asyncio.Event()

        def deaf() -> None:
            raise ZeroDivisionError

        running = asyncio.create_task(results.run())
        results.put(Result([change(0)], deaf))
        results.put(Result([change(1)], heard.set))
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            await heard.wait()
        assert store.written == [0, 1]
        assert not running.done()
        running.cancel()

    asyncio.run(scenario())
    assert "met a defect" in caplog.text


def test_results_are_written_once_more_after_a_defect(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("bursar.webhooks.results.AGAIN_SECONDS", 0.001)

    async def scenario() -> None:
        store: Any = DefectiveStore(RowsExpected("moved"))
        results, heard = Results(store), asyncio.Event()
        write_each, failures = results._write_each, [ZeroDivisionError()]

        async def failing(batch: Any) -> None:
            if failures:
                raise failures.pop()
            await write_each(batch)

        results._write_each = failing  # type: ignore[method-assign]
        running = asyncio.create_task(results.run())
        results.put(Result([change(7)], heard.set))
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            await heard.wait()
        assert store.written == [7]
        running.cancel()

    asyncio.run(scenario())
    assert "written once more" in caplog.text


def test_a_defect_does_not_end_the_sweeping_of_banks_messages(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(hook_sweeping, "FIRST_AFTER_SECONDS", 0.0)
    monkeypatch.setattr(hook_sweeping, "INTERVAL_SECONDS", 0.001)
    monkeypatch.setattr(turns, "AGAIN_SECONDS", 0.001)

    async def scenario() -> None:
        problems: list[Exception] = [StoreUnavailable("away"), ZeroDivisionError()]
        swept = asyncio.Event()

        async def deleting(_store: object, _clock: object) -> int:
            if problems:
                raise problems.pop(0)
            swept.set()
            return 0

        monkeypatch.setattr(hook_sweeping, "delete_old", deleting)
        runtime: Any = MagicMock()
        (upkeep,) = housekeeping(runtime)
        (job,) = [job for job in upkeep._jobs if getattr(job, "func", None) is hook_sweeping.run_sweeping]
        working = asyncio.create_task(turns.keep_running("housekeeping", job))
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            await swept.wait()
        working.cancel()

    asyncio.run(scenario())
    assert "make room later" in caplog.text and "begins anew" in caplog.text


def test_a_defect_does_not_end_the_making_of_room_for_webhooks(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(webhook_worker, "HOUSEKEEPING_FIRST_SECONDS", 0.0)
    monkeypatch.setattr(webhook_worker, "HOUSEKEEPING_SECONDS", 0.001)

    async def scenario() -> None:
        seen, often = list[object](), asyncio.Event()

        async def deleting(_store: object, _clock: object, key: object) -> None:
            seen.append(key)
            if len(seen) > 2:
                often.set()
            raise ZeroDivisionError

        monkeypatch.setattr(sweeping, "delete_old", deleting)
        unused: Any = None
        worker = WebhookWorker(unused, unused, unused, unused, make_receiver=lambda *_: unused)
        stored: Any = type("Stored", (), {"key": "we_1", "status": "enabled"})
        worker._endpoints = {stored.key: stored}
        keeping = asyncio.create_task(worker._keep_house())
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            await often.wait()
        assert not keeping.done()
        keeping.cancel()

    asyncio.run(scenario())
    assert "cannot make room" in caplog.text
