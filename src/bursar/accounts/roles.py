"""Roles: those that every organisation has, and those that it makes of permissions itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, Protocol

import msgspec
from msgspec import UNSET, Meta, UnsetType
from sqlalchemy import Connection, bindparam, select

from bursar.accounts.tables import own_roles
from bursar.http.authentication import Principal
from bursar.http.call import Call, Effect
from bursar.http.paging import Page, missing, window
from bursar.http.params import ListParams, Params
from bursar.kit.clock import seconds
from bursar.kit.errors import Conflict, InvalidRequest, PermissionMissing
from bursar.kit.ids import IdFactory
from bursar.kit.permissions import NAMES, PLATFORM_ADMIN, ROLES
from bursar.store.log import Entry, differences
from bursar.store.store import Store
from bursar.store.unit import Change, Unit

PREFIX = "role"
URL = "/api/v1/roles"
NAME_LENGTH_MAX = 60
OWN_ROLES_MAX = 100  # of one organisation: more than that nobody can tell apart

RoleName = Annotated[str, Meta(min_length=1, max_length=NAME_LENGTH_MAX, description="No other role has it.")]
Description = Annotated[str, Meta(max_length=500, description="For people who choose a role.")]
PermissionNames = Annotated[
    list[Annotated[str, Meta(max_length=60)]],
    Meta(
        min_length=1,
        max_length=len(NAMES),
        description="Of those that GET /api/v1/permissions lists, and that you have yourself.",
    ),
]
_OF_ROLES = [name for name in NAMES if not name.startswith("platform.")]


class Role(msgspec.Struct, kw_only=True):
    """A set of permissions that members are given by its name."""

    # For a role that every organisation has, its name.
    id: str
    object: Literal["role"] = "role"
    built_in: bool
    created: int | None
    description: str | None
    name: str
    permissions: list[str]


class DeletedRole(msgspec.Struct, kw_only=True):
    id: str
    object: Literal["role"] = "role"
    deleted: Literal[True] = True


class RoleParams(Params):
    name: RoleName
    permissions: PermissionNames
    description: Description | None = None


class RoleChangeParams(Params):
    """What is left away stays as it is."""

    name: RoleName | UnsetType = UNSET
    permissions: PermissionNames | UnsetType = UNSET
    description: Description | UnsetType | None = UNSET


class RoleHolders(Protocol):
    def is_held(self, connection: Connection, org_id: str, role: str) -> bool:
        """Whether any member has the role, or is invited to it."""


class NoHolders:
    def is_held(self, connection: Connection, org_id: str, role: str) -> bool:
        return False


INSERT = own_roles.insert()
_SAME = (own_roles.c.org_id == bindparam("o"), own_roles.c.id == bindparam("i"))
UPDATE = (
    own_roles.update()
    .where(*_SAME, own_roles.c.version == bindparam("expected_version"))
    .values(version=bindparam("new_version"), document=bindparam("new_document"))
)
DELETE = own_roles.delete().where(*_SAME, own_roles.c.version == bindparam("expected_version"))
_FIND = select(own_roles.c.version, own_roles.c.document).where(*_SAME)


class RolesService:
    def __init__(self, store: Store, ids: IdFactory, holders: RoleHolders | None = None) -> None:
        self._store = store
        self._ids = ids
        # Whom to ask whether anybody has a role: members are known further up.
        self.holders = holders or NoHolders()

    async def permissions(self, org_id: str, role: str) -> frozenset[str] | None:
        """What a role allows; None for one that is not there. `role` is a built-in role's name or an own one's id."""
        return await self._store.read(lambda connection: permissions_of(connection, org_id, role))

    async def find(self, org_id: str, role: str) -> Role | None:
        return await self._store.read(lambda connection: find(connection, org_id, role))

    async def create(self, call: Call, params: RoleParams) -> Effect:
        permissions = _allowed(call.principal, params.permissions)
        name = _read_name(params.name)

        def query(connection: Connection) -> None:
            own = list_own(connection, call.org_id)
            if len(own) >= OWN_ROLES_MAX:
                raise InvalidRequest(f"An organisation can have {OWN_ROLES_MAX} roles of its own; delete one first.")
            _check_name(own, name, None)

        await self._store.read(query)
        role_id, now = self._ids.new_with_time(PREFIX)
        role = Role(
            id=role_id,
            built_in=False,
            created=seconds(now),
            description=params.description,
            name=name,
            permissions=permissions,
        )
        document = msgspec.json.encode(role)
        row = {"org_id": call.org_id, "id": role_id, "version": 1, "document": document.decode()}
        return Effect(role, Unit([Change(INSERT, row)], [_entry(call, "created", role_id, document)]), document)

    async def change(self, call: Call, params: RoleChangeParams) -> Effect:
        role_id = _own(call)
        name = None if params.name is UNSET else _read_name(params.name)
        before, version = await self._store.read(lambda connection: _find_checked(connection, call, role_id, name))
        wanted = before.permissions if params.permissions is UNSET else params.permissions
        after = msgspec.structs.replace(
            before,
            name=name or before.name,
            description=before.description if params.description is UNSET else params.description,
            permissions=_allowed(call.principal, wanted),
        )
        document = msgspec.json.encode(after)
        if after == before:
            return Effect(after, Unit(), document)
        told = _entry(call, "updated", role_id, document)
        told.previous_attributes = differences(msgspec.json.encode(before), document)
        row = {
            "o": call.org_id,
            "i": role_id,
            "expected_version": version,
            "new_version": version + 1,
            "new_document": document.decode(),
        }
        return Effect(after, Unit([Change(UPDATE, row, rows_expected=1)], [told]), document)

    async def delete(self, call: Call) -> Effect:
        role_id = _own(call)

        def query(connection: Connection) -> tuple[Role, int]:
            found = _find_own(connection, call.org_id, role_id)
            if found is None:
                raise missing("role", role_id)
            if self.holders.is_held(connection, call.org_id, role_id):
                raise Conflict(
                    f"The role {found[0].name} is in use: give its members and invitations another one first.",
                    code="role_in_use",
                )
            return found

        role, version = await self._store.read(query)
        row = {"o": call.org_id, "i": role_id, "expected_version": version}
        told = _entry(call, "deleted", role_id, msgspec.json.encode(role))
        return Effect(DeletedRole(id=role_id), Unit([Change(DELETE, row, rows_expected=1)], [told]))

    async def retrieve(self, call: Call) -> Role:
        role = await self.find(call.org_id, call.path["role"])
        if role is None:
            raise missing("role", call.path["role"])
        return role

    async def page(self, call: Call, params: ListParams) -> Page[Role]:
        """Own roles, newest first, and then those that every organisation has."""
        view = window(params)
        own = await self._store.read(lambda connection: list_own(connection, call.org_id))
        roles = [*reversed(own), *map(built_in, ROLES)]
        places = {role.id: place for place, role in enumerate(roles)}
        for param in ("starting_after", "ending_before"):
            cursor = getattr(params, param)
            if cursor is not None and cursor not in places:
                raise missing("role", cursor, param)
        if view.before_id is not None:
            rows = roles[: places[view.before_id]][::-1]
        else:
            rows = roles if view.after_id is None else roles[places[view.after_id] + 1 :]
        data, has_more = view.cut(rows[: view.rows_to_read])
        return Page(data=data, has_more=has_more, url=URL)


def built_in(name: str) -> Role:
    permissions = [permission for permission in NAMES if permission in ROLES[name]]
    return Role(id=name, built_in=True, created=None, description=None, name=name, permissions=permissions)


def permissions_of(connection: Connection, org_id: str, role: str) -> frozenset[str] | None:
    found = find(connection, org_id, role)
    return None if found is None else frozenset(found.permissions)


def find(connection: Connection, org_id: str, role: str) -> Role | None:
    if role in ROLES:
        return built_in(role)
    own = _find_own(connection, org_id, role)
    return None if own is None else own[0]


def list_own(connection: Connection, org_id: str) -> list[Role]:
    """Oldest first."""
    wanted = select(own_roles.c.document).where(own_roles.c.org_id == org_id).order_by(own_roles.c.id)
    return [_role(document) for document in connection.execute(wanted).scalars()]


def _find_own(connection: Connection, org_id: str, role_id: str) -> tuple[Role, int] | None:
    row = connection.execute(_FIND, {"o": org_id, "i": role_id}).first()
    return (_role(row.document), row.version) if row else None


def _find_checked(connection: Connection, call: Call, role_id: str, name: str | None) -> tuple[Role, int]:
    found = _find_own(connection, call.org_id, role_id)
    if found is None:
        raise missing("role", role_id)
    if name is not None:
        _check_name(list_own(connection, call.org_id), name, role_id)
    return found


def _role(document: str) -> Role:
    """Without permissions that a newer version no longer knows."""
    role = msgspec.json.decode(document, type=Role)
    return msgspec.structs.replace(role, permissions=[name for name in _OF_ROLES if name in role.permissions])


def _own(call: Call) -> str:
    role = call.path["role"]
    if role in ROLES:
        raise InvalidRequest(
            f"The role {role} is one that every organisation has, and stays as it is; make one of your own.",
            param="role",
            code="role_built_in",
        )
    return role


def _allowed(principal: Principal, wanted: Sequence[str]) -> list[str]:
    """In the catalogue's order. Nobody makes a role that may more than they may themselves."""
    for name in wanted:
        if name not in _OF_ROLES:
            raise InvalidRequest(
                f"There is no permission {name[:60]!r} for roles; there are {', '.join(_OF_ROLES)}.",
                param="permissions",
            )
    lacking = [name for name in _OF_ROLES if name in wanted and not principal.may(name)]
    if lacking:
        raise PermissionMissing(
            f"You lack the permission {', '.join(lacking)}, and cannot give away what you do not have.",
            code="permission_missing",
            param=lacking[0],
        )
    return [name for name in _OF_ROLES if name in wanted]


def _read_name(name: str) -> str:
    name = name.strip()
    if not name:
        raise InvalidRequest("A role needs a name.", param="name")
    if name.casefold() in {*ROLES, PLATFORM_ADMIN}:
        raise InvalidRequest(f"There is a role {name} already that every organisation has.", param="name")
    return name


def _check_name(own: Sequence[Role], name: str, role_id: str | None) -> None:
    if any(role.name.casefold() == name.casefold() and role.id != role_id for role in own):
        raise InvalidRequest(f"There is a role {name} already; choose another name.", param="name")


def _entry(call: Call, happened: str, role_id: str, document: bytes) -> Entry:
    return Entry(call.org_id, 0, f"bursar.role.{happened}", role_id, document, origin=call.origin())
