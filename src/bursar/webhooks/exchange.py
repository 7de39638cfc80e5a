"""One connection to a receiver: a request goes out in one write, and as much of the answer comes in as is wanted.

The status decides, and is believed as soon as the whole head of the answer is there. How the body begins is kept for
people to look at; what is too long, too slow or cut off of it changes nothing.
"""

from __future__ import annotations

import asyncio
import select
from collections.abc import Callable

import httptools
import msgspec

from bursar.webhooks.rules import ErrorKind

ANSWER_BYTES_MAX = 64 * 1024
HEAD_BYTES_MAX = 32 * 1024
ANSWER_KEPT_BYTES = 1024


class Answer(msgspec.Struct, frozen=True, gc=False):
    status: int
    retry_after: str | None
    # How its body begins.
    beginning: bytes


class Failure(msgspec.Struct, frozen=True, gc=False):
    """No answer that says anything."""

    error: ErrorKind


CONNECTION_LOST = Failure("connection_lost")
NOT_HTTP = Failure("not_http")
TOO_LARGE = Failure("answer_too_large")
TIME_IS_UP = Failure("timeout")


class Exchange(asyncio.Protocol):
    """Good for another request only after a whole answer with nothing behind it."""

    def __init__(self, on_lost: Callable[[Exchange], None]) -> None:
        self._on_lost = on_lost
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport
        self._waiter: asyncio.Future[Answer | Failure] | None = None
        self._poll: Callable[[int], object] | None = None
        self._may_speak_first = False
        self._usable = False
        self.is_lost = False
        self.requests = 0
        # Until when it may lie idle.
        self.expires_at = 0.0
        self._begin()

    def _begin(self) -> None:
        self._status = 0
        self._retry_after: str | None = None
        self._pieces: list[bytes] = []
        self._body_size = 0
        self._received = 0
        self._head_is_whole = False
        self._is_whole = False
        self._has_surplus = False
        self._may_stay = False

    def is_clean(self) -> bool:
        """Whether nothing came in since the last answer: no byte, no end. It asks the operating system, too."""
        if not self._usable or self._waiter is not None or self._transport.is_closing():
            return False
        if self._poll is None or (self._may_speak_first and self.requests == 0):
            return True
        return not self._poll(0)

    @property
    def has_heard_something(self) -> bool:
        """Of the answer to the last request."""
        return self._received > 0

    def send(self, request: bytes) -> asyncio.Future[Answer | Failure]:
        assert self._usable and self._waiter is None, "one request at a time"
        self.requests += 1
        self._usable = False
        self._begin()
        self._waiter = waiter = self._loop.create_future()
        self._transport.write(request)
        return waiter

    def expire(self) -> None:
        """Its time is over; a status that has come is believed all the same."""
        self._end(self._answer() if self._head_is_whole else TIME_IS_UP)

    def abort(self) -> None:
        self._end(CONNECTION_LOST)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # what uvloop makes is none by its class
        self._usable = True
        # With TLS, servers give out tickets without being asked.
        self._may_speak_first = transport.get_extra_info("ssl_object") is not None
        socket = transport.get_extra_info("socket")
        if socket is not None and hasattr(select, "poll"):
            poller = select.poll()
            poller.register(socket.fileno(), select.POLLIN)
            self._poll = poller.poll

    def data_received(self, data: bytes) -> None:
        if self._waiter is None:
            self.abort()
            return
        self._received += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._has_surplus = True
            if not self._head_is_whole:
                self._end(NOT_HTTP)
                return
            self._is_whole = True
        if not self._head_is_whole:
            if self._received > HEAD_BYTES_MAX:
                self._end(TOO_LARGE)
        elif self._is_whole:
            self._finish()
        elif self._body_size > ANSWER_BYTES_MAX or self._received > HEAD_BYTES_MAX + ANSWER_BYTES_MAX:
            self._end(self._answer())

    def eof_received(self) -> None:
        self._end(self._answer() if self._head_is_whole else CONNECTION_LOST)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(self._answer() if self._head_is_whole else CONNECTION_LOST)
        self.is_lost = True
        self._poll = None
        # The two know each other, and would wait for the collector.
        del self._parser
        self._on_lost(self)

    def _finish(self) -> None:
        # Whoever answers before it has read all of a request has not read what is still to be written.
        if self._may_stay and not self._has_surplus and not self._transport.get_write_buffer_size():
            self._usable = True
            self._tell(self._answer())
        else:
            self._end(self._answer())

    def _end(self, result: Answer | Failure) -> None:
        self._usable = False
        self._tell(result)
        self._transport.abort()

    def _tell(self, result: Answer | Failure) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(result)

    def _answer(self) -> Answer:
        return Answer(self._status, self._retry_after, b"".join(self._pieces)[:ANSWER_KEPT_BYTES])

    # What the parser says.

    def on_message_begin(self) -> None:
        if self._is_whole:
            self._has_surplus = True

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._head_is_whole and len(name) == 11 and name.lower() == b"retry-after":
            self._retry_after = value.decode("latin-1")[:100]

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if self._is_whole:
            return
        if 100 <= status < 200:  # on the way to the real answer
            return
        self._status = status
        self._head_is_whole = True

    def on_body(self, body: bytes) -> None:
        if self._is_whole:
            return
        if self._body_size < ANSWER_KEPT_BYTES:
            self._pieces.append(body)
        self._body_size += len(body)

    def on_message_complete(self) -> None:
        if self._head_is_whole and not self._is_whole:
            self._is_whole = True
            self._may_stay = self._parser.should_keep_alive()
