"""What somebody sees and changes of their own."""

from __future__ import annotations

import msgspec
from msgspec import UNSET
from sqlalchemy import Connection

from bursar.http.call import Call, Effect
from bursar.kit.clock import seconds
from bursar.kit.errors import InvalidRequest
from bursar.people import rules
from bursar.people.protocols import Membership
from bursar.people.schemas import Me, OrganisationView, PasswordParams, ProfileParams, Session, User, UserView
from bursar.people.service import Neighbours, PeopleService, view
from bursar.people.sessions import Sessions, organisation_view
from bursar.people.sign_in import SignIn
from bursar.people.visits import Person
from bursar.store.columns import INSTALLATION
from bursar.store.store import Store
from bursar.store.unit import Unit


class Profile:
    def __init__(
        self, store: Store, people: PeopleService, sessions: Sessions, sign_in: SignIn, neighbours: Neighbours
    ) -> None:
        self._store = store
        self._people = people
        self._sessions = sessions
        self._sign_in = sign_in
        self._neighbours = neighbours

    async def me(self, person: Person) -> Me:
        user = await self._people.required(person.user_id)
        memberships = await self._neighbours.memberships.all_of(user.id)
        here = next((one for one in memberships if one.org_id == person.org_id), None)
        return Me(
            user=view(user),
            organisation=_shown(here, person),
            organisations=[organisation_view(membership) for membership in memberships],
            role=person.role,
            permissions=sorted(person.permissions),
            session=person.session_id,
            proved_at=seconds(person.proved_at),
            csrf_token=self._sessions.csrf_token(person.session_id or "") if person.by_cookie else None,
        )

    async def change(self, person: Person, call: Call, params: ProfileParams) -> Effect:
        user = await self._people.required(person.user_id)
        name = user.name if params.name is UNSET else rules.checked_name(params.name)
        locale = user.locale if params.locale is UNSET else params.locale
        wanted = msgspec.structs.replace(user, name=name, locale=locale)
        after, unit = await self._people.change(user, wanted, call.origin())
        return Effect(view(after), unit)

    async def change_password(self, person: Person, call: Call, params: PasswordParams) -> UserView:
        """Ends the other sessions: whoever changes it may do so because somebody else knew it."""
        user = await self._people.required(person.user_id)
        if user.password_hash is None:
            raise InvalidRequest(
                "You have no password yet; ask for one with a password reset.", param="current_password"
            )
        await self._people.check_password_strength(params.new_password, await self.inputs(user), "new_password")
        new_hash = await self._people.hash_password(params.new_password)
        # Last: a try that was right is given back in the commit below.
        proof = await self._sign_in.check_own_password(call, person, user, params.current_password, "current_password")
        after, unit = await self._people.password_change(user, new_hash, call.origin())

        def work(connection: Connection) -> tuple[list[Session], Unit]:
            ended, ending = self._sessions.ending_all(
                connection, user.id, call.origin(), except_id=person.session_id, reason="password_changed"
            )
            changes = [*proof, *unit.changes, *ending.changes]
            return ended, Unit(changes, [*unit.entries, *ending.entries])

        self._sessions.forget(await self._store.transact(work))
        return view(after)

    async def inputs(self, user: User) -> list[str]:
        """What makes a password of this person easy to guess."""
        memberships = await self._neighbours.memberships.all_of(user.id)
        return [user.email, user.name, *(membership.organisation_name for membership in memberships)]


def _shown(membership: Membership | None, person: Person) -> OrganisationView | None:
    if membership is not None:
        return organisation_view(membership)
    if person.org_id == INSTALLATION:
        return None
    # A platform admin, who is no member where they look around.
    return OrganisationView(id=person.org_id, name="", role=person.role or "")
