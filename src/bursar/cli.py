"""`bursar`: wiring of the commands only."""

from __future__ import annotations

from typing import Annotated

import typer

from bursar import __version__
from bursar.commands import attempts, audit, books, events, history, keys, people, server, simulator, vault
from bursar.commands.doctor import doctor
from bursar.commands.listen import listen
from bursar.commands.mails import mails
from bursar.commands.openapi import openapi
from bursar.commands.trigger import trigger
from bursar.commands.worker import worker

app = typer.Typer(
    name="bursar",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,  # locals may be secret
    help="Bursar, a self-hosted payment platform.",
)
app.command()(server.dev)
app.command()(server.serve)
app.command()(worker)
app.command()(server.migrate)
app.command()(doctor)
app.command()(openapi)
app.command()(mails)
app.command()(listen)
app.command()(trigger)
app.add_typer(keys.app, name="keys")
app.add_typer(people.app, name="users")
app.add_typer(attempts.app, name="attempts")
app.add_typer(audit.app, name="audit")
app.add_typer(books.app, name="books")
app.add_typer(events.app, name="events")
app.add_typer(history.app, name="history")
app.add_typer(vault.app, name="vault")
app.add_typer(simulator.app, name="sim")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"bursar {__version__}")
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Self-hosted payments."""


def main() -> None:
    app()
