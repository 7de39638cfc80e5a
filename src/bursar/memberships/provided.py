"""Memberships that a provider of sign-in gives and takes: what people gave stays as it is."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from bursar.accounts import repository as accounts
from bursar.accounts import roles
from bursar.kit.clock import Clock
from bursar.kit.errors import Conflict
from bursar.memberships import repository, rules
from bursar.memberships.repository import StoredMember
from bursar.memberships.service import member_entry
from bursar.store.log import Origin, differences
from bursar.store.repeating import transact_again
from bursar.store.store import Store
from bursar.store.unit import Unit


class ProvidedMemberships:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def has_role(self, org_id: str, role: str) -> bool:
        def query(connection: Connection) -> bool:
            is_there = accounts.find_organisation(connection, org_id) is not None
            return is_there and roles.permissions_of(connection, org_id, role) is not None

        return await self._store.read(query)

    async def provide(self, user_id: str, roles_by_organisation: Mapping[str, str], by: str, origin: Origin) -> None:
        """Makes what `by` gave exactly this: each organisation in a transaction of its own."""
        known = await self._store.read(lambda connection: _given(connection, user_id, by))
        for org_id in sorted(known | roles_by_organisation.keys()):
            role = roles_by_organisation.get(org_id)

            def work(connection: Connection, org_id: str = org_id, role: str | None = role) -> tuple[None, Unit]:
                return None, self._change(connection, org_id, user_id, role, by, origin)

            await transact_again(self._store, work)

    def _change(
        self, connection: Connection, org_id: str, user_id: str, role: str | None, by: str, origin: Origin
    ) -> Unit:
        before = repository.find_member(connection, org_id, user_id)
        if role is not None and roles.permissions_of(connection, org_id, role) is None:
            role = None  # the role is gone since: it gives nothing
        if before is None and role is None:
            return Unit()
        if before is not None and (before.invited_by != by or before.role == role):
            return Unit()
        roster = repository.find_roster(connection, org_id)
        try:
            owners = rules.owners_after(roster.owners, before.role if before else None, role)
        except Conflict:  # the last owner stays, whatever a provider says
            return Unit()
        required = roster.second_factor_required
        unit = Unit([repository.move_roster(org_id, roster, owners, second_factor_required=required)])
        if before is None:
            assert role is not None
            after = StoredMember(user_id, role, by, self._clock.now_microseconds())
            unit.changes += repository.insertion(org_id, after)
            unit.entries.append(member_entry(org_id, "added", after, origin))
        elif role is None:
            unit.changes += repository.deletion(org_id, user_id)
            unit.entries.append(member_entry(org_id, "removed", before, origin))
        else:
            after = before._replace(role=role)
            unit.changes.append(repository.set_role(org_id, user_id, role))
            entry = member_entry(org_id, "updated", after, origin)
            entry.previous_attributes = differences(
                member_entry(org_id, "updated", before, origin).document, entry.document
            )
            unit.entries.append(entry)
        return unit


def _given(connection: Connection, user_id: str, by: str) -> set[str]:
    return {
        org_id
        for org_id in repository.organisations_of(connection, user_id)
        if (member := repository.find_member(connection, org_id, user_id)) is not None and member.invited_by == by
    }
