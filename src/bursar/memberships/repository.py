"""Members' and invitations' SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, bindparam, func, select

from bursar.http.paging import Window
from bursar.memberships.rules import PENDING
from bursar.memberships.tables import invitations, member_organisations, member_rosters, memberships
from bursar.store.columns import INSTALLATION
from bursar.store.unit import Change

INVITATION_PREFIX = "inv"

INSERT_ROSTER = member_rosters.insert()
# Moved on by every change of members, so that two at once never decide on the same state.
MOVE_ROSTER = (
    member_rosters.update()
    .where(member_rosters.c.org_id == bindparam("o"), member_rosters.c.version == bindparam("expected_version"))
    .values(
        version=bindparam("new_version"),
        owners=bindparam("new_owners"),
        second_factor_required=bindparam("new_required"),
    )
)
_FIND_ROSTER = select(member_rosters).where(member_rosters.c.org_id == bindparam("o"))

INSERT_MEMBER = memberships.insert()
_MEMBER = (memberships.c.org_id == bindparam("o"), memberships.c.user_id == bindparam("u"))
SET_ROLE = memberships.update().where(*_MEMBER).values(role=bindparam("new_role"))
DELETE_MEMBER = memberships.delete().where(*_MEMBER)
_FIND_MEMBER = select(memberships).where(*_MEMBER)
_COUNT_MEMBERS = select(func.count()).select_from(memberships).where(memberships.c.org_id == bindparam("o"))
_HAS_ROLE = (
    select(memberships.c.user_id)
    .where(memberships.c.org_id == bindparam("o"), memberships.c.role == bindparam("r"))
    .limit(1)
)

INSERT_DIRECTORY = member_organisations.insert()
DELETE_DIRECTORY = member_organisations.delete().where(
    member_organisations.c.org_id == INSTALLATION,
    member_organisations.c.user_id == bindparam("u"),
    member_organisations.c.organisation == bindparam("g"),
)
_ORGANISATIONS_OF = (
    select(member_organisations.c.organisation)
    .where(member_organisations.c.org_id == INSTALLATION, member_organisations.c.user_id == bindparam("u"))
    .order_by(member_organisations.c.organisation)
)

INSERT_INVITATION = invitations.insert()
_INVITATION = (invitations.c.org_id == bindparam("o"), invitations.c.id == bindparam("i"))
SET_STATE = (
    invitations.update().where(*_INVITATION, invitations.c.state == PENDING).values(state=bindparam("new_state"))
)
RENEW = (
    invitations.update()
    .where(*_INVITATION, invitations.c.state == PENDING, invitations.c.round == bindparam("expected_round"))
    .values(round=bindparam("new_round"), expires=bindparam("new_expires"))
)
_FIND_INVITATION = select(invitations).where(*_INVITATION)
_PENDING = (invitations.c.org_id == bindparam("o"), invitations.c.state == PENDING)
_PENDING_FOR = select(invitations).where(*_PENDING, invitations.c.email == bindparam("e"))
_COUNT_PENDING = (
    select(func.count()).select_from(invitations).where(*_PENDING, invitations.c.expires > bindparam("now"))
)
_INVITED_TO = select(invitations.c.id).where(*_PENDING, invitations.c.role == bindparam("r")).limit(1)


class Roster(NamedTuple):
    version: int = 0
    owners: int = 0
    second_factor_required: bool = False


class StoredMember(NamedTuple):
    user_id: str
    role: str
    invited_by: str | None
    created: int


class StoredInvitation(NamedTuple):
    id: str
    email: str
    role: str
    state: str
    round: int
    invited_by: str
    created: int
    expires: int


def find_roster(connection: Connection, org_id: str) -> Roster:
    row = connection.execute(_FIND_ROSTER, {"o": org_id}).first()
    return Roster(row.version, row.owners, bool(row.second_factor_required)) if row else Roster()


def move_roster(org_id: str, before: Roster, owners: int, *, second_factor_required: bool) -> Change:
    if not before.version:
        row = {"org_id": org_id, "version": 1, "owners": owners, "second_factor_required": int(second_factor_required)}
        return Change(INSERT_ROSTER, row)
    row = {
        "o": org_id,
        "expected_version": before.version,
        "new_version": before.version + 1,
        "new_owners": owners,
        "new_required": int(second_factor_required),
    }
    return Change(MOVE_ROSTER, row, rows_expected=1)


def insertion(org_id: str, member: StoredMember) -> list[Change]:
    directory = {"org_id": INSTALLATION, "user_id": member.user_id, "organisation": org_id}
    return [Change(INSERT_MEMBER, {"org_id": org_id} | member._asdict()), Change(INSERT_DIRECTORY, directory)]


def set_role(org_id: str, user_id: str, role: str) -> Change:
    return Change(SET_ROLE, {"o": org_id, "u": user_id, "new_role": role}, rows_expected=1)


def deletion(org_id: str, user_id: str) -> list[Change]:
    return [
        Change(DELETE_MEMBER, {"o": org_id, "u": user_id}, rows_expected=1),
        Change(DELETE_DIRECTORY, {"u": user_id, "g": org_id}, rows_expected=1),
    ]


def find_member(connection: Connection, org_id: str, user_id: str) -> StoredMember | None:
    row = connection.execute(_FIND_MEMBER, {"o": org_id, "u": user_id}).first()
    return _member(row) if row else None


def count_members(connection: Connection, org_id: str) -> int:
    return int(connection.execute(_COUNT_MEMBERS, {"o": org_id}).scalar_one())


def organisations_of(connection: Connection, user_id: str) -> list[str]:
    """Oldest first."""
    return list(connection.execute(_ORGANISATIONS_OF, {"u": user_id}).scalars())


def is_role_held(connection: Connection, org_id: str, role: str) -> bool:
    given = {"o": org_id, "r": role}
    return (
        connection.execute(_HAS_ROLE, given).first() is not None
        or connection.execute(_INVITED_TO, given).first() is not None
    )


def page_of_members(connection: Connection, org_id: str, window: Window) -> list[StoredMember]:
    conditions = [memberships.c.org_id == org_id, *_within(memberships.c.user_id, window)]
    order = memberships.c.user_id.desc() if window.newest_first else memberships.c.user_id.asc()
    query = select(memberships).where(*conditions).order_by(order).limit(window.rows_to_read)
    return [_member(row) for row in connection.execute(query)]


def insert_invitation(org_id: str, invitation: StoredInvitation) -> Change:
    return Change(INSERT_INVITATION, {"org_id": org_id} | invitation._asdict())


def set_state(org_id: str, invitation_id: str, state: str) -> Change:
    return Change(SET_STATE, {"o": org_id, "i": invitation_id, "new_state": state}, rows_expected=1)


def renew(org_id: str, invitation: StoredInvitation, expires: int) -> Change:
    row = {
        "o": org_id,
        "i": invitation.id,
        "expected_round": invitation.round,
        "new_round": invitation.round + 1,
        "new_expires": expires,
    }
    return Change(RENEW, row, rows_expected=1)


def find_invitation(connection: Connection, org_id: str, invitation_id: str) -> StoredInvitation | None:
    row = connection.execute(_FIND_INVITATION, {"o": org_id, "i": invitation_id}).first()
    return _invitation(row) if row else None


def pending_for(connection: Connection, org_id: str, email: str) -> list[StoredInvitation]:
    return [_invitation(row) for row in connection.execute(_PENDING_FOR, {"o": org_id, "e": email})]


def count_pending(connection: Connection, org_id: str, now: int) -> int:
    return int(connection.execute(_COUNT_PENDING, {"o": org_id, "now": now}).scalar_one())


def page_of_invitations(
    connection: Connection, org_id: str, window: Window, state: str | None
) -> list[StoredInvitation]:
    conditions: list[ColumnElement[bool]] = [invitations.c.org_id == org_id, *_within(invitations.c.id, window)]
    if state is not None:
        conditions.append(invitations.c.state == state)
    order = invitations.c.id.desc() if window.newest_first else invitations.c.id.asc()
    query = select(invitations).where(*conditions).order_by(order).limit(window.rows_to_read)
    return [_invitation(row) for row in connection.execute(query)]


def _within(column: Any, window: Window) -> Sequence[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if window.after_id is not None:
        conditions.append(column < window.after_id)
    if window.before_id is not None:
        conditions.append(column > window.before_id)
    return conditions


def _member(row: Row[Any]) -> StoredMember:
    return StoredMember(row.user_id, row.role, row.invited_by, row.created)


def _invitation(row: Row[Any]) -> StoredInvitation:
    return StoredInvitation(row.id, row.email, row.role, row.state, row.round, row.invited_by, row.created, row.expires)
