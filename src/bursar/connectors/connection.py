"""One connection to a bank: a request goes out in one write, and the answer to it comes in.

It is good for another request only after a whole answer with nothing behind it. Nothing here is repeated.
"""

from __future__ import annotations

import asyncio
import math
import select
from collections.abc import Callable

from bursar.connectors.wire import (
    CONNECTION_LOST,
    MORE_THAN_ONE,
    TIME_IS_UP,
    Answer,
    AnswerReader,
    Failure,
)


class Connection(asyncio.Protocol):
    def __init__(self, on_lost: Callable[[Connection], None]) -> None:
        self._on_lost = on_lost
        self._loop = asyncio.get_running_loop()
        self._reader = AnswerReader()
        self._transport: asyncio.Transport
        self._waiter: asyncio.Future[Answer | Failure] | None = None
        self._poll: Callable[[int], object] | None = None
        self._may_speak_first = False
        self._usable = False
        self.is_lost = False
        self.requests = 0
        # When its owner has had enough of it: of waiting for an answer, or of keeping it.
        self.expires_at = math.inf

    @property
    def is_reusable(self) -> bool:
        return self._usable and self._waiter is None

    def is_clean(self) -> bool:
        """Whether nothing came in since the last answer: no byte, no end. It asks the operating system, too.

        A second answer to an old request would be taken for the answer to the next one.
        """
        if not self.is_reusable or self._transport.is_closing():
            return False
        if self._poll is None or (self._may_speak_first and self.requests == 0):
            return True
        return not self._poll(0)

    def send(self, request: bytes) -> asyncio.Future[Answer | Failure]:
        """From here on, the request counts as handed to the operating system."""
        assert self.is_reusable, "one request at a time"
        self.requests += 1
        self._usable = False
        self._reader.begin()
        self._waiter = waiter = self._loop.create_future()
        self._transport.write(request)
        return waiter

    def expire(self) -> None:
        self._end(TIME_IS_UP)

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
        result = self._reader.feed(data)
        if result is None:
            return
        if isinstance(result, Failure):
            self._end(result)
        elif self._reader.has_surplus and self.requests > 1:
            # The first may be a second answer to an earlier request, and ours the one behind it.
            self._end(MORE_THAN_ONE)
        else:
            self._finish(result)

    def eof_received(self) -> None:
        self._end(self._reader.end())

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(CONNECTION_LOST)
        self.is_lost = True
        self._poll = None
        self._reader.close()
        self._on_lost(self)

    def _finish(self, answer: Answer) -> None:
        reader = self._reader
        # A bank that answers before it has read all of a request has not read what is still to be written.
        if reader.may_stay and not reader.has_surplus and not self._transport.get_write_buffer_size():
            self._usable = True
            self._tell(answer)
        else:
            self._end(answer)

    def _end(self, result: Answer | Failure) -> None:
        self._usable = False
        self._tell(result)
        self._transport.abort()

    def _tell(self, result: Answer | Failure) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(result)
