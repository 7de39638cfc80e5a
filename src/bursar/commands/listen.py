"""`bursar listen`: what happens on a running server, signed and sent to a program on this machine."""

from __future__ import annotations

import http.client
import time
from typing import Annotated, NamedTuple
from urllib.parse import SplitResult, urlsplit

import msgspec
import typer

from bursar.commands.following_output import LimitOption, TypesOption, print_line, time_of, until_interrupted
from bursar.commands.log_following import Follower, ListedEvent, wanted_types
from bursar.commands.output import EXIT_USAGE, JSON_OPTION, console, escaped, explained, fail
from bursar.commands.server_calls import KeyOption, ServerAway, UrlOption, away, named_server
from bursar.webhooks.signing import SECRET_PREFIX, SigningKey, new_secret, signature_headers, signing_key

FORWARD_SECONDS_MAX = 20.0  # as long as a webhook's receiver may take


def listen(
    forward_to: Annotated[str, typer.Option("--forward-to", help="Such as http://localhost:3000/hook.")],
    types: TypesOption = None,
    secret: Annotated[str | None, typer.Option(help="Sign with this secret, whsec_…, instead of a new one.")] = None,
    limit: LimitOption = None,
    url: UrlOption = None,
    api_key: KeyOption = None,
    as_json: bool = JSON_OPTION,
) -> None:
    """Send what happens on a server to an address of yours, signed as webhooks are, until Ctrl-C."""
    with explained(), until_interrupted():
        server = named_server(url, api_key)
        forward = Forward(forward_to, secret or new_secret())
        follower = Follower(server, wanted_types(types or []))
        try:
            follower.begin()
        except ServerAway as problem:
            raise away(server, problem) from None
        if as_json:
            print_line(msgspec.json.encode({"secret": forward.secret, "forward_to": forward.url}))
        else:
            console.print(f"The signing secret is {forward.secret}")
            console.print(f"What happens on {server.url} goes to {forward.url}. Stop with Ctrl-C.")
        for event in follower.follow(limit=limit):
            _show(event, forward.send(event), as_json=as_json)


class Forwarded(NamedTuple):
    status: int | None
    milliseconds: int
    error: str | None


class Forward:
    """A receiver that is told without webhooks: by whoever listens, and once."""

    def __init__(self, url: str, secret: str) -> None:
        self.url = url if "://" in url else f"http://{url}"
        self.secret = secret
        self._address = _address(self.url)
        self._key = _key(secret)

    def send(self, event: ListedEvent) -> Forwarded:
        body = bytes(event.raw)
        lines = signature_headers([self._key], event.id, int(time.time()), body).split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines if line)
        headers |= {"Content-Type": "application/json; charset=utf-8", "User-Agent": "Bursar-Webhooks/1.0"}
        make = http.client.HTTPSConnection if self._address.scheme == "https" else http.client.HTTPConnection
        began = time.monotonic()
        connection = make(self._address.hostname or "", self._address.port, timeout=FORWARD_SECONDS_MAX)
        status, error = None, None
        try:
            connection.request("POST", _target(self._address), body, headers)
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as problem:
            error = str(problem) or type(problem).__name__
        finally:
            connection.close()
        return Forwarded(status, int((time.monotonic() - began) * 1000), error)


def _show(event: ListedEvent, forwarded: Forwarded, *, as_json: bool) -> None:
    if as_json:
        told = {
            "event": event.id,
            "type": event.type,
            "status": forwarded.status,
            "latency_milliseconds": forwarded.milliseconds,
            "error": forwarded.error,
        }
        print_line(msgspec.json.encode(told))
        return
    result = escaped(forwarded.error or "") if forwarded.status is None else str(forwarded.status)
    color = "green" if forwarded.status is not None and 200 <= forwarded.status < 300 else "red"
    console.print(f"{time_of(event)}  {event.id}  {event.type}  [{color}]{result}[/]  {forwarded.milliseconds} ms")


def _key(secret: str) -> SigningKey:
    try:
        if secret.startswith(SECRET_PREFIX):
            return signing_key(secret)
    except ValueError:
        pass
    raise fail("The secret is none of ours: it looks like whsec_ and 32 characters.", EXIT_USAGE)


def _address(url: str) -> SplitResult:
    try:
        address = urlsplit(url)
        has_port = address.port is None or address.port > 0
    except ValueError:
        has_port = False
    if not has_port or address.scheme not in ("http", "https") or not address.hostname:
        raise fail(f"{url} is no address to send to; write http://localhost:3000/hook.", EXIT_USAGE)
    return address


def _target(address: SplitResult) -> str:
    return (address.path or "/") + (f"?{address.query}" if address.query else "")
