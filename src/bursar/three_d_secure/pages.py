"""The page where a cardholder authenticates: one form, no script, nothing from elsewhere."""

from __future__ import annotations

import secrets
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote

from bursar.http.asgi import Application, Receive, Scope, Send
from bursar.http.dispatch import Dispatcher
from bursar.http.requests import ClientGone, read_address, read_body, read_headers
from bursar.http.responses import Answer, Header
from bursar.kit.errors import InvalidRequest, MethodNotAllowed, RequestError
from bursar.kit.ids import IdFactory
from bursar.three_d_secure.service import PATH, AuthenticationService, Return, Waiting

_FOLDER = Path(__file__).parent / "templates"
RESULTS = {"passed": True, "failed": False}
METHODS = ("GET", "HEAD", "POST")
# What an address may hold as it is; the rest, such as letters beyond ASCII, cannot stand in a header.
_PLAIN = "!#$%&'()*+,/:;=?@[]~"
FIELDS_MAX = 8  # one is ours; a browser's helpers may add some of their own


class AuthenticationPages:
    def __init__(self, authentications: AuthenticationService, dispatcher: Dispatcher) -> None:
        self._authentications = authentications
        self._dispatcher = dispatcher
        self._request_ids = IdFactory()

    def add_routes(self, application: Application) -> None:
        application.add(f"{PATH}/{{place}}/{{secret}}", self._handle)

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = self._request_ids.new("req")
        try:
            answer = await self._answer(scope, receive)
        except ClientGone:
            return
        except RequestError as problem:
            answer = _page("This cannot be done", None, problem.message, problem.status)
            if isinstance(problem, MethodNotAllowed):
                answer.headers.append((b"allow", ", ".join(METHODS).encode()))
        except Exception as problem:
            status = self._dispatcher.failure(problem, request_id).status
            answer = _page("Something went wrong", None, "Please try again in a moment.", status)
        headers = [*answer.headers, (b"request-id", request_id.encode())]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else answer.body})

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        if scope["method"] not in METHODS:
            raise MethodNotAllowed("Only GET and POST are possible here.")
        path = scope["path_params"]
        # Before anything else: whoever clicks and closes the page has decided none the less.
        body = await read_body(receive, read_headers(scope).content_length) if scope["method"] == "POST" else None
        authentication = await self._authentications.find(path["place"], path["secret"])
        if body is not None:
            passed = _read_result(body)
            return _gone_on(
                await self._authentications.decide(authentication, passed=passed, address=read_address(scope))
            )
        waiting = await self._authentications.waiting(authentication)
        if waiting is None:
            return _page("Nothing to do", None, "This authentication is over. You can close this page.", 200)
        return _page("Confirm that it is you", waiting, None, 200)


def _read_result(body: bytes) -> bool:
    try:
        results = parse_qs(body.decode("latin-1"), max_num_fields=FIELDS_MAX).get("result", [])
    except ValueError:
        results = []
    if len(results) != 1 or results[0] not in RESULTS:
        raise InvalidRequest("The form was sent without a result. Go back and choose one.", param="result")
    return RESULTS[results[0]]


def _gone_on(done: Return) -> Answer:
    if done.url is not None:
        location = quote(done.url, safe=_PLAIN).encode()
        return Answer(303, b"", [(b"location", location), *_ALWAYS, (b"content-length", b"0")])
    if done.pending:
        return _page("Almost done", None, "The bank has not answered yet. You can close this page.", 200)
    if done.succeeded:
        return _page("Done", None, "Thank you. You can close this page.", 200)
    return _page("Not completed", None, "This did not succeed. You can close this page and try again.", 200)


def _page(heading: str, waiting: Waiting | None, message: str | None, status: int) -> Answer:
    nonce = secrets.token_urlsafe(16)
    body = _template().render(heading=heading, waiting=waiting, message=message, nonce=nonce).encode()
    return Answer(status, body, [*_headers(nonce), (b"content-length", b"%d" % len(body))])


# The address is a secret: it must not travel on to the merchant's page, nor into a cache.
_ALWAYS: list[Header] = [
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]


def _headers(nonce: str) -> list[Header]:
    # No form-action: the answer to the form leads to the merchant's page, which some browsers would refuse.
    policy = f"default-src 'none'; style-src 'nonce-{nonce}'; base-uri 'none'; frame-ancestors *"
    return [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-security-policy", policy.encode()),
        *_ALWAYS,
    ]


@cache
def _template() -> Any:
    # Only who needs the page pays for loading what makes it.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("authenticate.html")
