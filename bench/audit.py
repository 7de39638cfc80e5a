"""`python -m bench.audit`: how long a page of the audit trail takes in a log of a million rows, by filter.

With the server: `scripts/services run postgresql -- .venv/bin/python -m bench.audit`.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

import bursar.app  # noqa: F401 - makes every feature's tables known
from bench.fill import SteppingClock
from bursar.audit import repository
from bursar.audit.files import encoder
from bursar.audit.schemas import AuditFilters
from bursar.events.tables import events
from bursar.http.params import TimeRange
from bursar.kit.ids import IdFactory
from bursar.store import schema
from bursar.store.engine import Engines
from tests.databases import new_database

FOLDER = Path("/var/tmp")  # noqa: S108 - a folder of its own is made in it
ORG = "acct_bench"
START = 1_800_000_000_000_000
TYPES = ("payment_intent.created", "payment_intent.succeeded", "charge.succeeded", "customer.created")
DOCUMENT = '{"object":{"id":"pi_1","object":"payment_intent","metadata":{"order":"' + "x" * 600 + '"}}}'
REPEATS = 7
BATCH = 20_000


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory(prefix="bursar-bench-", dir=FOLDER) as folder:
        _measure("sqlite", f"sqlite:///{folder}/bursar.db", rows)
    if os.environ.get("BURSAR_TEST_POSTGRESQL_URL"):
        with new_database("postgresql") as database:
            _measure("postgresql", database.url, rows)


def _measure(name: str, url: str, count: int) -> None:
    engines = Engines(url, readers=1, writers=1)
    schema.upgrade(engines.writing)
    _fill(engines, count)
    with engines.reading.connect() as connection:
        last = repository.step(connection, _wanted(AuditFilters()), 1, newest_first=True).rows[0]
        first = repository.step(connection, _wanted(AuditFilters()), 1, newest_first=False).rows[0]
        middle = (first.created + last.created) // 2
        cases = {
            "no filter": AuditFilters(),
            "a time in the middle": AuditFilters(created=TimeRange(lt=middle)),
            "a type": AuditFilters(type="charge.succeeded"),
            "a type that never occurs": AuditFilters(type="bursar.wallet.created"),
            "a group of types that never occurs": AuditFilters(type="bursar.wallet.*"),
            "an actor of every hundredth row": AuditFilters(actor="key_7"),
            "an actor that never occurs": AuditFilters(actor="usr_nobody"),
            "an address that never occurs": AuditFilters(address="203.0.113.1"),
            "an object from the middle": AuditFilters(object=_id_at(middle)),
            "a request that is not there": AuditFilters(request="req_nobody"),
            "an actor that never occurs, of one type": AuditFilters(actor="usr_nobody", type="charge.succeeded"),
        }
        slowest = 0.0
        for case, filters in cases.items():
            milliseconds = _step_ms(connection, filters)
            slowest = max(slowest, milliseconds)
            print(f"{name}, {count:,} rows, {case}: {milliseconds:.1f} ms a step")
        print(f"{name}: slowest {slowest:.1f} ms")
        _measure_export(name, connection)
    engines.close()


def _step_ms(connection: Connection, filters: AuditFilters) -> float:
    """The slowest of several steps: the first looks at the newest rows, the others go on from there."""
    times = []
    asked: repository.Wanted | None = _wanted(filters)
    for _ in range(REPEATS):
        if asked is None:
            break
        started = time.perf_counter()
        asked = repository.step(connection, asked, 100, newest_first=True).wanted
        times.append(time.perf_counter() - started)
    return max(times) * 1000


def _measure_export(name: str, connection: Connection) -> None:
    encode = encoder("csv")
    asked: repository.Wanted | None = _wanted(AuditFilters())
    rows = size = 0
    started = time.perf_counter()
    while asked is not None and rows < 100_000:
        step = repository.step(connection, asked, 500, newest_first=False)
        rows, size, asked = rows + len(step.rows), size + len(encode(step.rows)), step.wanted
    print(f"{name}: export as CSV {rows / (time.perf_counter() - started):,.0f} rows/s, {size / rows:.0f} bytes a row")


def _wanted(filters: AuditFilters) -> repository.Wanted:
    return repository.wanted(ORG, filters, START * 2)


def _id_at(epoch_seconds: int) -> str:
    return IdFactory(SteppingClock(epoch_seconds * 1_000_000, 1)).new("pi")


def _fill(engines: Engines, count: int) -> None:
    """Rows as they look, without their seals, which nothing here reads."""
    rows = _rows(count)
    with engines.writing.begin() as connection:
        if engines.dialect_name == "postgresql":
            _copy(connection, rows)
        else:
            while batch := [row for _, row in zip(range(BATCH), rows, strict=False)]:
                connection.execute(events.insert(), batch)
    with engines.writing.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))


def _copy(connection: Connection, rows: Iterator[dict[str, Any]]) -> None:
    names = [column.name for column in events.columns]
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY events ({', '.join(names)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row([row[name] for name in names])


def _rows(count: int) -> Iterator[dict[str, Any]]:
    clock = SteppingClock(START, 1_000_000)
    ids, others = IdFactory(clock), IdFactory(clock)
    for number in range(count):
        event_id, created = ids.new_with_time("evt")
        yield {
            "org_id": ORG,
            "livemode": number % 2,
            "id": event_id,
            "lane": 0,
            "sequence_number": number,
            "event_type": TYPES[number % len(TYPES)],
            "created": created,
            "object_id": others.new("pi"),
            "actor": f"key_{number % 100}",
            "address": f"192.0.2.{number % 250}",
            "request_id": others.new("req"),
            "idempotency_key": None,
            "api_version": "2026-10-01",
            "data": DOCUMENT,
            "row_hash": "0" * 64,
        }


if __name__ == "__main__":
    main()
