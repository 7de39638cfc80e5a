"""`bursar mails`: what would be in people's mailboxes, with the links that it has."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import typer
from sqlalchemy import Connection

from bursar.accounts import repository as accounts
from bursar.commands.options import ConfigOption, FolderOption, chosen_settings
from bursar.commands.output import EXIT_USAGE, JSON_OPTION, explained, fail, print_json, print_table
from bursar.memberships.mails import Mail, Mails, link, newest
from bursar.runtime import Runtime, running
from bursar.store.columns import INSTALLATION
from bursar.store.log import Entry, Origin
from bursar.store.unit import Unit

COLUMNS = ("created", "template", "email", "link")
SHOWN_DEFAULT, SHOWN_MAX = 10, 1_000


def mails(
    limit: Annotated[int, typer.Option(min=1, max=SHOWN_MAX, help="How many, newest first.")] = SHOWN_DEFAULT,
    email: Annotated[str | None, typer.Option(help="Only those to this address.")] = None,
    reveal: Annotated[
        str | None, typer.Option(help="Outside dev mode: show the link of this mail, which the log is told of.")
    ] = None,
    data: FolderOption = None,
    config: ConfigOption = None,
    as_json: bool = JSON_OPTION,
) -> None:
    """Show the mails that were asked for, and in dev mode their links."""
    with explained(), running(chosen_settings(config, data)) as runtime:
        found = [mail for mail in _newest(runtime) if email is None or mail.email == email.strip().lower()]
        if reveal is not None:
            found = [mail for mail in found if mail.id == reveal]
            if not found:
                raise fail(f"There is no mail {reveal[:60]} among the newest {SHOWN_MAX}.", EXIT_USAGE)
            _tell(runtime, found[0])
        opens = runtime.settings.development or reveal is not None
        rows = [_row(runtime.mails, runtime.identity.public_url, mail, opens=opens) for mail in found[:limit]]
    if as_json:
        print_json(rows)
    else:
        print_table(rows, COLUMNS)


def _newest(runtime: Runtime) -> list[Mail]:
    def query(connection: Connection) -> list[Mail]:
        organisations = [organisation.id for organisation in accounts.list_organisations(connection)]
        return newest(connection, [INSTALLATION, *organisations], SHOWN_MAX)

    return runtime.store.read_blocking(query)


def _tell(runtime: Runtime, mail: Mail) -> None:
    """Whoever has the link can act as its reader, so it is known that somebody looked at it."""
    document = msgspec.json.encode({"id": mail.id, "object": "mail", "email": mail.email, "template": mail.template})
    entry = Entry(INSTALLATION, 0, "bursar.mail.revealed", mail.id, document, origin=Origin(actor="command_line"))
    runtime.store.transact_blocking(lambda _: (None, Unit([], [entry])))


def _row(mails: Mails, public_url: str, mail: Mail, *, opens: bool) -> dict[str, Any]:
    token = mails.opened(mail).token if opens else None
    return {
        "id": mail.id,
        "created": mail.created,
        "template": mail.template,
        "email": mail.email,
        "link": link(public_url, mail, token) if token is not None else None,
        "token": token,
        "expires": mail.expires,
        "data": mail.data,
    }
