"""`bursar events` and `bursar listen`: what happens, as it happens, on the screen or at a program on this machine."""

from __future__ import annotations

import datetime
import http.client
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, NamedTuple
from urllib.parse import SplitResult, urlsplit

import msgspec
import typer

from bursar.commands.log_following import Follower, ListedEvent, wanted_types
from bursar.commands.output import (
    EXIT_FOUND_WRONG,
    EXIT_USAGE,
    JSON_OPTION,
    console,
    explained,
    fail,
    print_json,
    print_table,
)
from bursar.commands.server_calls import KeyOption, Refusal, Server, ServerAway, UrlOption, away, named_server
from bursar.webhooks.managed import delivery_id, read_delivery_id
from bursar.webhooks.signing import SECRET_PREFIX, SigningKey, new_secret, signature_headers, signing_key

FORWARD_SECONDS_MAX = 20.0  # as long as a webhook's receiver may take
LAST_MAX = 100

TypesOption = Annotated[
    list[str] | None,
    typer.Option("--types", help="Only these: charge.refunded, a group such as customer.*; repeat, or use commas."),
]
LimitOption = Annotated[int | None, typer.Option("--limit", min=1, help="End after so many events.")]

app = typer.Typer(no_args_is_help=True, help="What happens on a running server, and sending it again.")


@app.command()
def tail(
    types: TypesOption = None,
    last: Annotated[int, typer.Option(min=0, max=LAST_MAX, help="Begin with so many of before.")] = 0,
    limit: LimitOption = None,
    url: UrlOption = None,
    api_key: KeyOption = None,
    as_json: bool = JSON_OPTION,
) -> None:
    """Show events as they happen, until Ctrl-C. With --json each is a line: the event as `/v1/events` has it."""
    with explained(), _until_interrupted():
        follower = Follower(named_server(url, api_key), wanted_types(types or []))
        for event in follower.follow(last=last, limit=limit):
            if as_json:
                _print_line(bytes(event.raw))
            else:
                console.print(f"{_time_of(event)}  {event.id}  {event.type}  {_object_id(event)}")


@app.command()
def resend(
    event: Annotated[str, typer.Argument(help="evt_…")],
    endpoint: Annotated[str | None, typer.Option(help="we_…; all endpoints that have had it by default.")] = None,
    url: UrlOption = None,
    api_key: KeyOption = None,
    as_json: bool = JSON_OPTION,
) -> None:
    """Send an event again to webhook endpoints that have had it, or were to have it."""
    server = named_server(url, api_key)
    with explained():
        try:
            server.get(f"/v1/events/{_in_path(event)}")
            done = _resend(server, event, endpoint)
        except ServerAway as problem:
            raise away(server, problem) from None
    if as_json:
        print_json(done)
    else:
        print_table(done, ["id", "endpoint", "status", "tries"])


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
    with explained(), _until_interrupted():
        server = named_server(url, api_key)
        forward = Forward(forward_to, secret or new_secret())
        follower = Follower(server, wanted_types(types or []))
        try:
            follower.begin()
        except ServerAway as problem:
            raise away(server, problem) from None
        if as_json:
            _print_line(msgspec.json.encode({"secret": forward.secret, "forward_to": forward.url}))
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


def _resend(server: Server, event: str, endpoint: str | None) -> list[dict[str, Any]]:
    """By the names that deliveries have: those of endpoint and event together."""
    endpoints = [endpoint] if endpoint else _endpoints(server)
    if not endpoints:
        raise fail("There is no webhook endpoint.", EXIT_FOUND_WRONG)
    done, refusals = [], []
    for one in endpoints:
        name = delivery_id(one, event)
        if read_delivery_id(name) is None:
            raise fail(f"{one} is no id of a webhook endpoint.", EXIT_USAGE)
        reply = server.try_post(f"/api/v1/webhook-deliveries/{name}/resend")
        if not isinstance(reply, Refusal):
            done.append(reply)
        elif reply.status == http.HTTPStatus.NOT_FOUND:
            refusals.append(f"{one} has not had {event}")
        elif endpoint or reply.error.get("code") != "webhook_endpoint_disabled":
            server.refuse(reply.error.get("message", reply.status))
        else:
            refusals.append(f"{one} is disabled")
    if not done:
        told = "; ".join(refusals)
        raise fail(f"Nothing is sent again: {told}. A replay sends what an endpoint never had.", EXIT_FOUND_WRONG)
    return done


def _endpoints(server: Server) -> list[str]:
    page = server.get("/v1/webhook_endpoints", {"limit": 100})
    return [str(one["id"]) for one in page["data"]]


@contextmanager
def _until_interrupted() -> Iterator[None]:
    """Ctrl-C is how it ends, and no failure."""
    try:
        yield
    except KeyboardInterrupt:
        console.print("")


def _show(event: ListedEvent, forwarded: Forwarded, *, as_json: bool) -> None:
    if as_json:
        told = {
            "event": event.id,
            "type": event.type,
            "status": forwarded.status,
            "latency_milliseconds": forwarded.milliseconds,
            "error": forwarded.error,
        }
        _print_line(msgspec.json.encode(told))
        return
    result = forwarded.error if forwarded.status is None else str(forwarded.status)
    color = "green" if forwarded.status is not None and 200 <= forwarded.status < 300 else "red"
    console.print(f"{_time_of(event)}  {event.id}  {event.type}  [{color}]{result}[/]  {forwarded.milliseconds} ms")


def _print_line(line: bytes) -> None:
    """At once: whoever reads this waits for it."""
    sys.stdout.write(line.decode() + "\n")
    sys.stdout.flush()


def _time_of(event: ListedEvent) -> str:
    return datetime.datetime.fromtimestamp(event.created).astimezone().strftime("%H:%M:%S")


class _Data(msgspec.Struct):
    object: dict[str, Any]


class _WithData(msgspec.Struct):
    data: _Data


def _object_id(event: ListedEvent) -> str:
    return str(msgspec.json.decode(event.raw, type=_WithData).data.object.get("id", ""))


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


def _in_path(event_id: str) -> str:
    if not (event_id.isascii() and event_id.replace("_", "").isalnum()):
        raise fail(f"{event_id} is no id of an event.", EXIT_USAGE)
    return event_id
