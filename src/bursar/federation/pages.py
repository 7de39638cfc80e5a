"""Where browsers begin, and where providers send them back to. Redirects only; nothing here is a page to look at."""

from __future__ import annotations

from typing import Protocol
from urllib.parse import parse_qs

import msgspec

from bursar.federation.journeys import STATE_LENGTH_MAX
from bursar.federation.metadata import ProviderAway
from bursar.federation.rules import ClaimsRefused
from bursar.federation.service import FederationService, refused
from bursar.http.asgi import Application, Receive, Scope, Send
from bursar.http.authentication import ANONYMOUS
from bursar.http.call import Call
from bursar.http.dispatch import Dispatcher
from bursar.http.requests import read_address
from bursar.http.responses import Answer, Header, send_json
from bursar.kit.errors import AuthenticationFailed, MethodNotAllowed, Unavailable
from bursar.kit.ids import IdFactory
from bursar.kit.scrub import scrub_text
from bursar.people.visits import Cookies, Visitor, read_facts
from bursar.store.columns import INSTALLATION
from bursar.store.log import Entry
from bursar.store.store import Store
from bursar.store.unit import Unit

START, CALLBACK = "/auth/oidc/{provider}/start", "/auth/oidc/{provider}/callback"
CODE_LENGTH_MAX = 4_000
QUERY_FIELDS_MAX = 20
REASON_LENGTH_MAX = 200
_NOT_KEPT: list[Header] = [(b"cache-control", b"no-store"), (b"referrer-policy", b"no-referrer")]


class SignedIn(Protocol):
    async def user_by_cookie(self, scope: Scope) -> str | None:
        """Who is signed in in this browser, for linking accounts."""


class FederationPages:
    def __init__(
        self, service: FederationService, store: Store, dispatcher: Dispatcher, cookies: Cookies, signed_in: SignedIn
    ) -> None:
        self._service = service
        self._store = store
        self._dispatcher = dispatcher
        self._cookies = cookies
        self._signed_in = signed_in
        self._request_ids = IdFactory()

    def add_routes(self, application: Application) -> None:
        application.add(START, self._start)
        application.add(CALLBACK, self._callback)

    async def _start(self, scope: Scope, _receive: Receive, send: Send) -> None:
        request_id = self._request_ids.new("req")
        try:
            answer = await self._begin(scope)
        except Exception as problem:
            answer = self._dispatcher.failure(problem, request_id)
        await send_json(send, answer, request_id)

    async def _callback(self, scope: Scope, _receive: Receive, send: Send) -> None:
        request_id = self._request_ids.new("req")
        try:
            answer = await self._arrive(scope, request_id)
        except Exception as problem:
            answer = self._dispatcher.failure(problem, request_id)
        await send_json(send, answer, request_id)

    async def _begin(self, scope: Scope) -> Answer:
        _require_get(scope)
        asked = _query(scope)
        links_user = None
        if asked.get("link") == "true":
            links_user = await self._signed_in.user_by_cookie(scope)
            if links_user is None:
                raise AuthenticationFailed("Sign in first; then an account of a provider can be linked to yours.")
        journey, address = await self._service.begin(
            scope["path_params"]["provider"], asked.get("return_to"), links_user
        )
        return Answer(303, b"", [(b"location", address.encode()), self._service.journeys.cookie(journey), *_NOT_KEPT])

    async def _arrive(self, scope: Scope, request_id: str) -> Answer:
        _require_get(scope)
        asked = _query(scope)
        provider_id, state = scope["path_params"]["provider"], asked.get("state", "")[:STATE_LENGTH_MAX]
        facts = read_facts(scope, self._cookies)
        visitor = Visitor(INSTALLATION, 0, ANONYMOUS, ANONYMOUS, device=facts.device, user_agent=facts.user_agent)
        call = Call(visitor, request_id, read_address(scope))
        gone = [self._service.journeys.no_cookie(state)]  # whatever comes of it, it was answered once
        try:
            journey = self._service.journeys.read(_cookies(scope), provider_id, state)
            if "error" in asked:
                raise ClaimsRefused(f"the provider says {scrub_text(asked['error'][:60])}")
            code = asked.get("code", "")
            if not 0 < len(code) <= CODE_LENGTH_MAX:
                raise ClaimsRefused("the provider sent no code")
            tokens = await self._service.arrive(call, journey, code, asked.get("iss"))
        except ClaimsRefused as problem:
            await self._tell(call, provider_id, str(problem))
            answer = self._dispatcher.failure(refused(), request_id)
            answer.headers += [*gone, *_NOT_KEPT]
            return answer
        except ProviderAway as problem:
            raise Unavailable("The provider cannot be reached at the moment; begin again.") from problem
        headers = tokens.headers if tokens is not None else []
        return Answer(303, b"", [(b"location", journey.return_to.encode()), *headers, *gone, *_NOT_KEPT])

    async def _tell(self, call: Call, provider_id: str, reason: str) -> None:
        document = msgspec.json.encode({"provider": provider_id[:40], "reason": reason[:REASON_LENGTH_MAX]})
        entry = Entry(INSTALLATION, 0, "bursar.sign_in.failed", None, document, origin=call.origin())
        await self._store.commit(Unit([], [entry]))


def _require_get(scope: Scope) -> None:
    if scope["method"] != "GET":
        raise MethodNotAllowed("Only GET is possible here.", code="method_not_allowed")


def _query(scope: Scope) -> dict[str, str]:
    """Each parameter once: one that comes twice may be read differently by somebody else."""
    try:
        found = parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=QUERY_FIELDS_MAX)
    except ValueError:
        return {}
    return {name: values[0] for name, values in found.items() if len(values) == 1}


def _cookies(scope: Scope) -> dict[str, str]:
    lines = [value.decode("latin-1") for name, value in scope["headers"] if name == b"cookie"]
    parts = (part.strip().partition("=") for line in lines for part in line.split(";"))
    return {name: value for name, equals, value in parts if equals}
