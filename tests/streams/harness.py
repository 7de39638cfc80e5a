"""A log of its own, and the streams worker beside it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import msgspec

from bursar import tables  # noqa: F401 - makes them known to the schema
from bursar.events.sealing import LaneSealer
from bursar.kit.clock import SystemClock
from bursar.store import schema
from bursar.store.columns import INSTALLATION
from bursar.store.engine import Engines
from bursar.store.log import Entry
from bursar.store.store import Store
from bursar.store.unit import Unit
from bursar.streams import repository
from bursar.streams.credentials import StreamCredentials
from bursar.streams.registry import MakePublisher, make_publisher
from bursar.streams.repository import StreamKey, StreamState
from bursar.streams.rules import Pace
from bursar.streams.schemas import InstallationStream
from bursar.streams.worker import StreamsWorker

ORGANISATION = "acct_shop"
NAME = "all"
KEY = StreamKey(INSTALLATION, 0, NAME)
SECRET = "a secret that is long enough for tests"
# Impatient, as brokers of tests come back soon.
PACE = Pace(0.05, 0.3, 0.05, 0.3)
STEPS = (
    "payment_intent.created",
    "payment_intent.processing",
    "charge.succeeded",
    "payment_intent.succeeded",
    "charge.refunded",
)
SECONDS_MAX = 60.0


@contextmanager
def opened(folder: Path, url: str | None = None) -> Iterator[Store]:
    """The log of SQLite in the folder, or of the database at the address."""
    engines = Engines(url or f"sqlite:///{folder / 'bursar.db'}", readers=2, writers=1)
    schema.upgrade(engines.writing)
    clock = SystemClock()
    store = Store(engines, lambda: LaneSealer(clock), writers=1, readers=2)
    try:
        yield store
    finally:
        store.close()


def stream(kind: Any, destination: str, address: str = "", **more: Any) -> InstallationStream:
    return InstallationStream(
        name=NAME, kind=kind, destination=destination, address=address, **{"begin": "beginning", **more}
    )


def worker(
    store: Store, *own: InstallationStream, make: MakePublisher = make_publisher, pace: Pace = PACE
) -> StreamsWorker:
    return StreamsWorker(store, SystemClock(), StreamCredentials(SECRET), own, development=True, pace=pace, make=make)


@asynccontextmanager
async def running(made: StreamsWorker) -> AsyncIterator[None]:
    task = asyncio.create_task(made.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def entry(payment: str, step: int, event_type: str | None = None, padding: int = 0) -> Entry:
    """One step of a payment's story; charges tell their payment, as they do on the wire."""
    event_type = event_type or STEPS[step % len(STEPS)]
    kind = event_type.partition(".")[0]
    own = payment if kind == "payment_intent" else f"ch_{payment[3:]}"
    document = {"id": own, "object": kind, "step": step, "text": "x" * padding, "amount": 1000}
    if kind != "payment_intent":
        document["payment_intent"] = payment
    return Entry(ORGANISATION, 0, event_type, own, json.dumps(document).encode())


async def tell(store: Store, payments: Sequence[str], steps: int = len(STEPS), padding: int = 0) -> None:
    """Each payment's steps, one commit for each step of all."""
    for step in range(steps):
        await tell_step(store, payments, step, padding)


async def tell_step(store: Store, payments: Sequence[str], step: int, padding: int = 0) -> None:
    await store.commit(Unit([], [entry(payment, step, padding=padding) for payment in payments]))


async def state_of(store: Store, key: StreamKey = KEY) -> StreamState | None:
    return await store.read(lambda connection: repository.find_state(connection, key))


async def until(what: Callable[[], Awaitable[bool]], pause: float = 0.05) -> None:
    async with asyncio.timeout(SECONDS_MAX):
        while not await what():  # noqa: ASYNC110 - another process, or the database, is what changes it
            await asyncio.sleep(pause)


async def until_published(store: Store, events: int, key: StreamKey = KEY) -> None:
    async def done() -> bool:
        state = await state_of(store, key)
        return state is not None and state.published >= events

    await until(done)


async def until_state(store: Store, wanted: str, reason: str | None, key: StreamKey = KEY) -> StreamState:
    found: list[StreamState] = []

    async def done() -> bool:
        state = await state_of(store, key)
        if state is None or (state.state, state.reason) != (wanted, reason):
            return False
        found.append(state)
        return True

    await until(done)
    return found[0]


def check_story(bodies: Sequence[bytes], payments: Sequence[str], steps: int = len(STEPS)) -> None:
    """Everything is there; what is there twice is the same; each payment's story is in its order."""
    first: dict[str, bytes] = {}
    stories: dict[str, list[int]] = {}
    for body in bodies:
        told = json.loads(body)
        if told["id"] in first:
            assert first[told["id"]] == body
            continue
        first[told["id"]] = body
        stories.setdefault(told["partitionkey"], []).append(told["data"]["object"]["step"])
    assert stories == {payment: list(range(steps)) for payment in payments}


class Proxy:
    """A broker's address that can go away and come back, cutting whatever is under way."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self.port = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self._open):
            writer.transport.abort()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there_reader, there = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        self._open |= {writer, there}
        try:
            await asyncio.gather(_copy(reader, there), _copy(there_reader, writer))
        finally:
            for one in (writer, there):
                one.transport.abort()
                self._open.discard(one)


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(65_536):
            target.write(data)
            await target.drain()
    except OSError:
        pass
    target.transport.abort()


def die_publishing(folder: Path, own: InstallationStream, flights: int) -> None:
    """In a process of its own, that kill -9 ends between the broker's confirmation and the cursor."""
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-m", "tests.streams.dying", str(folder), msgspec.json.encode(own).decode(), str(flights)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": f"{root / 'src'}{os.pathsep}{root}"},
        capture_output=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    forget_leases(folder)


def forget_leases(folder: Path) -> None:
    """Instead of waiting until the dead process's leases have run out."""
    with contextlib.closing(sqlite3.connect(folder / "bursar.db")) as connection:
        connection.execute("UPDATE work_leases SET until = 0")
        connection.commit()
