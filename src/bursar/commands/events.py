"""`bursar events`: what happens on a running server, as it happens, and sending it again."""

from __future__ import annotations

import http.client
from typing import Annotated, Any

import msgspec
import typer

from bursar.commands.following_output import LimitOption, TypesOption, print_line, time_of, until_interrupted
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

LAST_MAX = 100

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
    with explained(), until_interrupted():
        follower = Follower(named_server(url, api_key), wanted_types(types or []))
        for event in follower.follow(last=last, limit=limit):
            if as_json:
                print_line(bytes(event.raw))
            else:
                console.print(f"{time_of(event)}  {event.id}  {event.type}  {_object_id(event)}")


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


class _Data(msgspec.Struct):
    object: dict[str, Any]


class _WithData(msgspec.Struct):
    data: _Data


def _object_id(event: ListedEvent) -> str:
    return str(msgspec.json.decode(event.raw, type=_WithData).data.object.get("id", ""))


def _in_path(event_id: str) -> str:
    if not (event_id.isascii() and event_id.replace("_", "").isalnum()):
        raise fail(f"{event_id} is no id of an event.", EXIT_USAGE)
    return event_id
