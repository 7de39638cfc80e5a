"""Receivers of every kind, good and bad, on a socket of their own."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass(frozen=True)
class Received:
    path: str
    headers: dict[str, str]
    body: bytes
    at: float
    """When its last byte had come."""

    @property
    def event_id(self) -> str:
        return self.headers["webhook-id"]


# Answers by itself, and tells whether the connection may stay.
Behaviour = Callable[[Received, asyncio.StreamWriter], Awaitable[bool]]


@dataclass
class Receiver:
    """Whatever it is sent, it keeps; how it answers, `behaviour` says."""

    behaviour: Behaviour
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    port: int = 0
    is_secure: bool = False
    _came: asyncio.Event = field(default_factory=asyncio.Event)
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"{'https' if self.is_secure else 'http'}://localhost:{self.port}/hook"

    async def until(self, condition: Callable[[], bool], seconds: float = 30.0) -> None:
        async with asyncio.timeout(seconds):
            while not condition():
                self._came.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(0.05):
                        await self._came.wait()

    async def until_received(self, count: int, seconds: float = 30.0) -> list[Received]:
        await self.until(lambda: len(self.received) >= count, seconds)
        return self.received

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        try:
            stays = True
            while stays:
                received = await _read(reader)
                if received is None:
                    return
                self.received.append(received)
                self._came.set()
                stays = await self.behaviour(received, writer)
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        except asyncio.CancelledError:
            pass
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    def hang_up(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()


async def _read(reader: asyncio.StreamReader) -> Received | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    first, *lines = head.decode("latin-1").split("\r\n")[:-2]
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    body = await reader.readexactly(int(headers["content-length"]))
    return Received(first.split(" ")[1], headers, body, time.monotonic())


@asynccontextmanager
async def receiving(behaviour: Behaviour | None = None, tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    receiver = Receiver(behaviour or answering(OK), is_secure=tls is not None)
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        receiver.hang_up()
        with suppress(TimeoutError):
            async with asyncio.timeout(1):
                await server.wait_closed()


def answering(*answers: bytes, stays: bool = True) -> Behaviour:
    """Each in its turn, then the last one for ever."""
    waiting = list(answers)

    async def behave(_received: Received, writer: asyncio.StreamWriter) -> bool:
        writer.write(waiting.pop(0) if len(waiting) > 1 else waiting[0])
        await writer.drain()
        return stays

    return behave


def status(code: int, *headers: str, body: str = "") -> bytes:
    lines = [f"HTTP/1.1 {code} Whatever", f"Content-Length: {len(body)}", *headers, "", body]
    return "\r\n".join(lines).encode()


async def hanging(_received: Received, _writer: asyncio.StreamWriter) -> bool:
    await asyncio.sleep(3_600)
    return False


async def resetting(_received: Received, writer: asyncio.StreamWriter) -> bool:
    writer.transport.abort()
    return False


async def endless(_received: Received, writer: asyncio.StreamWriter) -> bool:
    """A gigabyte and more, as fast as it is taken."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n")
    while not writer.is_closing():
        writer.write(b"x" * 65_536)
        await writer.drain()
    return False


async def endless_head(_received: Received, writer: asyncio.StreamWriter) -> bool:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while not writer.is_closing():
        writer.write(b"X-Header: " + b"x" * 8_000 + b"\r\n")
        await writer.drain()
    return False


async def slow_head(_received: Received, writer: asyncio.StreamWriter) -> bool:
    for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Padding: " + b"x" * 10_000:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.05)
    return False
