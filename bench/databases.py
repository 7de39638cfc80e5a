"""Databases for one measurement each, on the PostgreSQL server that we are given."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import URL, Select, create_engine, make_url

from bench.processes import cpu_seconds, parent_of

VARIABLE = "BURSAR_TEST_POSTGRESQL_URL"
CONNECT_SECONDS_MAX = 10
SETTINGS_SHOWN = ("server_version", "data_directory", "fsync", "synchronous_commit", "shared_buffers")


class PostgreSQL:
    """The server, and what the measurements need of it besides SQL."""

    def __init__(self, url: str) -> None:
        self._url = make_url(url).set(drivername="postgresql")
        with self._connect() as connection:
            backend = connection.info.backend_pid
            self.facts = {name: str(_scalar(connection, f"SHOW {name}")) for name in SETTINGS_SHOWN}
            self._postmaster: int | None = parent_of(backend) if self._is_here() else None

    @classmethod
    def from_environment(cls) -> PostgreSQL | None:
        url = os.environ.get(VARIABLE)
        return cls(url) if url else None

    def url(self, database: str) -> str:
        return self._url.set(database=database).render_as_string(hide_password=False)

    def sqlalchemy_url(self, database: str) -> URL:
        return self._url.set(drivername="postgresql+psycopg", database=database)

    def cpu_seconds(self) -> float | None:
        """Of all its processes, those included that ended with their connection; None if it is elsewhere."""
        return cpu_seconds(self._postmaster) if self._postmaster else None

    def on_device(self) -> int | None:
        """The file system of its data; None where we may not look."""
        try:
            return Path(self.facts["data_directory"]).stat().st_dev if self._is_here() else None
        except OSError:
            return None

    def exists(self, database: str) -> bool:
        with self._connect() as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone()
        return found is not None

    def create(self, database: str) -> None:
        self._run("CREATE DATABASE {}", database)

    def drop(self, database: str) -> None:
        self._run("DROP DATABASE IF EXISTS {} WITH (FORCE)", database)

    def checkpoint(self) -> None:
        """Nobody starts with the dirty pages of whoever was measured before."""
        self._run("CHECKPOINT")

    @contextmanager
    def temporary(self, purpose: str) -> Iterator[str]:
        """A database of its own for one measurement; its name tells whose it is."""
        name = f"bursar_bench_{os.getpid()}_{purpose}"
        try:
            self.drop(name)
            self.create(name)
            yield name
        finally:
            self.drop(name)

    def _connect(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            self._url.render_as_string(hide_password=False), autocommit=True, connect_timeout=CONNECT_SECONDS_MAX
        )

    def _run(self, statement: str, *names: str) -> None:
        with self._connect() as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

    def _is_here(self) -> bool:
        return self._url.host in (None, "localhost", "127.0.0.1", "::1")


def migrate(database_url: str) -> None:
    """Bursar's own tables, all of them: the application is what knows every feature's."""
    from bursar import app  # noqa: F401
    from bursar.store import schema
    from bursar.store.engine import Engines

    engines = Engines(database_url, readers=1, writers=1)
    try:
        schema.upgrade(engines.writing)
    finally:
        engines.close()


def _scalar(connection: psycopg.Connection[tuple[object, ...]], statement: str) -> object:
    row = connection.execute(statement).fetchone()
    return row[0] if row else None


def count(database_url: str, queries: Mapping[str, Select[int]]) -> dict[str, int]:
    """Read past the server under test: what it answered must really be there."""
    url = make_url(database_url)
    if url.get_backend_name() == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return {name: connection.execute(query).scalar_one() for name, query in queries.items()}
    finally:
        engine.dispose()
