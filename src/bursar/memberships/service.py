"""Members: who is one, what they may, and how that changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
from sqlalchemy import Connection

from bursar.accounts import repository as accounts
from bursar.accounts import roles
from bursar.http.authentication import Principal
from bursar.http.call import Call, Effect
from bursar.http.paging import Page, missing, window
from bursar.http.params import ListParams
from bursar.kit.clock import Clock, seconds
from bursar.kit.errors import Conflict, PermissionMissing
from bursar.kit.permissions import OWNER
from bursar.memberships import repository, rules
from bursar.memberships.repository import Roster, StoredMember
from bursar.memberships.rules import Standing
from bursar.memberships.schemas import LeftOrganisation, Member, MyOrganisation, RemovedMember, SignInRules
from bursar.people import repository as people
from bursar.people.protocols import Membership
from bursar.second_factors import repository as factors
from bursar.store.log import Entry, Origin, differences
from bursar.store.store import Store
from bursar.store.unit import Unit

URL = "/api/v1/members"
READ, WRITE = "members.read", "members.write"


class MembershipService:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def of(self, user_id: str, org_id: str) -> Membership | None:
        return await self._store.read(lambda connection: _membership(connection, user_id, org_id))

    async def all_of(self, user_id: str) -> Sequence[Membership]:
        def query(connection: Connection) -> list[Membership]:
            found = repository.organisations_of(connection, user_id)
            memberships = (_membership(connection, user_id, org_id) for org_id in found)
            return [membership for membership in memberships if membership is not None]

        return await self._store.read(query)

    def is_held(self, connection: Connection, org_id: str, role: str) -> bool:
        """Whether anybody has the role, or is invited to it."""
        return repository.is_role_held(connection, org_id, role)

    def first_owner(self, org_id: str, user_id: str, origin: Origin) -> Unit:
        """For the commit that makes the organisation."""
        now = self._clock.now_microseconds()
        member = StoredMember(user_id, OWNER, None, now)
        changes = [
            *repository.insertion(org_id, member),
            repository.move_roster(org_id, Roster(), 1, second_factor_required=False),
        ]
        return Unit(changes, [member_entry(org_id, "added", member, origin)])

    def addition(self, connection: Connection, org_id: str, member: StoredMember, origin: Origin) -> Unit:
        """For whoever adds somebody within a transaction, and has seen to it that this may be."""
        roster = repository.find_roster(connection, org_id)
        if repository.find_member(connection, org_id, member.user_id) is not None:
            raise Conflict("This person is a member of the organisation already.", code="member_exists")
        if repository.count_members(connection, org_id) >= rules.MEMBERS_MAX:
            raise Conflict(f"An organisation can have {rules.MEMBERS_MAX} members.", code="members_too_many")
        owners = rules.owners_after(roster.owners, None, member.role)
        move = repository.move_roster(org_id, roster, owners, second_factor_required=roster.second_factor_required)
        return Unit([move, *repository.insertion(org_id, member)], [member_entry(org_id, "added", member, origin)])

    def add_blocking(self, org_id: str, user_id: str, role: str, origin: Origin) -> None:
        """For the command line and for dev mode; nothing where the person is a member already."""

        def work(connection: Connection) -> tuple[None, Unit]:
            if repository.find_member(connection, org_id, user_id) is not None:
                return None, Unit()
            if roles.permissions_of(connection, org_id, role) is None:
                raise rules.no_such_role(role)
            member = StoredMember(user_id, role, None, self._clock.now_microseconds())
            return None, self.addition(connection, org_id, member, origin)

        self._store.transact_blocking(work)

    async def page(self, call: Call, params: ListParams) -> Page[Member]:
        view = window(params)

        def query(connection: Connection) -> list[Member]:
            for param in ("starting_after", "ending_before"):
                cursor = getattr(params, param)
                if cursor is not None and repository.find_member(connection, call.org_id, cursor) is None:
                    raise missing("member", cursor, param)
            found = repository.page_of_members(connection, call.org_id, view)
            return [_view(connection, call.org_id, member) for member in found]

        data, has_more = view.cut(await self._store.read(query))
        return Page(data=data, has_more=has_more, url=URL)

    async def set_role(self, call: Call, role: str) -> Effect:
        user_id = call.path["user"]

        def decide(connection: Connection, roster: Roster) -> tuple[Member, Unit]:
            before = _required(connection, call.org_id, user_id)
            actor = acting(connection, call)
            rules.check_managing(actor, standing(connection, call.org_id, before.role))
            rules.check_giving(actor, given(connection, call.org_id, role))
            after = before._replace(role=role)
            if after == before:
                return _view(connection, call.org_id, before), Unit()
            owners = rules.owners_after(roster.owners, before.role, role)
            entry = member_entry(call.org_id, "updated", after, call.origin())
            entry.previous_attributes = differences(_document(before), _document(after))
            unit = Unit([repository.set_role(call.org_id, user_id, role)], [entry])
            return _view(connection, call.org_id, after), _moved(call.org_id, roster, owners, unit)

        return await self._decided(call.org_id, decide)

    async def remove(self, call: Call) -> Effect:
        user_id = call.path["user"]

        def decide(connection: Connection, roster: Roster) -> tuple[RemovedMember, Unit]:
            before = _required(connection, call.org_id, user_id)
            actor = acting(connection, call)
            if user_id != call.principal.key_id:
                rules.check_managing(actor, standing(connection, call.org_id, before.role))
            unit = _removal(call.org_id, before, roster, "removed", call.origin())
            return RemovedMember(id=user_id), unit

        return await self._decided(call.org_id, decide)

    async def leave(self, call: Call) -> Effect:
        """Anybody may, whatever their role; but for the last owner."""
        org_id, user_id = call.path["organisation"], call.principal.key_id

        def decide(connection: Connection, roster: Roster) -> tuple[LeftOrganisation, Unit]:
            before = repository.find_member(connection, org_id, user_id)
            if before is None:
                raise missing("organisation", org_id)
            return LeftOrganisation(id=org_id), _removal(org_id, before, roster, "left", call.origin())

        return await self._decided(org_id, decide)

    async def mine(self, call: Call) -> Page[MyOrganisation]:
        found = await self.all_of(call.principal.key_id)
        data = [
            MyOrganisation(
                id=one.org_id,
                name=one.organisation_name,
                role=one.role,
                permissions=sorted(one.permissions),
            )
            for one in found
        ]
        return Page(data=data, has_more=False, url="/api/v1/auth/organisations")

    async def sign_in_rules(self, call: Call) -> SignInRules:
        roster = await self._store.read(lambda connection: repository.find_roster(connection, call.org_id))
        return SignInRules(second_factor_required=roster.second_factor_required)

    async def change_sign_in_rules(self, call: Call, *, second_factor_required: bool) -> Effect:
        def decide(connection: Connection, roster: Roster) -> tuple[SignInRules, Unit]:
            after = SignInRules(second_factor_required=second_factor_required)
            before = SignInRules(second_factor_required=roster.second_factor_required)
            if after == before:
                return after, Unit()
            if second_factor_required and not factors.has_factor(connection, call.principal.key_id):
                raise Conflict(
                    "Set up a second factor of your own first, or this would shut you out at once.",
                    code="second_factor_missing",
                )
            document = msgspec.json.encode(after)
            previous = differences(msgspec.json.encode(before), document)
            event = "bursar.sign_in_rules.updated"
            entry = Entry(call.org_id, 0, event, call.org_id, document, previous, call.origin())
            move = repository.move_roster(
                call.org_id, roster, roster.owners, second_factor_required=second_factor_required
            )
            return after, Unit([move], [entry])

        return await self._decided(call.org_id, decide)

    async def _decided(
        self, org_id: str, decide: Callable[[Connection, Roster], tuple[msgspec.Struct, Unit]]
    ) -> Effect:
        """What was decided on is what is changed: whoever else changed members meanwhile has moved the roster on."""

        def query(connection: Connection) -> tuple[msgspec.Struct, Unit]:
            return decide(connection, repository.find_roster(connection, org_id))

        result, unit = await self._store.read(query)
        return Effect(result, unit)


def acting(connection: Connection, call: Call) -> Standing:
    """What whoever asks is at this very moment, and not what was remembered of them."""
    principal: Principal = call.principal
    member = repository.find_member(connection, call.org_id, principal.key_id)
    if member is not None:
        now = standing(connection, call.org_id, member.role)
    elif principal.session_id is None:  # known to a provider of sign-in, who says what they may
        now = Standing(principal.role or "", principal.permissions)
    else:
        now = Standing("", frozenset())
    if WRITE not in now.permissions:
        raise PermissionMissing(
            f"Your role {now.role} lacks the permission {WRITE}. Ask an owner or admin of the organisation for a role "
            "that has it.",
            code="permission_missing",
            param=WRITE,
        )
    return now


def standing(connection: Connection, org_id: str, role: str) -> Standing:
    """A role that is gone allows nothing."""
    return Standing(role, roles.permissions_of(connection, org_id, role) or frozenset())


def given(connection: Connection, org_id: str, role: str) -> Standing:
    """A role that somebody is to have."""
    permissions = roles.permissions_of(connection, org_id, role)
    if permissions is None:
        raise rules.no_such_role(role)
    return Standing(role, permissions)


def member_entry(org_id: str, happened: str, member: StoredMember, origin: Origin) -> Entry:
    return Entry(org_id, 0, f"bursar.member.{happened}", member.user_id, _document(member), origin=origin)


def _membership(connection: Connection, user_id: str, org_id: str) -> Membership | None:
    member = repository.find_member(connection, org_id, user_id)
    organisation = accounts.find_organisation(connection, org_id) if member is not None else None
    if member is None or organisation is None:
        return None
    wanted = repository.find_roster(connection, org_id).second_factor_required
    if wanted and not factors.has_factor(connection, user_id):
        # What is left is what everybody may: to set a second factor up.
        return Membership(org_id, organisation.name, member.role, frozenset(), second_factor_missing=True)
    return Membership(org_id, organisation.name, member.role, standing(connection, org_id, member.role).permissions)


def _required(connection: Connection, org_id: str, user_id: str) -> StoredMember:
    member = repository.find_member(connection, org_id, user_id)
    if member is None:
        raise missing("member", user_id, "user")
    return member


def _removal(org_id: str, member: StoredMember, roster: Roster, happened: str, origin: Origin) -> Unit:
    owners = rules.owners_after(roster.owners, member.role, None)
    unit = Unit(repository.deletion(org_id, member.user_id), [member_entry(org_id, happened, member, origin)])
    return _moved(org_id, roster, owners, unit)


def _moved(org_id: str, roster: Roster, owners: int, unit: Unit) -> Unit:
    move = repository.move_roster(org_id, roster, owners, second_factor_required=roster.second_factor_required)
    return Unit([move, *unit.changes], unit.entries)


def _view(connection: Connection, org_id: str, member: StoredMember) -> Member:
    user = people.find(connection, member.user_id)
    role = roles.find(connection, org_id, member.role)
    return Member(
        id=member.user_id,
        email=user.email if user is not None else "",
        name=user.name if user is not None else "",
        role=member.role,
        role_name=role.name if role is not None else member.role,
        second_factor=factors.has_factor(connection, member.user_id),
        invited_by=member.invited_by,
        created=seconds(member.created),
    )


def _document(member: StoredMember) -> bytes:
    told = {
        "id": member.user_id,
        "object": "member",
        "role": member.role,
        "invited_by": member.invited_by,
        "created": seconds(member.created),
    }
    return msgspec.json.encode(told)
