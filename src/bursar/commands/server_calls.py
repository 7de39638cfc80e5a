"""A running server, asked over its own HTTP API as a merchant's program would: by its address and an API key."""

from __future__ import annotations

import email.utils
import http.client
import os
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any, NamedTuple, NoReturn, TypeVar
from urllib.parse import urlencode, urlsplit

import msgspec
import typer

from bursar.accounts.rules import DEVELOPMENT_SECRET_KEY
from bursar.commands.output import EXIT_FOUND_WRONG, EXIT_UNAVAILABLE, EXIT_USAGE, fail
from bursar.settings import DEVELOPMENT_PORT

ANSWER_SECONDS_MAX = 30.0
DEFAULT_URL = f"http://127.0.0.1:{DEVELOPMENT_PORT}"
# Not among the settings, so that a server and its commands can be started from one shell.
URL_VARIABLE, KEY_VARIABLE = "BURSAR_CLIENT_URL", "BURSAR_CLIENT_API_KEY"
LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")
LIVE_PREFIXES = ("sk_live_", "rk_live_")
# Of answers that say nothing against the request: it may be sent again.
AWAY = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.CONFLICT})

UrlOption = Annotated[
    str | None, typer.Option("--url", help=f"Address of a running server; {URL_VARIABLE}, or {DEFAULT_URL}.")
]
KeyOption = Annotated[
    str | None,
    typer.Option(
        "--api-key", help=f"A secret key; {KEY_VARIABLE} is seen by nobody else. That of `bursar dev` by default."
    ),
]

Json = dict[str, Any]
T = TypeVar("T")


class ServerAway(Exception):
    """Nobody answers, or whoever does cannot at present."""


class Reply(NamedTuple):
    status: int
    body: bytes
    # When it was given, by the server's clock.
    at: float


class Refusal(NamedTuple):
    status: int
    error: Json


class Server:
    def __init__(self, url: str, api_key: str) -> None:
        self.url = url.rstrip("/")
        self._address = urlsplit(url)
        self._api_key = api_key
        if self._address.scheme not in ("http", "https") or not self._address.hostname:
            raise fail(f"{url} is no address of a server; write {DEFAULT_URL}.", EXIT_USAGE)

    @property
    def is_live(self) -> bool:
        return self._api_key.startswith(LIVE_PREFIXES)

    def get(self, path: str, query: Mapping[str, object] | None = None) -> Json:
        reply = self.ask("GET", f"{path}?{urlencode(query)}" if query else path)
        return self._done(reply, dict[str, Any])

    def get_as(self, path: str, query: Mapping[str, object], shape: type[T]) -> tuple[T, float]:
        reply = self.ask("GET", f"{path}?{urlencode(query)}")
        return self._done(reply, shape), reply.at

    def post(self, path: str, body: Json | None = None) -> Json:
        return self._done(self.ask("POST", path, body or {}), dict[str, Any])

    def try_post(self, path: str, body: Json | None = None) -> Json | Refusal:
        """For who expects a refusal, such as a decline."""
        reply = self.ask("POST", path, body or {})
        if reply.status == HTTPStatus.OK:
            return self._done(reply, dict[str, Any])
        return Refusal(reply.status, _error(reply))

    def delete(self, path: str) -> Json:
        return self._done(self.ask("DELETE", path), dict[str, Any])

    def ask(self, method: str, path: str, body: Json | None = None) -> Reply:
        """Raises ServerAway."""
        is_secure = self._address.scheme == "https"
        make = http.client.HTTPSConnection if is_secure else http.client.HTTPConnection
        connection = make(self._address.hostname or "", self._address.port, timeout=ANSWER_SECONDS_MAX)
        headers = {"Authorization": f"Bearer {self._api_key}", "Content-Type": "application/json"}
        content = None if body is None else msgspec.json.encode(body)
        try:
            connection.request(method, self._address.path.rstrip("/") + path, content, headers)
            answer = connection.getresponse()
            reply = Reply(answer.status, answer.read(), _date(answer.headers.get("Date")))
        except (OSError, http.client.HTTPException) as problem:
            raise ServerAway(str(problem) or type(problem).__name__) from None
        finally:
            connection.close()
        if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR or reply.status in AWAY:
            raise ServerAway(str(_error(reply).get("message", reply.status)))
        return reply

    def _done(self, reply: Reply, shape: type[T]) -> T:
        if reply.status != HTTPStatus.OK:
            self.refuse(_error(reply).get("message", reply.status))
        try:
            return msgspec.json.decode(reply.body, type=shape)
        except msgspec.MsgspecError:
            self.refuse("what answers there is no server of Bursar's")

    def refuse(self, why: object) -> NoReturn:
        raise fail(f"The server at {self.url} refuses this: {why}", EXIT_FOUND_WRONG)


def named_server(url: str | None, api_key: str | None) -> Server:
    chosen = url or os.environ.get(URL_VARIABLE) or DEFAULT_URL
    key = api_key or os.environ.get(KEY_VARIABLE)
    if not key and urlsplit(chosen).hostname in LOOPBACK_HOSTS:
        key = DEVELOPMENT_SECRET_KEY
    if not key:
        raise fail(f"Give the server's API key too, in {KEY_VARIABLE} or by --api-key.", EXIT_USAGE)
    return Server(chosen, key)


def away(server: Server, problem: ServerAway) -> typer.Exit:
    return fail(f"The server at {server.url} gives no answer: {problem}. Is it running?", EXIT_UNAVAILABLE)


def _error(reply: Reply) -> Json:
    try:
        document = msgspec.json.decode(reply.body)
    except msgspec.MsgspecError:
        return {}
    error = document.get("error") if isinstance(document, dict) else None
    return error if isinstance(error, dict) else {}


def _date(header: str | None) -> float:
    try:
        return email.utils.parsedate_to_datetime(header or "").timestamp()
    except ValueError:
        return time.time()
