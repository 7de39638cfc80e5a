"""Slow clients: whoever does not finish a request is hung up on; whoever does may stay.

The limits are too long to wait for, so the server runs in this process with short ones.
"""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn

from bursar.http import protocol
from bursar.http.asgi import Receive, Scope, Send
from bursar.http.protocol import BoundedProtocol
from bursar.http.requests import ClientGone, read_body
from tests.http import raw

HEAD_SECONDS = 0.3
BODY_SECONDS = 0.3
CHECK_SECONDS = 0.05
CLOSED_SECONDS_MAX = HEAD_SECONDS + BODY_SECONDS + 15  # with room for a busy machine

HEAD = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n"


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the body, or at once where the address says so."""
    with contextlib.suppress(ClientGone):
        body = b"early" if scope["path"] == "/early" else await read_body(receive, None)
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(protocol, "HEAD_TIMEOUT_SECONDS", HEAD_SECONDS)
    monkeypatch.setattr(protocol, "BODY_TIMEOUT_SECONDS", BODY_SECONDS)
    monkeypatch.setattr(protocol, "CHECK_SECONDS", CHECK_SECONDS)
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        echo,
        http=BoundedProtocol,
        loop="asyncio",
        lifespan="off",
        log_config=None,
        timeout_keep_alive=30,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])))
    thread.start()
    yield listener.getsockname()[1]
    server.should_exit = True
    thread.join()


def seconds_until_closed(connection: socket.socket) -> float:
    started = time.monotonic()
    assert raw.is_closed(connection), "the connection stays open"
    return time.monotonic() - started


STARTS = {
    "nothing at all": b"",
    "half a request line": b"GET /v1/cus",
    "half a head": b"GET / HTTP/1.1\r\nHost: h\r\nX-Slow: ",
    "empty lines": b"\r\n\r\n",
    "half a body": HEAD + b"ab",
    "half a chunk": b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    "a request, and half of another": HEAD + b"abcde" + HEAD + b"ab",
    "a request, and half a head": HEAD + b"abcde" + b"GET / HT",
    "a body that nobody asked for": b"POST /early HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nab",
}


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS.keys())
def test_whoever_begins_a_request_and_does_not_end_it_is_hung_up_on(port: int, start: bytes) -> None:
    with raw.dial(port) as connection:
        connection.sendall(start)
        assert seconds_until_closed(connection) <= CLOSED_SECONDS_MAX


def test_empty_lines_after_an_answer_do_not_keep_a_connection_open(port: int) -> None:
    with raw.dial(port) as connection:
        connection.sendall(HEAD + b"abcde")
        assert raw.read_answer(connection).body == b"abcde"
        connection.sendall(b"\r\n")
        assert seconds_until_closed(connection) <= CLOSED_SECONDS_MAX


@pytest.mark.parametrize("start", [b"GET / HTTP/1.1\r\nHost: h\r\nX-Slow: ", HEAD[:-2] + b"X-Slow: "])
def test_a_head_that_trickles_in_gains_no_time(port: int, start: bytes) -> None:
    """The clock is that of the whole head, not of the latest byte."""
    with raw.dial(port) as connection:
        connection.sendall(start)
        started = time.monotonic()
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            while time.monotonic() - started < CLOSED_SECONDS_MAX:
                connection.sendall(b"x")
                time.sleep(CHECK_SECONDS)  # the client's slowness, which is what is being tried
        assert time.monotonic() - started < CLOSED_SECONDS_MAX


def test_a_connection_that_rests_between_requests_stays_open(port: int) -> None:
    with raw.dial(port) as connection:
        for _ in range(2):
            connection.sendall(HEAD + b"abcde")
            assert raw.read_answer(connection).body == b"abcde"
            connection.settimeout(2 * (HEAD_SECONDS + BODY_SECONDS))
            with pytest.raises(TimeoutError):
                connection.recv(1)
            connection.settimeout(raw.SECONDS_MAX)


def test_a_body_may_take_longer_than_a_head(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "BODY_TIMEOUT_SECONDS", raw.SECONDS_MAX)
    with raw.dial(port) as connection:
        connection.sendall(HEAD)
        time.sleep(HEAD_SECONDS + 2 * CHECK_SECONDS)  # the client's slowness
        connection.sendall(b"abcde")
        assert raw.read_answer(connection).body == b"abcde"
