"""How pages for customers are served: no script, nothing from elsewhere, and nothing of their address travels on."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bursar.http.asgi import Handler, Receive, Scope, Send
from bursar.http.dispatch import Dispatcher
from bursar.http.requests import ClientGone
from bursar.http.responses import Answer, Header
from bursar.kit.errors import MethodNotAllowed, RequestError
from bursar.kit.ids import IdFactory
from bursar.three_d_secure.service import Return, Waiting

_FOLDER = Path(__file__).parent / "templates"
# What an address may hold as it is; the rest, such as letters beyond ASCII, cannot stand in a header.
_PLAIN = "!#$%&'()*+,/:;=?@[]~"

# The address is a secret: it must not travel on to the merchant's page, nor into a cache.
ALWAYS: list[Header] = [
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]


class PageServer:
    """What every page has in common: an id of its own for each request, and errors that people can read."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self._request_ids = IdFactory()

    def handler(self, answer: Callable[[Scope, Receive], Awaitable[Answer]], methods: tuple[str, ...]) -> Handler:
        async def handle(scope: Scope, receive: Receive, send: Send) -> None:
            request_id = self._request_ids.new("req")
            try:
                if scope["method"] not in methods:
                    wanted = [name for name in methods if name != "HEAD"]
                    raise MethodNotAllowed(f"Only {' and '.join(wanted)} can be sent here.")
                done = await answer(scope, receive)
            except ClientGone:
                return
            except RequestError as problem:
                done = page("This cannot be done", None, problem.message, problem.status)
                if isinstance(problem, MethodNotAllowed):
                    done.headers.append((b"allow", ", ".join(methods).encode()))
            except Exception as problem:
                status = self._dispatcher.failure(problem, request_id).status
                done = page("Something went wrong", None, "Please try again in a moment.", status)
            headers = [*done.headers, (b"request-id", request_id.encode())]
            await send({"type": "http.response.start", "status": done.status, "headers": headers})
            await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else done.body})

        return handle


def gone_on(done: Return) -> Answer:
    if done.url is not None:
        return redirect(done.url)
    if done.pending:
        return page("Almost done", None, "The bank has not answered yet. You can close this page.", 200)
    if done.succeeded:
        return page("Done", None, "Thank you. You can close this page.", 200)
    return page("Not completed", None, "This did not succeed. You can close this page and try again.", 200)


def redirect(url: str) -> Answer:
    location = quote(url, safe=_PLAIN).encode()
    return Answer(303, b"", [(b"location", location), *ALWAYS, (b"content-length", b"0")])


def page(heading: str, waiting: Waiting | None, message: str | None, status: int) -> Answer:
    return rendered(_FOLDER / "authenticate.html", status, heading=heading, waiting=waiting, message=message)


def rendered(template: Path, status: int, *, images: bool = False, **shown: Any) -> Answer:
    """A page of this template; its style alone may be inline, and images may come from here."""
    nonce = secrets.token_urlsafe(16)
    body = _template(template).render(nonce=nonce, **shown).encode()
    # No form-action: the answer to a form leads to the merchant's page, which some browsers would refuse.
    policy = f"default-src 'none'; style-src 'nonce-{nonce}'; base-uri 'none'; frame-ancestors *"
    if images:
        policy += "; img-src 'self'"
    headers = [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-security-policy", policy.encode()),
        *ALWAYS,
        (b"content-length", b"%d" % len(body)),
    ]
    return Answer(status, body, headers)


@cache
def _template(path: Path) -> Any:
    # Only who needs a page pays for loading what makes it.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(path.parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template(path.name)
