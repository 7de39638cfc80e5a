"""How many webhooks one worker delivers in a second: `python -m tests.webhooks.measure [--events N] [--url DATABASE]`.

The receivers are a process of their own, as they are in life; the events are in the log before the worker starts.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import tempfile
import time
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

import uvloop
from sqlalchemy import func, select

from bursar.store.unit import Unit
from bursar.webhooks.rules import Pace
from bursar.webhooks.tables import webhook_deliveries
from tests.databases import Database
from tests.webhooks.world import World, opened

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
SECONDS_MAX = 300.0


class Counter(asyncio.Protocol):
    """Answers as soon as a request is whole, and no sooner."""

    received = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._buffer = b""

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while True:
            head, found, rest = self._buffer.partition(b"\r\n\r\n")
            if not found:
                return
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            if len(rest) < length:
                return
            self._buffer = rest[length:]
            Counter.received += 1
            self._transport.write(ANSWER)  # type: ignore[attr-defined]


def receive(pipe: Pipe) -> None:
    async def serve() -> None:
        server = await asyncio.get_running_loop().create_server(Counter, "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await asyncio.sleep(SECONDS_MAX)

    uvloop.run(serve())


async def measure(world: World, port: int, events: int, endpoints: int) -> None:
    for number in range(endpoints):
        await world.listen(f"http://localhost:{port}/{number}")
    padding = "x" * 1_500  # events of payments are of this size
    for start in range(0, events, 200):
        count = min(200, events - start)
        await world.store.commit(Unit([], [world.entry("charge.succeeded", n, padding=padding) for n in range(count)]))
    wanted = events * endpoints
    query = select(func.count()).where(webhook_deliveries.c.status == "delivered")
    began, used = time.perf_counter(), time.process_time()
    async with world.working():
        done = 0
        while done < wanted and time.perf_counter() - began < SECONDS_MAX:
            await asyncio.sleep(0.2)
            done = await world.store.read(lambda connection: connection.execute(query).scalar_one())
        seconds, processor = time.perf_counter() - began, time.process_time() - used
    for row in [row for row in await world.rows() if row.status != "delivered"][:5]:
        print("not delivered:", row)
    failed = [attempt for attempt in await world.attempts() if attempt.error]
    print(f"{len(failed)} tries failed, such as {failed[:2]}" if failed else "no try failed")
    print(
        f"{done} of {wanted} deliveries in {seconds:.1f} s: {done / seconds:.0f}/s, "
        f"{processor / max(done, 1) * 1000:.2f} ms of processor each, {world.store.engines.dialect_name}"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=5_000)
    parser.add_argument("--endpoints", type=int, default=2)
    parser.add_argument("--url", default="")
    wishes = parser.parse_args()
    ours, theirs = multiprocessing.Pipe()
    child = multiprocessing.get_context("spawn").Process(target=receive, args=(theirs,), daemon=True)
    child.start()
    port = ours.recv()
    with tempfile.TemporaryDirectory() as folder:
        url = wishes.url or f"sqlite:///{Path(folder) / 'bursar.db'}"
        with opened(Database("any", url), 1 if url.startswith("sqlite") else 2) as store:
            uvloop.run(measure(World(store, Pace()), port, wishes.events, wishes.endpoints))
    child.kill()


if __name__ == "__main__":
    main()
