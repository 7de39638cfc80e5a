"""`bursar audit list` and `bursar audit export`: the log of any organisation, for whoever has the database."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import msgspec
import typer
from sqlalchemy import Connection

from bursar.audit import repository
from bursar.audit.files import encoder, heading
from bursar.audit.repository import Wanted
from bursar.audit.schemas import AuditEntry, AuditFilters, Format, Mode
from bursar.commands.log_reading import reading_log
from bursar.commands.options import ConfigOption, FolderOption
from bursar.commands.output import EXIT_USAGE, JSON_OPTION, console, explained, fail, print_json, print_table
from bursar.http.params import TimeRange
from bursar.kit.clock import SystemClock
from bursar.kit.errors import InvalidRequest

EXPORT_ROWS = 1_000  # in memory at a time
SHOWN = ("created", "organisation", "type", "actor", "address", "object_id", "request", "result")

OrganisationOption = Annotated[
    str | None, typer.Option("--organisation", help="One organisation, or 'installation'; all if left away.")
]
TypeOption = Annotated[
    str | None, typer.Option("--type", help="A type such as customer.created, or a group like bursar.wallet.*")
]
ActorOption = Annotated[str | None, typer.Option("--actor", help="The id of a key or a user, system, or anonymous.")]
ObjectOption = Annotated[str | None, typer.Option("--object", help="The id of what it is about.")]
AddressOption = Annotated[str | None, typer.Option("--address", help="Where it came from.")]
RequestOption = Annotated[str | None, typer.Option("--request", help="The Request-Id of the answer.")]
ModeOption = Annotated[Mode | None, typer.Option("--mode", help="One of the two modes; both if left away.")]
SinceOption = Annotated[datetime | None, typer.Option("--since", help="From this time on, in UTC.")]
UntilOption = Annotated[datetime | None, typer.Option("--until", help="Before this time, in UTC.")]
LimitOption = Annotated[int, typer.Option("--limit", min=1, max=1_000, help="How many, the newest first.")]
FormatOption = Annotated[Format, typer.Option("--format", help="JSON lines for programs, CSV for spreadsheets.")]
FileArgument = Annotated[Path | None, typer.Argument(help="Where to write; standard output if left away.")]


def list_entries(  # noqa: PLR0913, PLR0917 - each is an option
    organisation: OrganisationOption = None,
    event_type: TypeOption = None,
    actor: ActorOption = None,
    object_id: ObjectOption = None,
    address: AddressOption = None,
    request: RequestOption = None,
    mode: ModeOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    limit: LimitOption = 20,
    data: FolderOption = None,
    config: ConfigOption = None,
    as_json: bool = JSON_OPTION,
) -> None:
    """Show what happened: who, from where, what, and how it ended."""
    with explained(), reading_log(data, config) as connection:
        filters = _filters(event_type, actor, object_id, address, request, mode, since, until)
        found = [
            (org_id, entry)
            for org_id in _organisations(connection, organisation)
            for entry in _newest(connection, _wanted(org_id, filters), limit)
        ]
    found.sort(key=lambda pair: pair[1].id, reverse=True)
    rows = [{"organisation": org_id, **_members(entry)} for org_id, entry in found[:limit]]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        row["created"] = datetime.fromtimestamp(row["created"], UTC).strftime("%Y-%m-%d %H:%M:%S")
    print_table(rows, SHOWN)


def export_entries(  # noqa: PLR0913, PLR0917 - each is an option
    file: FileArgument = None,
    form: FormatOption = "jsonl",
    organisation: OrganisationOption = None,
    event_type: TypeOption = None,
    actor: ActorOption = None,
    object_id: ObjectOption = None,
    address: AddressOption = None,
    request: RequestOption = None,
    mode: ModeOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    data: FolderOption = None,
    config: ConfigOption = None,
) -> None:
    """Write the log, or what is asked for of it, as a file: oldest first, as it is when this begins."""
    with explained(), reading_log(data, config) as connection:
        filters = _filters(event_type, actor, object_id, address, request, mode, since, until)
        organisations = _organisations(connection, organisation)
        if file is None:
            _export(connection, organisations, filters, form, sys.stdout.buffer)
            return
        try:
            with file.open("wb") as target:
                rows = _export(connection, organisations, filters, form, target)
        except OSError as problem:
            raise fail(f"The export cannot be written to {file}: {problem.strerror}.", EXIT_USAGE) from None
    console.print(f"{rows} entries are in {file}.")


def _export(
    connection: Connection, organisations: list[str], filters: AuditFilters, form: Format, target: BinaryIO
) -> int:
    encode = encoder(form)
    target.write(heading(form))
    rows = 0
    for org_id in organisations:
        asked: Wanted | None = repository.until(_wanted(org_id, filters), SystemClock().now_microseconds())
        while asked is not None:
            found = repository.step(connection, asked, EXPORT_ROWS, newest_first=False)
            target.write(encode(found.rows))
            rows += len(found.rows)
            asked = found.wanted
    return rows


def _newest(connection: Connection, asked: Wanted | None, limit: int) -> Iterator[AuditEntry]:
    while asked is not None and limit > 0:
        step = repository.step(connection, asked, limit, newest_first=True)
        yield from step.rows
        limit -= len(step.rows)
        asked = step.wanted


def _wanted(org_id: str, filters: AuditFilters) -> Wanted:
    return repository.wanted(org_id, filters, SystemClock().now_microseconds())


def _organisations(connection: Connection, organisation: str | None) -> list[str]:
    known = list(repository.organisations(connection))
    if organisation is None:
        return known
    if organisation not in known:
        raise InvalidRequest(f"The log has nothing of an organisation {organisation!r}.")
    return [organisation]


def _filters(
    event_type: str | None,
    actor: str | None,
    object_id: str | None,
    address: str | None,
    request: str | None,
    mode: Mode | None,
    since: datetime | None,
    until: datetime | None,
) -> AuditFilters:
    given: dict[str, Any] = {
        "type": event_type,
        "actor": actor,
        "object": object_id,
        "address": address,
        "request": request,
        "mode": mode,
    }
    try:
        filters = msgspec.convert({name: value for name, value in given.items() if value is not None}, AuditFilters)
    except msgspec.ValidationError as problem:
        raise InvalidRequest(f"{problem}.") from None
    if since is None and until is None:
        return filters
    return msgspec.structs.replace(filters, created=TimeRange(gte=_seconds(since), lt=_seconds(until)))


def _seconds(at: datetime | None) -> int | None:
    return None if at is None else int(at.replace(tzinfo=at.tzinfo or UTC).timestamp())


def _members(entry: AuditEntry) -> dict[str, Any]:
    members: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(entry))
    return members
