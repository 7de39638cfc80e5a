"""What SQLite was really told, asked on the very connections that write and read."""

import itertools
import sqlite3

import pytest
from sqlalchemy import Connection, text

from bursar.store.store import Store
from bursar.store.unit import Unit
from tests.databases import Database, on
from tests.store.harness import commit, insert, opened

FULL = 2  # as PRAGMA synchronous counts: 0 off, 1 normal, 2 full


def _pragma(connection: Connection, name: str) -> object:
    return connection.execute(text(f"PRAGMA {name}")).scalar()


@pytest.mark.parametrize("database", on("sqlite"), indirect=True)
def test_a_commit_is_on_the_disk_before_it_is_answered(database: Database) -> None:
    with opened(database) as store:
        asked = store.transact_blocking(
            lambda connection: ((_pragma(connection, "journal_mode"), _pragma(connection, "synchronous")), Unit())
        )
    assert asked == ("wal", FULL)


@pytest.mark.parametrize("database", on("sqlite"), indirect=True)
def test_whatever_connects_later_is_told_the_same(database: Database) -> None:
    """A connection that broke is replaced; the new one must not fall back to SQLite's own choices."""
    with opened(database) as store:
        for engine, _ in itertools.product((store.engines.writing, store.engines.reading), range(2)):
            with engine.connect() as connection:
                assert _pragma(connection, "journal_mode") == "wal"
                assert _pragma(connection, "synchronous") == FULL
                connection.invalidate()


@pytest.mark.parametrize("database", on("sqlite"), indirect=True)
def test_readers_go_on_while_a_transaction_is_open(database: Database) -> None:
    with opened(database) as store:
        commit(store, insert("k"))

        def work(_: Connection) -> tuple[int, Unit]:
            return _rows(store), Unit()

        assert store.transact_blocking(work) == 1


def _rows(store: Store) -> int:
    query = text("SELECT count(*) FROM customers")
    return int(store.read_blocking(lambda connection: connection.execute(query).scalar_one()))


@pytest.mark.parametrize("database", on("sqlite"), indirect=True)
def test_what_was_answered_can_be_read_by_anybody(database: Database) -> None:
    with opened(database) as store:
        commit(store, insert("k"))
        outside = sqlite3.connect(database.url.removeprefix("sqlite:///"))
        try:
            assert outside.execute("SELECT id FROM customers").fetchall() == [("k",)]
        finally:
            outside.close()
