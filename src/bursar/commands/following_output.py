"""What commands share that show events until they are told to stop."""

from __future__ import annotations

import datetime
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from bursar.commands.log_following import ListedEvent
from bursar.commands.output import console

TypesOption = Annotated[
    list[str] | None,
    typer.Option("--types", help="Only these: charge.refunded, a group such as customer.*; repeat, or use commas."),
]
LimitOption = Annotated[int | None, typer.Option("--limit", min=1, help="End after so many events.")]


@contextmanager
def until_interrupted() -> Iterator[None]:
    """Ctrl-C is how it ends, and no failure."""
    try:
        yield
    except KeyboardInterrupt:
        console.print("")


def print_line(line: bytes) -> None:
    """At once: whoever reads this waits for it."""
    sys.stdout.write(line.decode() + "\n")
    sys.stdout.flush()


def time_of(event: ListedEvent) -> str:
    return datetime.datetime.fromtimestamp(event.created).astimezone().strftime("%H:%M:%S")
