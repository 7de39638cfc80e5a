"""One connection, on a transport that only remembers what was done to it."""

import asyncio
import socket
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from bursar.connectors.connection import Connection
from bursar.connectors.wire import CONNECTION_LOST, MORE_THAN_ONE, NOT_HTTP, TIME_IS_UP, TOO_LARGE, Answer, Failure

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
REFUSED = b"HTTP/1.1 400 X\r\nContent-Length: 2\r\n\r\n[]"


class Remembering(asyncio.Transport):
    def __init__(self, **known: Any) -> None:
        super().__init__(known)
        self.written: list[bytes] = []
        self.aborted = False
        self.unwritten = 0

    def write(self, data: Any) -> None:
        self.written.append(data)

    def get_write_buffer_size(self) -> int:
        return self.unwritten

    def is_closing(self) -> bool:
        return self.aborted

    def abort(self) -> None:
        self.aborted = True


Scenario = Callable[[Connection, Remembering, list[Connection]], Coroutine[Any, Any, None]]


def run(scenario: Scenario) -> None:
    async def whole() -> None:
        lost: list[Connection] = []
        connection, transport = Connection(lost.append), Remembering()
        connection.connection_made(transport)
        async with asyncio.timeout(10):
            await scenario(connection, transport, lost)

    asyncio.run(whole())


def test_a_request_is_written_once_in_one_piece() -> None:
    async def scenario(connection: Connection, transport: Remembering, _: list[Connection]) -> None:
        waiter = connection.send(b"head and body")
        assert transport.written == [b"head and body"]
        connection.data_received(GOOD[:10])
        assert not waiter.done()
        connection.data_received(GOOD[10:])
        assert await waiter == Answer(200, b"{}")
        assert connection.is_clean()
        assert transport.written == [b"head and body"]

    run(scenario)


def test_a_connection_serves_one_request_after_the_other() -> None:
    async def scenario(connection: Connection, transport: Remembering, _: list[Connection]) -> None:
        for answer, expected in ((GOOD, Answer(200, b"{}")), (REFUSED, Answer(400, b"[]")), (GOOD, Answer(200, b"{}"))):
            waiter = connection.send(b"x")
            assert not connection.is_reusable
            with pytest.raises(AssertionError):
                connection.send(b"y")
            connection.data_received(answer)
            assert await waiter == expected
        assert transport.written == [b"x"] * 3

    run(scenario)


@pytest.mark.parametrize("requests", [0, 1])
def test_bytes_that_nobody_asked_for_end_a_connection(requests: int) -> None:
    async def scenario(connection: Connection, transport: Remembering, _: list[Connection]) -> None:
        for _number in range(requests):
            connection.send(b"x")
            connection.data_received(GOOD)
        connection.data_received(b"\r")
        assert transport.aborted
        assert not connection.is_reusable
        assert not connection.is_clean()

    run(scenario)


def test_the_first_answer_on_a_connection_is_ours_but_what_follows_ends_it() -> None:
    async def scenario(connection: Connection, transport: Remembering, _: list[Connection]) -> None:
        waiter = connection.send(b"x")
        connection.data_received(GOOD + REFUSED)
        assert await waiter == Answer(200, b"{}")
        assert transport.aborted
        assert not connection.is_reusable

    run(scenario)


@pytest.mark.parametrize("more", [GOOD, b"H", b"?"])
def test_of_two_answers_on_a_used_connection_none_is_trusted(more: bytes) -> None:
    """The first may be the second answer to the request before."""

    async def scenario(connection: Connection, transport: Remembering, _: list[Connection]) -> None:
        connection.send(b"x")
        connection.data_received(REFUSED)
        waiter = connection.send(b"y")
        connection.data_received(REFUSED + more)
        assert await waiter == MORE_THAN_ONE
        assert transport.aborted

    run(scenario)


def test_an_answer_to_a_request_that_was_not_read_whole_is_the_last() -> None:
    async def scenario(connection: Connection, transport: Remembering, _: list[Connection]) -> None:
        waiter = connection.send(b"x")
        transport.unwritten = 1
        connection.data_received(REFUSED)
        assert await waiter == Answer(400, b"[]")
        assert transport.aborted
        assert not connection.is_reusable

    run(scenario)


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nConnection: close\r\n", b"HTTP/1.0 200 OK\r\n"])
def test_an_answer_that_says_so_is_the_last(head: bytes) -> None:
    async def scenario(connection: Connection, transport: Remembering, _: list[Connection]) -> None:
        waiter = connection.send(b"x")
        connection.data_received(head + b"Content-Length: 2\r\n\r\n{}")
        assert await waiter == Answer(200, b"{}")
        assert transport.aborted
        assert not connection.is_reusable

    run(scenario)


def test_the_end_of_a_connection_ends_an_answer_only_where_nothing_else_does() -> None:
    async def scenario(connection: Connection, transport: Remembering, _: list[Connection]) -> None:
        waiter = connection.send(b"x")
        connection.data_received(b"HTTP/1.1 200 OK\r\n\r\n{}")
        connection.eof_received()
        assert await waiter == Answer(200, b"{}")
        assert transport.aborted

    async def broken(connection: Connection, transport: Remembering, _: list[Connection]) -> None:
        waiter = connection.send(b"x")
        connection.data_received(b"HTTP/1.1 200 OK\r\n\r\n{}")
        connection.connection_lost(ConnectionResetError())
        assert await waiter == CONNECTION_LOST

    async def cut(connection: Connection, transport: Remembering, _: list[Connection]) -> None:
        waiter = connection.send(b"x")
        connection.data_received(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}")
        connection.eof_received()
        assert await waiter == CONNECTION_LOST

    run(scenario)
    run(broken)
    run(cut)


def test_the_end_while_idle_makes_a_connection_useless() -> None:
    async def scenario(connection: Connection, transport: Remembering, _: list[Connection]) -> None:
        connection.send(b"x")
        connection.data_received(GOOD)
        connection.eof_received()
        assert not connection.is_reusable

    run(scenario)


@pytest.mark.parametrize(
    ("fail", "expected"),
    [
        (lambda connection: connection.data_received(b"SSH-2.0\r\n"), NOT_HTTP),
        (lambda connection: connection.data_received(b"HTTP/1.1 200 X\r\nX: " + b"x" * 2_000_000), TOO_LARGE),
        (Connection.expire, TIME_IS_UP),
        (Connection.abort, CONNECTION_LOST),
        (lambda connection: connection.connection_lost(None), CONNECTION_LOST),
    ],
)
def test_every_failure_is_told_and_ends_the_connection(fail: Callable[[Connection], None], expected: Failure) -> None:
    async def scenario(connection: Connection, transport: Remembering, _: list[Connection]) -> None:
        waiter = connection.send(b"x")
        fail(connection)
        assert await waiter == expected
        assert transport.aborted
        assert not connection.is_reusable

    run(scenario)


def test_a_connection_is_lost_once_and_its_owner_hears_of_it() -> None:
    async def scenario(connection: Connection, _: Remembering, lost: list[Connection]) -> None:
        connection.abort()
        assert (connection.is_lost, lost) == (False, [])
        connection.connection_lost(None)
        assert (connection.is_lost, lost) == (True, [connection])
        connection.abort()  # what has ended may end again

    run(scenario)


def test_an_answer_to_a_call_that_was_given_up_disturbs_nobody() -> None:
    async def scenario(connection: Connection, transport: Remembering, _: list[Connection]) -> None:
        waiter = connection.send(b"x")
        waiter.cancel()
        connection.data_received(GOOD)
        assert waiter.cancelled()

    run(scenario)


@pytest.mark.parametrize("is_secure", [False, True])
def test_only_a_tls_server_may_speak_before_it_is_asked_and_only_at_first(is_secure: bool) -> None:
    """It gives out tickets after the handshake."""

    async def scenario() -> None:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            transport = Remembering(socket=ours, **({"ssl_object": object()} if is_secure else {}))
            connection = Connection(lambda _: None)
            connection.connection_made(transport)
            assert connection.is_clean()
            theirs.send(b"ticket")
            assert connection.is_clean() is is_secure
            connection.send(b"x")
            connection.data_received(GOOD)
            assert not connection.is_clean()
            ours.recv(100)
            assert connection.is_clean()

    asyncio.run(scenario())
