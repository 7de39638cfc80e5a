"""HTTP/1.1 on a socket: requests in, answers out in their order, and whatever shall go wrong on the way."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Callable
from typing import Protocol

import httptools

from piggybank.api import ALWAYS_IN_REACH, Api, may_go_wrong, refused
from piggybank.faults import NO_PLAN, Faults, Plan
from piggybank.replies import JSON, Reply
from piggybank.requests import Refused

HEAD_BYTES_MAX = 16 * 1024
BODY_BYTES_MAX = 256 * 1024
PIPELINED_MAX = 16  # more requests than this without waiting for answers: reading stops until some are given
_REASONS = {200: b"OK", 303: b"See Other", 400: b"Bad Request", 401: b"Unauthorized", 404: b"Not Found"}
_REASONS |= {405: b"Method Not Allowed", 409: b"Conflict"}
_REASONS |= {413: b"Content Too Large", 502: b"Bad Gateway", 503: b"Service Unavailable", 500: b"Internal Server Error"}
_BAD_GATEWAY_PAGE = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n"


class Surroundings(Protocol):
    """What a connection needs of its server."""

    api: Api
    faults: Faults
    connections: set[Connection]

    def answer_when_durable(self, reply: Reply, then: Callable[[], None]) -> None: ...


class Request:
    __slots__ = ("authorization", "body", "keep_alive", "method", "path", "query")

    def __init__(self) -> None:
        self.authorization = b""
        self.body = b""
        self.keep_alive = True
        self.method = self.path = self.query = ""


class Connection(asyncio.Protocol):
    def __init__(self, server: Surroundings) -> None:
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[Request] = deque()
        self._busy = False
        self._url = b""
        self._size = 0
        self._request = Request()

    # What the socket says.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write"), "a stream"
        self._transport = transport  # type: ignore[assignment]
        self._server.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.connections.discard(self)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except Refused as refusal:
            self._refuse(refusal)
        except httptools.HttpParserError as problem:
            cause = problem.__context__
            self._refuse(cause if isinstance(cause, Refused) else Refused(400, "invalid", "This is no valid HTTP/1.1."))

    def close_when_idle(self) -> None:
        if not self._busy:
            self._transport.close()

    # What the parser says.

    def on_message_begin(self) -> None:
        self._url = b""
        self._size = 0
        self._request = Request()

    def on_url(self, url: bytes) -> None:
        self._url += url
        self._count(len(url), HEAD_BYTES_MAX)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value), HEAD_BYTES_MAX)
        if len(name) == 13 and name.lower() == b"authorization":
            self._request.authorization = value

    def on_body(self, body: bytes) -> None:
        self._count(len(body), HEAD_BYTES_MAX + BODY_BYTES_MAX)
        self._request.body += body

    def on_message_complete(self) -> None:
        request = self._request
        path, _, query = self._url.decode("latin-1").partition("?")
        request.path, request.query = path, query
        request.method = self._parser.get_method().decode()
        request.keep_alive = self._parser.should_keep_alive()
        if self._busy:
            self._waiting.append(request)
            if len(self._waiting) >= PIPELINED_MAX:
                self._transport.pause_reading()
        else:
            self._busy = True
            self._begin(request)

    def _count(self, length: int, limit: int) -> None:
        self._size += length
        if self._size > limit:
            raise Refused(413, "too_large", "This request is larger than any that the bank needs.")

    # One request's way.

    def _begin(self, request: Request) -> None:
        faults = self._server.faults
        if faults.settings.down and request.path not in ALWAYS_IN_REACH:
            self._reset()
            return
        plan = faults.plan() if may_go_wrong(request.path) else NO_PLAN
        if plan.refuse:
            self._reset()
        elif plan.latency_seconds:
            self._loop.call_later(plan.latency_seconds / 2, self._carry_out, request, plan)
        else:
            self._carry_out(request, plan)

    def _carry_out(self, request: Request, plan: Plan) -> None:
        if not plan.carry_out:
            self._finish(request, plan, Reply(502, b""))
            return
        try:
            reply = self._server.api.handle(
                request.method, request.path, request.query, request.authorization, request.body
            )
        except Exception:
            self._finish(request, NO_PLAN, refused(Refused(500, "defect", "A defect of the bank.")))
            raise
        self._server.answer_when_durable(reply, lambda: self._delay(request, plan, reply))

    def _delay(self, request: Request, plan: Plan, reply: Reply) -> None:
        if plan.latency_seconds:
            self._loop.call_later(plan.latency_seconds / 2, self._finish, request, plan, reply)
        else:
            self._finish(request, plan, reply)

    def _finish(self, request: Request, plan: Plan, reply: Reply) -> None:
        if plan.drop_reply:
            self._reset()
            return
        if self._transport.is_closing():
            return  # the caller did not wait; what it asked for is done all the same
        answer = (
            _written(502, _BAD_GATEWAY_PAGE, b"text/html")
            if plan.bad_gateway
            else _written(reply.status, reply.body, reply.content_type, reply.headers)
        )
        self._transport.write(answer + answer if plan.duplicate_reply else answer)
        if not request.keep_alive:
            self._transport.close()
            return
        if not self._waiting:
            self._busy = False
            return
        self._transport.resume_reading()
        self._loop.call_soon(self._begin, self._waiting.popleft())

    def _refuse(self, refusal: Refused) -> None:
        reply = refused(refusal)
        if not self._transport.is_closing():
            self._transport.write(_written(reply.status, reply.body))
            self._transport.close()

    def _reset(self) -> None:
        """As a network does it: no farewell."""
        connected = self._transport.get_extra_info("socket")
        if connected is not None:
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()


def _written(status: int, body: bytes, content_type: bytes = JSON, headers: bytes = b"") -> bytes:
    return b"HTTP/1.1 %d %b\r\nContent-Type: %b\r\n%bContent-Length: %d\r\n\r\n%b" % (
        status,
        _REASONS.get(status, b""),
        content_type,
        headers,
        len(body),
        body,
    )
