"""Carries a write out once: claims its idempotency key, makes its effect durable, keeps the answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import msgspec

from bursar.http import idempotency
from bursar.http.call import Call, Effect, Staged
from bursar.http.endpoint import Endpoint, encode
from bursar.http.errors import error_body
from bursar.http.expand import check as check_expansions
from bursar.http.expand import expand
from bursar.http.idempotency import StoredAnswer
from bursar.http.params import Params
from bursar.http.responses import Answer, Header, error_headers
from bursar.http.tracing import Tracing
from bursar.kit import crash
from bursar.kit.clock import Clock
from bursar.kit.errors import RequestError
from bursar.store.errors import DuplicateKey, RowsExpected
from bursar.store.store import Store
from bursar.store.unit import Unit

Json = dict[str, Any]

SUCCESS = 200
REPEATS_MAX = 5  # of a change that lost a race against another change of the same object
# Which one it is, so that whoever tried it can tell; what it holds is the merchant's affair.
PUBLIC_MEMBERS_OF_METHOD = ("id", "object", "created", "livemode", "type")
RESUME_SECONDS_MAX = 25  # less than the SDKs' 80 and most proxies' 30
RESUME_FIRST_WAIT_SECONDS = 0.1
RESUME_WAIT_SECONDS_MAX = 1.0


class Execution:
    def __init__(self, store: Store, clock: Clock, tracing: Tracing | None, fingerprint_key: bytes) -> None:
        self._fingerprint_key = fingerprint_key
        self._store = store
        self._clock = clock
        self._tracing = tracing
        self._in_flight: set[tuple[str, int, str]] = set()

    async def read(self, endpoint: Endpoint, call: Call, params: Params) -> Answer:
        result = await endpoint.handler(call, params)
        assert not isinstance(result, Effect | Staged), "a reading endpoint changes nothing"
        return Answer(200, await self._render(endpoint, call, params, result, None))

    async def once(self, endpoint: Endpoint, call: Call, params: Params, path: str) -> Answer:
        """Carries the write out, or repeats the answer that its idempotency key has already."""
        try:
            # Before anybody is asked for money: the answer is made when it has moved already.
            check_expansions(params.expand, endpoint.expandable)
            return await self._once(endpoint, call, params, path)
        except RequestError as error:
            _reduce(endpoint, call, error)
            raise

    async def _once(self, endpoint: Endpoint, call: Call, params: Params, path: str) -> Answer:
        key = call.idempotency_key
        if key is None:
            return await self._carry_out(endpoint, call, params, None)
        fingerprint = idempotency.fingerprint(self._fingerprint_key, endpoint.method, path, params)
        claim = (call.org_id, call.livemode, key)
        if claim in self._in_flight:
            raise idempotency.in_use(key)
        self._in_flight.add(claim)
        try:
            answer = await self._carry_out(endpoint, call, params, fingerprint)
        except (RequestError, DuplicateKey, RowsExpected):
            # A first request gets here by its own fault or another process's act, so only those pay for this read.
            stored = await self._find(call)
            if stored is None:
                raise
            idempotency.check_same_request(stored, fingerprint, key)
            answer = await self._answer_again(endpoint, call, params, stored)
        finally:
            self._in_flight.discard(claim)
        answer.headers.append((b"idempotency-key", key.encode()))
        return answer

    async def _carry_out(self, endpoint: Endpoint, call: Call, params: Params, fingerprint: str | None) -> Answer:
        """Runs the handler and makes its effect durable; again if another change came between."""
        for repeats_left in reversed(range(REPEATS_MAX)):
            result = await endpoint.handler(call, params)
            try:
                if isinstance(result, Staged):
                    return await self._carry_out_staged(endpoint, call, params, fingerprint, result)
                if isinstance(result, Effect):
                    return await self._carry_out_effect(endpoint, call, params, fingerprint, result)
            except RowsExpected:
                if not repeats_left:
                    raise
            else:
                return Answer(200, await self._render(endpoint, call, params, result, None))
        raise AssertionError("the loop above returns or raises")

    async def _carry_out_effect(
        self, endpoint: Endpoint, call: Call, params: Params, fingerprint: str | None, effect: Effect
    ) -> Answer:
        answer = await self._answer(endpoint, call, params, effect)
        answer.headers += effect.headers
        if fingerprint is not None:
            now = self._clock.now_microseconds()
            body = answer.body if effect.kept is None else effect.kept
            keep = idempotency.keep_answer(call, now, fingerprint, answer.status, body)
            effect.unit.changes.append(keep)
        await self._commit(effect.unit)
        return answer

    async def _carry_out_staged(
        self, endpoint: Endpoint, call: Call, params: Params, fingerprint: str | None, staged: Staged
    ) -> Answer:
        if fingerprint is not None:
            now = self._clock.now_microseconds()
            staged.unit.changes.append(idempotency.claim(call, now, fingerprint, staged.attempt_id))
        await self._commit(staged.unit)
        crash.reach("after_first_commit")
        # From here on nothing may repeat the handler: somebody outside may have acted already.
        try:
            effect = await staged.finish()
            return await self._complete(endpoint, call, params, effect)
        except (RowsExpected, DuplicateKey):  # somebody has finished it meanwhile, and written what this would write
            return await self._await_end(endpoint, call, params, staged.attempt_id)

    async def _complete(self, endpoint: Endpoint, call: Call, params: Params, effect: Effect) -> Answer:
        """The second commit: what came of it, with the answer under the key that was claimed."""
        answer = await self._answer(endpoint, call, params, effect)
        if call.idempotency_key is not None:
            effect.unit.changes.append(idempotency.complete(call, answer.status, answer.body))
        crash.reach("before_second_commit")
        await self._commit(effect.unit)
        crash.reach("after_second_commit")
        return answer

    async def _answer_again(self, endpoint: Endpoint, call: Call, params: Params, stored: StoredAnswer) -> Answer:
        if stored.attempt_id is not None:
            return await self._await_end(endpoint, call, params, stored.attempt_id)
        answer = _replayed(stored)
        if endpoint.restored is not None and stored.status == SUCCESS:
            answer.body = endpoint.restored(call, stored.body)
        return answer

    async def _await_end(self, endpoint: Endpoint, call: Call, params: Params, attempt_id: str) -> Answer:
        """Another process, or a resolver after a crash, is at it: waits for the end, and gives that."""
        assert endpoint.resume is not None, "an endpoint that stages its work can resume it"
        deadline = time.monotonic() + RESUME_SECONDS_MAX
        wait_seconds = RESUME_FIRST_WAIT_SECONDS
        while True:
            stored = await self._find(call) if call.idempotency_key is not None else None
            if stored is not None and stored.attempt_id is None:
                return _replayed(stored)
            effect = await endpoint.resume(call, attempt_id)
            if effect is not None:
                try:
                    return await self._complete(endpoint, call, params, effect)
                except RowsExpected:  # somebody else has just kept the answer
                    continue
            if time.monotonic() > deadline:
                raise idempotency.in_use(call.idempotency_key or attempt_id)
            await asyncio.sleep(wait_seconds)
            wait_seconds = min(wait_seconds * 2, RESUME_WAIT_SECONDS_MAX)

    async def _find(self, call: Call) -> StoredAnswer | None:
        return await self._store.read(lambda connection: idempotency.find(connection, call))

    async def _answer(self, endpoint: Endpoint, call: Call, params: Params, effect: Effect) -> Answer:
        if effect.error is not None:
            _reduce(endpoint, call, effect.error)
            return Answer(effect.error.status, error_body(effect.error), error_headers(effect.error))
        if params.expand:
            call.pending = _documents(effect.unit)
        return Answer(200, await self._render(endpoint, call, params, effect.result, effect.document))

    async def _commit(self, unit: Unit) -> None:
        if self._tracing is None:
            await self._store.commit(unit)
            return
        with self._tracing.step("store.commit"):
            await self._store.commit(unit)

    async def _render(
        self, endpoint: Endpoint, call: Call, params: Params, result: msgspec.Struct, document: bytes | None
    ) -> bytes:
        if call.is_public and endpoint.public_view is not None:
            return msgspec.json.encode(endpoint.public_view(msgspec.to_builtins(result)))
        if not params.expand:
            return document if document is not None else encode(result)
        answer = msgspec.to_builtins(result)
        await expand(call, answer, params.expand, endpoint.expandable)
        return msgspec.json.encode(answer)


def _reduce(endpoint: Endpoint, call: Call, error: RequestError) -> None:
    """Somebody with a publishable key sees no more of an object in an error than in an answer."""
    if call.is_public and endpoint.public_view is not None:
        error.extras = {name: _reduced(endpoint.public_view, name, value) for name, value in error.extras.items()}


def _reduced(public_view: Callable[[Json], Json], name: str, value: Any) -> Any:
    if name.endswith("_intent"):
        return public_view(msgspec.to_builtins(value))
    if name == "payment_method":
        shown = msgspec.to_builtins(value)
        return {member: shown[member] for member in PUBLIC_MEMBERS_OF_METHOD if member in shown}
    return value


def _documents(unit: Unit) -> dict[str, str]:
    """What the unit writes, by id: of inserted rows and of changed ones."""
    found: dict[str, str] = {}
    for change in unit.changes:
        row = change.row
        document = row.get("document") or row.get("new_document")
        object_id = row.get("id") or row.get("i")
        if document is not None and object_id is not None:
            found[object_id] = document
    return found


def _replayed(stored: StoredAnswer) -> Answer:
    headers: list[Header] = [
        (b"idempotent-replayed", b"true"),
        (b"original-request", stored.request_id.encode()),
    ]
    if stored.status >= 400:
        headers.append((b"stripe-should-retry", b"false"))
    return Answer(stored.status, stored.body, headers)
