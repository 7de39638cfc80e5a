"""Engines: what each kind of database needs to be told once per connection."""

from __future__ import annotations

import itertools
import sqlite3
import time
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import QueuePool

from bursar.store.errors import DatabaseNotSupported

LOCK_WAIT_SECONDS = 5  # another process may hold a lock for one batch, never for long
SWITCH_PAUSE_SECONDS = 0.02
SQLITE_CACHE_KIB = 32_768
# About 256 MiB of log. A thread copies it into the file beside the commits; beyond this a commit finishes that.
SQLITE_LOG_PAGES_MAX = 64_000
FIREBIRD_LOCK_WAIT_SECONDS = 1  # it calls a wait that is over a conflict, as it does a deadlock: both are tried again
CONNECT_TIMEOUT_SECONDS = 5
SILENCE_SECONDS_MAX = 15  # of the network, before a connection counts as lost
STATEMENT_SECONDS_MAX = 60  # where the driver cannot tell a lost connection from a long statement
POOL_WAIT_SECONDS = 5
MEMORY_URL = "memory://"

_memory_numbers = itertools.count(1)


class Engines:
    """One engine for writing and one for reading the same database."""

    def __init__(self, url: str, *, readers: int, writers: int) -> None:
        try:
            self.url = parse_url(url)
            self.dialect_name = self.url.get_backend_name()
            self.writing = _create(self.url, pool_size=writers, writing=True)
            self.reading = _create(self.url, pool_size=readers, writing=False)
        except (ArgumentError, ImportError, ValueError) as problem:
            raise DatabaseNotSupported(_remedy(url, problem)) from None
        # A database in memory lives as long as somebody is connected to it.
        self._keepalive = self.writing.raw_connection() if is_memory(self.url) else None

    def close(self) -> None:
        if self._keepalive is not None:
            self._keepalive.close()
        self.reading.dispose()
        self.writing.dispose()


def parse_url(url: str) -> URL:
    """Accepts SQLAlchemy's URLs, `memory://`, and the short forms people write."""
    if url == MEMORY_URL:
        return make_url(f"sqlite:///file:/bursar-memory-{next(_memory_numbers)}?vfs=memdb&uri=true")
    short = {
        "postgres": "postgresql+psycopg",
        "postgresql": "postgresql+psycopg",
        "mysql": "mysql+pymysql",
        "mariadb": "mysql+pymysql",
        "firebird": "firebird+firebird",
    }
    scheme = urlsplit(url).scheme
    # MariaDB is spoken to as MySQL, whatever the URL calls it: one dialect, and one set of settings.
    wanted = short.get(scheme, scheme.replace("mariadb+", "mysql+", 1))
    return make_url(url.replace(scheme, wanted, 1))


def _remedy(url: str, problem: Exception) -> str:
    """The address itself may hold a password, so only its beginning is told."""
    scheme, separator, _ = url.partition("://")
    scheme = scheme[:40] if separator else "something else"
    if isinstance(problem, ImportError):
        return (
            f"The driver for {scheme} is not installed. Install bursar[postgresql], bursar[mysql] or bursar[firebird]; "
            "other databases need their own driver for SQLAlchemy."
        )
    return (
        f"BURSAR_DATABASE_URL begins with {scheme} and is no address of a database that is known. It looks like "
        "postgresql://user@host/database, mariadb://…, firebird://… or sqlite:////path/to/file.db."
    )


def is_memory(url: URL) -> bool:
    return url.get_backend_name() == "sqlite" and "memdb" in str(url)


def describe_url(url: URL) -> str:
    return url.render_as_string(hide_password=True)


def _create(url: URL, *, pool_size: int, writing: bool) -> Engine:
    backend = url.get_backend_name()
    options: dict[str, Any] = {
        "pool_size": pool_size + 1,  # one more for migrations, doctor and the like
        "max_overflow": 2,
        "pool_timeout": POOL_WAIT_SECONDS,
        "poolclass": QueuePool,
        "hide_parameters": True,  # row values may be personal, and errors are logged
    }
    connect_args: dict[str, Any] = {}
    if backend == "sqlite":
        # Transactions are begun by hand below: the driver's own way would begin them too late.
        connect_args = {
            "isolation_level": None,
            "check_same_thread": False,
            "timeout": LOCK_WAIT_SECONDS,
        }
    elif backend == "postgresql":
        # A server that vanished without a word is noticed too, and not waited for as long as TCP would.
        connect_args = {
            "connect_timeout": CONNECT_TIMEOUT_SECONDS,
            "tcp_user_timeout": SILENCE_SECONDS_MAX * 1000,
            "keepalives_idle": SILENCE_SECONDS_MAX,
        }
    elif backend == "mysql":
        connect_args = {
            "connect_timeout": CONNECT_TIMEOUT_SECONDS,
            "read_timeout": STATEMENT_SECONDS_MAX,
            "write_timeout": STATEMENT_SECONDS_MAX,
        }
        # Readers must see what was committed a moment ago, as on every other database here.
        options["isolation_level"] = "READ COMMITTED"
    if backend != "sqlite" and not writing:
        # A reader may have slept through a restart of the server; the writer finds out by itself.
        options["pool_pre_ping"] = True
    engine = create_engine(url, connect_args=connect_args, **options)
    if backend == "sqlite":
        _prepare_sqlite(engine, writing=writing, memory=is_memory(url))
    elif writing:
        _bound_lock_waits(engine, backend)
    if backend == "firebird":
        # The dialect ends broken connections by a method that its driver lacks, and so would leave them open.
        engine.dialect.do_terminate = engine.dialect.do_close  # type: ignore[method-assign]
    return engine


def _bound_lock_waits(engine: Engine, backend: str) -> None:
    """A process that sleeps within a transaction must not put all writers to sleep."""

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        if backend == "firebird":
            from firebird.driver import Isolation, tpb  # type: ignore[import-untyped]

            bounded = tpb(Isolation.SNAPSHOT, lock_timeout=FIREBIRD_LOCK_WAIT_SECONDS)
            connection.default_tpb = connection.main_transaction.default_tpb = bounded
            return
        statements = {
            "postgresql": f"SET lock_timeout = '{LOCK_WAIT_SECONDS}s'",
            "mysql": f"SET SESSION innodb_lock_wait_timeout = {LOCK_WAIT_SECONDS}",
            "mssql": f"SET LOCK_TIMEOUT {LOCK_WAIT_SECONDS * 1000}",
        }
        if backend in statements:
            with connection.cursor() as cursor:
                cursor.execute(statements[backend])
            connection.commit()


def _switch_to_log(cursor: Any) -> None:
    """SQLite's own wait for locks does not cover this: of several that open a new file at once, one switches it."""
    deadline = time.monotonic() + LOCK_WAIT_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as problem:
            if "locked" not in str(problem) or time.monotonic() > deadline:
                raise
            time.sleep(SWITCH_PAUSE_SECONDS)
        else:
            return


def _prepare_sqlite(engine: Engine, *, writing: bool, memory: bool) -> None:
    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        if not memory:
            _switch_to_log(cursor)
        # FULL makes each commit durable before it is answered; NORMAL may lose acknowledged ones.
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute(f"PRAGMA cache_size=-{SQLITE_CACHE_KIB}")
        cursor.execute(f"PRAGMA wal_autocheckpoint={SQLITE_LOG_PAGES_MAX}")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    begin = "BEGIN IMMEDIATE" if writing else "BEGIN"

    @event.listens_for(engine, "begin")
    def start(connection: Any) -> None:
        connection.exec_driver_sql(begin)
