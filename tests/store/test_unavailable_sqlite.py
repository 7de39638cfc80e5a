"""SQLite's file when it is full, locked or cannot be written: honest errors, nothing half done, no restart needed."""

import asyncio
import multiprocessing
import resource
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from bursar.events import audit
from bursar.store import engine as engine_module
from bursar.store.errors import StoreUnavailable
from bursar.store.store import Store
from bursar.store.unit import Unit
from tests.databases import Database, on
from tests.store.harness import commit, commit_together, entry, insert, kinds, logged, opened, stored

LARGE = "x" * 2_000_000  # more than the log already takes on the disk, whose beginning may be written anew
ROOM_BYTES = 64_000

pytestmark = pytest.mark.parametrize("database", on("sqlite"), indirect=True)


def _file(database: Database) -> Path:
    return Path(database.url.removeprefix("sqlite:///"))


def _unit(key: str, document: str = "{}") -> Unit:
    return Unit([insert(key, document)], [entry(key)])


def _whole_with(store: Store, *keys: str) -> None:
    """Nothing half done: rows, log and chain tell the same."""
    assert set(stored(store)) == set(keys)
    assert sorted(logged(store)) == sorted(keys)
    assert store.read_blocking(audit.verify).problems == []


def test_a_full_disk_refuses_what_does_not_fit_and_recovers_with_room(database: Database) -> None:
    limit = [0]

    with opened(database) as store:

        @event.listens_for(store.engines.writing, "begin")
        def limit_the_file(connection: Any) -> None:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 3 if limit[0] else 2**30}")

        asyncio.run(store.commit(_unit("before")))
        limit[0] = 1
        outcomes = commit_together(store, [_unit("small"), _unit("large", LARGE)])
        assert kinds(outcomes) == [StoreUnavailable, StoreUnavailable]
        assert "full" in str(outcomes[0])
        _whole_with(store, "before")
        asyncio.run(store.commit(_unit("small enough")))
        limit[0] = 0
        asyncio.run(store.commit(_unit("room again", LARGE)))
        _whole_with(store, "before", "small enough", "room again")


def _write_under_a_limit(url: str) -> list[str]:
    """In a process of its own: the file may not grow beyond a few kilobytes more than it has now."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # so that writing fails as on a full disk
    database = Database("sqlite", url)
    told = []
    with opened(database) as store:
        asyncio.run(store.commit(_unit("before")))
        log = Path(f"{_file(database)}-wal")
        size_max = max(_file(database).stat().st_size, log.stat().st_size) + ROOM_BYTES
        resource.setrlimit(resource.RLIMIT_FSIZE, (size_max, resource.RLIM_INFINITY))
        for key, document in (("large", LARGE), ("small", "{}")):
            try:
                asyncio.run(store.commit(_unit(key, document)))
                told.append("written")
            except StoreUnavailable:
                told.append("unavailable")
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        asyncio.run(store.commit(_unit("room again", LARGE)))
        _whole_with(store, "before", "small", "room again")
    return told


def test_a_disk_that_fills_up_under_the_log_is_the_same(database: Database) -> None:
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        assert pool.apply(_write_under_a_limit, (database.url,)) == ["unavailable", "written"]
    with opened(database) as store:
        _whole_with(store, "before", "small", "room again")


@contextmanager
def _write_lock(database: Database) -> Iterator[None]:
    """Another process that writes, and does not come to an end."""
    other = sqlite3.connect(_file(database), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.close()


def test_a_file_that_another_process_locks_is_waited_for_but_not_for_ever(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "LOCK_WAIT_SECONDS", 0.5)
    with opened(database) as store:
        asyncio.run(store.commit(_unit("before")))
        with _write_lock(database):
            started = time.monotonic()
            outcomes = commit_all(store, [_unit("a"), _unit("b")])
            waited = time.monotonic() - started
            assert set(kinds(outcomes)) == {StoreUnavailable}
            assert "locked" in str(outcomes[0])
            _whole_with(store, "before")  # and reading goes on
        assert 0.4 < waited < 10
        asyncio.run(store.commit(_unit("after")))
        _whole_with(store, "before", "after")


def commit_all(store: Store, units: list[Unit]) -> list[BaseException | None]:
    async def scenario() -> list[BaseException | None]:
        return await asyncio.gather(*(store.commit(unit) for unit in units), return_exceptions=True)

    return asyncio.run(scenario())


def test_a_lock_that_is_let_go_in_time_is_not_noticed(database: Database) -> None:
    async def scenario(store: Store) -> None:
        with _write_lock(database):
            writing = asyncio.create_task(store.commit(_unit("patient")))
            done, _ = await asyncio.wait([writing], timeout=0.3)
            assert not done, "the lock kept nobody waiting, so this proves nothing"
        await writing

    with opened(database) as store:
        asyncio.run(scenario(store))
        _whole_with(store, "patient")


def test_a_file_that_cannot_be_written_is_unavailability(database: Database) -> None:
    """By the file itself, as the rights of files do not bind the user root that tests may run as."""
    with opened(database) as store:
        asyncio.run(store.commit(_unit("before")))
        read_only = [True]

        @event.listens_for(store.engines.writing, "connect")
        def forbid_writing(connection: Any, _record: Any) -> None:
            connection.execute(f"PRAGMA query_only = {int(read_only[0])}")

        store.writers[0]._drop_connection()
        store.engines.writing.dispose()
        with pytest.raises(StoreUnavailable, match="readonly"):
            commit(store, insert("refused"))
        _whole_with(store, "before")
        read_only[0] = False
        asyncio.run(store.commit(_unit("after")))
        _whole_with(store, "before", "after")


def test_a_file_in_a_folder_that_is_gone_is_unavailability(database: Database, tmp_path: Path) -> None:
    gone = Database("sqlite", f"sqlite:///{tmp_path / 'no' / 'such' / 'folder' / 'bursar.db'}")
    with pytest.raises(StoreUnavailable), opened(gone):
        pass
