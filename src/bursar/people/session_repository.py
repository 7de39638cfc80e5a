"""Sessions' and refresh tokens' SQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from bursar.http.paging import Window
from bursar.people.schemas import Session
from bursar.people.tables import refresh_tokens, sessions
from bursar.store.columns import INSTALLATION
from bursar.store.unit import Change

PREFIX = "ses"

INSERT = sessions.insert()
_THIS_LIVING = (
    sessions.c.org_id == bindparam("o"),
    sessions.c.id == bindparam("i"),
    sessions.c.ended.is_(None),
)
END = sessions.update().where(*_THIS_LIVING).values(ended=bindparam("at"))
PROVE = sessions.update().where(*_THIS_LIVING).values(proved_at=bindparam("at"), methods=bindparam("new_methods"))
TOUCH = sessions.update().where(*_THIS_LIVING).values(seen=bindparam("at"), expires=bindparam("until"))
SWITCH = (
    sessions.update()
    .where(*_THIS_LIVING)
    .values(organisation=bindparam("new_organisation"), cookie_hash=bindparam("new_cookie_hash"))
)
INSERT_REFRESH = refresh_tokens.insert()
USE_REFRESH = (
    refresh_tokens.update()
    .where(
        refresh_tokens.c.org_id == bindparam("o"),
        refresh_tokens.c.token_hash == bindparam("h"),
        refresh_tokens.c.used.is_(None),
    )
    .values(used=bindparam("at"))
)

_FIND = select(sessions).where(sessions.c.org_id == INSTALLATION, sessions.c.id == bindparam("i"))
_FIND_BY_COOKIE = select(sessions).where(sessions.c.org_id == INSTALLATION, sessions.c.cookie_hash == bindparam("h"))
_LIVING = (
    select(sessions)
    .where(
        sessions.c.org_id == INSTALLATION,
        sessions.c.user_id == bindparam("u"),
        sessions.c.ended.is_(None),
        sessions.c.expires > bindparam("now"),
    )
    .order_by(sessions.c.id)
)
_FIND_REFRESH = select(refresh_tokens).where(
    refresh_tokens.c.org_id == INSTALLATION, refresh_tokens.c.token_hash == bindparam("h")
)


def insertion(session: Session, cookie_hash: str | None) -> Change:
    return Change(
        INSERT,
        {
            "org_id": INSTALLATION,
            "id": session.id,
            "user_id": session.user_id,
            "organisation": session.organisation,
            "methods": ",".join(session.methods),
            "cookie_hash": cookie_hash,
            "remembered": int(session.remembered),
            "created": session.created,
            "proved_at": session.proved_at,
            "seen": session.seen,
            "expires": session.expires,
            "ended": session.ended,
            "address": session.address,
            "user_agent": session.user_agent,
        },
    )


def end(session_id: str, at: int) -> Change:
    return Change(END, {"o": INSTALLATION, "i": session_id, "at": at}, rows_expected=1)


def prove(session: Session) -> Change:
    row = {"o": INSTALLATION, "i": session.id, "at": session.proved_at, "new_methods": ",".join(session.methods)}
    return Change(PROVE, row, rows_expected=1)


def touch(session_id: str, seen: int, expires: int) -> Change:
    return Change(TOUCH, {"o": INSTALLATION, "i": session_id, "at": seen, "until": expires}, rows_expected=1)


def switch(session_id: str, organisation: str, cookie_hash: str | None) -> Change:
    row = {"o": INSTALLATION, "i": session_id, "new_organisation": organisation, "new_cookie_hash": cookie_hash}
    return Change(SWITCH, row, rows_expected=1)


def insert_refresh(token_hash: str, session_id: str, created: int, expires: int) -> Change:
    row = {"org_id": INSTALLATION, "token_hash": token_hash, "session_id": session_id}
    return Change(INSERT_REFRESH, row | {"created": created, "expires": expires, "used": None})


def use_refresh(token_hash: str, at: int) -> Change:
    return Change(USE_REFRESH, {"o": INSTALLATION, "h": token_hash, "at": at}, rows_expected=1)


def find(connection: Connection, session_id: str) -> Session | None:
    return _session(connection.execute(_FIND, {"i": session_id}).first())


def find_by_cookie(connection: Connection, cookie_hash: str) -> Session | None:
    return _session(connection.execute(_FIND_BY_COOKIE, {"h": cookie_hash}).first())


def living_of(connection: Connection, user_id: str, now: int) -> list[Session]:
    """The oldest first."""
    rows = connection.execute(_LIVING, {"u": user_id, "now": now})
    return [session for row in rows if (session := _session(row)) is not None]


def page(connection: Connection, user_id: str, now: int, view: Window) -> list[Session]:
    found = living_of(connection, user_id, now)
    if view.newest_first:
        found.reverse()
        found = [session for session in found if view.after_id is None or session.id < view.after_id]
    else:
        found = [session for session in found if view.before_id is None or session.id > view.before_id]
    return found[: view.rows_to_read]


def find_refresh(connection: Connection, token_hash: str) -> Row[Any] | None:
    return connection.execute(_FIND_REFRESH, {"h": token_hash}).first()


def _session(row: Row[Any] | None) -> Session | None:
    if row is None:
        return None
    return Session(
        id=row.id,
        user_id=row.user_id,
        organisation=row.organisation,
        methods=tuple(row.methods.split(",")),
        remembered=bool(row.remembered),
        browser=row.cookie_hash is not None,
        created=row.created,
        proved_at=row.proved_at,
        seen=row.seen,
        expires=row.expires,
        ended=row.ended,
        address=row.address,
        user_agent=row.user_agent,
    )
