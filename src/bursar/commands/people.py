"""`bursar users`: people, for those who run the installation."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import typer
from sqlalchemy import Connection

from bursar.accounts.service import COMMAND_LINE
from bursar.commands.options import ConfigOption, FolderOption, chosen_settings
from bursar.commands.output import EXIT_USAGE, JSON_OPTION, console, explained, fail, print_json, print_table
from bursar.kit.clock import MICROSECONDS_PER_SECOND
from bursar.kit.errors import Conflict, NotFound
from bursar.people import repository
from bursar.people.schemas import User
from bursar.people.service import DuplicateEmail
from bursar.runtime import Runtime, running
from bursar.store.unit import Unit

T = TypeVar("T")
LISTED_MAX = 10_000
SECRET_LENGTH_MAX = 1_000

app = typer.Typer(no_args_is_help=True, help="Create, list, disable and help people who sign in.")

WhoArgument = Annotated[str, typer.Argument(help="The e-mail address, or the id that `bursar users list` shows.")]
StdinOption = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input instead of asking for it.")
]


@app.command()
def create(
    email: Annotated[str, typer.Argument(help="What they will sign in with.")],
    name: Annotated[str, typer.Option(help="How they are called.")] = "",
    password_stdin: StdinOption = False,
    no_password: Annotated[bool, typer.Option("--no-password", help="They come by a provider only.")] = False,
    platform_admin: Annotated[bool, typer.Option("--platform-admin", help="They see all organisations.")] = False,
    data: FolderOption = None,
    config: ConfigOption = None,
    as_json: bool = JSON_OPTION,
) -> None:
    """Make a user. Whoever runs the installation vouches for the address."""
    password = None if no_password else _password(from_stdin=password_stdin)
    with explained(), running(chosen_settings(config, data)) as runtime:
        user = asyncio.run(_create(runtime, email, name, password, platform_admin=platform_admin))
    _show(user, "is made", as_json=as_json)


@app.command("list")
def list_users(data: FolderOption = None, config: ConfigOption = None, as_json: bool = JSON_OPTION) -> None:
    """Show who there is."""
    with explained(), running(chosen_settings(config, data)) as runtime:
        users = runtime.store.read_blocking(lambda connection: repository.list_users(connection, LISTED_MAX))
    rows = [_row(user) for user in users]
    if as_json:
        print_json(rows)
    else:
        print_table(rows, ["id", "email", "name", "platform_admin", "disabled", "has_password", "created"])


@app.command()
def disable(
    who: WhoArgument, data: FolderOption = None, config: ConfigOption = None, as_json: bool = JSON_OPTION
) -> None:
    """Keep somebody out. Running servers follow within five seconds."""

    async def work(runtime: Runtime, user: User) -> User:
        return await runtime.people.set_disabled(user, disabled=True, origin=COMMAND_LINE)

    _show(_changed(who, work, data, config), "is disabled", as_json=as_json)


@app.command()
def enable(
    who: WhoArgument, data: FolderOption = None, config: ConfigOption = None, as_json: bool = JSON_OPTION
) -> None:
    """Let somebody in again."""

    async def work(runtime: Runtime, user: User) -> User:
        return await runtime.people.set_disabled(user, disabled=False, origin=COMMAND_LINE)

    _show(_changed(who, work, data, config), "is enabled", as_json=as_json)


@app.command()
def reset_password(
    who: WhoArgument,
    password_stdin: StdinOption = False,
    data: FolderOption = None,
    config: ConfigOption = None,
    as_json: bool = JSON_OPTION,
) -> None:
    """Set a new password, and end all sessions."""
    password = _password(from_stdin=password_stdin)

    async def work(runtime: Runtime, user: User) -> User:
        await runtime.people.check_password_strength(password, [user.email, user.name])
        new_hash = await runtime.people.hash_password(password)
        after = await runtime.people.set_password(user, new_hash, COMMAND_LINE)
        await runtime.people.end_sessions(after, COMMAND_LINE)
        return after

    _show(_changed(who, work, data, config), "has a new password", as_json=as_json)


@app.command("platform-admin")
def platform_admin(
    who: WhoArgument,
    grant: Annotated[bool, typer.Option("--grant/--withdraw", help="Give the right, or take it.")] = True,
    data: FolderOption = None,
    config: ConfigOption = None,
    as_json: bool = JSON_OPTION,
) -> None:
    """Let somebody see all organisations of this installation, or no longer."""

    async def work(runtime: Runtime, user: User) -> User:
        return await runtime.people.set_platform_admin(user, platform_admin=grant, origin=COMMAND_LINE)

    told = "is a platform admin" if grant else "is no platform admin"
    _show(_changed(who, work, data, config), told, as_json=as_json)


async def _create(runtime: Runtime, email: str, name: str, password: str | None, *, platform_admin: bool) -> User:
    if password is not None:
        await runtime.people.check_password_strength(password, [email, name])
    password_hash = await runtime.people.hash_password(password) if password is not None else None

    def work(connection: Connection) -> tuple[User, Unit]:
        return runtime.people.new_user(
            connection,
            email=email,
            name=name,
            password_hash=password_hash,
            email_verified=True,
            now=runtime.clock.now_microseconds(),
            platform_admin=platform_admin,
            origin=COMMAND_LINE,
        )

    try:
        user: User = await runtime.store.transact(work)
    except DuplicateEmail:
        raise Conflict(f"There is a user {email} already.", param="email") from None
    return user


def _changed(who: str, work: Callable[[Runtime, User], Coroutine[Any, Any, User]], data: Any, config: Any) -> User:
    async def find_and_change(runtime: Runtime) -> User:
        found = await (runtime.people.find_by_email(who) if "@" in who else runtime.people.find_by_id(who))
        if found is None:
            raise NotFound(f"There is no user {who}; `bursar users list` shows them.", param="user")
        return await work(runtime, found)

    with explained(), running(chosen_settings(config, data)) as runtime:
        return asyncio.run(find_and_change(runtime))


def _password(*, from_stdin: bool) -> str:
    """Never an argument: other users of the machine see those, and shells remember them."""
    if from_stdin:
        return sys.stdin.readline(SECRET_LENGTH_MAX).rstrip("\r\n")
    if not sys.stdin.isatty():
        raise fail("There is no terminal to ask at; pipe the password in with --password-stdin.", EXIT_USAGE)
    answer: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return answer


def _row(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "email_verified": user.email_verified,
        "platform_admin": user.platform_admin,
        "disabled": user.disabled,
        "has_password": user.password_hash is not None,
        "created": datetime.fromtimestamp(user.created / MICROSECONDS_PER_SECOND, UTC).isoformat(timespec="seconds"),
    }


def _show(user: User, told: str, *, as_json: bool) -> None:
    if as_json:
        print_json(_row(user))
    else:
        console.print(f"{user.id} ({user.email}) {told}.")
