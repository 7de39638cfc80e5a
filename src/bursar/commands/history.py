"""`bursar history`: the histories of payments in MongoDB."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer

from bursar.commands.options import ConfigOption, FolderOption, chosen_settings
from bursar.commands.output import (
    EXIT_SETTINGS,
    EXIT_UNAVAILABLE,
    JSON_OPTION,
    console,
    explained,
    fail,
    print_json,
)
from bursar.runtime import running

app = typer.Typer(no_args_is_help=True, help="Look after the histories of payments in MongoDB.")

NO_HISTORY = "Set BURSAR_HISTORY_URL to MongoDB's address, such as mongodb://localhost/bursar."


@app.callback()
def _history() -> None:
    """Keeps `rebuild` a word of its own."""


@app.command()
def rebuild(data: FolderOption = None, config: ConfigOption = None, as_json: bool = JSON_OPTION) -> None:
    """Make every payment's document anew, from the log alone. Servers may go on working meanwhile."""
    with explained():
        settings = chosen_settings(config, data)
        url = settings.history_url
        if url is None:
            raise fail(
                "Set BURSAR_HISTORY_URL to MongoDB's address, such as mongodb://localhost/bursar.", EXIT_SETTINGS
            )
        # Only where it is wanted is its client there.
        from bursar.histories.mongo import HistoryAway
        from bursar.histories.worker import rebuild as rebuild_histories

        try:
            with running(settings) as runtime, _progress(silent=as_json) as told:
                events = rebuild_histories(runtime.store, runtime.clock, url, told)
        except HistoryAway as problem:
            raise fail(str(problem), EXIT_UNAVAILABLE) from None
    if as_json:
        print_json({"events": events})
    else:
        console.print(f"The histories are made anew, of {events:,} events.")


@contextmanager
def _progress(*, silent: bool) -> Iterator[Callable[[int], None]]:
    """On the terminal's error channel, so that the output stays what it is."""
    if silent or not sys.stderr.isatty():
        yield lambda _events: None
        return
    from rich.console import Console

    with Console(stderr=True).status("") as status:
        yield lambda events: status.update(f"{events:,} events")
