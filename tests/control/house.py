"""The whole application in this process, asked as a server would ask it, by people and keys of the test's own."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, Protocol
from unittest.mock import patch

from sqlalchemy import Connection, select

from bursar import app
from bursar.accounts.schemas import Kind
from bursar.http.asgi import Application, Message, Scope
from bursar.http.authentication import USER, Principal
from bursar.http.endpoint import Endpoint
from bursar.http.requests import Headers
from bursar.kit.permissions import PLATFORM_ADMIN, PLATFORM_ADMIN_PERMISSIONS, ROLES
from bursar.people import identity
from bursar.people.gate import ControlGate
from bursar.people.visits import Person
from bursar.runtime import Runtime
from bursar.settings import (
    DEVELOPMENT_FINGERPRINT_KEY,
    DEVELOPMENT_PORT,
    DEVELOPMENT_SECRET,
    DEVELOPMENT_VAULT_KEY,
    Settings,
)
from bursar.store.columns import metadata
from bursar.store.engine import MEMORY_URL
from bursar.store.log import Origin
from bursar.store.unit import Unit

ADDRESS = "198.51.100.7"
LOCKED_SECONDS_MAX = 20.0
LONG_AGO = 0
PASSWORD, PIN = "a password that nobody else has", "482915"
_ORIGIN = Origin(actor="test")
_numbers = count(1)


@dataclass(frozen=True)
class Reply:
    status: int
    json: Any
    headers: Mapping[str, str]

    @property
    def error(self) -> dict[str, Any]:
        found: dict[str, Any] = self.json.get("error", {}) if isinstance(self.json, dict) else {}
        return found

    @property
    def is_refusal(self) -> bool:
        """Whether the caller was turned away at the door, for want of a name or of a right."""
        return self.status == 401 or (
            self.status == 403 and self.error.get("code") in ("permission_missing", "secret_key_required")
        )


class Doors(Protocol):
    """Where requests can be sent to: the application in this process, or a server."""

    @property
    def port(self) -> int: ...

    def call(
        self,
        method: str,
        path: str,
        who: str | None = None,
        body: Mapping[str, Any] | bytes | None = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Reply: ...


@dataclass(frozen=True)
class Merchant:
    """An organisation as it registers, and its owner, signed in."""

    house: Doors
    org_id: str
    token: str
    email: str
    user_id: str
    wallet: str
    secret_key: str

    def call(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, headers: Mapping[str, str] | None = None
    ) -> Reply:
        return self.house.call(method, path, self.token, body, headers=headers)

    def done(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        until = time.monotonic() + LOCKED_SECONDS_MAX
        reply = self.call(method, path, body)
        while reply.error.get("code") == "lock_timeout" and time.monotonic() < until:  # a worker's turn: as told, again
            reply = self.call(method, path, body)
        assert reply.status == 200, f"{method} {path}: {reply.json}"
        return reply.json


class KnownPeople(ControlGate):
    """Lets in whom a test has made up; for everybody else it is the gate itself."""

    known: dict[bytes, Principal] = {}  # noqa: RUF012 - one for all, as the application makes the gate itself

    async def admit(self, endpoint: Endpoint, scope: Scope, headers: Headers, path: Mapping[str, str]) -> Principal:
        person = self.known.get(headers.authorization or b"")
        if person is None or endpoint.public or endpoint.payer is not None:
            return await super().admit(endpoint, scope, headers, path)
        live = (b"bursar-mode", b"live") in scope["headers"]
        person.require(endpoint.permission, publishable=endpoint.publishable)
        return replace(person, livemode=int(live))


@dataclass
class House:
    runtime: Runtime
    application: Application
    runner: asyncio.Runner
    endpoints: list[Endpoint]
    data_endpoints: list[Endpoint]
    port: int = DEVELOPMENT_PORT

    def call(
        self,
        method: str,
        path: str,
        who: str | None = None,
        body: Mapping[str, Any] | bytes | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        address: str = ADDRESS,
    ) -> Reply:
        """`who` is the token of a person, or an API key. A mapping is sent as JSON."""
        sent = {**({"authorization": f"Bearer {who}"} if who else {})}
        if isinstance(body, Mapping):
            body = json.dumps(body).encode()
            sent["content-type"] = "application/json"
        elif body is not None:
            sent["content-type"] = "application/x-www-form-urlencoded"
        sent |= headers or {}
        return self.runner.run(_exchange(self.application, method, path, body or b"", sent, address))

    def merchant(self, name: str = "Shop") -> Merchant:
        return registered(self, name)

    def organisation(self, name: str = "Shop") -> str:
        organisation, unit = self.runtime.accounts.new_organisation(_ORIGIN, name=name, category="retail")
        self.commit(unit)
        return organisation.id

    def key(self, org_id: str, kind: Kind = "secret", *, livemode: bool = False, **more: Any) -> str:
        shown, unit = self.runtime.accounts.new_key(_ORIGIN, org_id, kind, livemode=livemode, name="", **more)
        self.commit(unit)
        return shown.api_key

    def person(
        self,
        org_id: str,
        role: str = "owner",
        permissions: frozenset[str] | None = None,
        *,
        proved_at: int | None = None,
    ) -> str:
        """Somebody signed in, by a token that only this house knows."""
        if permissions is None:
            permissions = PLATFORM_ADMIN_PERMISSIONS if role == PLATFORM_ADMIN else ROLES[role]
        number = next(_numbers)
        token = f"somebody-{number}"
        KnownPeople.known[f"Bearer {token}".encode()] = Person(
            org_id,
            0,
            f"usr_test{number}",
            USER,
            permissions,
            role,
            f"ses_test{number}",
            self.runtime.clock.now_microseconds() if proved_at is None else proved_at,
        )
        return token

    def commit(self, unit: Unit) -> None:
        self.runner.run(self.runtime.store.commit(unit))

    def rows_of(self, org_id: str) -> dict[str, list[str]]:
        """Everything that is stored of an organisation, as text to compare."""

        def query(connection: Connection) -> dict[str, list[str]]:
            return {
                table.name: sorted(map(str, connection.execute(select(table).where(table.c.org_id == org_id)).all()))
                for table in metadata.sorted_tables
                if table.name not in _WRITTEN_BY_LOOKING
            }

        return self.runtime.store.read_blocking(query)


# What is kept of looking on: not a change of what is looked at.
_WRITTEN_BY_LOOKING: frozenset[str] = frozenset()


def registered(doors: Doors, name: str = "Shop") -> Merchant:
    email = f"owner{next(_numbers)}@example.com"
    wanted = {"organization": name, "email": email, "password": PASSWORD, "category": "retail", "pin": PIN}
    reply = doors.call("POST", "/api/v1/org/register", None, wanted)
    assert reply.status == 200, reply.json
    told = reply.json
    return Merchant(
        doors,
        told["organisation"]["id"],
        told["access_token"],
        email,
        told["user"]["id"],
        told["wallet"]["code"],
        told["keys"]["secret"],
    )


@contextmanager
def standing(**settings: Any) -> Iterator[House]:
    """A house of its own, in memory."""
    runtimes: list[Runtime] = []

    def remembered(chosen: Settings) -> Runtime:
        runtimes.append(Runtime(chosen))
        return runtimes[-1]

    chosen = Settings(
        **{
            "development": True,
            "database_url": MEMORY_URL,
            "secret_key": DEVELOPMENT_SECRET,
            "vault_key": DEVELOPMENT_VAULT_KEY,
            "vault_fingerprint_key": DEVELOPMENT_FINGERPRINT_KEY,
            **settings,
        }
    )
    with (
        patch.object(identity, "ControlGate", KnownPeople),
        patch.object(app, "Runtime", remembered),
        asyncio.Runner() as runner,
    ):
        application = app.build(chosen)
        (runtime,) = runtimes
        try:
            yield House(runtime, application, runner, app.control_endpoints(runtime), app.all_endpoints(runtime))
        finally:
            runner.run(runtime.registry.close())
            runtime.close()


async def _exchange(
    application: Application, method: str, path: str, body: bytes, headers: Mapping[str, str], address: str
) -> Reply:
    told: list[Message] = []
    path, _, query = path.partition("?")
    scope: Scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()],
        "client": (address, 1),
    }

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        told.append(message)

    await application(scope, receive, send)
    content = b"".join(message.get("body", b"") for message in told)
    got = {name.decode().lower(): value.decode("latin-1") for name, value in told[0]["headers"]}
    is_json = got.get("content-type", "").startswith("application/json") and content
    return Reply(told[0]["status"], json.loads(content) if is_json else content, got)
