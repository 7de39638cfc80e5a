"""The connections to one bank: how many there are, who gets which, and how long each lives.

All of them share one timer, which is set for the one that expires first. It is seldom moved, because calls
to one bank have the same limit and so expire in the order in which they began.
"""

from __future__ import annotations

import asyncio
import math
import socket
import ssl
from collections import OrderedDict
from contextlib import suppress

from bursar.connectors.connection import Connection
from bursar.connectors.wire import Address, Answer, Failure

# Connections that are lost before anything was sent; after as many, the bank does not want us.
LOST_MAX = 2
# A name may stand for several addresses, of which some lead nowhere.
ADDRESSES_MAX = 4
CLOSE_SECONDS_MAX = 1.0


class NoConnection(Exception):
    """None was to be had, so nothing was sent."""


class Pool:
    """Belongs to the event loop that makes it."""

    def __init__(
        self,
        address: Address,
        tls: ssl.SSLContext | None,
        connections_max: int,
        connect_seconds_max: float,
        keep_seconds_max: float,
    ) -> None:
        self._address = address
        self._tls = tls
        self._connect_seconds_max = connect_seconds_max
        # Zero: each connection serves one request.
        self._keep_seconds_max = keep_seconds_max
        self._loop = asyncio.get_running_loop()
        self._slots_free = connections_max
        # Each of these holds a slot until it is lost. Those that lie idle are used last in, first out.
        self._connections: set[Connection] = set()
        self._idle: dict[Connection, None] = {}
        # In the order of their coming. They get a connection, or None for a slot to open one in; as long as
        # somebody waits, nothing is idle or free.
        self._waiting: OrderedDict[asyncio.Future[Connection | None], None] = OrderedDict()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = math.inf
        self._closed = False
        self._emptied = asyncio.Event()

    def now(self) -> float:
        return self._loop.time()

    def take_kept(self) -> Connection | None:
        """A connection that lies idle, if there is one that can be trusted."""
        now = self._loop.time()
        while self._idle:
            connection, _ = self._idle.popitem()
            if connection.expires_at > now and connection.is_clean():
                return connection
            connection.abort()
        return None

    async def take(self) -> Connection:
        """Opens one, or waits for one. Raises OSError, TimeoutError and NoConnection; nothing was sent then."""
        async with asyncio.timeout(self._connect_seconds_max):
            for _ in range(LOST_MAX):
                connection = self.take_kept() or await self._open_or_wait()
                if connection.is_clean():
                    return connection
                connection.abort()
        raise NoConnection

    async def exchange(self, connection: Connection, request: bytes, expires_at: float) -> Answer | Failure:
        """From its first step on, the request counts as handed to the operating system."""
        connection.expires_at = expires_at
        self._watch(expires_at)
        try:
            return await connection.send(request)
        finally:
            self._give_back(connection)

    async def close(self) -> None:
        """Whatever is under way ends now."""
        self._closed = True
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_exception(NoConnection())
        self._waiting.clear()
        for connection in list(self._connections):
            connection.abort()
        if self._connections:
            # An event loop that is closed before its sockets are leaves them open.
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_SECONDS_MAX):
                    await self._emptied.wait()
        if self._timer is not None:
            self._timer.cancel()

    def _give_back(self, connection: Connection) -> None:
        if not connection.is_reusable or not self._keep_seconds_max or self._closed:
            connection.abort()
            return
        connection.expires_at = self._loop.time() + self._keep_seconds_max
        self._watch(connection.expires_at)
        if not self._hand_on(connection):
            self._idle[connection] = None

    def _hand_on(self, what: Connection | None) -> bool:
        while self._waiting:
            waiter, _ = self._waiting.popitem(last=False)
            if not waiter.done():
                waiter.set_result(what)
                return True
        return False

    def _free_slot(self) -> None:
        if not self._hand_on(None):
            self._slots_free += 1

    async def _open_or_wait(self) -> Connection:
        if self._closed:
            raise NoConnection
        if self._slots_free:
            self._slots_free -= 1
            return await self._open()
        given = await self._wait()
        return given if given is not None else await self._open()

    async def _wait(self) -> Connection | None:
        waiter: asyncio.Future[Connection | None] = self._loop.create_future()
        self._waiting[waiter] = None
        try:
            return await waiter
        except BaseException:
            self._waiting.pop(waiter, None)
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                # It got something at the moment in which it gave up.
                given = waiter.result()
                if given is None:
                    self._free_slot()
                else:
                    self._give_back(given)
            raise

    async def _open(self) -> Connection:
        """Takes over the slot of its caller."""
        try:
            connection = await self._connect()
        except BaseException:
            self._free_slot()
            raise
        self._connections.add(connection)
        if connection.is_lost:
            self._lost(connection)
        if self._closed:
            connection.abort()
            raise NoConnection
        return connection

    async def _connect(self) -> Connection:
        hosts = await self._resolve()
        for number, host in enumerate(hosts, 1):
            try:
                # One that leads nowhere leaves time for the others.
                async with asyncio.timeout(self._connect_seconds_max / len(hosts)):
                    return await self._connect_to(host)
            except OSError:
                if number == len(hosts):
                    raise
        raise NoConnection

    async def _connect_to(self, host: str) -> Connection:
        _, connection = await self._loop.create_connection(
            lambda: Connection(self._lost),
            host,
            self._address.port,
            ssl=self._tls,
            server_hostname=self._address.host if self._tls is not None else None,
        )
        return connection

    async def _resolve(self) -> list[str]:
        if self._address.is_literal:
            return [self._address.host]
        found = await self._loop.getaddrinfo(self._address.host, self._address.port, type=socket.SOCK_STREAM)
        return list(dict.fromkeys(str(one[4][0]) for one in found))[:ADDRESSES_MAX]

    def _lost(self, connection: Connection) -> None:
        if connection not in self._connections:
            # Its opener has not heard of it yet, and still holds the slot.
            return
        self._connections.remove(connection)
        self._idle.pop(connection, None)
        self._free_slot()
        if self._closed and not self._connections:
            self._emptied.set()

    def _watch(self, expires_at: float) -> None:
        if expires_at < self._timer_at:
            if self._timer is not None:
                self._timer.cancel()
            self._timer_at = expires_at
            self._timer = self._loop.call_at(expires_at, self._sweep)

    def _sweep(self) -> None:
        now = self._loop.time()
        self._timer, self._timer_at = None, math.inf
        for connection in list(self._connections):
            if connection.expires_at <= now:
                connection.expire()
        self._watch(min((one.expires_at for one in self._connections if one.expires_at > now), default=math.inf))
