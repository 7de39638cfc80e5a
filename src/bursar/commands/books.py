"""`bursar books`: proof that payments, books, log and bank tell the same story."""

from __future__ import annotations

import http.client
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec
import typer

from bursar import tables  # noqa: F401 - makes them known to the schema
from bursar.accounts.repository import list_organisations
from bursar.books import service
from bursar.books.journal import FILE_NAME, JournalUnusable, Source, of_bank, of_file
from bursar.books.service import RULES, Located, Position, Report
from bursar.commands.bank_process import FOLDER_NAME, Address, read_address
from bursar.commands.options import ConfigOption, FolderOption, chosen_settings
from bursar.commands.output import (
    EXIT_FOUND_WRONG,
    EXIT_UNAVAILABLE,
    EXIT_USAGE,
    JSON_OPTION,
    complaints,
    console,
    explained,
    fail,
    print_json,
    print_table,
)
from bursar.events.audit import snapshot
from bursar.kit.clock import SystemClock
from bursar.kit.money import display
from bursar.settings import Settings
from bursar.store import schema
from bursar.store.engine import Engines

app = typer.Typer(no_args_is_help=True, help="Prove that the books are right.")

NO_JOURNAL = "none"
KEY_VARIABLE = "BURSAR_PIGGYBANK_API_KEY"
ANSWER_SECONDS_MAX = 2.0
COLUMNS = ["organisation", "mode", "payments", "captured", "refunded", "charged back", "fees", "held"]

JournalOption = Annotated[
    str | None,
    typer.Option(help="The bank's journal, by the bank's address or as a file; `none` leaves the bank out."),
]
OrganisationOption = Annotated[str | None, typer.Option(help="Only the books of one organisation, by its id.")]


@app.callback()
def _books() -> None:
    """Keeps `verify` a word of its own."""


@app.command()
def verify(
    journal: JournalOption = None,
    organisation: OrganisationOption = None,
    data: FolderOption = None,
    config: ConfigOption = None,
    as_json: bool = JSON_OPTION,
) -> None:
    """Hold payments, books, log and the bank's own journal against each other. Exit code 1 when something is wrong.
    It only reads, and may run while the server works.
    """
    with explained():
        settings = chosen_settings(config, data)
        source = _journal(journal, settings, data)
        engines = _engines(settings)
        try:
            report = _verified(engines, source, organisation, silent=as_json)
        except JournalUnusable as problem:
            raise fail(str(problem), EXIT_UNAVAILABLE) from None
        finally:
            engines.close()
    if as_json:
        print_json(_as_json(report))
    else:
        _tell(report)
    if not report.is_clean:
        raise typer.Exit(EXIT_FOUND_WRONG)


def _verified(engines: Engines, source: Source | None, organisation: str | None, *, silent: bool) -> Report:
    if organisation is not None:
        with engines.reading.connect() as connection:
            if organisation not in {known.id for known in list_organisations(connection)}:
                raise fail(f"There is no organisation {organisation}; `bursar keys list` shows them.", EXIT_USAGE)
    now = SystemClock().now_microseconds()
    with engines.reading.connect() as connection, _progress(silent=silent) as position:
        return service.verify(snapshot(connection), now, org_id=organisation, journal=source, position=position)


def _engines(settings: Settings) -> Engines:
    """Only reads; a lane and a writer are of no use here."""
    engines = Engines(settings.database_url, readers=1, writers=1)
    version = schema.current_version(engines.reading)
    schema.check_version(version)
    if version is None:
        engines.close()
        raise fail("The database is empty: there are no books yet.", EXIT_USAGE)
    return engines


def _journal(named: str | None, settings: Settings, data: Path | None) -> Source | None:
    """What is named; else that of the bank in the settings, or of the folder's own bank."""
    if named == NO_JOURNAL:
        return None
    if named is not None and "://" not in named:
        return of_file(Path(named))
    own = _address_of(data)
    url = named or settings.piggybank_url
    if url is not None:
        key = settings.piggybank_api_key or os.environ.get(KEY_VARIABLE)
        if key is None and own is not None and own.url == url:
            key = own.api_key
        if not key:
            raise fail(f"Give the API key of the bank at {url} in {KEY_VARIABLE}.", EXIT_USAGE)
        return of_bank(url, key)
    if own is None or data is None:
        return None
    # A bank that was stopped with its server has left its journal behind.
    file = data / FOLDER_NAME / "data" / FILE_NAME
    return of_bank(own.url, own.api_key) if _answers(own.url) or not file.is_file() else of_file(file)


def _address_of(data: Path | None) -> Address | None:
    try:
        return read_address(data) if data is not None else None
    except (OSError, msgspec.MsgspecError):
        return None


def _answers(url: str) -> bool:
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=ANSWER_SECONDS_MAX)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


@contextmanager
def _progress(*, silent: bool) -> Iterator[Position]:
    """A bar on the terminal's error channel, so that the output stays what it is. It looks by itself how far it is."""
    position = Position()
    if silent or not sys.stderr.isatty():
        yield position
        return
    from rich.console import Console, Group
    from rich.progress import Progress, ProgressColumn, SpinnerColumn, TimeElapsedColumn
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    class Bar(ProgressColumn):
        max_refresh = None

        def render(self, task: Any) -> Table | Group:
            done, total = position.rows_done, position.rows_total
            line = Table.grid(padding=(0, 1))
            of = f" of {total:,}" if total is not None else ""
            bar = ProgressBar(total=total, completed=done, width=30, pulse=total is None)
            line.add_row(Text(position.stage), bar, Text(f"{done:,}{of}"))
            return line

    columns = (SpinnerColumn(), Bar(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, refresh_per_second=4) as progress:
        progress.add_task("")
        yield position


def _tell(report: Report) -> None:
    if report.sums:
        print_table([_row(sums) for sums in report.sums], COLUMNS)
    for found in report.open:
        console.print(f"open: {_named(found)}", markup=False)
    if report.open_count > len(report.open):
        console.print(f"… and {report.open_count - len(report.open)} more are open")
    for found in report.findings:
        complaints.print(f"{found.rule}: {_named(found)}", markup=False)
    if report.finding_count > len(report.findings):
        complaints.print(f"… and {report.finding_count - len(report.findings)} more findings")
    against = f"and the bank's journal at {report.journal}" if report.journal else "without a journal of the bank"
    if report.is_clean:
        verdict = f"[green]The books are right[/]: {report.payments} payment intents, {against}"
    else:
        broken = ", ".join(f"{rule} {report.counts[rule]}" for rule in RULES if rule in report.counts)
        verdict = f"[bold red]The books are wrong[/]: {report.finding_count} findings ({broken}), {against}"
    console.print(f"{verdict}; {report.open_count} open." if report.open_count else f"{verdict}.")


def _named(found: Located) -> str:
    return f"{found.org_id} {'live' if found.livemode else 'test'} {found.subject}: {found.problem}"


def _row(sums: service.Sums) -> dict[str, Any]:
    amounts = {
        "captured": sums.captured_minor,
        "refunded": sums.refunded_minor,
        "charged back": sums.disputed_minor,
        "fees": sums.fees_minor,
        "held": sums.held_minor,
    }
    shown = {name: display(amount, sums.currency) for name, amount in amounts.items()}
    return {"organisation": sums.org_id, "mode": "live" if sums.livemode else "test", "payments": sums.payments} | shown


def _as_json(report: Report) -> dict[str, Any]:
    return {
        "clean": report.is_clean,
        "journal": report.journal,
        "payment_intents": report.payments,
        "books": report.sums,
        "findings": report.findings,
        "findings_unnamed": report.finding_count - len(report.findings),
        "findings_by_rule": report.counts,
        "open": report.open,
        "open_unnamed": report.open_count - len(report.open),
    }
