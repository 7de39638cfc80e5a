"""The public keys of our access tokens, for whoever wants to check one: `/.well-known/jwks.json`."""

from __future__ import annotations

import hashlib

import msgspec

from bursar.http.asgi import Application, Receive, Scope, Send
from bursar.http.dispatch import Dispatcher
from bursar.http.responses import Header
from bursar.kit.errors import MethodNotAllowed
from bursar.kit.ids import IdFactory
from bursar.people.keys import SigningKeys

PATHS = ("/.well-known/jwks.json", "/api/v1/.well-known/jwks.json")
# Short beside the day for which a key is published before it signs.
KEPT_SECONDS = 300
READING = ("GET", "HEAD")


class KeySetPages:
    def __init__(self, keys: SigningKeys, dispatcher: Dispatcher) -> None:
        self._keys = keys
        self._dispatcher = dispatcher
        self._request_ids = IdFactory()

    def add_routes(self, application: Application) -> None:
        for path in PATHS:
            application.add(path, self._serve)

    async def _serve(self, scope: Scope, _receive: Receive, send: Send) -> None:
        request_id = self._request_ids.new("req")
        headers: list[Header] = [(b"request-id", request_id.encode()), (b"x-content-type-options", b"nosniff")]
        try:
            if scope["method"] not in READING:
                raise MethodNotAllowed("Only GET is possible here.", code="method_not_allowed")
            body = msgspec.json.encode({"keys": await self._keys.published()})
        except Exception as problem:
            answer = self._dispatcher.failure(problem, request_id)
            status, body = answer.status, answer.body
            headers += [*answer.headers, (b"content-type", b"application/json"), (b"cache-control", b"no-store")]
        else:
            tag = b'"%b"' % hashlib.sha256(body).hexdigest()[:32].encode()
            known = next((value for name, value in scope["headers"] if name == b"if-none-match"), b"")
            status = 304 if tag in known else 200
            headers += [
                (b"content-type", b"application/jwk-set+json"),
                (b"cache-control", b"public, max-age=%d" % KEPT_SECONDS),
                (b"etag", tag),
            ]
        sent = b"" if status == 304 else body
        if status != 304:
            headers.append((b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": sent, "more_body": False})
