"""`bursar vault`: the keys that card numbers are sealed under."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from bursar.commands.options import ConfigOption, FolderOption, chosen_settings
from bursar.commands.output import (
    EXIT_FOUND_WRONG,
    EXIT_USAGE,
    JSON_OPTION,
    complaints,
    console,
    explained,
    fail,
    print_json,
    print_table,
)
from bursar.runtime import Runtime, running
from bursar.settings import Settings, SettingsError
from bursar.vault import repository
from bursar.vault.keys import VaultUnusable, Wrapping
from bursar.vault.rotation import Report, Rotation, Told
from bursar.vault.schemas import DataKey

app = typer.Typer(no_args_is_help=True, help="Look after the keys of the card vault.")

COLUMNS = ["organisation", "mode", "version", "state", "wrapped_by", "cards", "readable"]


@app.command()
def status(data: FolderOption = None, config: ConfigOption = None, as_json: bool = JSON_OPTION) -> None:
    """Show which data keys there are, how many cards lie under each, and whether the settings can open them."""
    with explained():
        settings = chosen_settings(config, data)
        wrapping = _wrapping(settings)
        with running(settings) as runtime:
            rows = _status(runtime, wrapping)
    if as_json:
        print_json({"key": wrapping.key_id, "known_keys": wrapping.key_ids, "data_keys": rows})
    else:
        console.print(f"The vault's key is {wrapping.key_id or 'not set'}.")
        print_table(rows, COLUMNS)
    if not all(row["readable"] for row in rows if row["cards"]):
        raise typer.Exit(EXIT_FOUND_WRONG)


@app.command()
def rotate(
    rewrap: Annotated[
        bool, typer.Option("--rewrap", help="Only wrap the data keys by the vault_key of today, in place of another.")
    ] = False,
    data: FolderOption = None,
    config: ConfigOption = None,
    as_json: bool = JSON_OPTION,
) -> None:
    """Give every organisation a new data key and seal all its cards under it, while servers go on. It may be
    stopped at any time; the next run goes on where it was."""
    with explained():
        settings = chosen_settings(config, data)
        if rewrap and not settings.vault_key_previous:
            raise fail(
                "To wrap the data keys anew, set BURSAR_VAULT_KEY to the new key and BURSAR_VAULT_KEY_PREVIOUS to "
                "the one of before.",
                EXIT_USAGE,
            )
        wrapping = _wrapping(settings)
        with running(settings) as runtime, _progress(silent=as_json) as told:
            rotation = Rotation(runtime.store, runtime.clock, wrapping)
            report = rotation.rewrap(told) if rewrap else rotation.rotate(told)
    _tell(report, as_json=as_json, rewrap=rewrap)
    if not report.is_complete:
        raise typer.Exit(EXIT_FOUND_WRONG)


def _wrapping(settings: Settings) -> Wrapping:
    try:
        previous = settings.vault_key_previous
        return Wrapping(bytes.fromhex(settings.vault_key), bytes.fromhex(previous) if previous else None)
    except ValueError:
        raise SettingsError("The keys of the vault must be 64 hexadecimal digits each.") from None


def _status(runtime: Runtime, wrapping: Wrapping) -> list[dict[str, Any]]:
    keys = runtime.store.read_blocking(repository.all_keys)
    counts = runtime.store.read_blocking(repository.count_cards)
    return [
        {
            "organisation": key.org_id,
            "mode": "live" if key.livemode else "test",
            "version": key.version,
            "state": key.state,
            "wrapped_by": key.kek_id,
            "cards": counts.get((key.org_id, key.livemode, key.version), 0),
            "readable": _is_readable(wrapping, key),
        }
        for key in keys
    ]


def _is_readable(wrapping: Wrapping, key: DataKey) -> bool:
    try:
        wrapping.unwrap(key)
    except VaultUnusable:
        return False
    return True


@contextmanager
def _progress(*, silent: bool) -> Iterator[Told]:
    """A bar on the terminal's error channel, so that the output stays what it is."""
    if silent:
        yield lambda _done, _total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("Rotating", total=None)

        def told(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield told


def _tell(report: Report, *, as_json: bool, rewrap: bool) -> None:
    if as_json:
        print_json(
            {
                "resumed": report.resumed,
                "keys_created": report.keys_created,
                "keys_retired": report.keys_retired,
                "keys_rewrapped": report.keys_rewrapped,
                "cards_resealed": report.cards_resealed,
                "broken": report.broken,
                "broken_unnamed": report.broken_unnamed,
            }
        )
        return
    for name in report.broken:
        complaints.print(f"The card of {name} cannot be opened and stays as it is.", markup=False)
    if report.broken_unnamed:
        complaints.print(f"… and {report.broken_unnamed} more")
    if rewrap:
        console.print(f"{report.keys_rewrapped} data keys are wrapped anew.")
        return
    begun = "Went on with a rotation that was broken off: " if report.resumed else ""
    console.print(
        f"{begun}{report.keys_created} new data keys, {report.cards_resealed} cards sealed again, "
        f"{report.keys_retired} old keys retired."
    )
