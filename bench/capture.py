"""What one real request writes, taken from the product while it does it.

A request goes through Bursar's own dispatcher, on a database in memory and with the real bank. What the writer
sends to the database meanwhile is recorded, transaction by transaction, and so are the rows that are there at
the end. Nothing is copied by hand, so whoever is made from this stays true when Bursar's statements change.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import msgspec
from sqlalchemy import Connection, Engine, Table, event, select
from sqlalchemy.sql.dml import UpdateBase

from bench.bank import Bank, running_bank
from bench.cases import ORDER, Case
from bench.processes import BenchError
from bursar.app import all_endpoints
from bursar.events.tables import event_heads, writer_lanes
from bursar.http.dispatch import Dispatcher
from bursar.http.gates import KeyGate
from bursar.http.metrics import Metrics
from bursar.runtime import Runtime, running
from bursar.settings import Settings
from bursar.store.batch import Batches
from bursar.store.columns import metadata
from bursar.store.engine import MEMORY_URL
from bursar.store.unit import Change

IDEMPOTENCY_KEY = "5d0c1f3e-77aa-4c11-a0de-5f3a9c210001"
FINGERPRINT_KEY = hashlib.sha256(b"bench").digest()

Row = dict[str, Any]
Rows = dict[str, list[Row]]


@dataclass(frozen=True)
class Step:
    statement: UpdateBase
    row: Row

    @property
    def table(self) -> Table:
        return cast("Table", self.statement.table)


Transaction = list[Step]


@dataclass(frozen=True)
class Captured:
    """What was sent, in its order, and what is there afterwards, by the tables' names."""

    transactions: list[Transaction]
    rows: Rows
    org_id: str


def capture(case: Case) -> Captured:
    """Carries out two requests and takes the second: the first also claims a lane and makes the vault's key."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running_bank(Path(folder) / "bank") as bank,
        running(_settings(bank)) as runtime,
    ):
        return asyncio.run(_capture(case, runtime))


def _settings(bank: Bank) -> Settings:
    return Settings(
        database_url=MEMORY_URL,
        secret_key=secrets.token_hex(32),
        vault_key=secrets.token_hex(32),
        vault_fingerprint_key=secrets.token_hex(32),
        piggybank_url=bank.url,
        piggybank_api_key=bank.api_key,
    )


async def _capture(case: Case, runtime: Runtime) -> Captured:
    organisation = runtime.accounts.create_organisation("bench")
    shown = runtime.accounts.create_key(organisation.id, "secret", livemode=False)
    try:
        await _post(case, runtime, shown.api_key, "4c3b2a1f" + ORDER[8:], IDEMPOTENCY_KEY[::-1])
        before = _snapshot(runtime)
        with _recording(runtime.store.engines.writing) as transactions:
            await _post(case, runtime, shown.api_key, ORDER, IDEMPOTENCY_KEY)
        return Captured(list(transactions), _new_rows(before, _snapshot(runtime)), organisation.id)
    finally:
        await runtime.registry.close()


@contextmanager
def _recording(engine: Engine) -> Iterator[Sequence[Transaction]]:
    """The writer sends what belongs together by `Batches`, and the rest, such as a chain's head, by itself."""
    committed: list[Transaction] = []
    going_on: Transaction = []
    inside = False
    execute = Batches.execute

    def record(statement: UpdateBase, rows: Sequence[Row]) -> None:
        if statement.table is not writer_lanes:  # leased now and then, not each time
            going_on.extend(Step(statement, dict(row)) for row in rows)

    def recorded(self: Batches, connection: Connection, statement: UpdateBase, changes: Sequence[Change]) -> None:
        nonlocal inside
        record(statement, [change.row for change in changes])
        inside = True
        try:
            execute(self, connection, statement, changes)
        finally:
            inside = False

    def before_execute(_connection: Any, statement: Any, rows: Any, row: Any, _options: Any) -> None:
        if isinstance(statement, UpdateBase) and not inside:
            record(statement, rows or [row])

    def commit(_connection: Any) -> None:
        if going_on:
            committed.append(going_on.copy())
        going_on.clear()

    def rollback(_connection: Any) -> None:
        going_on.clear()

    listeners = (("before_execute", before_execute), ("commit", commit), ("rollback", rollback))
    for name, listener in listeners:
        event.listen(engine, name, listener)
    Batches.execute = recorded  # type: ignore[method-assign]
    try:
        yield committed
    finally:
        Batches.execute = execute  # type: ignore[method-assign]
        for name, listener in listeners:
            event.remove(engine, name, listener)


def _snapshot(runtime: Runtime) -> Rows:
    def read(table: Table) -> list[Row]:
        return runtime.store.read_blocking(lambda one: [dict(row) for row in one.execute(select(table)).mappings()])

    return {name: read(table) for name, table in metadata.tables.items()}


def _new_rows(before: Rows, after: Rows) -> Rows:
    new = {name: [row for row in rows if row not in before[name]] for name, rows in after.items()}
    for name in (event_heads.name, writer_lanes.name):
        new.pop(name)
    gone = [name for name in new if len(before[name]) + len(new[name]) != len(after[name])]
    if gone:
        raise BenchError(f"the captured request changes what others have written: {gone}")
    return {name: rows for name, rows in new.items() if rows}


async def _post(case: Case, runtime: Runtime, api_key: str, order: str, idempotency_key: str) -> None:
    dispatcher = Dispatcher(
        runtime.store, {"data": KeyGate(runtime.directory)}, runtime.clock, Metrics(), FINGERPRINT_KEY
    )
    endpoints = {endpoint.method: endpoint for endpoint in all_endpoints(runtime) if endpoint.path == case.path}
    scope = {
        "type": "http",
        "method": "POST",
        "path": case.path,
        "query_string": b"",
        "client": ("127.0.0.1", 50_000),
        "headers": [
            (b"authorization", f"Bearer {api_key}".encode()),
            (b"content-type", b"application/x-www-form-urlencoded"),
            (b"idempotency-key", idempotency_key.encode()),
        ],
    }
    sent: list[Mapping[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": case.body(order), "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await dispatcher.handle(endpoints, scope, receive, send)
    answer = msgspec.json.decode(b"".join(message.get("body", b"") for message in sent))
    if sent[0]["status"] != 200 or answer.get("status", "succeeded") != "succeeded":
        raise BenchError(f"the captured request was refused: {answer}")
