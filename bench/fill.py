"""A database as it is after a while: a million objects, and the events that told of them.

What is filled is made by Bursar's own functions or copied from what they made, and every event is sealed; only
durability is left away meanwhile, and PostgreSQL gets its rows by COPY, as its rows would take far longer one by one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Connection, Engine, event, inspect, text
from sqlalchemy.sql.dml import Insert, UpdateBase

from bench.processes import BenchError
from bench.server import postgresql_settings
from bursar.accounts import repository as accounts
from bursar.accounts.service import DEVELOPMENT_ORG_ID
from bursar.app import all_endpoints  # noqa: F401 - makes every feature's tables known
from bursar.events import audit
from bursar.events.sealing import LaneSealer
from bursar.ledger.tasks import keep_books
from bursar.runtime import Runtime, running
from bursar.settings import (
    DEVELOPMENT_FINGERPRINT_KEY,
    DEVELOPMENT_SECRET,
    DEVELOPMENT_VAULT_KEY,
    FILE_VARIABLE,
    Settings,
    load,
)
from bursar.store.batch import Batches
from bursar.store.engine import Engines
from bursar.store.log import Entry
from bursar.store.unit import Change, Unit

# More readings of the clock than are counted on still end in the past.
SPARE = 1.1
# Kept keys are deleted after 72 hours: a filled database must be younger, or clearing it away is measured.
REUSED_HOURS_MAX = 36
PROGRESS_OBJECTS = 100_000
SQLITE_FAST = ("journal_mode=OFF", "synchronous=OFF", "cache_size=-1500000")

Say = Callable[[str], None]


class SteppingClock:
    """Goes on a little each time it is read, so that the rows are spread over the days."""

    def __init__(self, start: int, step: int) -> None:
        self._now = start
        self._step = step

    def now_microseconds(self) -> int:
        self._now += self._step
        return self._now


class Maker(Protocol):
    """Makes the objects of one kind, and spreads them over the time that it says."""

    # How far back the first of them lies.
    seconds_back: int
    batch_objects: int  # of one transaction

    def begin(self, org_id: str, since: int, objects: int) -> LaneSealer:
        """The sealer's clock goes with the objects; both have come to the end of the time divided by SPARE."""

    def make(self, number: int) -> Unit: ...


@dataclass(frozen=True)
class Filled:
    org_id: str
    since: int  # seconds: when its first object came
    seconds: int  # over how long they are spread


def find_filled(database_url: str, objects: int) -> Filled | None:
    """What an earlier run filled, if it is whole and young enough."""
    engines = Engines(database_url, readers=1, writers=1)
    try:
        with engines.reading.connect() as connection:
            if not inspect(connection).has_table("bench_filled"):
                return None
            row = connection.execute(text("SELECT finished, since, spread, objects FROM bench_filled")).one()
            old = time.time() - row.finished > REUSED_HOURS_MAX * 3600
            if old or row.objects != objects:
                return None
            return Filled(accounts.list_organisations(connection)[0].id, row.since, row.spread)
    finally:
        engines.close()


def fill(database_url: str, maker: Maker, objects: int, say: Say) -> Filled:
    """Fills an empty database and proves its log; raises a BenchError when the proof fails."""
    org_id = _prepare(database_url)
    started = time.monotonic()
    since = int(time.time()) - maker.seconds_back
    with _fast_connection(database_url) as connection:
        filler = _Filler(connection, maker, maker.begin(org_id, since, objects))
        for first in range(0, objects, maker.batch_objects):
            done = min(first + maker.batch_objects, objects)
            with connection.begin():
                filler.batch(first, done)
            if done % PROGRESS_OBJECTS == 0:
                say(f"{done:,} after {time.monotonic() - started:.0f} s")
    with _running(database_url) as runtime:  # what a server would have done by and by
        asyncio.run(keep_books(runtime.store, runtime.ids, runtime.clock))
    filled = Filled(org_id, since, int(maker.seconds_back / SPARE))
    _finish(database_url, filled, objects)
    say(f"filled in {time.monotonic() - started:.0f} s; now walking the log")
    _prove(database_url, say)
    return filled


class _Filler:
    def __init__(self, connection: Connection, maker: Maker, sealer: LaneSealer) -> None:
        self._connection = connection
        self._maker = maker
        self._sealer = sealer
        self._execute = _copy if connection.dialect.name == "postgresql" else Batches(connection.dialect).execute

    def batch(self, first: int, behind: int) -> None:
        groups: dict[UpdateBase, list[Change]] = {}
        entries: list[Entry] = []
        for number in range(first, behind):
            unit = self._maker.make(number)
            for change in unit.changes:
                groups.setdefault(change.statement, []).append(change)
            entries += unit.entries
        for statement, changes in groups.items():
            self._execute(self._connection, statement, changes)
        self._sealer.seal(self._connection, entries, self._execute)
        self._sealer.committed()


def _copy(connection: Connection, statement: UpdateBase, changes: Sequence[Change]) -> None:
    assert isinstance(statement, Insert), "only rows that are new are copied"
    columns = ", ".join(changes[0].row)
    driver = connection.connection.driver_connection
    assert driver is not None
    with driver.cursor() as cursor, cursor.copy(f"COPY {statement.table.name} ({columns}) FROM STDIN") as copy:
        for change in changes:
            copy.write_row(tuple(change.row.values()))


@contextmanager
def _running(database_url: str) -> Iterator[Runtime]:
    if database_url.startswith("sqlite"):
        # The fixed keys of `bursar dev` are hashed with its fixed secret.
        settings = Settings(
            database_url=database_url,
            secret_key=DEVELOPMENT_SECRET,
            vault_key=DEVELOPMENT_VAULT_KEY,
            vault_fingerprint_key=DEVELOPMENT_FINGERPRINT_KEY,
            development=True,
        )
    else:
        settings = load(None, postgresql_settings(database_url) | {FILE_VARIABLE: ""})
    with running(settings) as runtime:
        yield runtime


def _prepare(database_url: str) -> str:
    """Brings up an empty database with an organisation; its id."""
    with _running(database_url) as runtime:
        if not runtime.settings.development:
            return runtime.accounts.create_organisation("bench").id
        runtime.accounts.seed_development()
        return DEVELOPMENT_ORG_ID


@contextmanager
def _fast_connection(database_url: str) -> Iterator[Connection]:
    """Without durability: what is lost in a crash is filled again."""
    engines = Engines(database_url, readers=1, writers=1)
    try:
        if engines.dialect_name == "sqlite":
            _hurry_sqlite(engines.writing)
        with engines.writing.connect() as connection:
            if engines.dialect_name == "postgresql":
                connection.execute(text("SET synchronous_commit = off"))
                connection.commit()
            yield connection
    finally:
        engines.close()


def _hurry_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def configure(connection: object, _record: object) -> None:
        cursor = connection.cursor()  # type: ignore[attr-defined]
        for pragma in SQLITE_FAST:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()


def _finish(database_url: str, filled: Filled, objects: int) -> None:
    """The statistics that autovacuum would have made by and by; then the mark that it is whole."""
    engines = Engines(database_url, readers=1, writers=1)
    columns = "finished BIGINT, since BIGINT, spread BIGINT, objects BIGINT"
    try:
        if engines.dialect_name == "postgresql":
            with engines.writing.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text("VACUUM ANALYZE"))
        with engines.writing.begin() as connection:
            connection.execute(text(f"CREATE TABLE bench_filled ({columns})"))
            row = {
                "finished": int(time.time()),
                "since": filled.since,
                "spread": filled.seconds,
                "objects": objects,
            }
            connection.execute(text("INSERT INTO bench_filled VALUES (:finished, :since, :spread, :objects)"), row)
    finally:
        engines.close()


def _prove(database_url: str, say: Say) -> None:
    engines = Engines(database_url, readers=1, writers=1)
    try:
        with engines.reading.connect() as connection:
            started = time.monotonic()
            report = audit.verify(audit.snapshot(connection))
    finally:
        engines.close()
    if not report.whole:
        raise BenchError(f"the filled log is not whole: {report.problems[:3]}")
    say(f"the log is whole: {report.rows:,} rows in {report.chains} chains, {time.monotonic() - started:.0f} s")
