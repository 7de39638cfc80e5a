"""A load of our own, for what wrk cannot do: a fixed rate, a fixed number, and a look at every answer.

It sends what posts.lua sends and waits for every answer, so what it acknowledges is exact. It costs more
processor time than wrk, so the highest load is not measured with it.
"""

from __future__ import annotations

import asyncio
import gc
import secrets
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar, cast
from urllib.parse import urlsplit

import msgspec
import uvloop

from bench.cases import Case
from bench.processes import BenchError
from bench.wrk import Address

HEAD = (
    "POST {path} HTTP/1.1\r\n"
    "Host: {host}\r\n"
    "User-Agent: Stripe/v1 PythonBindings/16.1.0\r\n"
    "Accept-Encoding: gzip, deflate\r\n"
    "Accept: */*\r\n"
    "Connection: keep-alive\r\n"
    'X-Stripe-Client-User-Agent: {{"bindings_version": "16.1.0", "lang": "python", "httplib": "requests", '
    '"telemetry_id": "764925c24827a96a23bd38bf15d1465f", "lang_version": "3.11.7", '
    '"platform": "Linux-6.1.0-x86_64-with-glibc2.36"}}\r\n'
    "Authorization: Bearer {api_key}\r\n"
    "Content-Type: application/x-www-form-urlencoded\r\n"
    "Stripe-Version: 2026-10-28.endive\r\n"
    "Idempotency-Key: "
)
TICK_SECONDS = 0.001
ANSWER_SECONDS_MAX = 60.0  # after the last request was sent
WRONG_MAX = 5  # that are kept to be shown

T = TypeVar("T")


class _Answer(msgspec.Struct):
    status: str = "succeeded"  # of the object; a customer has none


_decode = msgspec.json.Decoder(_Answer).decode


class Requests:
    """One after the other, each with a key and an order number of its own."""

    def __init__(self, case: Case, address: Address) -> None:
        parts = urlsplit(address.url)
        self.host, self.port = parts.hostname or "127.0.0.1", parts.port or 80
        self._head = HEAD.format(path=case.path, host=parts.netloc, api_key=address.api_key).encode()
        self._pieces = [piece.encode() for piece in case.form.split("{order}")]
        self._run = secrets.token_hex(4)
        self._count = 0

    def next(self) -> bytes:
        self._count += 1
        order = b"%s%06x" % (self._run.encode(), self._count)
        body = order.join(self._pieces)
        chance = secrets.token_hex(9)
        key = f"{chance[:8]}-{chance[8:12]}-4{chance[12:15]}-a{chance[15:]}-{self._run}{self._count % 0x10000:04x}"
        return b"%s%s\r\nContent-Length: %d\r\n\r\n%s" % (self._head, key.encode(), len(body), body)


@dataclass
class Tally:
    """What came back."""

    acknowledged: int = 0
    wrong: list[str] = field(default_factory=list)
    microseconds: list[int] = field(default_factory=list)  # from when each was due until its answer was there
    late_microseconds: list[int] = field(default_factory=list)  # how long after it was due each was sent
    seconds: float = 0.0

    def take(self, status: int, body: bytes) -> None:
        if status == 200 and _decode(body).status == "succeeded":
            self.acknowledged += 1
        elif len(self.wrong) < WRONG_MAX:
            self.wrong.append(f"{status} {body[:300].decode(errors='replace')}")


class _Connection(asyncio.Protocol):
    """One keep-alive connection with one request at a time."""

    def __init__(self, answered: Callable[[_Connection, int, bytes], None], lost: Callable[[], None]) -> None:
        self._answered = answered
        self._lost = lost
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self.due = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's does not say that it is one

    def send(self, request: bytes, due: float) -> None:
        assert self._transport is not None
        self.due = due
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        _, _, length = head.lower().partition(b"content-length:")
        if len(body) >= int(length.split(b"\r\n", 1)[0]):
            self._buffer = b""
            self._answered(self, int(head[9:12]), body)

    def connection_lost(self, _problem: Exception | None) -> None:
        self._lost()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


class _Load:
    def __init__(self, requests: Requests, connections: int) -> None:
        self._requests = requests
        self._connections = connections
        self.tally = Tally()
        self.sent = 0
        # Used in turn: a server closes a connection on which nothing comes for some seconds.
        self.idle: deque[_Connection] = deque()
        self.all: list[_Connection] = []
        self.ended = asyncio.Event()
        self.closing = False

    async def open(self, answered: Callable[[_Connection], None]) -> None:
        def take(connection: _Connection, status: int, body: bytes) -> None:
            self.tally.take(status, body)
            answered(connection)

        loop = asyncio.get_running_loop()
        for _ in range(self._connections):
            _, connection = await loop.create_connection(
                lambda: _Connection(take, self._lost), self._requests.host, self._requests.port
            )
            self.all.append(connection)
        self.idle = deque(self.all)

    def send(self, connection: _Connection, due: float) -> None:
        self.sent += 1
        connection.send(self._requests.next(), due)

    async def finish(self, started: float) -> Tally:
        try:
            await asyncio.wait_for(self.ended.wait(), ANSWER_SECONDS_MAX)
        except TimeoutError:
            self.tally.wrong.append("some requests got no answer")
        self.tally.seconds = time.perf_counter() - started
        self.closing = True
        for connection in self.all:
            connection.close()
        if self.tally.wrong:
            raise BenchError(f"not every answer was good: {self.tally.wrong}")
        return self.tally

    def _lost(self) -> None:
        if not self.closing:
            self.tally.wrong.append("a connection was closed on us")
            self.ended.set()


def send_number(
    requests: Requests, connections: int, total: int, every: int, watch: Callable[[int], None] | None = None
) -> Tally:
    """A closed loop: each connection sends its next request when it has its answer, until there were `total`.

    `watch` is called after every so many answers.
    """

    async def run() -> Tally:
        load = _Load(requests, connections)

        def answered(connection: _Connection) -> None:
            done = load.tally.acknowledged
            if watch is not None and done % every == 0:
                watch(done)
            if load.tally.wrong or done == total:
                load.ended.set()
            elif load.sent < total:
                load.send(connection, 0.0)

        await load.open(answered)
        started = time.perf_counter()
        for connection in load.all[:total]:
            load.send(connection, 0.0)
        await _until_slow(load)
        return await load.finish(started)

    return _run(run)


async def _until_slow(load: _Load) -> None:
    """As long as answers come, there is no limit of time."""
    before = -1
    while load.tally.acknowledged != before and not load.ended.is_set():
        before = load.tally.acknowledged
        try:
            await asyncio.wait_for(load.ended.wait(), ANSWER_SECONDS_MAX)
        except TimeoutError:
            continue


def send_at_rate(requests: Requests, connections: int, rate: float, seconds: float) -> Tally:
    """An open loop: each request is due at its own time, whatever became of those before it.

    A request that finds every connection busy waits for one, and this wait is part of what it took: a server that
    stops for a moment delays all that come meanwhile, and they count (no coordinated omission).
    """

    async def run() -> Tally:
        load = _Load(requests, connections)
        waiting: deque[float] = deque()
        tally = load.tally
        total = int(rate * seconds)
        made = 0

        def send(connection: _Connection, due: float) -> None:
            tally.late_microseconds.append(int((time.perf_counter() - due) * 1e6))
            load.send(connection, due)

        def answered(connection: _Connection) -> None:
            tally.microseconds.append(int((time.perf_counter() - connection.due) * 1e6))
            if waiting:
                send(connection, waiting.popleft())
            else:
                load.idle.append(connection)
            if tally.wrong or tally.acknowledged == total:
                load.ended.set()

        await load.open(answered)
        started = time.perf_counter()
        while made < total and not load.ended.is_set():
            due_by_now = min(total, int((time.perf_counter() - started) * rate) + 1)
            while made < due_by_now:
                due = started + made / rate
                made += 1
                if load.idle:
                    send(load.idle.popleft(), due)
                else:
                    waiting.append(due)
            await asyncio.sleep(TICK_SECONDS)
        return await load.finish(started)

    return _run(run)


def _run(work: Callable[[], Awaitable[T]]) -> T:
    async def main() -> T:
        return await work()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner, _no_pauses():
        return runner.run(main())


@contextmanager
def _no_pauses() -> Iterator[None]:
    """Nobody waits for our own collector."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
