"""Drivers' errors as ours: real ones, made on every database."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Connection, exc, select, text

from bursar.customers.repository import INSERT
from bursar.customers.tables import customers
from bursar.store import engine as engine_module
from bursar.store.engine import Engines
from bursar.store.errors import (
    DuplicateKey,
    StoreContention,
    StoreDefect,
    StoreError,
    StoreLocked,
    StoreUnavailable,
    translate,
)
from bursar.store.store import Store
from bursar.store.unit import Unit
from tests.databases import SERVERS, Database, on
from tests.store.harness import ORG, commit, commit_together, delete, insert, kinds, opened, stored, update

# A value that must never be told, with quotes and words in it that could mislead whoever reads the message.
PERSONAL = 'o\'brien-1205 deadlock "duplicate key"'
KEY = PERSONAL[:40]


@pytest.fixture
def store(database: Database) -> Iterator[Store]:
    with opened(database) as one:
        yield one


def _error_of(store: Store, *units: Unit) -> StoreError:
    error = commit_together(store, units)[-1]
    assert isinstance(error, StoreError)
    return error


def _tells_no_value(error: BaseException) -> None:
    told = str(error)
    for secret in ("brien", "1205", "deadlock", "@example"):
        assert secret not in told


def test_a_duplicate_key_is_told_without_the_key(store: Store) -> None:
    commit(store, insert(KEY, "secret@example.com"))
    error = _error_of(store, Unit([insert(KEY, "secret@example.com")]))
    assert type(error) is DuplicateKey
    _tells_no_value(error)


def test_a_missing_value_is_our_defect(store: Store) -> None:
    broken = insert(KEY)
    broken.row["document"] = None
    error = _error_of(store, Unit([broken]))
    assert type(error) is StoreDefect
    _tells_no_value(error)


@pytest.mark.parametrize("database", on(*SERVERS), indirect=True)  # SQLite keeps whatever it is given
def test_a_value_of_the_wrong_kind_is_told_without_it(store: Store) -> None:
    broken = insert("k")
    broken.row["version"] = f"{PERSONAL}@example.com"
    error = _error_of(store, Unit([broken]))
    assert type(error) is StoreDefect
    _tells_no_value(error)


@pytest.mark.parametrize("database", on(*SERVERS), indirect=True)  # SQLite knows no lengths
def test_a_text_that_is_too_long_is_told_without_it(store: Store) -> None:
    error = _error_of(store, Unit([insert(PERSONAL + "@example.com" * 9)]))
    assert type(error) is StoreDefect
    _tells_no_value(error)


def test_a_wrong_statement_is_our_defect(store: Store) -> None:
    def work(connection: Connection) -> tuple[None, Unit]:
        connection.execute(text("UPDATE no_such_table SET a = 1"))
        return None, Unit()

    with pytest.raises(StoreDefect):
        store.transact_blocking(work)
    with pytest.raises(StoreDefect):
        store.read_blocking(lambda connection: connection.execute(text("SELECT 1 FROM no_such_table")))


def test_a_failing_read_shows_no_parameters_in_its_traceback(store: Store) -> None:
    query = text("SELECT 1 FROM no_such_table WHERE a = :value")
    with pytest.raises(StoreDefect) as caught:
        store.read_blocking(lambda connection: connection.execute(query, {"value": PERSONAL}))
    _tells_no_value(caught.value)
    cause = caught.value.__cause__
    assert isinstance(cause, exc.DBAPIError)  # which goes to the log with it
    _tells_no_value(cause)


@pytest.fixture
def two_writers(database: Database) -> Iterator[Engines]:
    with opened(database) as store:
        commit(store, insert("a"), insert("b"))
    engines = Engines(database.url, readers=1, writers=2)
    yield engines
    engines.close()


@pytest.mark.parametrize("database", on(*SERVERS), indirect=True)
def test_a_deadlock_is_contention(two_writers: Engines) -> None:
    both_hold_one = threading.Barrier(2)

    def cross(first: str, second: str) -> StoreError | None:
        try:
            with two_writers.writing.begin() as connection:
                _touch(connection, first)
                both_hold_one.wait(20)
                _touch(connection, second)
        except exc.SQLAlchemyError as problem:
            return translate(problem)
        return None

    with ThreadPoolExecutor(2) as pool:
        errors = [f.result(60) for f in (pool.submit(cross, "a", "b"), pool.submit(cross, "b", "a"))]
    broken_off = [error for error in errors if error is not None]
    assert broken_off
    assert {type(error) for error in broken_off} == {StoreContention}


def _touch(connection: Connection, key: str) -> None:
    the_row = (customers.c.org_id == ORG, customers.c.livemode == 0, customers.c.id == key)
    connection.execute(customers.update().where(*the_row).values(document="touched"))


@pytest.mark.parametrize("database", on(*SERVERS), indirect=True)
def test_a_row_that_somebody_holds_on_to_stops_only_who_needs_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "LOCK_WAIT_SECONDS", 1)
    monkeypatch.setattr(engine_module, "FIREBIRD_LOCK_WAIT_SECONDS", 1)
    with opened(database) as store:
        commit(store, insert("held"), insert("free"))
        outside = database.engine()
        with outside.connect() as sleeper:
            _touch(sleeper, "held")
            units = [Unit([update("free", 1)]), Unit([update("held", 1)]), Unit([insert("new")])]
            outcomes = commit_together(store, units)
            # Firebird has one word for whoever waited in vain and for whoever came second.
            assert kinds(outcomes) == [None, StoreContention if database.kind == "firebird" else StoreLocked, None]
            sleeper.rollback()
        commit(store, update("held", 1))
        assert stored(store) == {"held": (2, "{}"), "free": (2, "{}"), "new": (1, "{}")}


def _end_postgresql(connection: Connection) -> None:
    connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))


def _end_mariadb(connection: Connection) -> None:
    connection.execute(text("KILL CONNECTION_ID()"))


@pytest.mark.parametrize(
    ("database", "end"),
    [
        pytest.param("postgresql", _end_postgresql, marks=pytest.mark.service("postgresql"), id="postgresql"),
        pytest.param("mariadb", _end_mariadb, marks=pytest.mark.service("mariadb"), id="mariadb"),
    ],
    indirect=["database"],
)
def test_a_connection_that_is_cut_is_unavailability_and_a_new_one_is_made(
    store: Store, end: Callable[[Connection], None]
) -> None:
    def work(connection: Connection) -> tuple[None, Unit]:
        connection.execute(INSERT, insert("half").row)
        end(connection)
        connection.execute(select(customers.c.id)).all()
        return None, Unit()

    with pytest.raises(StoreUnavailable):
        store.transact_blocking(work)
    commit(store, insert("next"))
    assert set(stored(store)) == {"next"}


def test_a_value_that_the_driver_cannot_send_is_our_defect(store: Store) -> None:
    broken = insert("k")
    broken.row["document"] = f"{PERSONAL}\ud800"  # half of a character, which JSON can say and UTF-8 cannot
    outcomes = commit_together(store, [Unit([insert("a")]), Unit([broken])])
    assert kinds(outcomes) == [None, StoreDefect]
    assert outcomes[1] is not None
    _tells_no_value(outcomes[1])


def test_our_own_errors_pass_unchanged() -> None:
    own = StoreContention("as it is")
    assert translate(own) is own


def test_a_pool_that_is_used_up_is_unavailability() -> None:
    assert type(translate(exc.TimeoutError("QueuePool limit"))) is StoreUnavailable


class _DriverError(Exception):
    """As drivers make them: SQL Server's and MySQL's number first, a SQLSTATE beside."""

    def __init__(self, *args: Any, sqlstate: str | None = None) -> None:
        super().__init__(*args)
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("original", "expected"),
    [
        (_DriverError("ORA-00001: unique constraint (BURSAR.PK_CUSTOMERS) violated"), DuplicateKey),
        (_DriverError("ORA-00060: deadlock detected while waiting for resource"), StoreContention),
        (_DriverError(2627, "Violation of PRIMARY KEY constraint: cannot insert duplicate key."), DuplicateKey),
        (_DriverError(2601, "Cannot insert duplicate key row in object with unique index."), DuplicateKey),
        (_DriverError(1205, "Transaction was deadlocked and has been chosen as the victim."), StoreContention),
        (_DriverError(1222, "Lock request time out period exceeded."), StoreLocked),
        (_DriverError("SQL0803N One or more values are not valid because of the primary key"), DuplicateKey),
        (_DriverError("SQL0911N The current transaction has been rolled back because of a deadlock"), StoreContention),
        (_DriverError("could not serialize access", sqlstate="40001"), StoreContention),
        (_DriverError("could not extend file: No space left on device", sqlstate="53100"), StoreUnavailable),
        (_DriverError(1114, "The table 'events' is full"), StoreUnavailable),
    ],
)
def test_errors_of_databases_that_do_not_run_here(original: Exception, expected: type[StoreError]) -> None:
    assert type(translate(exc.OperationalError("INSERT", {}, original))) is expected


def test_sql_servers_duplicates_do_not_tell_the_key() -> None:
    original = _DriverError(2627, "Cannot insert duplicate key in object. The duplicate key value is (org_1, o'brien).")
    _tells_no_value(translate(exc.IntegrityError("INSERT", {}, original)))


def test_a_unit_that_was_refused_may_be_tried_again(store: Store) -> None:
    commit(store, insert("k"))
    assert type(_error_of(store, Unit([insert("k")]))) is DuplicateKey
    asyncio.run(store.commit(Unit([delete("k", 1)])))
    commit(store, insert("k"))
    assert set(stored(store)) == {"k"}
