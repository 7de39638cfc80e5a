"""A database as it is after a while: a million customers, and two million events that told of them.

Documents, terms, idempotency keys and seals are made by Bursar's own functions; only durability is left
away while it is filled, and PostgreSQL gets its rows by COPY, as its rows would take far longer one by one.
"""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, event, inspect, text
from sqlalchemy.sql.dml import Insert, UpdateBase

from bench.processes import BenchError
from bursar.accounts import repository as accounts
from bursar.accounts.service import DEVELOPMENT_ORG_ID
from bursar.app import all_endpoints  # noqa: F401 - makes every feature's tables known
from bursar.customers import repository
from bursar.customers.rules import changed
from bursar.customers.schemas import Customer, CustomerParams
from bursar.events import audit
from bursar.events.sealing import LaneSealer
from bursar.http import idempotency
from bursar.http.authentication import Principal
from bursar.http.call import Call
from bursar.http.endpoint import encode
from bursar.kit.clock import MICROSECONDS_PER_SECOND, seconds
from bursar.kit.ids import IdFactory
from bursar.runtime import running
from bursar.settings import DEVELOPMENT_SECRET, Settings
from bursar.store.batch import Batches
from bursar.store.engine import Engines
from bursar.store.log import Entry, differences
from bursar.store.unit import Change

CUSTOMERS = 1_000_000
BATCH_CUSTOMERS = 5_000
DAYS = 90  # over which the customers came
CLOCK_READINGS = 2.2  # for one customer: two ids, or two events; the rest keeps the end in the past
DELETED_EVERY = 10_000  # a rare type among millions is what an index must prove itself by
KEYS_WITHIN_SECONDS = 20 * 3600
# Kept keys are deleted after 72 hours: a filled database must be younger, or clearing it away is measured.
REUSED_HOURS_MAX = 36
PROGRESS_CUSTOMERS = 100_000
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


@dataclass(frozen=True)
class Filled:
    org_id: str
    since: int  # seconds: when its first customer came


def find_filled(database_url: str, customers: int) -> Filled | None:
    """What an earlier run filled, if it is whole and young enough."""
    engines = Engines(database_url, readers=1, writers=1)
    try:
        with engines.reading.connect() as connection:
            if not inspect(connection).has_table("bench_filled"):
                return None
            row = connection.execute(text("SELECT finished, since, customers FROM bench_filled")).one()
            old = time.time() - row.finished > REUSED_HOURS_MAX * 3600
            if old or row.customers != customers:
                return None
            return Filled(accounts.list_organisations(connection)[0].id, row.since)
    finally:
        engines.close()


def fill(database_url: str, customers: int, say: Say) -> Filled:
    """Fills an empty database and proves its log; raises a BenchError when the proof fails."""
    org_id = _prepare(database_url)
    started = time.monotonic()
    since = int(time.time()) - DAYS * 86_400
    with _fast_connection(database_url) as connection:
        filler = _Filler(connection, org_id, since, customers)
        for done in range(0, customers, BATCH_CUSTOMERS):
            with connection.begin():
                filler.batch(done, min(done + BATCH_CUSTOMERS, customers))
            if (done + BATCH_CUSTOMERS) % PROGRESS_CUSTOMERS == 0:
                say(f"{done + BATCH_CUSTOMERS:,} customers after {time.monotonic() - started:.0f} s")
    _finish(database_url, since, customers)
    say(f"filled in {time.monotonic() - started:.0f} s; now walking the log")
    _prove(database_url, say)
    return Filled(org_id, since)


class _Filler:
    def __init__(self, connection: Connection, org_id: str, since: int, customers: int) -> None:
        self._connection = connection
        self._org_id = org_id
        self._execute = _copy if connection.dialect.name == "postgresql" else Batches(connection.dialect).execute
        step = int(DAYS * 86_400 * MICROSECONDS_PER_SECOND / (customers * CLOCK_READINGS))
        # A clock for each, as a batch makes all its customers before it seals what is told of them.
        self._ids = IdFactory(SteppingClock(since * MICROSECONDS_PER_SECOND, step))
        self._sealer = LaneSealer(SteppingClock(since * MICROSECONDS_PER_SECOND, step))
        self._principal = Principal(org_id, 0, "key_bench")
        self._key_step = KEYS_WITHIN_SECONDS * MICROSECONDS_PER_SECOND // customers
        self._first_key = time.time_ns() // 1000 - KEYS_WITHIN_SECONDS * MICROSECONDS_PER_SECOND

    def batch(self, first: int, behind: int) -> None:
        groups: dict[UpdateBase, list[Change]] = {}
        entries: list[Entry] = []
        for number in range(first, behind):
            changes, told = self._customer(number)
            for change in changes:
                groups.setdefault(change.statement, []).append(change)
            entries += told
        for statement, changes in groups.items():
            self._execute(self._connection, statement, changes)
        self._sealer.seal(self._connection, entries, self._execute)
        self._sealer.committed()

    def _customer(self, number: int) -> tuple[list[Change], list[Entry]]:
        """Made, then changed, now and then deleted: what is there at the end, and what was told."""
        params = CustomerParams(
            email=f"customer.{number:x}@example.com",
            name=f"Jenny Rosen {number:x}",
            metadata={"order_id": f"{number:x}"},
        )
        call = Call(self._principal, self._ids.new("req"), "127.0.0.1", str(uuid.uuid4()))
        customer_id, now = self._ids.new_with_time(repository.PREFIX)
        before = changed(Customer(id=customer_id, created=seconds(now), livemode=False), params)
        made = encode(before)
        print_of_request = idempotency.fingerprint("POST", "/v1/customers", params)
        kept = idempotency.keep_answer(call, self._first_key + number * self._key_step, print_of_request, 200, made)
        told = [self._entry(call, "customer.created", customer_id, made)]
        if number % DELETED_EVERY == DELETED_EVERY - 1:
            told.append(self._entry(call, "customer.deleted", customer_id, made))
            tombstone = {"org_id": self._org_id, "livemode": 0, "id": customer_id}
            return [kept, Change(repository.INSERT_DELETED, tombstone)], told
        after = changed(before, CustomerParams(description=f"Order {number}"))
        document = encode(after)
        update = self._entry(call, "customer.updated", customer_id, document)
        update.previous_attributes = differences(made, document)
        changes = repository.insertion(self._org_id, 0, after, document)
        changes[0].row["version"] = 2
        return [kept, *changes], [*told, update]

    def _entry(self, call: Call, event_type: str, customer_id: str, document: bytes) -> Entry:
        return Entry(self._org_id, 0, event_type, customer_id, document, origin=call.origin())


def _copy(connection: Connection, statement: UpdateBase, changes: Sequence[Change]) -> None:
    assert isinstance(statement, Insert), "only rows that are new are copied"
    columns = ", ".join(changes[0].row)
    driver = connection.connection.driver_connection
    assert driver is not None
    with driver.cursor() as cursor, cursor.copy(f"COPY {statement.table.name} ({columns}) FROM STDIN") as copy:
        for change in changes:
            copy.write_row(tuple(change.row.values()))


def _prepare(database_url: str) -> str:
    """Brings up an empty database with an organisation; its id."""
    development = database_url.startswith("sqlite")
    # The fixed keys of `bursar dev` are hashed with its fixed secret; on PostgreSQL each run makes a key anew.
    secret = DEVELOPMENT_SECRET if development else secrets.token_hex(32)
    settings = Settings(database_url=database_url, secret_key=secret, development=development)
    with running(settings) as runtime:
        if not development:
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


def _finish(database_url: str, since: int, customers: int) -> None:
    """The statistics that autovacuum would have made by and by; then the mark that it is whole."""
    engines = Engines(database_url, readers=1, writers=1)
    try:
        if engines.dialect_name == "postgresql":
            with engines.writing.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text("VACUUM ANALYZE"))
        with engines.writing.begin() as connection:
            connection.execute(text("CREATE TABLE bench_filled (finished BIGINT, since BIGINT, customers BIGINT)"))
            row = {"finished": int(time.time()), "since": since, "customers": customers}
            connection.execute(text("INSERT INTO bench_filled VALUES (:finished, :since, :customers)"), row)
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
