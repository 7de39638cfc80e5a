"""An empty database of every kind, for suites that must hold on all of them.

A test that takes the fixture `database` runs once on each kind, with Bursar's schema and no rows in it;
`empty_database` has not even the schema. `on("sqlite", "postgresql")` names the kinds of a single test:
`@pytest.mark.parametrize("database", on("postgresql"), indirect=True)`.

SQL Server, Oracle and Db2 take part when BURSAR_TEST_MSSQL_URL, BURSAR_TEST_ORACLE_URL or
BURSAR_TEST_DB2_URL name a database whose contents may be thrown away.
"""

import contextlib
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from sqlalchemy import URL, Engine, NullPool, create_engine, inspect, make_url, text
from sqlalchemy.schema import DropTable

import bursar.runtime  # noqa: F401 - importing every feature is what fills the metadata
from bursar.store import schema
from bursar.store.columns import metadata
from bursar.store.engine import MEMORY_URL, Engines
from tests.services import server_url

FIREBIRD_PAGE_BYTES = 16_384  # a key may take a quarter of a page, and each of our characters counts as five bytes
EMBEDDED = ("memory", "sqlite")
SERVERS = ("postgresql", "mariadb", "firebird")
BY_INVITATION = tuple(name for name in ("mssql", "oracle", "db2") if server_url(name))
KINDS = (*EMBEDDED, *SERVERS, *BY_INVITATION)


@dataclass(frozen=True)
class Database:
    kind: str
    url: str

    def engine(self) -> Engine:
        """For looking from outside, by no code of the store's; a database in memory can only be seen by its store."""
        return create_engine(self.url, poolclass=NullPool)


def on(*kinds: str) -> list[Any]:
    """Parameters for the fixtures below. Servers are marked, so that a missing one is left out by name."""
    return [
        pytest.param(kind, id=kind, marks=[] if kind in BY_INVITATION else [pytest.mark.service(kind)])
        for kind in kinds
    ]


@pytest.fixture(scope="session")
def _databases_of_session() -> Iterator[Callable[[str], Database]]:
    """Making a database on a server costs more than most tests, so that all tests share one of each kind."""
    with contextlib.ExitStack() as made:
        known: dict[str, Database] = {}

        def database_of(kind: str) -> Database:
            if kind not in known:
                known[kind] = made.enter_context(new_database(kind))
                _upgrade(known[kind])
            return known[kind]

        yield database_of


@pytest.fixture(params=on(*KINDS))
def database(
    request: pytest.FixtureRequest, tmp_path: Path, _databases_of_session: Callable[[str], Database]
) -> Iterator[Database]:
    """Bursar's schema, and no rows."""
    if request.param == "memory":
        yield Database("memory", MEMORY_URL)  # whoever opens it must make the schema: `tests.store.stores` does
        return
    if request.param == "sqlite":
        fresh = sqlite_database(tmp_path)
        _upgrade(fresh)
        yield fresh
        return
    shared = _databases_of_session(request.param)
    _empty_tables(shared)
    yield shared


@pytest.fixture(params=on(*(kind for kind in KINDS if kind != "memory")))
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Nothing at all."""
    if request.param == "sqlite":
        yield sqlite_database(tmp_path)
        return
    with new_database(request.param) as fresh:
        yield fresh


def sqlite_database(folder: Path) -> Database:
    return Database("sqlite", f"sqlite:///{folder / 'bursar.db'}")


@contextlib.contextmanager
def new_database(kind: str) -> Iterator[Database]:
    """A database of its own on the server, gone afterwards."""
    url = make_url(server_url(kind) or "")
    name = f"bursar_test_{uuid.uuid4().hex[:12]}"
    if kind == "firebird":
        with _new_firebird_file(url, name) as own:
            yield Database(kind, own.render_as_string(hide_password=False))
    elif kind in BY_INVITATION:
        given = Database(kind, url.render_as_string(hide_password=False))
        _drop_tables(given)
        yield given
        _drop_tables(given)
    else:
        own = url.set(database=name)
        _on_server(url, f"CREATE DATABASE {name}")
        try:
            yield Database(kind, own.render_as_string(hide_password=False))
        finally:
            _on_server(url, f"DROP DATABASE {name}" + (" WITH (FORCE)" if kind == "postgresql" else ""))


@contextlib.contextmanager
def _new_firebird_file(url: URL, name: str) -> Iterator[URL]:
    from firebird.driver import connect, create_database, driver_config  # type: ignore[import-untyped]

    driver_config.db_defaults.page_size.value = FIREBIRD_PAGE_BYTES
    # Beside the file in the URL, where the server's user may write.
    file = PurePosixPath(url.database or "").with_name(f"{name}.fdb")
    access = {"user": url.username, "password": url.password, "charset": "UTF8"}
    address = f"{url.host}/{url.port or 3050}:{file}"
    create_database(address, **access).close()
    try:
        yield url.set(database=str(file))
    finally:
        connect(address, **access).drop_database()


def _on_server(url: URL, statement: str) -> None:
    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))


def _upgrade(database: Database) -> None:
    engines = Engines(database.url, readers=1, writers=1)
    try:
        schema.upgrade(engines.writing)
    finally:
        engines.close()


def _empty_tables(database: Database) -> None:
    with database.engine().begin() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())


def _drop_tables(database: Database) -> None:
    with database.engine().begin() as connection:
        present = set(inspect(connection).get_table_names())
        for table in (*reversed(metadata.sorted_tables), schema._version_table):
            if table.name in present:
                connection.execute(DropTable(table))
