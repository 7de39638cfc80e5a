"""The server's protocol with what uvicorn leaves open: limits on the head, and on the time to send a request."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from bursar.http.errors import error_body
from bursar.http.limits import BODY_TIMEOUT_SECONDS, HEAD_TIMEOUT_SECONDS, HEADER_BYTES_MAX, HEADERS_MAX
from bursar.kit.errors import HeadersTooLarge, InvalidRequest, RequestError

CHECK_SECONDS = 5


class BoundedProtocol(HttpToolsProtocol):
    """Counts the bytes of the head as they come, so that an endless one is cut off early."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._head_number = 0
        # As they come in, where a packet is of one head only, and as they are parsed, where it ends one or begins two.
        self._head_bytes_received = 0
        self._head_bytes = 0
        self._head_count = 0
        self._in_head = False
        self._receiving_since: float | None = None
        self._refusal: RequestError | None = None
        self._check: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        # A connection that never sends a request is as slow as one that never ends it.
        self._expect_head()
        self._check = self.loop.call_later(CHECK_SECONDS, self._close_if_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._check is not None:
            self._check.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        idle = self._receiving_since is None or (self._in_head and not self._head_bytes_received)
        only_head = self._head_number + idle
        super().data_received(data)
        if self._receiving_since is None and (self.cycle is None or self.cycle.response_complete):
            # What comes between two requests and begins none must not keep the connection open for ever.
            self._expect_head()
        elif self._in_head and self._head_number == only_head:
            self._head_bytes_received += len(data)
            if self._head_bytes_received > HEADER_BYTES_MAX and not self.transport.is_closing():
                self._refusal = _head_too_large()
                self.send_400_response("")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._expect_head()

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_count += 1
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._receiving_since = None
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """What the parser cannot read is answered in the wire's shape as well."""
        error = self._refusal or InvalidRequest("This is not a valid HTTP/1.1 request.")
        body = error_body(error)
        reason = {400: b"Bad Request", 408: b"Request Timeout", 431: b"Request Header Fields Too Large"}
        self.transport.write(
            b"HTTP/1.1 %d %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b"
            % (error.status, reason.get(error.status, b"Bad Request"), len(body), body)
        )
        self.transport.close()

    def _expect_head(self) -> None:
        self._head_number += 1
        self._head_bytes_received = self._head_bytes = self._head_count = 0
        self._in_head = True
        self._receiving_since = self.loop.time()

    def _count(self, length: int) -> None:
        self._head_bytes += length
        if self._head_bytes > HEADER_BYTES_MAX or self._head_count > HEADERS_MAX:
            self._refusal = _head_too_large()
            raise self._refusal

    def _close_if_slow(self) -> None:
        since = self._receiving_since
        limit = HEAD_TIMEOUT_SECONDS if self._in_head else HEAD_TIMEOUT_SECONDS + BODY_TIMEOUT_SECONDS
        if since is not None and self.loop.time() - since > limit:
            self.transport.close()
            return
        self._check = self.loop.call_later(CHECK_SECONDS, self._close_if_slow)


def _head_too_large() -> HeadersTooLarge:
    return HeadersTooLarge(
        f"The request line and headers have more than {HEADER_BYTES_MAX} bytes or {HEADERS_MAX} lines; send fewer."
    )
