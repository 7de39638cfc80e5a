"""The rows of one customers.create, taken from a real one, as a script for pgbench.

A request goes through Bursar's own dispatcher, on a database in memory; what it left in the tables becomes
the script, with the statements as Bursar's code declares them. Nothing is copied by hand, so the peer's
work stays the same when Bursar's rows change, and is plain SQL however Bursar sends many rows at once.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Table, select
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.sql.dml import UpdateBase

from bench.processes import BenchError
from bursar.app import all_endpoints
from bursar.events.sealing import MOVE_HEAD
from bursar.events.tables import event_heads, events, writer_lanes
from bursar.http.dispatch import Dispatcher
from bursar.http.metrics import Metrics
from bursar.runtime import Runtime, running
from bursar.settings import Settings
from bursar.store.columns import metadata
from bursar.store.engine import MEMORY_URL

ORDER = "5f3a9c21000001"  # as long as those of customers.lua
FORM = f"email=jenny.rosen.{ORDER}%40example.com&name=Jenny+Rosen+{ORDER}&metadata[order_id]={ORDER}".encode()
IDEMPOTENCY_KEY = "5d0c1f3e-77aa-4c11-a0de-5f3a9c210001"
PATH = "/v1/customers"
TERM_FIELD_DIGITS = 10  # the part of a term that names the field; the rest is the value's hash

Row = dict[str, Any]
Rows = dict[str, list[Row]]

_PLACEHOLDER = re.compile(r"%\((\w+)\)s")
_UUID_EXPRESSION = "md5('key' || :chance)::uuid::text"

# What differs from row to row, by the parameter's name. Every client of pgbench has a lane of its own, as
# independent writers have: were all to move one head they would wait for each other, which would flatter us.
_BY_NAME = {
    "lane": ":client_id",
    "chain_lane": ":client_id",
    "sequence_number": ":sequence",
    "new_number": ":sequence",
    "expected_number": "(:sequence::bigint - 1)",
}


@dataclass(frozen=True)
class Captured:
    """The rows of one transaction, by their tables, and the head that it moved."""

    rows: Rows
    head: Row

    def script(self) -> tuple[str, dict[str, str]]:
        """The script, and its variables: what is the same in all rows travels with each of them all the same."""
        names: dict[str, str] = {}  # of variables, by their value
        expressions = self._expressions()
        lines = [
            "\\set sequence :sequence + 1",
            "\\set chance :client_id * 1099511627776 + random(0, 1099511627775)",
            "BEGIN;",
        ]
        for table, rows in self.rows.items():
            lines += [_render(metadata.tables[table].insert(), row, expressions, names) for row in rows]
        lines.append(_render(MOVE_HEAD, _move(self.head), expressions, names))
        return "\n".join([*lines, "COMMIT;"]) + "\n", {name: value for value, name in names.items()}

    def _expressions(self) -> dict[Any, str]:
        """By the real value: what stands for it in the script. Ids keep their length, and rise as ours do."""
        found: dict[Any, str] = {IDEMPOTENCY_KEY: _UUID_EXPRESSION}
        for table, rows in self.rows.items():
            for row in rows:
                for name in {"id", "object_id", "request_id"} & row.keys():
                    prefix = row[name].partition("_")[0]
                    found[row[name]] = (
                        f"'{prefix}_' || lpad(to_hex(:sequence::bigint), 11, '0')"
                        " || lpad(to_hex(:chance::bigint), 13, '0')"
                    )
                if term := row.get("term"):
                    field = term[:TERM_FIELD_DIGITS]
                    found[term] = f"'{field}' || substr(md5('{field}' || :chance), 1, {len(term) - len(field)})"
                if table == "idempotency_keys":  # its time is indexed, and later ones are larger
                    found[row["created"]] = f"{row['created']} + :sequence::bigint"
        return found


def _move(head: Row) -> Row:
    return {
        "chain_org_id": head["org_id"],
        "chain_livemode": head["livemode"],
        "chain_lane": head["lane"],
        "expected_number": head["sequence_number"] - 1,
        "new_number": head["sequence_number"],
        "new_event_id": head["event_id"],
        "new_hash": head["row_hash"],
    }


def _render(statement: UpdateBase, parameters: Row, expressions: Mapping[Any, str], names: dict[str, str]) -> str:
    def replace(match: re.Match[str]) -> str:
        value = parameters[match[1]]
        if value is None:
            return "NULL"
        if match[1] in _BY_NAME:
            return _BY_NAME[match[1]]
        if value in expressions:
            return f"({expressions[value]})"
        return ":" + names.setdefault(str(value), f"v{len(names) + 1}")

    text = str(statement.compile(dialect=PGDialect_psycopg()))  # type: ignore[no-untyped-call]
    return _PLACEHOLDER.sub(replace, " ".join(text.split())) + ";"


def capture() -> Captured:
    """Carries out two creates and takes what the second left: the first also claims a lane."""
    settings = Settings(database_url=MEMORY_URL, secret_key=secrets.token_hex(32))
    with running(settings) as runtime:
        organisation = runtime.accounts.create_organisation("bench")
        shown = runtime.accounts.create_key(organisation.id, "secret", livemode=False)
        asyncio.run(_create(runtime, shown.api_key, IDEMPOTENCY_KEY[::-1]))
        before = _snapshot(runtime)
        asyncio.run(_create(runtime, shown.api_key, IDEMPOTENCY_KEY))
        return _difference(before, _snapshot(runtime))


def _snapshot(runtime: Runtime) -> Rows:
    def read(table: Table) -> list[Row]:
        return runtime.store.read_blocking(lambda one: [dict(row) for row in one.execute(select(table)).mappings()])

    return {name: read(table) for name, table in metadata.tables.items()}


def _difference(before: Rows, after: Rows) -> Captured:
    new = {name: [row for row in rows if row not in before[name]] for name, rows in after.items()}
    new.pop(writer_lanes.name)  # leased anew every ten seconds, not for each request
    heads = new.pop(event_heads.name)
    gone = [name for name, rows in before.items() if len(rows) + len(new.get(name, [])) != len(after[name])]
    if len(heads) != 1 or set(gone) - {event_heads.name, writer_lanes.name}:
        raise BenchError(f"a create does more than insert rows and move a head: {gone or heads}")
    if len(new[events.name]) != 1:
        raise BenchError(f"a create told of {len(new[events.name])} events; the script counts on one")
    return Captured({name: rows for name, rows in new.items() if rows}, heads[0])


async def _create(runtime: Runtime, api_key: str, idempotency_key: str) -> None:
    dispatcher = Dispatcher(runtime.store, runtime.directory, runtime.clock, Metrics())
    endpoints = {endpoint.method: endpoint for endpoint in all_endpoints(runtime) if endpoint.path == PATH}
    scope = {
        "type": "http",
        "method": "POST",
        "path": PATH,
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
        return {"type": "http.request", "body": FORM, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await dispatcher.handle(endpoints, scope, receive, send)
    if sent[0]["status"] != 200:
        answer = msgspec.json.decode(b"".join(message.get("body", b"") for message in sent))
        raise BenchError(f"the captured request was refused: {answer}")
