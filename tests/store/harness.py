"""A store on a test's database, units to write, and a way to make them meet in one batch."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from sqlalchemy import Connection, select

from bursar.customers.repository import DELETE, INSERT, UPDATE
from bursar.customers.tables import customers
from bursar.events.sealing import LaneSealer
from bursar.events.tables import events
from bursar.store import schema
from bursar.store.engine import Engines
from bursar.store.log import Entry
from bursar.store.store import Store
from bursar.store.unit import Change, Sealer, Unit
from tests.databases import Database

ORG = "org_test"
ANSWER_SECONDS_MAX = 60.0  # far beyond every wait that is bounded: whoever is not answered by then never will be
HOLD_SECONDS_MAX = 20.0  # a test that forgets to let go fails instead of hanging


@contextmanager
def opened(
    database: Database, *, writers: int = 1, readers: int = 2, make_sealer: Callable[[], Sealer] = LaneSealer
) -> Iterator[Store]:
    engines = Engines(database.url, readers=readers, writers=writers)
    schema.upgrade(engines.writing)
    store = Store(engines, make_sealer, writers=writers, readers=readers)
    try:
        yield store
    finally:
        store.close()


@asynccontextmanager
async def held(store: Store) -> AsyncIterator[None]:
    """Keeps a store of one writer busy, so that whatever is committed meanwhile becomes one batch."""
    assert len(store.writers) == 1
    busy, leave = threading.Event(), threading.Event()

    def work(_: Connection) -> tuple[None, Unit]:
        busy.set()
        assert leave.wait(HOLD_SECONDS_MAX)
        return None, Unit()

    holding = asyncio.create_task(store.transact(work))
    assert await asyncio.to_thread(busy.wait, HOLD_SECONDS_MAX)
    try:
        yield
    finally:
        leave.set()
        await holding


async def queued(store: Store, units: Sequence[Unit]) -> list[asyncio.Task[None]]:
    """The units' commits, once all of them wait in the queue of a store that is held."""
    tasks = [asyncio.create_task(store.commit(unit)) for unit in units]
    await asyncio.sleep(0)  # one turn of the loop: each task runs until it waits for its answer
    assert len(store.queue) == len(tasks)
    return tasks


def commit_together(store: Store, units: Sequence[Unit]) -> list[BaseException | None]:
    """Each unit's error, or None where it was written; all of them started as one batch."""

    async def scenario() -> list[BaseException | None]:
        async with held(store):
            tasks = await queued(store, units)
        return await answers(tasks)

    return asyncio.run(scenario())


async def answers(tasks: Sequence[asyncio.Task[None]]) -> list[BaseException | None]:
    """Each task's error or None; fails where somebody is never answered."""
    async with asyncio.timeout(ANSWER_SECONDS_MAX):
        return await asyncio.gather(*tasks, return_exceptions=True)


def commit(store: Store, *changes: Change) -> None:
    asyncio.run(store.commit(Unit(list(changes))))


def kinds(outcomes: Sequence[BaseException | None]) -> list[type[BaseException] | None]:
    return [None if outcome is None else type(outcome) for outcome in outcomes]


def insert(key: str, document: str = "{}", org_id: str = ORG) -> Change:
    row: dict[str, Any] = {"org_id": org_id, "livemode": 0, "id": key, "version": 1, "document": document}
    return Change(INSERT, row | dict.fromkeys(("email", "email_folded", "name_folded", "phone_folded")))


def update(key: str, version: int, document: str = "{}", org_id: str = ORG) -> Change:
    row: dict[str, Any] = {
        "o": org_id,
        "m": 0,
        "i": key,
        "expected_version": version,
        "new_version": version + 1,
        "new_document": document,
    }
    names = ("new_email", "new_email_folded", "new_name", "new_phone")
    return Change(UPDATE, row | dict.fromkeys(names), rows_expected=1)


def delete(key: str, version: int) -> Change:
    return Change(DELETE, {"o": ORG, "m": 0, "i": key, "expected_version": version}, rows_expected=1)


def entry(key: str, org_id: str = ORG) -> Entry:
    return Entry(org_id, 0, "customer.updated", key, b"{}")


def stored(store: Store, org_id: str = ORG) -> dict[str, tuple[int, str]]:
    """Version and document of every row of the organisation."""
    query = select(customers).where(customers.c.org_id == org_id)
    rows = store.read_blocking(lambda connection: connection.execute(query).all())
    return {row.id: (row.version, row.document) for row in rows}


def logged(store: Store, org_id: str = ORG) -> list[str]:
    """What the log speaks of, in its order."""
    query = select(events.c.object_id).where(events.c.org_id == org_id).order_by(events.c.id)
    return store.read_blocking(lambda connection: list(connection.execute(query).scalars()))
