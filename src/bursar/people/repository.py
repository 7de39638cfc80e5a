"""Users' SQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from bursar.people.rules import EMAIL_LENGTH_MAX
from bursar.people.schemas import User
from bursar.people.tables import users
from bursar.store.columns import INSTALLATION
from bursar.store.unit import Change

PREFIX = "usr"

INSERT = users.insert()
UPDATE = (
    users.update()
    .where(
        users.c.org_id == bindparam("o"), users.c.id == bindparam("i"), users.c.version == bindparam("expected_version")
    )
    .values(
        email=bindparam("new_email"),
        name=bindparam("new_name"),
        password_hash=bindparam("new_password_hash"),
        email_verified=bindparam("new_email_verified"),
        platform_admin=bindparam("new_platform_admin"),
        disabled=bindparam("new_disabled"),
        locale=bindparam("new_locale"),
        version=bindparam("new_version"),
    )
)
_FIND = select(users).where(users.c.org_id == INSTALLATION, users.c.id == bindparam("i"))
_FIND_BY_EMAIL = select(users).where(users.c.org_id == INSTALLATION, users.c.email == bindparam("e"))


def insertion(user: User) -> Change:
    row = {"org_id": INSTALLATION, "id": user.id, "created": user.created, "version": user.version}
    return Change(INSERT, row | _values(user))


def update(before: User, after: User) -> Change:
    row = {"o": INSTALLATION, "i": before.id, "expected_version": before.version, "new_version": after.version}
    return Change(UPDATE, row | {f"new_{name}": value for name, value in _values(after).items()}, rows_expected=1)


def find(connection: Connection, user_id: str) -> User | None:
    return _user(connection.execute(_FIND, {"i": user_id}).first())


def find_by_email(connection: Connection, canonical_email: str) -> User | None:
    if len(canonical_email) > EMAIL_LENGTH_MAX or "\x00" in canonical_email:
        return None  # some databases refuse to be asked
    return _user(connection.execute(_FIND_BY_EMAIL, {"e": canonical_email}).first())


def list_users(connection: Connection, rows_max: int) -> list[User]:
    query = select(users).where(users.c.org_id == INSTALLATION).order_by(users.c.id).limit(rows_max)
    return [user for row in connection.execute(query) if (user := _user(row)) is not None]


def _values(user: User) -> dict[str, Any]:
    return {
        "email": user.email,
        "name": user.name,
        "password_hash": user.password_hash,
        "email_verified": int(user.email_verified),
        "platform_admin": int(user.platform_admin),
        "disabled": int(user.disabled),
        "locale": user.locale,
    }


def _user(row: Row[Any] | None) -> User | None:
    if row is None:
        return None
    return User(
        id=row.id,
        email=row.email,
        name=row.name,
        password_hash=row.password_hash,
        email_verified=bool(row.email_verified),
        platform_admin=bool(row.platform_admin),
        disabled=bool(row.disabled),
        locale=row.locale,
        created=row.created,
        version=row.version,
    )
