"""One request's way: who, what, may it, do it once, answer."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import msgspec

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
from bursar.http.responses import BEARER_ONLY, Answer, Header, error_answer, send_json, without
from bursar.http.tracing import Tracing
from bursar.http.watching import Limiter, LimitReached, NoLimits, NoRecord, Recorder
from bursar.kit.clock import Clock
from bursar.kit.errors import MethodNotAllowed, PermissionMissing, RequestError, Unavailable
from bursar.kit.ids import IdFactory
from bursar.store.store import Store

# What the log tells of as refused; and what may have been a guess, at a key or at a payer's code.
REFUSALS = frozenset((401, 403, 429))
GUESSES = frozenset((401, 404))

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
            elif endpoint.surface == "control" and answer.status == 401:
                answer.headers = [*without(answer.headers, b"www-authenticate"), BEARER_ONLY]
        await send_json(send, answer, request_id)
        seconds = time.perf_counter() - started
        self.metrics.observe(endpoint, answer.status, seconds)
        if self.log_requests:
            self._log(endpoint, scope, answer, request_id, seconds)
        return answer.status

    def _log(self, endpoint: Endpoint | None, scope: Scope, answer: Answer, request_id: str, seconds: float) -> None:
        """The path without its query, which may hold what people are searched by; nor what is as good as a key."""
        path = endpoint.path if endpoint is not None and endpoint.payer is not None else scope["path"]
        logger.info(
            "request",
            extra={
                "method": scope["method"],
                "path": path,
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
        answer = error_answer(error)
        if isinstance(error, LimitReached):
            answer.headers += error.headers
        return answer

    async def _answer(self, endpoint: Endpoint, scope: Scope, receive: Receive, request_id: str) -> Answer:
        headers = read_headers(scope)
        call, limits = await self.admit(endpoint, scope, headers, request_id)
        try:
            answer = await self._carry_out(endpoint, call, scope, headers, receive)
        except ClientGone:
            raise
        except Exception as problem:
            if isinstance(problem, RequestError) and problem.status in REFUSALS:
                self.recorder.refused(endpoint, call.principal, problem, call.address, request_id)
            answer = self.failure(problem, request_id)
        answer.headers += limits
        return answer

    async def admit(
        self, endpoint: Endpoint, scope: Scope, headers: Headers, request_id: str
    ) -> tuple[Call, list[Header]]:
        """For routes beside the endpoints, too: who is calling, and the headers that tell how much more they may."""
        path, address = read_path(scope), read_address(scope)
        principal, limits = await self._admit(endpoint, scope, headers, path, address, request_id)
        return Call(principal, request_id, address, None, path), limits

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
            except RequestError as error:
                if error.status in GUESSES:
                    await self.limiter.admit(endpoint, None, address)
                raise
            if endpoint.needs_proof:
                principal.require_proof(self.clock.now_microseconds())
            return principal, await self.limiter.admit(endpoint, principal, address)
        except RequestError as error:
            if error.status in REFUSALS:
                known = error.principal if isinstance(error, PermissionMissing) else None
                self.recorder.refused(endpoint, principal or known, error, address, request_id)
            raise

    async def _carry_out(
        self, endpoint: Endpoint, call: Call, scope: Scope, headers: Headers, receive: Receive
    ) -> Answer:
        if endpoint.writes:
            # What nobody in particular did belongs to nobody, and is not kept for anybody.
            if endpoint.keeps_answer and not endpoint.public:
                call.idempotency_key = idempotency.read_key(headers.idempotency_key)
            params = await self._read_params(endpoint, headers, receive)
            if endpoint.only_asks:
                return await self._read(endpoint, call, params, _as_query(params))
            return await self._execution.once(endpoint, call, params, scope["path"])
        params = endpoint.parser.from_form(scope["query_string"])
        if endpoint.method == "DELETE":
            return await self._execution.once(endpoint, call, params, scope["path"])
        return await self._read(endpoint, call, params, scope["query_string"])

    async def _read(self, endpoint: Endpoint, call: Call, params: Params, query: bytes) -> Answer:
        try:
            answer = await self._execution.read(endpoint, call, params)
        except RequestError as error:
            self.recorder.looked_at(call, endpoint, query, error)
            raise
        self.recorder.looked_at(call, endpoint, query)
        return answer

    async def _read_params(self, endpoint: Endpoint, headers: Headers, receive: Receive) -> Params:
        body = await read_body(receive, headers.content_length)
        return endpoint.parser.from_body(body, read_content_type(headers.content_type))


def _as_query(params: Params) -> bytes:
    """The filters of a body as those of an address, for the record."""
    given = {name: value for name, value in msgspec.to_builtins(params).items() if value not in (None, [], {})}
    return urlencode(given, doseq=True).encode()


def _method_not_allowed(method: str, endpoints: Mapping[str, Any]) -> MethodNotAllowed:
    allowed: Sequence[str] = sorted(endpoints)
    return MethodNotAllowed(
        f"{method[:20]} is not possible here; use {' or '.join(allowed)}.", code="method_not_allowed"
    )
