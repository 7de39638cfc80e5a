"""One request's way: who, what, may it, do it once, answer."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

from bursar.http import idempotency
from bursar.http.asgi import Receive, Scope, Send
from bursar.http.authentication import Principal
from bursar.http.call import Call
from bursar.http.endpoint import Endpoint
from bursar.http.errors import as_request_error
from bursar.http.execution import Execution
from bursar.http.gates import Gates
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
from bursar.http.responses import Answer, Header, error_answer, send_json
from bursar.http.tracing import Tracing
from bursar.http.watching import Limiter, NoLimits, NoRecord, Recorder
from bursar.kit.clock import Clock
from bursar.kit.errors import MethodNotAllowed, RequestError, Unavailable
from bursar.kit.ids import IdFactory
from bursar.store.store import Store

logger = logging.getLogger(__name__)


class Dispatcher:
    """What all endpoints share."""

    def __init__(
        self,
        store: Store,
        gates: Gates,
        clock: Clock,
        metrics: Metrics,
        fingerprint_key: bytes,
        *,
        tracing: Tracing | None = None,
        limiter: Limiter | None = None,
        recorder: Recorder | None = None,
        log_requests: bool = False,
    ) -> None:
        self.store = store
        self.gates = gates
        self.clock = clock
        self.metrics = metrics
        self.tracing = tracing
        self.limiter = limiter or NoLimits()
        self.recorder = recorder or NoRecord()
        self.log_requests = log_requests
        self._request_ids = IdFactory(clock)
        self._execution = Execution(store, clock, tracing, fingerprint_key)

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
        path, address = read_path(scope), read_address(scope)
        principal, limits = await self._admit(endpoint, scope, headers, path, address, request_id)
        call = Call(principal, request_id, address, None, path)
        answer = await self._carry_out(endpoint, call, scope, headers, receive)
        answer.headers += limits
        return answer

    async def _admit(
        self,
        endpoint: Endpoint,
        scope: Scope,
        headers: Headers,
        path: Mapping[str, str],
        address: str | None,
        request_id: str,
    ) -> tuple[Principal, list[Header]]:
        """Who is calling, and how much more they may. Whoever is refused is told of in the log."""
        principal = None
        try:
            try:
                principal = await self.gates[endpoint.surface].admit(endpoint, scope, headers, path)
            except RequestError:
                await self.limiter.admit(endpoint, None, address)  # so that guessing does not pay
                raise
            if endpoint.needs_proof:
                principal.require_proof(self.clock.now_microseconds())
            return principal, await self.limiter.admit(endpoint, principal, address)
        except RequestError as error:
            self.recorder.refused(endpoint, principal, error, address, request_id)
            raise

    async def _carry_out(
        self, endpoint: Endpoint, call: Call, scope: Scope, headers: Headers, receive: Receive
    ) -> Answer:
        if endpoint.writes:
            # What nobody in particular did belongs to nobody, and is not kept for anybody.
            if endpoint.keeps_answer and not endpoint.public:
                call.idempotency_key = idempotency.read_key(headers.idempotency_key)
            params = await self._read_params(endpoint, headers, receive)
            return await self._execution.once(endpoint, call, params, scope["path"])
        params = endpoint.parser.from_form(scope["query_string"])
        if endpoint.method == "DELETE":
            return await self._execution.once(endpoint, call, params, scope["path"])
        answer = await self._execution.read(endpoint, call, params)
        self.recorder.looked_at(call, endpoint)
        return answer

    async def _read_params(self, endpoint: Endpoint, headers: Headers, receive: Receive) -> Params:
        body = await read_body(receive, headers.content_length)
        return endpoint.parser.from_body(body, read_content_type(headers.content_type))


def _method_not_allowed(method: str, endpoints: Mapping[str, Any]) -> MethodNotAllowed:
    allowed: Sequence[str] = sorted(endpoints)
    return MethodNotAllowed(
        f"{method[:20]} is not possible here; use {' or '.join(allowed)}.", code="method_not_allowed"
    )
