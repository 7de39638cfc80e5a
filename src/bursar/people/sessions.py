"""Sessions: begun by whoever has proved who they are, kept up by refresh tokens or a cookie, ended."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from sqlalchemy import Connection

from bursar.http.call import Call
from bursar.http.paging import Page, missing, window
from bursar.http.params import ListParams
from bursar.http.responses import Header
from bursar.kit.clock import Clock
from bursar.kit.errors import AuthenticationFailed, PermissionMissing
from bursar.kit.ids import IdFactory
from bursar.people import repository
from bursar.people import session_repository as stored
from bursar.people.lockout import Lockout
from bursar.people.protocols import Membership
from bursar.people.refresh_tokens import Refreshed, RefreshTokens, ending, entry_of, refused
from bursar.people.schemas import OrganisationView, Session, SessionView, SignedIn, User
from bursar.people.secrets import Secrets, new_token, text_of
from bursar.people.service import Neighbours, view
from bursar.people.session_rules import (
    ABSOLUTE_SECONDS,
    LIVING_MAX,
    PLAIN_SECONDS,
    Kind,
    expiry,
    is_alive,
    proved,
)
from bursar.people.session_rules import view as session_view
from bursar.people.standing import Standings
from bursar.people.tables import ADDRESS_LENGTH_MAX
from bursar.people.tokens import ACCESS_SECONDS, AccessTokens
from bursar.people.visits import Cookies, Person, Visitor
from bursar.store.errors import DuplicateKey, RowsExpected
from bursar.store.log import Entry, Origin
from bursar.store.store import Store
from bursar.store.unit import Change, Unit

URL = "/api/v1/auth/sessions"
RACES_MAX = 10
_COOKIE, _CSRF = "session cookies", "tokens against forged requests"


@dataclass(slots=True)
class Tokens:
    """What somebody gets who has signed in."""

    session: Session
    user: User
    membership: Membership | None
    memberships: Sequence[Membership]
    access_token: str
    refresh_token: str | None
    expires_in: int
    csrf_token: str | None = None
    # The cookies of a browser.
    headers: list[Header] = field(default_factory=list)

    def answer(self) -> SignedIn:
        return SignedIn(
            access_token=self.access_token,
            refresh_token=self.refresh_token,
            expires_in=self.expires_in,
            csrf_token=self.csrf_token,
            user=view(self.user),
            organisation=organisation_view(self.membership) if self.membership is not None else None,
            organisations=[organisation_view(membership) for membership in self.memberships],
        )


class Sessions:
    def __init__(
        self,
        store: Store,
        ids: IdFactory,
        clock: Clock,
        secrets: Secrets,
        access_tokens: AccessTokens,
        neighbours: Neighbours,
        standings: Standings,
        lockout: Lockout,
        cookies: Cookies,
    ) -> None:
        self._store = store
        self._ids = ids
        self._clock = clock
        self._secrets = secrets
        self._refresh_tokens = RefreshTokens(clock, secrets)
        self._access_tokens = access_tokens
        self._neighbours = neighbours
        self._standings = standings
        self._lockout = lockout
        self.cookies = cookies

    async def start(
        self,
        user: User,
        organisation: str | None,
        call: Call,
        *,
        methods: Sequence[str],
        browser: bool = False,
        remember: bool = False,
        plain: bool = False,
        also: Sequence[Change] = (),
    ) -> Tokens:
        """`also` goes into the same commit: what the sign-in uses up, for example."""
        if user.disabled:
            raise AuthenticationFailed("This account cannot sign in; ask an admin.", code="sign_in_failed")
        memberships = await self._neighbours.memberships.all_of(user.id)
        membership = _chosen(memberships, organisation)
        kind: Kind = "plain" if plain else "browser" if browser else "tokens"
        session = self._new(user, membership, call, kind, methods, remember)
        cookie = new_token() if browser else None
        refresh_token = new_token() if kind == "tokens" else None
        device = (_device(call) or new_token()) if browser else None
        changes = [*also, stored.insertion(session, self._secrets.hash(_COOKIE, cookie) if cookie else None)]
        if refresh_token is not None:
            changes.append(self._refresh_tokens.insertion(refresh_token, session, session.created))
        entry = entry_of("bursar.sign_in.succeeded", session, call.origin())

        def work(connection: Connection) -> tuple[None, Unit]:
            now = session.created
            surplus, entries = _surplus(stored.living_of(connection, user.id, now), now, call.origin())
            places = self._lockout.remember(connection, user.id, call.address, device, now)
            return None, Unit([*changes, *places, *surplus], [entry, *entries])

        await self.transact(work)
        lifetime = PLAIN_SECONDS if plain else ACCESS_SECONDS
        tokens = await self._tokens(session, user, membership, memberships, refresh_token, lifetime)
        if cookie is not None and device is not None:
            tokens.csrf_token = self.csrf_token(session.id)
            tokens.headers = [self._session_cookie(cookie, session), self.cookies.device(device)]
        return tokens

    async def refresh(self, refresh_token: str, call: Call) -> Tokens:
        """Exchanges the token for its successor. One that was exchanged before ends the session.

        Two requests at once, or one whose answer got lost, get the same successor for ten seconds, as long as that
        was not used itself. So there is never more than one token in force, and a stolen one is found out.
        """
        origin = call.origin()
        refreshed: Refreshed = await self.transact(
            lambda connection: self._refresh_tokens.exchange(connection, refresh_token, origin)
        )
        session, user = refreshed.session, refreshed.user
        if refreshed.successor is None:
            self._standings.forget(session.id)
            raise refused("It was used before, so somebody else may have it: the session has ended.")
        memberships = await self._neighbours.memberships.all_of(user.id)
        membership = next((one for one in memberships if one.org_id == session.organisation), None)
        return await self._tokens(session, user, membership, memberships, refreshed.successor)

    async def switch(self, person: Person, organisation: str, call: Call) -> Tokens:
        """On to another organisation. A browser gets another cookie, which no process remembers with the old one."""
        user, session = await self._own(person)
        memberships = await self._neighbours.memberships.all_of(user.id)
        membership = _chosen(memberships, organisation)
        cookie = new_token() if session.browser else None
        after = msgspec.structs.replace(session, organisation=organisation)
        change = stored.switch(session.id, organisation, self._secrets.hash(_COOKIE, cookie) if cookie else None)
        entry = entry_of("bursar.session.switched", after, call.origin())
        await self._store.commit(Unit([change], [entry]))
        tokens = await self._tokens(after, user, membership, memberships, None)
        if cookie is not None:
            tokens.csrf_token = self.csrf_token(session.id)
            tokens.headers = [self._session_cookie(cookie, after)]
        return tokens

    async def prove(self, session_id: str, method: str, call: Call, also: Sequence[Change] = ()) -> Session:
        """The person has proved again who they are."""
        now = self._clock.now_microseconds()

        def work(connection: Connection) -> tuple[Session, Unit]:
            session = stored.find(connection, session_id)
            if session is None or not is_alive(session, now):
                raise _ended()
            after = proved(session, method, now)
            return after, Unit([*also, stored.prove(after)], [entry_of("bursar.session.proved", after, call.origin())])

        after: Session = await self.transact(work)
        self._standings.forget(session_id)
        return after

    async def end(self, person: Person, session_id: str, call: Call, reason: str) -> Session:
        """One of the person's own. Somebody else's is as little there as none."""
        now = self._clock.now_microseconds()

        def work(connection: Connection) -> tuple[Session, Unit]:
            session = stored.find(connection, session_id)
            if session is None or session.user_id != person.user_id or not is_alive(session, now):
                raise missing("session", session_id)
            return session, ending([session], now, call.origin(), reason)

        ended: Session = await self.transact(work)
        self._standings.forget(session_id)
        return ended

    async def end_all(
        self, user_id: str, origin: Origin, *, except_id: str | None = None, reason: str = "ended_by_user"
    ) -> int:

        def work(connection: Connection) -> tuple[list[Session], Unit]:
            return self.ending_all(connection, user_id, origin, except_id=except_id, reason=reason)

        ended: list[Session] = await self.transact(work)
        self.forget(ended)
        return len(ended)

    def ending_all(
        self,
        connection: Connection,
        user_id: str,
        origin: Origin,
        *,
        except_id: str | None = None,
        reason: str = "ended_by_user",
    ) -> tuple[list[Session], Unit]:
        """For the transaction of what ends them; `forget` follows once that is committed."""
        now = self._clock.now_microseconds()
        living = [one for one in stored.living_of(connection, user_id, now) if one.id != except_id]
        return living, ending(living, now, origin, reason)

    def forget(self, ended: Sequence[Session]) -> None:
        """In this process at once."""
        for session in ended:
            self._standings.forget(session.id)

    async def page(self, person: Person, params: ListParams) -> Page[SessionView]:
        view_of = window(params)
        now = self._clock.now_microseconds()
        rows = await self._store.read(lambda connection: stored.page(connection, person.user_id, now, view_of))
        data, has_more = view_of.cut(rows)
        return Page(data=[session_view(one, person.session_id) for one in data], has_more=has_more, url=URL)

    async def find_by_cookie(self, cookie: str) -> Session | None:
        hashes = self._secrets.hashes(_COOKIE, cookie)

        def query(connection: Connection) -> Session | None:
            found = (stored.find_by_cookie(connection, cookie_hash) for cookie_hash in hashes)
            return next((session for session in found if session is not None), None)

        return await self._store.read(query)

    def csrf_token(self, session_id: str) -> str:
        """What a page of ours knows and one of somebody else does not."""
        return text_of(hmac.digest(self._secrets.key(_CSRF), session_id.encode(), "sha256"))

    def is_csrf_token(self, session_id: str, given: str) -> bool:
        made = [text_of(hmac.digest(key, session_id.encode(), "sha256")) for key in self._secrets.keys(_CSRF)]
        return any(hmac.compare_digest(one.encode(), given.encode(errors="replace")) for one in made)

    async def _own(self, person: Person) -> tuple[User, Session]:
        now = self._clock.now_microseconds()

        def query(connection: Connection) -> tuple[User | None, Session | None]:
            return repository.find(connection, person.user_id), stored.find(connection, person.session_id or "")

        user, session = await self._store.read(query)
        if user is None or session is None or user.disabled or not is_alive(session, now):
            raise _ended()
        return user, session

    def _new(
        self, user: User, membership: Membership | None, call: Call, kind: Kind, methods: Sequence[str], remember: bool
    ) -> Session:
        session_id, now = self._ids.new_with_time(stored.PREFIX)
        principal = call.principal
        return Session(
            id=session_id,
            user_id=user.id,
            organisation=membership.org_id if membership is not None else None,
            methods=tuple(methods),
            remembered=remember,
            browser=kind == "browser",
            created=now,
            proved_at=now,
            seen=now,
            expires=expiry(kind, remembered=remember, created=now, now=now),
            ended=None,
            address=_ascii(call.address),
            user_agent=principal.user_agent if isinstance(principal, Visitor | Person) else None,
        )

    async def _tokens(
        self,
        session: Session,
        user: User,
        membership: Membership | None,
        memberships: Sequence[Membership],
        refresh_token: str | None,
        lifetime: int = ACCESS_SECONDS,
    ) -> Tokens:
        access_token = await self._access_tokens.issue(user.id, session.organisation, session.id, lifetime)
        return Tokens(session, user, membership, memberships, access_token, refresh_token, lifetime)

    def _session_cookie(self, cookie: str, session: Session) -> Header:
        return self.cookies.session(cookie, ABSOLUTE_SECONDS if session.remembered else None)

    async def transact(self, work: Callable[[Connection], tuple[Any, Unit]]) -> Any:
        """Again where another process changed the same rows at this moment."""
        for races_left in reversed(range(RACES_MAX)):
            try:
                return await self._store.transact(work)
            except (RowsExpected, DuplicateKey):
                if not races_left:
                    raise
        raise AssertionError("the loop above returns or raises")


def organisation_view(membership: Membership) -> OrganisationView:
    return OrganisationView(id=membership.org_id, name=membership.organisation_name, role=membership.role)


def _chosen(memberships: Sequence[Membership], organisation: str | None) -> Membership | None:
    """The organisation that was named, else the first one, else none."""
    if organisation is None:
        return memberships[0] if memberships else None
    for membership in memberships:
        if membership.org_id == organisation:
            return membership
    raise PermissionMissing(
        "You are not a member of this organisation. Leave it away, or name one of yours.",
        param="organisation",
        code="membership_missing",
    )


def _surplus(living: list[Session], now: int, origin: Origin) -> tuple[list[Change], list[Entry]]:
    """Of somebody who has too many sessions, those end that would end first anyway."""
    too_many = len(living) + 1 - LIVING_MAX
    if too_many <= 0:
        return [], []
    unit = ending(sorted(living, key=lambda one: one.expires)[:too_many], now, origin, "too_many_sessions")
    return unit.changes, unit.entries


def _device(call: Call) -> str | None:
    principal = call.principal
    return principal.device if isinstance(principal, Visitor | Person) else None


def _ascii(address: str | None) -> str | None:
    return address.encode("ascii", "replace").decode()[:ADDRESS_LENGTH_MAX] if address is not None else None


def _ended() -> AuthenticationFailed:
    return AuthenticationFailed("The session has ended. Sign in again.", code="session_ended")
