"""One receiver, and the connections to it that lie idle until the next request.

Whoever sends has a place already, so there are never more connections than places, and nobody waits for one here.
"""

from __future__ import annotations

import asyncio
import functools
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

from bursar.webhooks.addresses import AddressRefused, Guard, Place
from bursar.webhooks.exchange import CONNECTION_LOST, Answer, Exchange, Failure
from bursar.webhooks.rules import ErrorKind

# Below the five seconds after which many servers close an idle connection, so that the two never meet.
IDLE_SECONDS_MAX = 4.0

# As an event loop's `create_connection`.
Dial = Callable[..., Awaitable[tuple[Any, Any]]]


@functools.cache
def tls_context() -> ssl.SSLContext:
    """The receiver proves by its certificate that it is the one whose name its owner gave."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


class Receiver:
    """Belongs to the event loop that it was made on."""

    def __init__(
        self,
        place: Place,
        guard: Guard,
        connect_seconds_max: float,
        tls: Callable[[], ssl.SSLContext] = tls_context,
        dial: Dial | None = None,
    ) -> None:
        self.place = place
        self._guard = guard
        self._connect_seconds_max = connect_seconds_max
        self._tls = tls
        self._loop = asyncio.get_running_loop()
        self._dial: Dial = dial or self._loop.create_connection
        self._idle: list[Exchange] = []
        self._open: set[Exchange] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._head = (
            f"POST {place.target} HTTP/1.1\r\nHost: {place.host_header}\r\nUser-Agent: Bursar-Webhooks/1.0\r\n"
            "Accept: */*\r\nContent-Type: application/json; charset=utf-8\r\n"
        )

    async def post(self, headers: str, body: bytes, seconds_max: float) -> Answer | Failure:
        """Never raises for what a network or a receiver does; always ends in time."""
        request = f"{self._head}{headers}Content-Length: {len(body)}\r\n\r\n".encode("latin-1") + body
        until = self._loop.time() + seconds_max
        kept = self._take_kept()
        if kept is not None:
            result = await self._ask(kept, request, until)
            # It closed the connection while it lay idle. Should it have read the request nevertheless, the second one
            # carries the same id.
            if not (isinstance(result, Failure) and result.error == "connection_lost" and not kept.has_heard_something):
                return result
        try:
            async with asyncio.timeout_at(until):
                opened = await self._connect()
        except (OSError, AddressRefused) as problem:
            return Failure(_kind_of(problem))
        return await self._ask(opened, request, until)

    def close(self) -> None:
        for exchange in list(self._open):
            exchange.abort()
        self._idle.clear()
        if self._timer is not None:
            self._timer.cancel()

    async def _ask(self, exchange: Exchange, request: bytes, until: float) -> Answer | Failure:
        timer = self._loop.call_at(until, exchange.expire)
        try:
            result = await exchange.send(request) if exchange.is_clean() else CONNECTION_LOST
        except BaseException:
            exchange.abort()
            raise
        finally:
            timer.cancel()
        if exchange.is_clean():
            exchange.expires_at = self._loop.time() + IDLE_SECONDS_MAX
            self._idle.append(exchange)
            if self._timer is None:
                self._timer = self._loop.call_later(IDLE_SECONDS_MAX, self._sweep)
        else:
            exchange.abort()
        return result

    def _take_kept(self) -> Exchange | None:
        now = self._loop.time()
        while self._idle:
            exchange = self._idle.pop()
            if exchange.expires_at > now and exchange.is_clean():
                return exchange
            exchange.abort()
        return None

    async def _connect(self) -> Exchange:
        hosts = await self._guard.addresses(self.place)
        for number, host in enumerate(hosts, 1):
            try:
                # One that leads nowhere leaves time for the others.
                async with asyncio.timeout(self._connect_seconds_max / len(hosts)):
                    return await self._connect_to(host)
            except OSError:
                if number == len(hosts):
                    raise
        raise AssertionError("the loop above returns or raises")

    async def _connect_to(self, host: str) -> Exchange:
        """To the address that was checked, and as the name whose certificate it must show."""
        secure: dict[str, Any] = {}
        if self.place.is_secure:
            secure = {"ssl": self._tls(), "server_hostname": self.place.host}
        _, exchange = await self._dial(lambda: Exchange(self._open.discard), host, self.place.port, **secure)
        assert isinstance(exchange, Exchange)
        if exchange.is_lost:
            raise ConnectionResetError
        self._open.add(exchange)
        return exchange

    def _sweep(self) -> None:
        self._timer = None
        now = self._loop.time()
        kept = [exchange for exchange in self._idle if exchange.expires_at > now and not exchange.is_lost]
        for exchange in set(self._idle) - set(kept):
            exchange.abort()
        self._idle = kept
        if kept:
            self._timer = self._loop.call_at(min(one.expires_at for one in kept), self._sweep)


class RefusedReceiver:
    """Of a URL that cannot be called any more, as one that was given in development: each try says so."""

    async def post(self, headers: str, body: bytes, seconds_max: float) -> Answer | Failure:
        return Failure("address_refused")

    def close(self) -> None:
        """It has no connections."""


def _kind_of(problem: OSError | AddressRefused) -> ErrorKind:
    kinds: tuple[tuple[type[Exception], ErrorKind], ...] = (
        (AddressRefused, "address_refused"),
        (ssl.SSLCertVerificationError, "certificate_refused"),
        (ssl.SSLError, "tls_failed"),
        (socket.gaierror, "name_unknown"),
        (ConnectionRefusedError, "connection_refused"),
        (TimeoutError, "timeout"),
    )
    return next((kind for known, kind in kinds if isinstance(problem, known)), "connection_failed")
