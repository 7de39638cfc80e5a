"""SQLite's log is copied into the file beside the commits, and does not grow for ever."""

import asyncio
import logging
import sqlite3
import threading
import time
from pathlib import Path

import pytest

from bursar.store import checkpoints
from bursar.store import engine as engine_module
from bursar.store.checkpoints import Checkpointer
from bursar.store.store import Store
from bursar.store.unit import Unit
from tests.databases import Database, on
from tests.store.harness import commit, insert, opened, stored

WAIT_SECONDS_MAX = 20.0
LARGE = "x" * 20_000

pytestmark = pytest.mark.parametrize("database", on("sqlite"), indirect=True)


def _bytes(database: Database) -> tuple[int, int]:
    """Of the file and of its log."""
    file = Path(database.url.removeprefix("sqlite:///"))
    return file.stat().st_size, Path(f"{file}-wal").stat().st_size


def _copied(database: Database, bytes_min: int) -> bool:
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while _bytes(database)[0] < bytes_min:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def _fill(store: Store, start: int, rows: int) -> None:
    async def scenario() -> None:
        await asyncio.gather(*(store.commit(Unit([insert(f"k{start + number}", LARGE)])) for number in range(rows)))

    asyncio.run(scenario())


def test_what_was_committed_reaches_the_file_without_another_commit(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "PAUSE_SECONDS", 0.01)
    with opened(database) as store:
        before = _bytes(database)[0]
        _fill(store, 0, 50)
        assert _copied(database, before + 50 * len(LARGE))
        assert len(stored(store)) == 50


def test_a_log_that_reached_its_limit_starts_over(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even where the thread never comes to copy anything."""
    monkeypatch.setattr(checkpoints, "PAUSE_SECONDS", 3_600.0)
    monkeypatch.setattr(engine_module, "SQLITE_LOG_PAGES_MAX", 100)
    with opened(database) as store:
        for start in range(0, 200, 10):
            _fill(store, start, 10)
        assert len(stored(store)) == 200
        assert _bytes(database)[1] < 100 * len(LARGE)


def test_a_copy_that_fails_is_told_and_commits_go_on(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(checkpoints, "PAUSE_SECONDS", 0.01)
    told = threading.Event()

    def broken(*_: object) -> None:
        told.set()
        raise sqlite3.OperationalError("disk I/O error")

    with opened(database) as store:
        monkeypatch.setattr(checkpoints, "_copy", broken)
        with caplog.at_level(logging.WARNING, checkpoints.__name__):
            commit(store, insert("one"))
            assert told.wait(WAIT_SECONDS_MAX)
            told.clear()
            commit(store, insert("two"))
            assert told.wait(WAIT_SECONDS_MAX)
        assert set(stored(store)) == {"one", "two"}
    assert "OperationalError" in caplog.text


def test_closing_does_not_wait_for_a_pause_to_end(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "PAUSE_SECONDS", 3_600.0)
    with opened(database) as store:
        commit(store, insert("k"))
        checkpointer = Checkpointer(store.engines.reading)
        checkpointer.start()
        started = time.monotonic()
        checkpointer.close()
        assert time.monotonic() - started < WAIT_SECONDS_MAX


def test_a_long_log_starts_over_while_commits_go_on(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread copies most of it and the writer the rest, long before a commit would have to copy all."""
    monkeypatch.setattr(checkpoints, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(checkpoints, "LONG_LOG_PAGES", 50)
    with opened(database) as store:
        deadline, start = time.monotonic() + WAIT_SECONDS_MAX, 0
        longest = 0
        while start < 2_000 and time.monotonic() < deadline:
            _fill(store, start, 10)
            start += 10
            longest = max(longest, _bytes(database)[1])
        assert len(stored(store)) == start
        assert longest < start * len(LARGE) / 2, "the log never started over"
