"""PostgreSQL and MariaDB when they die, come back, or cut a connection: quick answers, and no restart of ours."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, select, text

from bursar.customers.tables import customers
from bursar.events import audit
from bursar.store.errors import DuplicateKey, StoreUnavailable
from bursar.store.store import Store
from bursar.store.unit import Unit
from tests.databases import Database, on
from tests.store.harness import commit, entry, insert, logged, opened, stored
from tests.store.servers import OwnServer, own_server

ANSWER_SECONDS_MAX = 30.0  # the limit of connecting, and some for a machine that does other things

own_servers = [pytest.param(name, id=name, marks=pytest.mark.service(name)) for name in ("postgresql", "mariadb")]


@pytest.fixture(params=own_servers)
def server(request: pytest.FixtureRequest) -> Iterator[OwnServer]:
    with own_server(request.param) as own:
        yield own


def _unit(key: str) -> Unit:
    return Unit([insert(key)], [entry(key)])


def _fails_quickly(store: Store, key: str) -> None:
    started = time.monotonic()
    with pytest.raises(StoreUnavailable):
        asyncio.run(store.commit(_unit(key)))
    with pytest.raises(StoreUnavailable):
        stored(store)
    with pytest.raises(StoreUnavailable):
        store.ping()
    assert time.monotonic() - started < ANSWER_SECONDS_MAX


def test_a_server_that_dies_and_comes_back_needs_no_restart_of_ours(server: OwnServer) -> None:
    with opened(Database("own", server.url), writers=2) as store:
        asyncio.run(store.commit(_unit("before")))
        server.kill()
        for attempt in range(3):
            _fails_quickly(store, f"refused {attempt}")
        server.start()
        _until_written(store, "after")
        store.ping()
        assert set(stored(store)) == {"before", "after"}
        assert sorted(logged(store)) == ["after", "before"]
        assert store.read_blocking(audit.verify).problems == []


def test_a_server_that_restarts_unseen_costs_each_writer_one_answer_at_most(server: OwnServer) -> None:
    with opened(Database("own", server.url), writers=2) as store:
        for number in range(10):
            asyncio.run(store.commit(_unit(f"before {number}")))
        server.kill()
        server.start()
        assert len(stored(store)) == 10  # readers look before they trust a connection
        assert _until_written(store, "after") <= len(store.writers)
        assert "after" in stored(store)


def _until_written(store: Store, key: str) -> int:
    """Tries as a client does; tells how often it was refused."""
    for refused in range(10):
        try:
            asyncio.run(store.commit(_unit(key)))
            return refused
        except StoreUnavailable:
            continue
    raise AssertionError("the store did not recover")


def test_a_server_that_dies_under_load_loses_nothing_that_was_answered(server: OwnServer) -> None:
    """What was answered is there; what was refused may be there, and its repetition finds out by its key."""
    written: set[str] = set()

    async def client(store: Store, name: int, first_done: asyncio.Event) -> list[str]:
        for number in range(10_000):
            key = f"c{name}-{number}"
            try:
                await store.commit(_unit(key))
            except StoreUnavailable:
                return [key]
            written.add(key)
            if number == 5:
                first_done.set()
        raise AssertionError("the server did not die in time")

    async def scenario(store: Store) -> list[str]:
        going = asyncio.Event()
        clients = [asyncio.create_task(client(store, name, going)) for name in range(8)]
        await going.wait()
        await asyncio.to_thread(server.kill)
        return [key for keys in await asyncio.gather(*clients) for key in keys]

    with opened(Database("own", server.url), writers=2) as store:
        unknown = asyncio.run(scenario(store))
        server.start()
        _until_written(store, "probe")
        found = set(stored(store)) - {"probe"}
        assert written <= found
        assert found - written <= set(unknown)
        for key in unknown:
            kept = key in found
            assert _repeat(store, key) == kept
        assert sorted(logged(store)) == sorted(written | set(unknown) | {"probe"})
        assert store.read_blocking(audit.verify).problems == []


def _repeat(store: Store, key: str) -> bool:
    """Tells whether the first try had been kept after all. A pooled connection may be a dead one."""
    while True:
        try:
            asyncio.run(store.commit(_unit(key)))
            return False
        except DuplicateKey:
            return True
        except StoreUnavailable:
            continue


@pytest.mark.parametrize("database", on("postgresql"), indirect=True)
def test_a_commit_whose_answer_is_lost_is_unknown_and_its_repetition_safe(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(database) as store:
        dialect = store.engines.writing.dialect
        commit_for_good = dialect.do_commit

        def commit_and_lose_the_answer(connection: Any) -> None:
            commit_for_good(connection)
            with database.engine().connect() as other:
                number = connection.driver_connection.info.backend_pid
                other.execute(text("SELECT pg_terminate_backend(:number, 5000)"), {"number": number})
            connection.driver_connection.execute("SELECT 'what would have been the answer'")

        with monkeypatch.context() as lossy:
            lossy.setattr(dialect, "do_commit", commit_and_lose_the_answer)
            with pytest.raises(StoreUnavailable):
                asyncio.run(store.commit(_unit("k")))
        assert set(stored(store)) == {"k"}
        with pytest.raises(DuplicateKey):
            asyncio.run(store.commit(_unit("k")))
        asyncio.run(store.commit(_unit("next")))
        assert logged(store) == ["k", "next"]
        assert store.read_blocking(audit.verify).problems == []


@pytest.mark.parametrize("database", on("postgresql", "mariadb"), indirect=True)
def test_a_writers_connection_that_is_cut_while_idle_is_replaced(database: Database) -> None:
    with opened(database) as store:
        mine = {"postgresql": "SELECT pg_backend_pid()", "mariadb": "SELECT CONNECTION_ID()"}[database.kind]
        end = {"postgresql": "SELECT pg_terminate_backend({0}, 5000)", "mariadb": "KILL {0}"}[database.kind]

        def work(connection: Connection) -> tuple[int, Unit]:
            return int(connection.execute(text(mine)).scalar_one()), Unit()

        number = store.transact_blocking(work)
        with database.engine().connect() as other:
            other.execute(text(end.format(number)))
        assert _until_written(store, "k") <= 1
        assert store.transact_blocking(work) != number
        assert set(stored(store)) == {"k"}


@pytest.mark.parametrize("database", on("postgresql"), indirect=True)
def test_a_read_that_is_cut_is_unavailability(database: Database) -> None:
    with opened(database) as store:
        commit(store, insert("k"))

        def query(connection: Connection) -> object:
            connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
            return connection.execute(select(customers)).all()

        with pytest.raises(StoreUnavailable):
            store.read_blocking(query)
        assert set(stored(store)) == {"k"}
