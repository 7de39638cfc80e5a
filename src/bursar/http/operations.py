"""What is not the API itself: health, metrics, the API's description, and answers to unknown addresses."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from urllib.parse import parse_qs

import msgspec

from bursar import __version__
from bursar.http import documentation, openapi
from bursar.http.asgi import Application, Handler, Receive, Scope, Send
from bursar.http.endpoint import Endpoint, Surface
from bursar.http.errors import UNAVAILABLE_RETRY_SECONDS, as_request_error
from bursar.http.metrics import CONTENT_TYPE as METRICS_CONTENT_TYPE
from bursar.http.metrics import Metrics
from bursar.http.openapi_surfaces import DESCRIPTIONS
from bursar.http.responses import Answer, Header, error_answer, send_json
from bursar.kit.errors import MethodNotAllowed, NotFound, PermissionMissing, RequestError
from bursar.kit.ids import IdFactory
from bursar.kit.scrub import scrub_text
from bursar.store.store import Store

PING_SECONDS_MAX = 2.0  # load balancers ask every few seconds, and wait no longer than that
GAUGE_SECONDS = 5  # fresh enough for a scrape every fifteen
READING = ("GET", "HEAD")
METHOD_SHOWN_LENGTH_MAX = 20
PATH_SHOWN_LENGTH_MAX = 200
FORWARDED_HEADERS = (b"forwarded", b"x-forwarded-for", b"x-real-ip")

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PROTECTION: list[Header] = [
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
]
_REVALIDATE: Header = (b"cache-control", b"no-cache")
_KEEP: Header = (b"cache-control", b"public, max-age=31536000, immutable")
_DO_NOT_KEEP: Header = (b"cache-control", b"no-store")

Failure = Callable[[Exception, str], Answer]
Respond = Callable[[Scope], Awaitable[Answer]]

logger = logging.getLogger(__name__)


class Operations:
    """Served beside the API, without API keys. Answers without a content type are JSON of the wire."""

    def __init__(
        self,
        store: Store,
        metrics: Metrics,
        endpoints: Sequence[Endpoint],
        failure: Failure,
        metrics_token: str | None,
        controls: Sequence[Endpoint] = (),
    ) -> None:
        self._store = store
        self._metrics = metrics
        self._described: dict[Surface, Sequence[Endpoint]] = {"data": endpoints, "control": controls}
        self._documents: dict[Surface, bytes] = {}
        self._pages: dict[Surface, bytes] = {}
        self._failure = failure
        self._metrics_token = metrics_token
        self._request_ids = IdFactory()
        self._ping: asyncio.Task[None] | None = None

    def add_routes(self, application: Application) -> None:
        self.add_health_routes(application)
        responders: dict[str, Respond] = {"/": self._home, "/docs/assets/{name}": self._asset}
        for surface, told in DESCRIPTIONS.items():
            responders[told.url] = partial(self._description, surface)
            responders[told.documentation_url] = partial(self._documentation, surface)
        self._add(application, responders)

    def add_health_routes(self, application: Application) -> None:
        """All that a process has which serves no API."""
        self._add(application, {"/healthz": self._health, "/readyz": self._readiness, "/metrics": self._scrape})

    def _add(self, application: Application, responders: Mapping[str, Respond]) -> None:
        for path, respond in responders.items():
            application.add(path, self._handler(respond))

    async def not_found(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """For every address that is no route's, whatever the method."""
        request_id = self._request_ids.new("req")
        await send_json(send, self._failure(_unknown_url(scope), request_id), request_id)
        self._metrics.observe(None, 404, 0.0)

    def _handler(self, respond: Respond) -> Handler:
        async def route(scope: Scope, _receive: Receive, send: Send) -> None:
            request_id = self._request_ids.new("req")
            try:
                answer = await respond(scope) if scope["method"] in READING else _method_not_allowed(scope)
            except Exception as problem:
                answer = self._failure(problem, request_id)
            await _send(send, answer, request_id)

        return route

    async def _home(self, _scope: Scope) -> Answer:
        return Answer(307, b"", [(b"location", b"/docs"), (b"content-type", b"text/plain"), _REVALIDATE])

    async def _health(self, _scope: Scope) -> Answer:
        """Only that this process answers; never asks the database, whose failure a restart would not mend."""
        return Answer(200, msgspec.json.encode({"status": "ok", "version": __version__}))

    async def _readiness(self, _scope: Scope) -> Answer:
        try:
            await asyncio.wait_for(asyncio.shield(self._running_ping()), PING_SECONDS_MAX)
        except TimeoutError:
            return _not_ready(f"The database did not answer within {PING_SECONDS_MAX:g} seconds.")
        except Exception as problem:
            logger.warning("not ready: %s", scrub_text(str(problem)))
            # The driver's own words may name hosts and users, and anybody may ask here: they stay in the log.
            return _not_ready(as_request_error(problem).message)
        return Answer(200, msgspec.json.encode({"status": "ok"}))

    def refresh_gauges(self) -> None:
        """What is read off the store rather than counted; a worker that is not scraped does it by the clock."""
        self._metrics.queue_units.set(len(self._store.queue))
        self._metrics.units.set(sum(writer.units for writer in self._store.writers))
        self._metrics.batches.set(sum(writer.batches for writer in self._store.writers))

    async def keep_gauges_fresh(self) -> None:
        while True:
            self.refresh_gauges()
            await asyncio.sleep(GAUGE_SECONDS)

    def _running_ping(self) -> asyncio.Task[None]:
        """However often a hanging database is asked after, it holds no more than one thread."""
        if self._ping is None or self._ping.done():
            self._ping = asyncio.create_task(asyncio.to_thread(self._store.ping))
            self._ping.add_done_callback(_retrieve_exception)
        return self._ping

    async def _scrape(self, scope: Scope) -> Answer:
        if not may_scrape(scope, self._metrics_token):
            raise PermissionMissing(
                "Send the metrics token as 'Authorization: Bearer …'. Without a token in the settings, only this "
                "machine itself may read the metrics, and not through a proxy.",
                code="metrics_forbidden",
            )
        self.refresh_gauges()
        body = await asyncio.to_thread(self._metrics.render)
        return Answer(200, body, [(b"content-type", METRICS_CONTENT_TYPE.encode()), _DO_NOT_KEEP])

    async def _description(self, surface: Surface, scope: Scope) -> Answer:
        if surface not in self._documents:
            self._documents[surface] = msgspec.json.encode(openapi.document(self._described[surface], surface))
        return _revalidated(scope, self._documents[surface], "application/json", [])

    async def _documentation(self, surface: Surface, scope: Scope) -> Answer:
        if surface not in self._pages:  # the first time takes a while; others need not wait
            self._pages[surface] = await asyncio.to_thread(self._render, surface)
        return _revalidated(scope, self._pages[surface], "text/html; charset=utf-8", _PROTECTION)

    def _render(self, surface: Surface) -> bytes:
        return documentation.render(openapi.document(self._described[surface], surface), surface)

    async def _asset(self, scope: Scope) -> Answer:
        name = scope["path_params"]["name"]
        found = documentation.assets().get(name)
        if found is None:
            raise _unknown_url(scope)
        body, content_type = found
        asked = parse_qs(scope["query_string"].decode("latin-1")).get("v")
        if asked == [documentation.version_of(body)]:
            return Answer(200, body, [(b"content-type", content_type.encode()), *_PROTECTION, _KEEP])
        return _revalidated(scope, body, content_type, _PROTECTION)


def may_scrape(scope: Scope, token: str | None) -> bool:
    """Whoever has the token; without one, only this machine itself, and not for somebody behind a proxy on it."""
    headers = dict(scope["headers"])
    if token is not None:
        scheme, _, given = headers.get(b"authorization", b"").partition(b" ")
        return scheme.lower() == b"bearer" and hmac.compare_digest(given.strip(), token.encode())
    client = scope.get("client")
    if client is None or any(name in headers for name in FORWARDED_HEADERS):
        return False
    try:
        address = ipaddress.ip_address(client[0])
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def _unknown_url(scope: Scope) -> RequestError:
    shown = f"{scope['method'][:METHOD_SHOWN_LENGTH_MAX]}: {scope['path'][:PATH_SHOWN_LENGTH_MAX]}"
    return NotFound(f"Unrecognized request URL ({shown}). Check the path against /docs.")


def _method_not_allowed(scope: Scope) -> Answer:
    method = scope["method"][:METHOD_SHOWN_LENGTH_MAX]
    answer = error_answer(MethodNotAllowed(f"{method} is not possible here; use GET.", code="method_not_allowed"))
    answer.headers.append((b"allow", ", ".join(READING).encode()))
    return answer


def _not_ready(reason: str) -> Answer:
    body = msgspec.json.encode({"status": "unavailable", "reason": reason})
    return Answer(503, body, [(b"retry-after", b"%d" % UNAVAILABLE_RETRY_SECONDS)])


def _revalidated(scope: Scope, body: bytes, content_type: str, headers: Sequence[Header]) -> Answer:
    """Kept by the client, who asks each time whether it is still the same."""
    tag = b'"%b"' % hashlib.sha256(body).hexdigest()[:32].encode()
    kept = [*headers, _REVALIDATE, (b"etag", tag), (b"content-type", content_type.encode())]
    known = next((value for name, value in scope["headers"] if name == b"if-none-match"), b"")
    return Answer(304, b"", kept) if tag in known else Answer(200, body, kept)


def _retrieve_exception(ping: asyncio.Task[None]) -> None:
    """A ping that fails when nobody waits any more is no news."""
    if not ping.cancelled():
        ping.exception()


async def _send(send: Send, answer: Answer, request_id: str) -> None:
    if not any(name == b"content-type" for name, _ in answer.headers):
        await send_json(send, answer, request_id)
        return
    headers = [(b"request-id", request_id.encode()), *answer.headers]
    if answer.status != 304:
        headers.append((b"content-length", b"%d" % len(answer.body)))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body, "more_body": False})
