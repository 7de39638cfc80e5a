"""One installation's sign-in behind its HTTP application, on a clock that the test moves."""

import asyncio
import json
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, select

from bursar.accounts.directory import StoredKeys
from bursar.accounts.service import AccountService
from bursar.events.tables import events
from bursar.http.asgi import Application
from bursar.http.call import Call
from bursar.http.dispatch import Dispatcher
from bursar.http.endpoint import Endpoint
from bursar.http.gates import KeyGate
from bursar.http.metrics import Metrics
from bursar.http.params import Params
from bursar.http.responses import error_answer, send_json
from bursar.http.routing import add_endpoints
from bursar.kit.clock import ManualClock
from bursar.kit.errors import NotFound, Unavailable
from bursar.kit.ids import IdFactory
from bursar.kit.permissions import ROLES, SELF
from bursar.kit.slow_hash import SlowHash
from bursar.people.endpoints import endpoints
from bursar.people.identity import Identity
from bursar.people.key_set import KeySetPages
from bursar.people.protocols import Membership
from bursar.people.schemas import User
from bursar.store.store import Store
from bursar.store.unit import Unit
from tests.databases import Database
from tests.store.harness import opened

T = TypeVar("T")

PUBLIC_URL = "https://pay.example.test"
SECRET = "a-secret-of-at-least-thirty-two-characters"
PASSWORD = "seven plums on a green roof"
EMAIL = "ada@example.test"
HOME, WORK = "acct_home", "acct_work"
ADDRESS = "198.51.100.7"


class QuickHash(SlowHash):
    """For tests that are not about the hash."""

    def __init__(self) -> None:
        super().__init__()
        self.checked = 0
        self.busy = False

    async def hash(self, secret: str) -> str:
        return f"quick:{secret}"

    async def matches(self, secret: str, known: str | None) -> bool:
        self.checked += 1
        await asyncio.sleep(0)
        if self.busy:
            raise Unavailable("busy")
        return known in (f"quick:{secret}", f"weak:{secret}")

    def is_outdated(self, known: str) -> bool:
        return known.startswith("weak:")


class Members:
    """Who belongs where, as the feature above would tell."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], str] = {}
        self.asked = 0

    def add(self, user_id: str, org_id: str, role: str = "owner") -> None:
        self.known[user_id, org_id] = role

    async def of(self, user_id: str, org_id: str) -> Membership | None:
        self.asked += 1
        role = self.known.get((user_id, org_id))
        return Membership(org_id, f"The {org_id}", role, ROLES[role]) if role is not None else None

    async def all_of(self, user_id: str) -> Sequence[Membership]:
        found = [await self.of(who, org_id) for who, org_id in list(self.known) if who == user_id]
        return [membership for membership in found if membership is not None]


class Codes:
    """A second factor whose codes work once."""

    def __init__(self) -> None:
        self.of_user: dict[str, set[str]] = {}

    async def required(self, user_id: str) -> bool:
        return user_id in self.of_user

    async def check(self, user_id: str, code: str, call: Call) -> str | None:
        known = self.of_user.get(user_id, set())
        if code not in known:
            return None
        known.discard(code)
        return "totp"


class Seen(msgspec.Struct):
    organisation: str
    livemode: int
    actor: str
    kind: str
    role: str | None


@dataclass(frozen=True)
class Reply:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str | None:
        return self.json.get("error", {}).get("code") if self.status >= 400 else None

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)

    @property
    def cookies(self) -> dict[str, str]:
        """As a browser would keep them: name to value, without what was deleted."""
        lines = [value for key, value in self.headers if key == "set-cookie"]
        pairs = (line.partition(";")[0].partition("=") for line in lines)
        return {name: value for name, _, value in pairs if value}


class House:
    def __init__(self, store: Store, slow_hash: SlowHash, public_url: str, clock: ManualClock) -> None:
        self.loop = asyncio.new_event_loop()
        self.store = store
        self.clock = clock
        self.ids = IdFactory(clock)
        self.slow_hash = slow_hash
        self.members, self.codes = Members(), Codes()
        self.accounts = AccountService(store, self.ids, clock, SECRET)
        self.identity = self.identity_of_another_process(public_url=public_url)
        self.application = self.application_of(self.identity)

    def identity_of_another_process(
        self,
        *,
        secret: str = SECRET,
        previous: str | None = None,
        public_url: str = PUBLIC_URL,
        development: bool = False,
    ) -> Identity:
        identity = Identity(
            self.store,
            self.ids,
            self.clock,
            self.slow_hash,
            secret=secret,
            previous_secret=previous,
            public_url=public_url,
            development=development,
        )
        identity.neighbours.memberships = self.members
        identity.neighbours.second_factors = self.codes
        return identity

    def application_of(self, identity: Identity) -> Application:
        directory = StoredKeys(self.store, self.clock, SECRET, None, development=False)
        dispatcher = Dispatcher(
            self.store,
            {"data": KeyGate(directory), "control": identity.gate(directory)},
            self.clock,
            Metrics(),
            b"fingerprint",
        )

        async def unknown(scope: Any, _receive: Any, send: Any) -> None:
            await send_json(send, error_answer(NotFound("Nothing here.")), "req_none")

        application = Application(unknown, lambda: None)  # type: ignore[arg-type,return-value]
        own = endpoints(identity.sign_in, identity.sessions, identity.profile)
        add_endpoints(application, [*own, *_samples()], dispatcher)
        KeySetPages(identity.keys, dispatcher).add_routes(application)
        return application

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def user(
        self,
        email: str = EMAIL,
        password: str | None = PASSWORD,
        *,
        platform_admin: bool = False,
        members: Mapping[str, str] | None = None,
    ) -> User:
        """Organisations by their ids, with the role there; the owner of HOME where none is named."""
        password_hash = self.run(self.slow_hash.hash(password)) if password is not None else None

        def work(connection: Connection) -> tuple[User, Unit]:
            return self.identity.people.new_user(
                connection,
                email=email,
                name="Ada",
                password_hash=password_hash,
                email_verified=True,
                now=self.clock.now_microseconds(),
                platform_admin=platform_admin,
            )

        user: User = self.store.transact_blocking(work)
        for org_id, role in (members or {HOME: "owner"}).items():
            self.members.add(user.id, org_id, role)
        return user

    def call(self, method: str, path: str, body: Any = None, **options: Any) -> Reply:
        return self.run(self.acall(method, path, body, **options))

    async def acall(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | Sequence[tuple[str, str]] = (),
        cookies: Mapping[str, str] | None = None,
        address: str | None = ADDRESS,
        application: Application | None = None,
    ) -> Reply:
        path, _, query = path.partition("?")
        given = list(headers.items()) if isinstance(headers, Mapping) else list(headers)
        if token is not None:
            given.append(("authorization", f"Bearer {token}"))
        if cookies:
            given.append(("cookie", "; ".join(f"{name}={value}" for name, value in cookies.items())))
        raw = json.dumps(body).encode() if body is not None else b""
        if body is not None:
            given.append(("content-type", "application/json"))
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query.encode(),
            "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in given],
            "client": (address, 50_000) if address is not None else None,
            "scheme": "http",
        }
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": raw, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await (application or self.application)(scope, receive, send)
        replied = [(name.decode(), value.decode()) for name, value in sent[0]["headers"]]
        return Reply(sent[0]["status"], replied, sent[1]["body"])

    def login(self, email: str = EMAIL, password: str = PASSWORD, **more: Any) -> Reply:
        options = {name: more.pop(name) for name in ("headers", "cookies", "address", "application") if name in more}
        return self.call("POST", "/api/v1/org/login", {"email": email, "password": password, **more}, **options)

    def token(self, **more: Any) -> str:
        reply = self.login(**more)
        assert reply.status == 200, reply.body
        return str(reply.json["access_token"])

    def told(self, event_type: str, org_id: str | None = None) -> list[dict[str, Any]]:
        """What the log says, the oldest first."""
        query = select(events.c.org_id, events.c.data, events.c.actor, events.c.address).where(
            events.c.event_type == event_type
        )
        rows = self.store.read_blocking(lambda connection: connection.execute(query.order_by(events.c.id)).all())
        return [
            {**json.loads(row.data)["object"], "log": row.org_id, "actor": row.actor, "address": row.address}
            for row in rows
            if org_id in (None, row.org_id)
        ]


def _samples() -> list[Endpoint]:
    """What other features would serve."""

    async def look(call: Call, _params: Params) -> Seen:
        principal = call.principal
        return Seen(call.org_id, call.livemode, principal.key_id, principal.kind, principal.role)

    def sample(method: str, path: str, permission: str, **options: Any) -> Endpoint:
        return Endpoint(method, f"/api/v1/sample/{path}", look, path, permission, Seen, surface="control", **options)

    return [
        sample("GET", "wallets", "wallets.read"),
        sample("POST", "wallets", "wallets.write"),
        sample("POST", "payouts", "withdrawals.approve", needs_proof=True),
        sample("GET", "installation", "platform.read"),
        sample("GET", "open", "tokens.write", publishable=True),
        sample("GET", "self", SELF),
        sample("DELETE", "wallets", "wallets.write"),
        sample("PUT", "wallets", "wallets.write"),
    ]


@contextmanager
def house_on(
    database: Database, slow_hash: SlowHash | None = None, *, public_url: str = PUBLIC_URL, writers: int = 1
) -> Iterator[House]:
    with opened(database, writers=writers) as store:
        house = House(store, slow_hash or QuickHash(), public_url, ManualClock())
        try:
            yield house
        finally:
            house.slow_hash.close()
            house.loop.run_until_complete(house.loop.shutdown_default_executor())
            house.loop.close()
