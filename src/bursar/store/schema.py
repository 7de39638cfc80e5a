"""Brings a database to this version's schema, or refuses one that is newer."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Column, Connection, Engine, MetaData, String, Table, inspect, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.schema import CreateTable

from bursar.store.columns import metadata
from bursar.store.errors import SchemaTooNew, translate
from bursar.store.migrations import HEAD

VERSION_TABLE = "bursar_schema"
_version_table = Table(VERSION_TABLE, MetaData(), Column("version_num", String(32), primary_key=True))
LOCK_NUMBER = 8_420_001  # any number, as long as every version uses the same
LOCK_WAIT_SECONDS = 60

logger = logging.getLogger(__name__)


def current_version(engine: Engine) -> str | None:
    """What the database says of itself; None when it is empty."""
    try:
        with engine.connect() as connection:
            if not inspect(connection).has_table(VERSION_TABLE):
                return None
            version = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608
            return str(version) if version is not None else None
    except SQLAlchemyError as problem:
        raise translate(problem) from problem


def check_version(version: str | None) -> None:
    if version is not None and version > HEAD:
        raise SchemaTooNew(
            f"The database has schema {version}, this version of Bursar knows up to {HEAD}. Run the version that "
            "upgraded it, or a newer one; going back needs a backup from before the upgrade."
        )


def upgrade(engine: Engine) -> tuple[str | None, str]:
    """Applies what is missing. Safe to run by several processes at once; says from where to where it went."""
    before = current_version(engine)
    check_version(before)
    if before == HEAD:
        return before, HEAD
    try:
        with engine.connect() as connection, connection.begin(), _one_at_a_time(connection):
            _bring_up(connection)
    except SQLAlchemyError as problem:
        raise translate(problem) from problem
    logger.info("the schema went from %s to %s", before or "nothing", HEAD)
    return before, HEAD


def _bring_up(connection: Connection) -> None:
    """An empty database gets today's tables at once; one with data takes the steps that it has not taken.

    Both ways lead to the same schema: a test holds them against each other.
    """
    if inspect(connection).has_table(VERSION_TABLE):
        _run_steps(connection)
        return
    _known_tables().create_all(connection)
    connection.execute(CreateTable(_version_table))
    connection.execute(_version_table.insert().values(version_num=HEAD))


def _known_tables() -> MetaData:
    """Importing a feature's tables is what puts them into the metadata; whoever made the engine has done so."""
    assert "events" in metadata.tables, "the tables are not imported"
    return metadata


def _run_steps(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, HEAD)


@contextmanager
def _one_at_a_time(connection: Connection) -> Iterator[None]:
    """SQLite's write lock is held by BEGIN IMMEDIATE already; Firebird lets only one change the catalogue."""
    backend = connection.dialect.name
    if backend == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": LOCK_NUMBER})
        yield
    elif backend in ("mysql", "mariadb"):
        name = {"name": f"bursar-{LOCK_NUMBER}", "seconds": LOCK_WAIT_SECONDS}
        connection.execute(text("SELECT GET_LOCK(:name, :seconds)"), name)
        try:
            yield
        finally:
            connection.execute(text("SELECT RELEASE_LOCK(:name)"), name)
    else:
        yield
