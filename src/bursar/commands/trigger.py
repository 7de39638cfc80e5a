"""`bursar trigger`: makes something happen on a running server, in test mode, and waits until it is told."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from bursar.commands.happenings import LATER_SECONDS_MAX, LOOK_SECONDS, OUT_OF_REACH, WAYS, ways
from bursar.commands.log_following import Follower, ListedEvent
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
from bursar.commands.server_calls import KeyOption, Server, ServerAway, UrlOption, away, named_server


def trigger(
    event: Annotated[str | None, typer.Argument(help="A type, such as payment_intent.succeeded.")] = None,
    listed: Annotated[bool, typer.Option("--list", help="List the types, and how each comes about.")] = False,
    url: UrlOption = None,
    api_key: KeyOption = None,
    as_json: bool = JSON_OPTION,
) -> None:
    """Make an event happen, in test mode: by payments, refunds and disputes at the simulated bank."""
    if listed:
        _show_ways(as_json=as_json)
        return
    if event is None:
        raise fail("Name a type, such as payment_intent.succeeded; --list shows all.", EXIT_USAGE)
    if event in OUT_OF_REACH:
        raise fail(f"{event} cannot be triggered: {OUT_OF_REACH[event]}.", EXIT_FOUND_WRONG)
    if event not in WAYS:
        raise fail(f"There is no type {event}; `bursar trigger --list` shows all that there are.", EXIT_USAGE)
    server = named_server(url, api_key)
    if server.is_live:
        raise fail("This is a key of the live mode. What is triggered is a test: use a key sk_test_….", EXIT_USAGE)
    with explained():
        try:
            told, about = until_told(server, event)
        except ServerAway as problem:
            raise away(server, problem) from None
    if as_json:
        print_json({"event": told.id, "type": told.type, "about": about})
    else:
        console.print(f"{told.type}: {told.id}, about {about}")


def until_told(server: Server, event_type: str) -> tuple[ListedEvent, str]:
    follower = Follower(server, [event_type])
    follower.begin()
    about = WAYS[event_type].happening(server)
    named = f'"{about}"'.encode()
    deadline = time.monotonic() + LATER_SECONDS_MAX
    while True:
        for event in follower.look():
            if named in bytes(event.raw):
                return event, about
        if time.monotonic() > deadline:
            raise fail(
                f"{about} is there, but {event_type} was not told: does the bank's webhook reach the server?",
                EXIT_FOUND_WRONG,
            )
        time.sleep(LOOK_SECONDS)


def _show_ways(*, as_json: bool) -> None:
    if as_json:
        print_json([{"type": name, "how": how, "can_be_triggered": can_be} for name, how, can_be in ways()])
        return
    rows = [{"type": name, "how": how if can_be else f"cannot be triggered: {how}"} for name, how, can_be in ways()]
    print_table(rows, ["type", "how"])
