"""Notifications' SQL."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, bindparam, select

from bursar.http.paging import Window
from bursar.memberships.tables import memberships
from bursar.notifications.rules import (
    DIGESTED,
    GATHERED,
    WAITING,
    WAITING_FOR_SETTINGS,
)
from bursar.notifications.schemas import Branding, StoredMessage, Target
from bursar.notifications.tables import (
    notification_brandings,
    notification_messages,
    notification_preferences,
    notification_targets,
)
from bursar.people.tables import users
from bursar.store.columns import INSTALLATION
from bursar.store.unit import Change

MEMBERS_MAX = 200  # of one organisation are told; more are no readers of mails but of lists

_messages = notification_messages.c
_MESSAGE = (_messages.org_id == bindparam("o"), _messages.livemode == bindparam("m"), _messages.id == bindparam("i"))
INSERT_MESSAGE = notification_messages.insert()
# Of two that send at once, one takes it; who has taken it has until next_at.
CLAIM = (
    notification_messages.update()
    .where(*_MESSAGE, _messages.state == bindparam("expected_state"), _messages.tries == bindparam("expected_tries"))
    .values(state=WAITING, tries=bindparam("new_tries"), next_at=bindparam("new_next"))
)
SETTLE = (
    notification_messages.update()
    .where(*_MESSAGE, _messages.state == WAITING, _messages.tries == bindparam("expected_tries"))
    .values(
        state=bindparam("new_state"),
        next_at=bindparam("new_next"),
        problem=bindparam("new_problem"),
        finished=bindparam("new_finished"),
        sealed=bindparam("new_sealed"),
    )
)
PARK = (
    notification_messages.update()
    .where(*_MESSAGE, _messages.state == WAITING, _messages.tries == bindparam("expected_tries"))
    .values(state=WAITING_FOR_SETTINGS, next_at=_messages.expires)
)
REVIVE = (
    notification_messages.update()
    .where(_messages.state == WAITING_FOR_SETTINGS, _messages.channel != bindparam("but"))
    .values(state=WAITING, next_at=bindparam("new_next"))
)
GATHER = (
    notification_messages.update()
    .where(*_MESSAGE, _messages.state == GATHERED)
    .values(state=DIGESTED, next_at=bindparam("new_next"), finished=bindparam("new_finished"))
)
FORGET = notification_messages.delete().where(*_MESSAGE, _messages.state == bindparam("expected_state"))
_FIND = select(notification_messages).where(*_MESSAGE)
_DUE = (
    select(notification_messages)
    .where(_messages.state == bindparam("s"), _messages.next_at <= bindparam("now"))
    .order_by(_messages.state, _messages.next_at)
)
INSERT_BRANDING = notification_brandings.insert()
UPDATE_BRANDING = (
    notification_brandings.update()
    .where(notification_brandings.c.org_id == bindparam("o"), notification_brandings.c.version == bindparam("v"))
    .values(document=bindparam("new_document"), version=bindparam("new_version"))
)
_FIND_BRANDING = select(notification_brandings).where(notification_brandings.c.org_id == bindparam("o"))

INSERT_PREFERENCES = notification_preferences.insert()
_preferences = notification_preferences.c
_PREFERENCES = (_preferences.org_id == bindparam("o"), _preferences.user_id == bindparam("u"))
UPDATE_PREFERENCES = (
    notification_preferences.update()
    .where(*_PREFERENCES, notification_preferences.c.version == bindparam("v"))
    .values(document=bindparam("new_document"), version=bindparam("new_version"))
)
_FIND_PREFERENCES = select(notification_preferences).where(*_PREFERENCES)
_PREFERENCES_OF_ORGANISATION = select(notification_preferences.c.user_id, notification_preferences.c.document).where(
    notification_preferences.c.org_id == bindparam("o")
)

INSERT_TARGET = notification_targets.insert()
_TARGET = (notification_targets.c.org_id == bindparam("o"), notification_targets.c.id == bindparam("i"))
DELETE_TARGET = notification_targets.delete().where(*_TARGET)
_FIND_TARGET = select(notification_targets).where(*_TARGET)
_TARGETS = (
    select(notification_targets)
    .where(notification_targets.c.org_id == bindparam("o"))
    .order_by(notification_targets.c.id)
)

_MEMBERS = (
    select(users.c.id, users.c.email, users.c.name, users.c.locale, memberships.c.role)
    .select_from(memberships.join(users, memberships.c.user_id == users.c.id))
    .where(memberships.c.org_id == bindparam("o"), users.c.org_id == INSTALLATION, users.c.disabled == 0)
    .order_by(memberships.c.user_id)
    .limit(MEMBERS_MAX)
)


class MemberToTell(NamedTuple):
    user_id: str
    email: str
    name: str
    locale: str | None
    role: str


class StoredTarget(NamedTuple):
    target: Target
    sealed: str


def insertion(message: StoredMessage) -> Change:
    row = msgspec.structs.asdict(message)
    return Change(INSERT_MESSAGE, row | {"data": msgspec.json.encode(message.data).decode()})


def claim(message: StoredMessage, until: int) -> Change:
    row = _place(message) | {
        "expected_state": message.state,
        "expected_tries": message.tries,
        "new_tries": message.tries + 1,
        "new_next": until,
    }
    return Change(CLAIM, row, rows_expected=1)


def settlement(claimed: StoredMessage, after: StoredMessage) -> Change:
    row = _place(claimed) | {
        "expected_tries": claimed.tries,
        "new_state": after.state,
        "new_next": after.next_at,
        "new_problem": after.problem,
        "new_finished": after.finished,
        "new_sealed": after.sealed,
    }
    return Change(SETTLE, row, rows_expected=1)


def parking(message: StoredMessage) -> Change:
    return Change(PARK, _place(message) | {"expected_tries": message.tries})


def revival(now: int, *, letters: bool) -> Change:
    """All that waited for a setting is tried again; not letters where there still is no mail server."""
    return Change(REVIVE, {"but": "none" if letters else "email", "new_next": now})


def gathering(message: StoredMessage, now: int, forget_at: int) -> Change:
    return Change(GATHER, _place(message) | {"new_next": forget_at, "new_finished": now}, rows_expected=1)


def forgetting(message: StoredMessage) -> Change:
    return Change(FORGET, _place(message) | {"expected_state": message.state})


def find(connection: Connection, org_id: str, livemode: int, message_id: str) -> StoredMessage | None:
    row = connection.execute(_FIND, {"o": org_id, "m": livemode, "i": message_id}).first()
    return _message(row) if row else None


def due(connection: Connection, state: str, now: int, rows_max: int) -> list[StoredMessage]:
    return [_message(row) for row in connection.execute(_DUE.limit(rows_max), {"s": state, "now": now})]


def page(connection: Connection, org_id: str, livemode: int, window: Window, state: str | None) -> list[StoredMessage]:
    conditions: list[ColumnElement[bool]] = [_messages.org_id == org_id, _messages.livemode == livemode]
    if state is not None:
        conditions.append(_messages.state == state)
    if window.after_id is not None:
        conditions.append(_messages.id < window.after_id)
    if window.before_id is not None:
        conditions.append(_messages.id > window.before_id)
    order = _messages.id.desc() if window.newest_first else _messages.id.asc()
    query = select(notification_messages).where(*conditions).order_by(order).limit(window.rows_to_read)
    return [_message(row) for row in connection.execute(query)]


def find_branding(connection: Connection, org_id: str) -> tuple[Branding, int]:
    """The default has version 0."""
    row = connection.execute(_FIND_BRANDING, {"o": org_id}).first()
    return (msgspec.json.decode(row.document, type=Branding), row.version) if row else (Branding(), 0)


def keep_branding(org_id: str, branding: Branding, version: int) -> Change:
    document = msgspec.json.encode(branding).decode()
    if not version:
        return Change(INSERT_BRANDING, {"org_id": org_id, "document": document, "version": 1})
    row = {"o": org_id, "v": version, "new_document": document, "new_version": version + 1}
    return Change(UPDATE_BRANDING, row, rows_expected=1)


def find_preferences(connection: Connection, org_id: str, user_id: str) -> tuple[dict[str, str], int]:
    """Only what is not the default."""
    row = connection.execute(_FIND_PREFERENCES, {"o": org_id, "u": user_id}).first()
    return (msgspec.json.decode(row.document, type=dict[str, str]), row.version) if row else ({}, 0)


def preferences_of(connection: Connection, org_id: str) -> dict[str, dict[str, str]]:
    rows = connection.execute(_PREFERENCES_OF_ORGANISATION, {"o": org_id})
    return {row.user_id: msgspec.json.decode(row.document, type=dict[str, str]) for row in rows}


def keep_preferences(org_id: str, user_id: str, topics: dict[str, str], version: int) -> Change:
    document = msgspec.json.encode(topics).decode()
    if not version:
        row = {"org_id": org_id, "user_id": user_id, "document": document, "version": 1}
        return Change(INSERT_PREFERENCES, row)
    row = {"o": org_id, "u": user_id, "v": version, "new_document": document, "new_version": version + 1}
    return Change(UPDATE_PREFERENCES, row, rows_expected=1)


def keep_target(org_id: str, target: Target, sealed: str) -> Change:
    document = msgspec.json.encode(target).decode()
    return Change(INSERT_TARGET, {"org_id": org_id, "id": target.id, "document": document, "sealed": sealed})


def delete_target(org_id: str, target_id: str) -> Change:
    return Change(DELETE_TARGET, {"o": org_id, "i": target_id}, rows_expected=1)


def find_target(connection: Connection, org_id: str, target_id: str) -> StoredTarget | None:
    row = connection.execute(_FIND_TARGET, {"o": org_id, "i": target_id}).first()
    return _target(row) if row else None


def targets_of(connection: Connection, org_id: str) -> list[StoredTarget]:
    return [_target(row) for row in connection.execute(_TARGETS, {"o": org_id})]


def members_of(connection: Connection, org_id: str) -> list[MemberToTell]:
    return [MemberToTell(*row) for row in connection.execute(_MEMBERS, {"o": org_id})]


def _place(message: StoredMessage) -> dict[str, Any]:
    return {"o": message.org_id, "m": message.livemode, "i": message.id}


def _message(row: Row[Any]) -> StoredMessage:
    return StoredMessage(**row._asdict() | {"data": msgspec.json.decode(row.data)})


def _target(row: Row[Any]) -> StoredTarget:
    return StoredTarget(msgspec.json.decode(row.document, type=Target), row.sealed)
