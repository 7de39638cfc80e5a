"""One request's way: who, what, may it, do it once, answer."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from bursar.http import idempotency
from bursar.http.asgi import Receive, Scope, Send
from bursar.http.authentication import KeyDirectory, authenticate
from bursar.http.call import Call, Effect
from bursar.http.endpoint import Endpoint, encode
from bursar.http.errors import as_request_error
from bursar.http.expand import expand
from bursar.http.metrics import Metrics
from bursar.http.params import Params
from bursar.http.requests import (
    ClientGone,
    Headers,
    read_address,
    read_body,
    read_content_type,
    read_headers,
    read_path,
)
from bursar.http.responses import Answer, error_answer, send_json
from bursar.http.tracing import Tracing
from bursar.kit.clock import Clock
from bursar.kit.errors import MethodNotAllowed, RequestError, Unavailable
from bursar.kit.ids import IdFactory
from bursar.store.errors import DuplicateKey, RowsExpected
from bursar.store.store import Store
from bursar.store.unit import Unit

REPEATS_MAX = 5  # of a change that lost a race against another change of the same object

logger = logging.getLogger(__name__)


class Dispatcher:
    """What all endpoints share."""

    def __init__(
        self,
        store: Store,
        directory: KeyDirectory,
        clock: Clock,
        metrics: Metrics,
        *,
        tracing: Tracing | None = None,
        log_requests: bool = False,
    ) -> None:
        self.store = store
        self.directory = directory
        self.clock = clock
        self.metrics = metrics
        self.tracing = tracing
        self.log_requests = log_requests
        self._request_ids = IdFactory(clock)
        self._in_flight: set[tuple[str, int, str]] = set()

    async def handle(self, endpoints: Mapping[str, Endpoint], scope: Scope, receive: Receive, send: Send) -> None:
        request_id = self._request_ids.new("req")
        endpoint = endpoints.get(scope["method"])
        if self.tracing is None:
            await self._handle(endpoint, endpoints, scope, receive, send, request_id)
            return
        with self.tracing.request(scope, endpoint, request_id) as span:
            status = await self._handle(endpoint, endpoints, scope, receive, send, request_id)
            span.set_attribute("http.response.status_code", status)

    async def _handle(
        self,
        endpoint: Endpoint | None,
        endpoints: Mapping[str, Endpoint],
        scope: Scope,
        receive: Receive,
        send: Send,
        request_id: str,
    ) -> int:
        """Answers one request; tells with which status, 0 when nobody was there any more."""
        started = time.perf_counter()
        try:
            if endpoint is None:
                raise _method_not_allowed(scope["method"], endpoints)
            answer = await self._answer(endpoint, scope, receive, request_id)
        except ClientGone:
            return 0
        except Exception as problem:
            answer = self.failure(problem, request_id)
            if endpoint is None:
                answer.headers.append((b"allow", ", ".join(sorted(endpoints)).encode()))
        await send_json(send, answer, request_id)
        seconds = time.perf_counter() - started
        self.metrics.observe(endpoint, answer.status, seconds)
        if self.log_requests:
            self._log(scope, answer, request_id, seconds)
        return answer.status

    def _log(self, scope: Scope, answer: Answer, request_id: str, seconds: float) -> None:
        """The path without its query, which may hold what people are searched by."""
        logger.info(
            "request",
            extra={
                "method": scope["method"],
                "path": scope["path"],
                "status": answer.status,
                "milliseconds": round(seconds * 1000, 2),
                "address": read_address(scope),
                "request_id": request_id,
            },
        )

    def failure(self, problem: Exception, request_id: str) -> Answer:
        error = as_request_error(problem)
        if isinstance(error, Unavailable):  # every request fails alike: a line each, and no traceback
            logger.warning("request refused: %s", problem, extra={"request_id": request_id})
        elif error.status >= 500:
            logger.error("request failed", exc_info=problem, extra={"request_id": request_id})
        return error_answer(error)

    async def _answer(self, endpoint: Endpoint, scope: Scope, receive: Receive, request_id: str) -> Answer:
        headers = read_headers(scope)
        principal = await authenticate(headers.authorization, self.directory)
        principal.require(endpoint.permission, publishable=endpoint.publishable)
        call = Call(principal, request_id, read_address(scope), None, read_path(scope))
        if endpoint.writes:
            call.idempotency_key = idempotency.read_key(headers.idempotency_key)
            params = await self._read_params(endpoint, headers, receive)
            return await self._once(endpoint, call, params, scope["path"])
        params = endpoint.parser.from_form(scope["query_string"])
        return Answer(200, await self._carry_out(endpoint, call, params, None))

    async def _read_params(self, endpoint: Endpoint, headers: Headers, receive: Receive) -> Params:
        body = await read_body(receive, headers.content_length)
        return endpoint.parser.from_body(body, read_content_type(headers.content_type))

    async def _once(self, endpoint: Endpoint, call: Call, params: Params, path: str) -> Answer:
        """Carries a write out, or repeats the answer that its idempotency key has already."""
        key = call.idempotency_key
        if key is None:
            return Answer(200, await self._carry_out(endpoint, call, params, None))
        echo = (b"idempotency-key", key.encode())
        request_fingerprint = idempotency.fingerprint(endpoint.method, path, params)
        claim = (call.org_id, call.livemode, key)
        if claim in self._in_flight:
            raise idempotency.in_use(key)
        self._in_flight.add(claim)
        try:
            return Answer(200, await self._carry_out(endpoint, call, params, request_fingerprint), [echo])
        except (RequestError, DuplicateKey, RowsExpected):
            # A first request never gets here but by its own fault, so only others pay for this read.
            stored = await self.store.read(lambda connection: idempotency.find(connection, call))
            if stored is None:
                raise
            idempotency.check_same_request(stored, request_fingerprint, key)
            replayed = [
                (b"idempotent-replayed", b"true"),
                (b"original-request", stored.request_id.encode()),
                echo,
            ]
            return Answer(stored.status, stored.body, replayed)
        finally:
            self._in_flight.discard(claim)

    async def _carry_out(
        self, endpoint: Endpoint, call: Call, params: Params, request_fingerprint: str | None
    ) -> bytes:
        """Runs the handler and makes its effect durable; again if another change came between."""
        for repeats_left in reversed(range(REPEATS_MAX)):
            result = await endpoint.handler(call, params)
            if not isinstance(result, Effect):
                return await self._render(endpoint, call, params, result, None)
            body = await self._render(endpoint, call, params, result.result, result.document)
            if request_fingerprint is not None:
                now = self.clock.now_microseconds()
                result.unit.changes.append(idempotency.keep_answer(call, now, request_fingerprint, 200, body))
            try:
                await self._commit(result.unit)
            except RowsExpected:
                if not repeats_left:
                    raise
            else:
                return body
        raise AssertionError("the loop above returns or raises")

    async def _commit(self, unit: Unit) -> None:
        if self.tracing is None:
            await self.store.commit(unit)
            return
        with self.tracing.step("store.commit"):
            await self.store.commit(unit)

    async def _render(
        self, endpoint: Endpoint, call: Call, params: Params, result: msgspec.Struct, document: bytes | None
    ) -> bytes:
        if not params.expand:
            return document if document is not None else encode(result)
        answer = msgspec.to_builtins(result)
        await expand(call, answer, params.expand, endpoint.expandable)
        return msgspec.json.encode(answer)


def _method_not_allowed(method: str, endpoints: Mapping[str, Any]) -> MethodNotAllowed:
    allowed: Sequence[str] = sorted(endpoints)
    return MethodNotAllowed(
        f"{method[:20]} is not possible here; use {' or '.join(allowed)}.", code="method_not_allowed"
    )
