"""A store, an organisation with endpoints, and a worker that delivers to them: all of it in the test's own process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from bursar.events.sealing import LaneSealer
from bursar.http.authentication import Principal
from bursar.http.call import Call, Effect
from bursar.kit.clock import SystemClock
from bursar.kit.ids import IdFactory
from bursar.store import schema
from bursar.store.engine import Engines
from bursar.store.log import Entry
from bursar.store.store import Store
from bursar.store.unit import Unit
from bursar.webhooks.addresses import Guard
from bursar.webhooks.assembly import Webhooks
from bursar.webhooks.figures import Figures
from bursar.webhooks.resolving import Resolver
from bursar.webhooks.rules import Pace
from bursar.webhooks.schemas import WebhookEndpointChangeParams, WebhookEndpointParams
from bursar.webhooks.tables import webhook_attempts, webhook_deliveries, webhook_endpoints
from bursar.webhooks.worker import WebhookWorker
from tests.databases import Database

ORGANISATION = "acct_webhooks"
SECRET = "a secret of thirty-two characters"
# As the product's, but so short that a test sees the end.
HASTY = Pace(
    waits_seconds=(0.05, 0.1, 0.1),
    total_seconds_max=10.0,  # where a receiver hangs, the test says less
    connect_seconds_max=10.0,
    pause_seconds_first=0.01,
    pause_seconds_max=0.1,
)


@dataclass
class Endpoint:
    id: str
    secret: str
    org_id: str = ORGANISATION


@dataclass
class World:
    store: Store
    pace: Pace = HASTY
    org_id: str = ORGANISATION
    clock: SystemClock = field(default_factory=SystemClock)
    ids: IdFactory = field(default_factory=IdFactory)

    def __post_init__(self) -> None:
        self.webhooks = Webhooks(
            self.store,
            self.ids,
            self.clock,
            secret_key=SECRET,
            secret_key_previous=None,
            public_url="http://127.0.0.1:8420",
            development=True,
        )

    def call(self, livemode: int = 0, org_id: str | None = None, **path: str) -> Call:
        principal = Principal(org_id or self.org_id, livemode, "key_test", "secret")
        return Call(principal, "req_test", path=path)

    async def done(self, effect: Effect) -> Any:
        await self.store.commit(effect.unit)
        return effect.result

    async def listen(
        self, url: str, *events: str, livemode: int = 0, org_id: str | None = None, **params: Any
    ) -> Endpoint:
        wish = WebhookEndpointParams(url=url, enabled_events=list(events or ["*"]), **params)
        made = await self.done(await self.webhooks.endpoints.create(self.call(livemode, org_id), wish))
        return Endpoint(made.id, made.secret, org_id or self.org_id)

    async def change(self, endpoint: Endpoint, **params: Any) -> Any:
        wish = WebhookEndpointChangeParams(**params)
        call = self.call(webhook_endpoint=endpoint.id)
        return await self.done(await self.webhooks.endpoints.update(call, wish))

    async def tell(self, count: int = 1, event_type: str = "charge.succeeded", **document: Any) -> None:
        entries = [self.entry(event_type, number, **document) for number in range(count)]
        await self.store.commit(Unit([], entries))

    def entry(self, event_type: str = "charge.succeeded", number: int = 0, **document: Any) -> Entry:
        org_id, livemode = document.pop("org_id", self.org_id), document.pop("livemode", 0)
        content = {"id": f"ch_{number}", "object": "charge", "amount": 1000 + number, **document}
        return Entry(org_id, livemode, event_type, content["id"], msgspec.json.encode(content))

    def worker(self, pace: Pace | None = None, figures: Figures | None = None) -> WebhookWorker:
        resolver = Resolver()
        guard = Guard(resolver.resolve, allow_loopback=True)
        secrets = self.webhooks.secrets
        return WebhookWorker(
            self.store, self.clock, secrets, guard, pace or self.pace, closing=resolver.close, figures=figures
        )

    @asynccontextmanager
    async def working(self, pace: Pace | None = None, figures: Figures | None = None) -> AsyncIterator[WebhookWorker]:
        worker = self.worker(pace, figures)
        task = asyncio.create_task(worker.run())
        try:
            yield worker
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def rows(self) -> list[Any]:
        return await self.store.read(lambda connection: _all(connection, webhook_deliveries))

    async def attempts(self) -> list[Any]:
        return await self.store.read(lambda connection: _all(connection, webhook_attempts))

    async def endpoint_row(self, endpoint: Endpoint) -> Any:
        query = select(webhook_endpoints).where(webhook_endpoints.c.id == endpoint.id)
        return await self.store.read(lambda connection: connection.execute(query).first())

    async def until_none_pending(self, seconds: float = 60.0, count: int = 1) -> list[Any]:
        """Of so many at least, as what was told a moment ago may not have been taken in."""
        return await self._until(
            lambda rows: len(rows) >= count and all(row.status != "pending" for row in rows), seconds
        )

    async def until_taken_in(self, count: int, seconds: float = 60.0) -> None:
        await self._until(lambda rows: len(rows) >= count, seconds)

    async def _until(self, condition: Callable[[list[Any]], bool], seconds: float) -> list[Any]:
        async with asyncio.timeout(seconds):
            while not condition(rows := await self.rows()):  # noqa: ASYNC110 - another's doing
                await asyncio.sleep(0.05)
        return rows


def _all(connection: Connection, table: Any) -> list[Any]:
    return list(connection.execute(select(table)))


@contextmanager
def opened(database: Database, writers: int = 1) -> Iterator[Store]:
    engines = Engines(database.url, readers=2, writers=writers)
    schema.upgrade(engines.writing)
    clock = SystemClock()
    store = Store(engines, lambda: LaneSealer(clock), writers=writers, readers=2)
    try:
        yield store
    finally:
        store.close()


def hasty(**changes: Any) -> Pace:
    return replace(HASTY, **changes)
