"""`bursar audit`: what is in the log, and proof that it is as it was written."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from bursar.commands import audit_entries
from bursar.commands.log_reading import reading_log
from bursar.commands.options import ConfigOption, FolderOption
from bursar.commands.output import (
    EXIT_FOUND_WRONG,
    EXIT_USAGE,
    JSON_OPTION,
    complaints,
    console,
    explained,
    fail,
    print_json,
)
from bursar.events import audit as log_audit
from bursar.events.audit import ANCHOR_FORMAT, Anchor, Report
from bursar.kit.clock import SystemClock

app = typer.Typer(no_args_is_help=True, help="Read the log, and prove that it was not rewritten.")
app.command("list")(audit_entries.list_entries)
app.command("export")(audit_entries.export_entries)

AnchorOption = Annotated[Path | None, typer.Option(help="A file that `bursar audit anchor` wrote earlier.")]


@app.command()
def verify(
    anchor: AnchorOption = None,
    data: FolderOption = None,
    config: ConfigOption = None,
    as_json: bool = JSON_OPTION,
) -> None:
    """Walk every chain of the log. Exit code 1 when a row was changed, dropped, moved, added or cut off."""
    with explained():
        known = _read_anchor_file(anchor) if anchor else None
        with reading_log(data, config) as connection:
            report = log_audit.verify(connection, known)
    _tell(report, as_json=as_json)
    if not report.whole:
        raise typer.Exit(EXIT_FOUND_WRONG)


@app.command()
def anchor(
    file: Annotated[Path | None, typer.Argument(help="Where to write; standard output if left away.")] = None,
    data: FolderOption = None,
    config: ConfigOption = None,
) -> None:
    """Write the heads of all chains, to be kept where nobody who can change the database can reach."""
    with explained(), reading_log(data, config) as connection:
        heads = log_audit.read_anchor(connection, SystemClock().now_microseconds())
    if file is None:
        print_json(heads)
        return
    try:
        file.write_bytes(msgspec.json.format(msgspec.json.encode(heads), indent=2) + b"\n")
    except OSError as problem:
        raise fail(f"The anchor cannot be written to {file}: {problem.strerror}.", EXIT_USAGE) from None
    console.print(f"{len(heads.heads)} heads are in {file}. Keep it away from the database.")


def _read_anchor_file(file: Path) -> Anchor:
    try:
        known = msgspec.json.decode(file.read_bytes(), type=Anchor)
    except OSError as problem:
        raise fail(f"The anchor {file} cannot be read: {problem.strerror}.", EXIT_USAGE) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise fail(f"{file} is not an anchor: {problem}.", EXIT_USAGE) from None
    if known.format != ANCHOR_FORMAT:
        raise fail(f"{file} is not of the format {ANCHOR_FORMAT}.", EXIT_USAGE)
    return known


def _tell(report: Report, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "whole": report.whole,
                "rows": report.rows,
                "chains": report.chains,
                "anchored": report.anchored,
                "problems": report.problems,
                "problems_unnamed": report.problems_unnamed,
            }
        )
        return
    for problem in report.problems:
        complaints.print(problem, markup=False)
    if report.problems_unnamed:
        complaints.print(f"… and {report.problems_unnamed} more")
    verdict = "[green]The log is whole[/]" if report.whole else "[bold red]The log was tampered with[/]"
    anchored = f", {report.anchored} held against the anchor" if report.anchored else ""
    console.print(f"{verdict}: {report.rows} rows in {report.chains} chains{anchored}.")
