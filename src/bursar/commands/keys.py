"""`bursar keys`: API keys for those who run the installation."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from bursar.accounts import repository
from bursar.accounts.schemas import ApiKey, Kind
from bursar.accounts.service import ShownOnce
from bursar.commands.options import ConfigOption, FolderOption, chosen_settings
from bursar.commands.output import EXIT_USAGE, JSON_OPTION, console, explained, fail, print_json, print_table
from bursar.kit.clock import MICROSECONDS_PER_SECOND
from bursar.runtime import Runtime, running

DAY_SECONDS = 86_400

app = typer.Typer(no_args_is_help=True, help="Create, list, change, rotate and revoke API keys.")

OrganisationOption = Annotated[str | None, typer.Option("--organisation", help="Id of the organisation.")]
PermissionOption = Annotated[list[str] | None, typer.Option(help="For a restricted key; repeat for more.")]
AddressOption = Annotated[
    list[str] | None,
    typer.Option(help="An address or network, IPv4 or IPv6, that it may be used from; repeat for more."),
]
ExpiresOption = Annotated[int | None, typer.Option(min=1, max=3650, help="After how many days it ends.")]
KeyArgument = Annotated[str, typer.Argument(help="The key's id, as `bursar keys list` shows it.")]


@app.command()
def create(
    kind: Annotated[str, typer.Option(help="secret, publishable or restricted")] = "secret",
    live: Annotated[bool, typer.Option("--live/--test", help="Which mode the key works in.")] = False,
    name: Annotated[str, typer.Option(help="What you will recognise it by.")] = "",
    organisation: OrganisationOption = None,
    new_organisation: Annotated[str | None, typer.Option(help="Make an organisation of this name first.")] = None,
    permission: PermissionOption = None,
    address: AddressOption = None,
    expires_days: ExpiresOption = None,
    data: FolderOption = None,
    config: ConfigOption = None,
    as_json: bool = JSON_OPTION,
) -> None:
    """Make a key and show it, once."""
    with explained(), running(chosen_settings(config, data)) as runtime:
        org_id = _organisation(runtime, organisation, new_organisation)
        shown = runtime.accounts.create_key(
            org_id,
            _kind(kind),
            livemode=live,
            name=name,
            permissions=permission,
            expires=_expiry(runtime, expires_days),
            addresses=address,
        )
    _show(shown, as_json=as_json)


@app.command("list")
def list_keys(
    organisation: OrganisationOption = None,
    data: FolderOption = None,
    config: ConfigOption = None,
    as_json: bool = JSON_OPTION,
) -> None:
    """Show which keys there are; never the keys themselves."""
    with explained(), running(chosen_settings(config, data)) as runtime:
        keys = runtime.store.read_blocking(lambda connection: repository.list_keys(connection, organisation))
    rows = [_row(key) for key in keys]
    if as_json:
        print_json(rows)
    else:
        print_table(
            rows, ["id", "organisation", "mode", "kind", "hint", "name", "created", "expires", "revoked", "last_used"]
        )


@app.command()
def update(
    key: KeyArgument,
    name: Annotated[str | None, typer.Option(help="What you will recognise it by.")] = None,
    permission: PermissionOption = None,
    address: AddressOption = None,
    anywhere: Annotated[bool, typer.Option("--anywhere", help="It may be used from every address.")] = False,
    expires_days: ExpiresOption = None,
    never_expires: Annotated[bool, typer.Option("--never-expires", help="It has no end.")] = False,
    data: FolderOption = None,
    config: ConfigOption = None,
    as_json: bool = JSON_OPTION,
) -> None:
    """Change what a key may do, from where and for how long. What is not named stays as it is."""
    if (anywhere and address) or (never_expires and expires_days):
        raise fail("Say either --anywhere or --address, and either --never-expires or --expires-days.", EXIT_USAGE)
    with explained(), running(chosen_settings(config, data)) as runtime:
        changes: dict[str, Any] = {"name": name, "permissions": permission, "addresses": [] if anywhere else address}
        changes = {member: value for member, value in changes.items() if value is not None}
        if never_expires or expires_days:
            changes["expires"] = _expiry(runtime, expires_days)
        changed = runtime.accounts.change_key(key, **changes)
    if as_json:
        print_json(_row(changed))
    else:
        console.print(f"{changed.id} ({changed.hint}) is changed.")


@app.command()
def rotate(
    key: KeyArgument,
    overlap_hours: Annotated[float, typer.Option(min=0, max=720, help="How long the old key still works.")] = 24,
    data: FolderOption = None,
    config: ConfigOption = None,
    as_json: bool = JSON_OPTION,
) -> None:
    """Make a successor; the old key ends after the overlap."""
    with explained(), running(chosen_settings(config, data)) as runtime:
        shown = runtime.accounts.rotate_key(key, int(overlap_hours * 3600))
    _show(shown, as_json=as_json)


@app.command()
def revoke(
    key: KeyArgument, data: FolderOption = None, config: ConfigOption = None, as_json: bool = JSON_OPTION
) -> None:
    """End a key now. Running servers follow within five seconds."""
    with explained(), running(chosen_settings(config, data)) as runtime:
        revoked = runtime.accounts.revoke_key(key)
    if as_json:
        print_json(_row(revoked))
    else:
        console.print(f"{revoked.id} ({revoked.hint}) is revoked.")


def _organisation(runtime: Runtime, organisation: str | None, new_organisation: str | None) -> str:
    if new_organisation is not None:
        return runtime.accounts.create_organisation(new_organisation).id
    if organisation is not None:
        return organisation
    known = runtime.store.read_blocking(repository.list_organisations)
    if len(known) == 1:
        return known[0].id
    raise fail(
        "Say which organisation the key is for: --organisation ID, or --new-organisation NAME to make one.",
        EXIT_USAGE,
    )


def _expiry(runtime: Runtime, days: int | None) -> int | None:
    return runtime.clock.now_microseconds() + days * DAY_SECONDS * MICROSECONDS_PER_SECOND if days else None


def _kind(text: str) -> Kind:
    kinds: dict[str, Kind] = {"secret": "secret", "publishable": "publishable", "restricted": "restricted"}
    if text not in kinds:
        raise fail(f"There is no kind {text}; there are {', '.join(kinds)}.", EXIT_USAGE)
    return kinds[text]


def _row(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "organisation": key.organisation,
        "mode": "live" if key.livemode else "test",
        "kind": key.kind,
        "hint": key.hint,
        "name": key.name,
        "permissions": key.permissions,
        "addresses": key.addresses,
        "created": _time(key.created),
        "expires": _time(key.expires),
        "revoked": _time(key.revoked),
        "last_used": _time(key.last_used),
        "last_used_address": key.last_used_address,
    }


def _time(microseconds: int | None) -> str | None:
    if microseconds is None:
        return None
    return datetime.fromtimestamp(microseconds / MICROSECONDS_PER_SECOND, UTC).isoformat(timespec="seconds")


def _show(shown: ShownOnce, *, as_json: bool) -> None:
    if as_json:
        print_json(_row(shown.key) | {"key": shown.api_key})
        return
    console.print(f"Key {shown.key.id} for {shown.key.organisation}:\n\n  {shown.api_key}\n")
    console.print("Keep it now: it is stored nowhere and cannot be shown again.")
