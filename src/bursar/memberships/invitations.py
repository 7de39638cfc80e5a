"""Invitations: for one e-mail address, for seven days, once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
from sqlalchemy import Connection

from bursar.accounts import repository as accounts
from bursar.http.authentication import USER
from bursar.http.call import Call, Effect
from bursar.http.paging import Page, missing, window
from bursar.kit.clock import MICROSECONDS_PER_SECOND, Clock, seconds
from bursar.kit.errors import Conflict, InvalidRequest, PermissionMissing, RequestError
from bursar.kit.ids import IdFactory
from bursar.memberships import repository, rules
from bursar.memberships.mails import Mails
from bursar.memberships.repository import StoredInvitation, StoredMember
from bursar.memberships.schemas import (
    AcceptParams,
    Invitation,
    InvitationListParams,
    InvitationParams,
    InvitationView,
    MyOrganisation,
)
from bursar.memberships.service import MembershipService, acting, given, standing
from bursar.people import repository as users
from bursar.people.one_time import OneTimeTokens
from bursar.people.rules import checked_email
from bursar.people.schemas import LoginParams, User
from bursar.people.service import DuplicateEmail, PeopleService
from bursar.people.sessions import Sessions, Tokens
from bursar.people.sign_in import SignIn
from bursar.people.visits import Person
from bursar.store.log import Entry, Origin
from bursar.store.repeating import transact_again
from bursar.store.store import Store
from bursar.store.unit import Change, Unit

URL = "/api/v1/invitations"
PURPOSE = "invitation"


class InvitationService:
    def __init__(
        self,
        store: Store,
        ids: IdFactory,
        clock: Clock,
        people: PeopleService,
        sign_in: SignIn,
        sessions: Sessions,
        one_time: OneTimeTokens,
        memberships: MembershipService,
        mails: Mails,
    ) -> None:
        self._store = store
        self._ids = ids
        self._clock = clock
        self._people = people
        self._sign_in = sign_in
        self._sessions = sessions
        self._one_time = one_time
        self._memberships = memberships
        self._mails = mails

    async def invite(self, call: Call, params: InvitationParams) -> Effect:
        email = checked_email(params.email)
        invitation_id, now = self._ids.new_with_time(repository.INVITATION_PREFIX)
        expires = rules.invitation_expires(now)
        by = call.principal.key_id
        invitation = StoredInvitation(invitation_id, email, params.role, rules.PENDING, 1, by, now, expires)

        def query(connection: Connection) -> Effect:
            roster = repository.find_roster(connection, call.org_id)
            rules.check_giving(acting(connection, call), given(connection, call.org_id, params.role))
            self._check_wanted(connection, call.org_id, email, now)
            overdue = [one for one in repository.pending_for(connection, call.org_id, email) if one.expires <= now]
            # Moved on here, too, so that of two invitations of one address at once there is one.
            move = repository.move_roster(
                call.org_id, roster, roster.owners, second_factor_required=roster.second_factor_required
            )
            replaced = [repository.set_state(call.org_id, one.id, rules.REVOKED) for one in overdue]
            unit = self._sent(connection, call, invitation, "created")
            insertion = repository.insert_invitation(call.org_id, invitation)
            changes = [move, *replaced, insertion, *unit.changes]
            return Effect(self._view(invitation), Unit(changes, unit.entries))

        return await self._store.read(query)

    async def resend(self, call: Call) -> Effect:
        """Another mail with another link; the one before works no more."""
        now = self._clock.now_microseconds()

        def query(connection: Connection) -> Effect:
            before = self._pending(connection, call)
            rules.check_giving(acting(connection, call), given(connection, call.org_id, before.role))
            if before.round >= rules.ROUNDS_MAX:
                raise Conflict(
                    f"This invitation was sent {rules.ROUNDS_MAX} times. Revoke it and make another one.",
                    code="invitation_sent_too_often",
                )
            expires = rules.invitation_expires(now)
            after = before._replace(round=before.round + 1, expires=expires)
            unit = self._sent(connection, call, after, "resent")
            changes = [repository.renew(call.org_id, before, expires), *unit.changes]
            return Effect(self._view(after), Unit(changes, unit.entries))

        return await self._store.read(query)

    async def revoke(self, call: Call) -> Effect:
        def query(connection: Connection) -> Effect:
            before = self._pending(connection, call)
            acting(connection, call)
            after = before._replace(state=rules.REVOKED)
            change = repository.set_state(call.org_id, before.id, rules.REVOKED)
            entry = self._entry(call.org_id, after, "revoked", call.origin())
            return Effect(self._view(after), Unit([change], [entry]))

        return await self._store.read(query)

    async def page(self, call: Call, params: InvitationListParams) -> Page[Invitation]:
        view = window(params)

        def query(connection: Connection) -> list[StoredInvitation]:
            for param in ("starting_after", "ending_before"):
                cursor = getattr(params, param)
                if cursor is not None and repository.find_invitation(connection, call.org_id, cursor) is None:
                    raise missing("invitation", cursor, param)
            return repository.page_of_invitations(connection, call.org_id, view, params.status)

        data, has_more = view.cut(await self._store.read(query))
        return Page(data=[self._view(one) for one in data], has_more=has_more, url=URL)

    async def look(self, token: str) -> InvitationView:
        """What the link's page shows. Whoever has the link reads the address's mail, and may know of its account."""

        def query(connection: Connection) -> InvitationView:
            org_id, invitation, _ = self._taking(connection, token)
            organisation = accounts.find_organisation(connection, org_id)
            return InvitationView(
                email=invitation.email,
                organisation=organisation.name if organisation is not None else "",
                role=invitation.role,
                has_account=users.find_by_email(connection, invitation.email) is not None,
                expires=seconds(invitation.expires),
            )

        return await self._store.read(query)

    async def accept(self, call: Call, params: AcceptParams) -> Tokens:
        """Of nobody in particular: whoever has an account signs in on the way, everybody else gets one."""
        view = await self.look(params.token)
        if view.has_account:
            login = LoginParams(email=view.email, password=params.password, code=params.code)
            tokens = await self._sign_in.login(call, login)
            person = _person(call, tokens)
            org_id = await self._join(params.token, tokens.user, _origin(call, tokens.user))
            there = await self._sessions.switch(person, org_id, call)
            there.refresh_token = tokens.refresh_token
            return there
        await self._people.check_password_strength(params.password, [view.email, params.name, view.organisation])
        password_hash = await self._people.hash_password(params.password)
        user, org_id = await self._join_anew(call, params, password_hash)
        return await self._people.sign_in(user, org_id, call, methods=["password"])

    async def accept_signed_in(self, call: Call, token: str) -> MyOrganisation:
        user = await self._people.required(call.principal.key_id)
        org_id = await self._join(token, user, call.origin())
        membership = await self._memberships.of(user.id, org_id)
        if membership is None:
            raise rules.invitation_invalid()
        return MyOrganisation(
            id=org_id,
            name=membership.organisation_name,
            role=membership.role,
            permissions=sorted(membership.permissions),
        )

    async def _join(self, token: str, user: User, origin: Origin) -> str:
        def work(connection: Connection) -> tuple[str, Unit]:
            org_id, invitation, used = self._taking(connection, token)
            if invitation.email != user.email:
                raise PermissionMissing(
                    "This invitation is for another e-mail address than yours. Sign in with the account of that "
                    "address, or ask for an invitation of yours.",
                    param="token",
                    code="invitation_for_another",
                )
            unit = self._joining(connection, org_id, invitation, user.id, origin)
            if not user.email_verified:  # the link came to this address
                after = msgspec.structs.replace(user, email_verified=True, version=user.version + 1)
                unit.changes.append(users.update(user, after))
            unit.changes.append(used)
            return org_id, unit

        joined: str = await transact_again(self._store, work)
        return joined

    async def _join_anew(self, call: Call, params: AcceptParams, password_hash: str) -> tuple[User, str]:
        now = self._clock.now_microseconds()

        def work(connection: Connection) -> tuple[tuple[User, str], Unit]:
            org_id, invitation, used = self._taking(connection, params.token)
            try:
                user, unit = self._people.new_user(
                    connection,
                    email=invitation.email,
                    name=params.name,
                    password_hash=password_hash,
                    email_verified=True,
                    now=now,
                    origin=call.origin(),
                    organisations=[org_id],
                )
            except DuplicateEmail:  # made at this moment
                raise rules.invitation_invalid() from None
            origin = _origin(call, user)
            joining = self._joining(connection, org_id, invitation, user.id, origin)
            changes = [*unit.changes, *joining.changes, used]
            return (user, org_id), Unit(changes, [*unit.entries, *joining.entries])

        made: tuple[User, str] = await transact_again(self._store, work)
        return made

    def _taking(self, connection: Connection, token: str) -> tuple[str, StoredInvitation, Change]:
        """Organisation, invitation, and the change that uses the token up. Whatever is wrong looks the same."""
        found = self._one_time.taking(connection, PURPOSE, token)
        if found is None:
            raise rules.invitation_invalid()
        subject, used = found
        org_id, invitation_id, round_number = subject.split(":")
        invitation = repository.find_invitation(connection, org_id, invitation_id)
        if invitation is None or invitation.state != rules.PENDING or invitation.round != int(round_number):
            raise rules.invitation_invalid()
        return org_id, invitation, used

    def _joining(
        self, connection: Connection, org_id: str, invitation: StoredInvitation, user_id: str, origin: Origin
    ) -> Unit:
        self._check_inviter(connection, org_id, invitation)
        now = self._clock.now_microseconds()
        member = StoredMember(user_id, invitation.role, invitation.invited_by, now)
        unit = self._memberships.addition(connection, org_id, member, origin)
        unit.changes.append(repository.set_state(org_id, invitation.id, rules.ACCEPTED))
        accepted = invitation._replace(state=rules.ACCEPTED)
        unit.entries.append(self._entry(org_id, accepted, "accepted", origin))
        return unit

    def _check_inviter(self, connection: Connection, org_id: str, invitation: StoredInvitation) -> None:
        """Whoever could no longer give the role has not given it: neither by leaving nor by a role that has grown."""
        inviter = repository.find_member(connection, org_id, invitation.invited_by)
        if inviter is None:
            raise rules.invitation_invalid()
        try:
            rules.check_giving(standing(connection, org_id, inviter.role), given(connection, org_id, invitation.role))
        except RequestError:
            raise rules.invitation_invalid() from None

    def _check_wanted(self, connection: Connection, org_id: str, email: str, now: int) -> None:
        user = users.find_by_email(connection, email)
        if user is not None and repository.find_member(connection, org_id, user.id) is not None:
            raise Conflict("This person is a member of the organisation already.", param="email", code="member_exists")
        if any(one.expires > now for one in repository.pending_for(connection, org_id, email)):
            raise Conflict(
                "This address is invited already. Send the invitation again, or revoke it first.",
                param="email",
                code="invitation_exists",
            )
        if repository.count_pending(connection, org_id, now) >= rules.INVITATIONS_PENDING_MAX:
            raise InvalidRequest(
                f"An organisation can have {rules.INVITATIONS_PENDING_MAX} open invitations; revoke some first.",
                code="invitations_too_many",
            )

    def _pending(self, connection: Connection, call: Call) -> StoredInvitation:
        invitation_id = call.path["invitation"]
        invitation = repository.find_invitation(connection, call.org_id, invitation_id)
        if invitation is None:
            raise missing("invitation", invitation_id)
        if invitation.state != rules.PENDING:
            raise Conflict(f"The invitation is {invitation.state} already.", code="invitation_unexpected_state")
        return invitation

    def _sent(self, connection: Connection, call: Call, invitation: StoredInvitation, happened: str) -> Unit:
        """The link's token, the mail that takes it along, and what happened."""
        subject = f"{call.org_id}:{invitation.id}:{invitation.round}"
        token, change = self._one_time.new(PURPOSE, subject, rules.INVITATION_SECONDS)
        mail = self._mails.request(
            call.origin(),
            "invitation",
            invitation.email,
            token,
            lifetime_seconds=rules.INVITATION_SECONDS,
            data=_of_mail(connection, call, invitation),
            org_id=call.org_id,
        )
        return Unit([change], [self._entry(call.org_id, invitation, happened, call.origin()), mail])

    def _view(self, invitation: StoredInvitation) -> Invitation:
        is_over = invitation.state == rules.PENDING and invitation.expires <= self._clock.now_microseconds()
        status: Any = "expired" if is_over else invitation.state
        return Invitation(
            id=invitation.id,
            email=invitation.email,
            role=invitation.role,
            status=status,
            invited_by=invitation.invited_by,
            created=invitation.created // MICROSECONDS_PER_SECOND,
            expires=invitation.expires // MICROSECONDS_PER_SECOND,
        )

    def _entry(self, org_id: str, invitation: StoredInvitation, happened: str, origin: Origin) -> Entry:
        document = msgspec.json.encode(self._view(invitation))
        return Entry(org_id, 0, f"bursar.invitation.{happened}", invitation.id, document, origin=origin)


def _of_mail(connection: Connection, call: Call, invitation: StoredInvitation) -> dict[str, Any]:
    organisation = accounts.find_organisation(connection, call.org_id)
    inviter = users.find(connection, call.principal.key_id)
    return {
        "organisation": organisation.name if organisation is not None else "",
        "inviter": (inviter.name or inviter.email) if inviter is not None else "",
        "role": invitation.role,
    }


def _person(call: Call, tokens: Tokens) -> Person:
    user_id, session_id = tokens.user.id, tokens.session.id
    return Person(call.org_id, call.livemode, user_id, USER, session_id=session_id)


def _origin(call: Call, user: User) -> Origin:
    """Whoever accepts is nobody until this very moment."""
    return replace(call.origin(), actor=user.id)
