"""The SQL of one customers.create, taken from a real one, as a script for pgbench.

A request goes through Bursar's own dispatcher while SQLAlchemy tells what is sent; nothing is copied by
hand, so the peer stays the same work when Bursar's statements change.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import event

from bench.processes import BenchError
from bursar.app import all_endpoints
from bursar.http.dispatch import Dispatcher
from bursar.http.metrics import Metrics
from bursar.runtime import Runtime, running
from bursar.settings import Settings

ORDER = "5f3a9c21000001"  # as long as those of customers.lua
FORM = f"email=jenny.rosen.{ORDER}%40example.com&name=Jenny+Rosen+{ORDER}&metadata[order_id]={ORDER}".encode()
IDEMPOTENCY_KEY = "5d0c1f3e-77aa-4c11-a0de-5f3a9c210001"
PATH = "/v1/customers"
TERM_FIELD_DIGITS = 10  # the part of a term that names the field; the rest is the value's hash

Statement = tuple[str, dict[str, Any]]

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
    """The statements of one transaction, in their order, and the key that made them."""

    org_id: str
    statements: list[Statement]

    def script(self) -> tuple[str, dict[str, str]]:
        """The script, and its variables: what is the same in all rows travels with each of them all the same."""
        variables: dict[str, str] = {}
        expressions = self._expressions()
        lines = [
            "\\set sequence :sequence + 1",
            "\\set chance :client_id * 1099511627776 + random(0, 1099511627775)",
            "BEGIN;",
        ]
        for text, parameters in self.statements:
            lines.append(_render(text, parameters, expressions, variables) + ";")
        return "\n".join([*lines, "COMMIT;"]) + "\n", variables

    def head(self) -> dict[str, Any]:
        """The chain's head before the captured move, for the rows that the peer starts from."""
        for text, parameters in self.statements:
            if text.startswith("UPDATE event_heads"):
                return {"event_id": parameters["new_event_id"], "row_hash": parameters["new_hash"]}
        raise BenchError("the captured transaction moves no head")

    def _expressions(self) -> dict[str, str]:
        """By the real value: what stands for it in the script. Ids keep their length, and rise as ours do."""
        found = {IDEMPOTENCY_KEY: _UUID_EXPRESSION}
        for text, parameters in self.statements:
            for name, value in parameters.items():
                if name in ("id", "object_id", "request_id", "new_event_id"):
                    prefix = value.partition("_")[0]
                    found[value] = (
                        f"'{prefix}_' || lpad(to_hex(:sequence::bigint), 11, '0')"
                        " || lpad(to_hex(:chance::bigint), 13, '0')"
                    )
                elif name == "term":
                    field = value[:TERM_FIELD_DIGITS]
                    found[value] = f"'{field}' || substr(md5('{field}' || :chance), 1, {len(value) - len(field)})"
                elif name == "created" and "idempotency_keys" in text:
                    found[value] = f"({value} + :sequence::bigint)"  # indexed, and later ones are larger
        return found


def _render(text: str, parameters: Mapping[str, Any], expressions: Mapping[Any, str], variables: dict[str, str]) -> str:
    def replace(match: re.Match[str]) -> str:
        name = match[1]
        value = parameters[name]
        if value is None:
            return "NULL"
        if name in _BY_NAME:
            return _BY_NAME[name]
        if value in expressions:
            return f"({expressions[value]})"
        return ":" + variables_by_value.setdefault(str(value), f"v{len(variables_by_value) + 1}")

    variables_by_value = {value: name for name, value in variables.items()}
    rendered = _PLACEHOLDER.sub(replace, " ".join(text.split()))
    variables.update({name: value for value, name in variables_by_value.items()})
    return rendered


def capture(database_url: str) -> Captured:
    """Carries out two creates in an empty database and returns the second: the first also takes a lane."""
    settings = Settings(database_url=database_url, secret_key=secrets.token_hex(32), writers=1, readers=1)
    with running(settings) as runtime:
        organisation = runtime.accounts.create_organisation("bench")
        shown = runtime.accounts.create_key(organisation.id, "secret", livemode=False)
        asyncio.run(_create(runtime, shown.api_key, IDEMPOTENCY_KEY[::-1]))
        statements: list[Statement] = []

        @event.listens_for(runtime.store.engines.writing, "before_cursor_execute")
        def _listen(_connection: Any, _cursor: Any, text: str, parameters: Any, *_: Any) -> None:
            rows: Sequence[dict[str, Any]] = parameters if isinstance(parameters, list) else [parameters]
            statements.extend((text, dict(row)) for row in rows)

        asyncio.run(_create(runtime, shown.api_key, IDEMPOTENCY_KEY))
    return Captured(organisation.id, statements)


async def _create(runtime: Runtime, api_key: str, idempotency_key: str) -> None:
    dispatcher = Dispatcher(runtime.store, runtime.directory, runtime.clock, Metrics())
    endpoints = {e.method: e for e in all_endpoints(runtime) if e.path == PATH}
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
