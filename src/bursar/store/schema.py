"""Brings a database to this version's schema, or refuses one that is newer."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Column, Connection, Engine, MetaData, String, Table, inspect, select, text
from sqlalchemy.exc import SQLAlchemyError

from bursar.store.columns import MYSQL_TABLE_OPTIONS, metadata
from bursar.store.errors import (
    DuplicateKey,
    SchemaTooNew,
    SchemaTooOld,
    StoreContention,
    StoreDefect,
    StoreError,
    StoreUnavailable,
    translate,
)
from bursar.store.migrations import HEAD

MIGRATIONS = Path(__file__).parent / "migrations"
VERSION_TABLE = "bursar_schema"
_version_table = Table(
    VERSION_TABLE, MetaData(), Column("version_num", String(32), primary_key=True), **MYSQL_TABLE_OPTIONS
)
LOCK_NUMBER = 8_420_001  # any number, as long as every version uses the same
LOCK_WAIT_SECONDS = 60
# Databases on which processes that start together queue up; on the others whoever loses looks again.
LOCKING_BACKENDS = frozenset({"sqlite", "postgresql", "mysql", "mariadb"})
RACES_MAX = 60
RACE_PAUSE_SECONDS = 0.25
# Here a new table is either committed at once or cannot be written to before it is.
COMMITTED_DDL_BACKENDS = frozenset({"mysql", "mariadb", "oracle", "firebird"})

_alone_in_this_process = threading.Lock()  # Alembic keeps its context in globals
logger = logging.getLogger(__name__)


def current_version(engine: Engine) -> str | None:
    """What the database says of itself; None when it is empty, or was left half made."""
    try:
        with engine.connect() as connection:
            return _read_version(connection)
    except SQLAlchemyError as problem:
        raise translate(problem) from problem


def check_version(version: str | None) -> None:
    if version is not None and version > HEAD:
        raise SchemaTooNew(
            f"The database has schema {version}, this version of Bursar knows up to {HEAD}. Run the version that "
            "upgraded it, or a newer one; going back needs a backup from before the upgrade."
        )


def require_version(version: str | None) -> None:
    """For those who may not change the schema: it must be today's."""
    check_version(version)
    if version != HEAD:
        raise SchemaTooOld(
            f"The database has {'no schema' if version is None else f'schema {version}'}, this version of Bursar needs "
            f"{HEAD}. Run `bursar migrate`, or let the server do it by BURSAR_MIGRATE_AT_START=true."
        )


def upgrade(engine: Engine) -> tuple[str | None, str]:
    """Applies what is missing. Safe to run by several processes at once; says from where to where it went."""
    before = current_version(engine)
    check_version(before)
    if before == HEAD:
        return before, HEAD
    for races_left in reversed(range(RACES_MAX)):
        try:
            _bring_up_alone(engine)
            break
        except StoreError as problem:
            lost_a_race = isinstance(problem, StoreContention | StoreDefect | DuplicateKey)
            if not lost_a_race or not races_left or _backend(engine) in LOCKING_BACKENDS:
                raise
            logger.info("another process may be at the schema: %s", problem)
            time.sleep(RACE_PAUSE_SECONDS)
    logger.info("the schema went from %s to %s", before or "nothing", HEAD)
    return before, HEAD


def _bring_up_alone(engine: Engine) -> None:
    try:
        with _alone_in_this_process, engine.connect() as connection, _one_at_a_time(connection):
            _bring_up(connection)
            connection.commit()
    except SQLAlchemyError as problem:
        raise translate(problem) from problem


def _bring_up(connection: Connection) -> None:
    """An empty database gets today's tables at once; one with data takes the steps that it has not taken.

    Both ways lead to the same schema: a test holds them against each other.
    """
    version = _read_version(connection)  # again, as somebody else may have come first
    check_version(version)
    if version is None:
        _create(connection)
    elif version != HEAD:
        _run_steps(connection)


def _create(connection: Connection) -> None:
    """Also completes what an earlier start left half made, where each table is committed by itself."""
    for table in _known_tables().sorted_tables:
        table.create(connection, checkfirst=True)
        for index in table.indexes:
            index.create(connection, checkfirst=True)
    _version_table.create(connection, checkfirst=True)
    if _backend(connection) in COMMITTED_DDL_BACKENDS:
        connection.commit()
    # The version comes last: a database without one is not ready.
    connection.execute(_version_table.insert().values(version_num=HEAD))


def _known_tables() -> MetaData:
    """Importing a feature's tables is what puts them into the metadata; whoever made the engine has done so."""
    assert "events" in metadata.tables, "the tables are not imported"
    return metadata


def _read_version(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    version = connection.execute(select(_version_table.c.version_num)).scalar()
    return str(version) if version is not None else None


def _run_steps(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, HEAD)


@contextmanager
def _one_at_a_time(connection: Connection) -> Iterator[None]:
    """Lets go after the commit, so that whoever waited sees all of it. SQLite's lock is BEGIN IMMEDIATE."""
    backend = _backend(connection)
    if backend == "postgresql":
        connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_WAIT_SECONDS}s'"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": LOCK_NUMBER})
        yield
    elif backend in ("mysql", "mariadb"):
        name = {"name": f"bursar-{LOCK_NUMBER}", "seconds": LOCK_WAIT_SECONDS}
        if connection.execute(text("SELECT GET_LOCK(:name, :seconds)"), name).scalar() != 1:
            raise StoreUnavailable(f"another process has been upgrading the schema for {LOCK_WAIT_SECONDS} seconds")
        try:
            yield
        finally:
            connection.execute(text("SELECT RELEASE_LOCK(:name)"), name)
    else:
        yield


def _backend(bind: Engine | Connection) -> str:
    """Firebird's dialect calls itself by its driver as well."""
    return bind.dialect.name.partition(".")[0]
