"""`GET /api/v1/audit/export`: a stream, and so a route of its own beside the endpoints, behind the same gate."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

from bursar.audit.endpoints import READ
from bursar.audit.files import CONTENT_TYPES, encoder, heading
from bursar.audit.schemas import AuditEntry, AuditExportParams
from bursar.audit.service import URL, AuditService
from bursar.http.asgi import Application, Receive, Scope, Send
from bursar.http.call import Call
from bursar.http.dispatch import Dispatcher
from bursar.http.endpoint import Endpoint
from bursar.http.requests import read_headers
from bursar.http.responses import Header, send_json
from bursar.kit.clock import seconds
from bursar.kit.errors import MethodNotAllowed
from bursar.kit.ids import IdFactory

EXPORT_URL = f"{URL}/export"

logger = logging.getLogger(__name__)


async def export_audit_trail(call: Call, params: AuditExportParams) -> Any:
    raise AssertionError("the route below answers in its place")


# What the gate, the limits and the record go by, and the document.
ENDPOINT = Endpoint(
    "GET",
    EXPORT_URL,
    export_audit_trail,
    "Export the audit trail",
    READ,
    AuditEntry,
    AuditExportParams,
    surface="control",
    streams=tuple(CONTENT_TYPES.values()),
)


class AuditExportRoute:
    def __init__(self, service: AuditService, dispatcher: Dispatcher) -> None:
        self._service = service
        self._dispatcher = dispatcher
        self._request_ids = IdFactory()

    def add_routes(self, application: Application) -> None:
        application.add(EXPORT_URL, self._handle)

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = self._request_ids.new("req")
        started = time.perf_counter()
        try:
            if scope["method"] != "GET":
                raise MethodNotAllowed("Only GET is possible here.", code="method_not_allowed")
            call, limits = await self._dispatcher.admit(ENDPOINT, scope, read_headers(scope), request_id)
            params = ENDPOINT.parser.from_form(scope["query_string"])
            assert isinstance(params, AuditExportParams)
            stream = self._service.export(call, params, encoder(params.format))
            # Whatever can be refused is refused before the first byte.
            first = await anext(stream, b"")
        except Exception as problem:
            answer = self._dispatcher.failure(problem, request_id)
            await send_json(send, answer, request_id)
            self._dispatcher.metrics.observe(ENDPOINT, answer.status, time.perf_counter() - started)
            return
        headers = [*_headers(params, self._dispatcher.clock.now_microseconds(), request_id), *limits]
        async with aclosing(stream):
            await self._send(stream, heading(params.format) + first, headers, receive, send, request_id)
        self._dispatcher.metrics.observe(ENDPOINT, 200, time.perf_counter() - started)

    async def _send(
        self,
        stream: AsyncGenerator[bytes, None],
        first: bytes,
        headers: list[Header],
        receive: Receive,
        send: Send,
        request_id: str,
    ) -> None:
        """Cut short where the database fails on the way: the client sees that the end is missing."""
        gone = asyncio.create_task(_client_gone(receive))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": first, "more_body": True})
            async for part in stream:
                if gone.done() and gone.result():
                    return
                await send({"type": "http.response.body", "body": part, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except Exception:
            logger.exception("an export was cut short", extra={"request_id": request_id})
        finally:
            gone.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await gone


async def _client_gone(receive: Receive) -> bool:
    """Behind the request's body, which nobody reads, comes nothing but the client's leaving."""
    while (message := await receive())["type"] == "http.request" and message.get("more_body"):
        pass
    return bool((await receive())["type"] == "http.disconnect")


def _headers(params: AuditExportParams, now: int, request_id: str) -> list[Header]:
    day = datetime.fromtimestamp(seconds(now), UTC).strftime("%Y%m%dT%H%M%SZ")
    return [
        (b"content-type", CONTENT_TYPES[params.format].encode()),
        (b"content-disposition", f'attachment; filename="audit-{day}.{params.format}"'.encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        (b"request-id", request_id.encode()),
    ]
