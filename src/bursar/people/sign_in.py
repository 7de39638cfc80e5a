"""Signing in: by password, with a second factor where one is on. Whoever is wrong is told nothing of why."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection

from bursar.http.call import Call
from bursar.kit.clock import seconds
from bursar.kit.errors import AuthenticationFailed, InvalidRequest, PermissionMissing, Unavailable
from bursar.people import repository, rules
from bursar.people.lockout import NOBODY, Attempt, Lockout, Look
from bursar.people.one_time import OneTimeTokens
from bursar.people.schemas import LoginParams, SecondFactorParams, SignInParams, StepUpParams, User
from bursar.people.service import Neighbours, PeopleService, logs
from bursar.people.sessions import Sessions, Tokens
from bursar.people.visits import Person, Visitor
from bursar.store.log import Entry
from bursar.store.store import Store
from bursar.store.unit import Change, Unit

CHALLENGE = "second factor"
CHALLENGE_SECONDS = 300
PASSWORD = "password"  # noqa: S105 - the method's name
# At once in this process: less than what the slow hash lets wait, so that whoever changes a password still can.
SIGNING_IN_MAX = 24
RETRY_SECONDS = 2


class Pending(msgspec.Struct, kw_only=True, frozen=True):
    """Whose password was right, while their second factor is awaited."""

    user_id: str
    organisation: str | None
    browser: bool
    remember: bool
    plain: bool = False


@dataclass(frozen=True, slots=True)
class Wishes:
    """What kind of session is asked for."""

    organisation: str | None = None
    browser: bool = False
    remember: bool = False
    plain: bool = False


class SignIn:
    def __init__(
        self,
        store: Store,
        people: PeopleService,
        sessions: Sessions,
        lockout: Lockout,
        one_time: OneTimeTokens,
        neighbours: Neighbours,
        *,
        development: bool,
    ) -> None:
        self._store = store
        self._people = people
        self._sessions = sessions
        self._lockout = lockout
        self._one_time = one_time
        self._neighbours = neighbours
        self._development = development
        self._signing_in = 0

    async def login(self, call: Call, params: LoginParams) -> Tokens:
        if params.browser:
            _refuse_foreign_page(call)
        wishes = Wishes(params.organisation, params.browser, params.remember)
        return await self._by_password(call, params.email, params.password, params.code, wishes)

    async def plain(self, call: Call, params: SignInParams) -> Tokens:
        return await self._by_password(call, params.username, params.password, None, Wishes(plain=True))

    async def second_factor(self, call: Call, params: SecondFactorParams) -> Tokens:
        pending, user = await self.open_challenge(params.challenge)
        if pending.browser:
            _refuse_foreign_page(call)
        method, change = await self._check_code(call, user, params.code)
        return await self.finish_challenge(call, params.challenge, method, also=change)

    async def open_challenge(self, challenge: str) -> tuple[Pending, User]:
        """Who has to prove a second factor. For those who know other factors than codes."""
        subject = await self._one_time.peek(CHALLENGE, challenge)
        pending = msgspec.json.decode(subject, type=Pending) if subject is not None else None
        user = await self._people.find_by_id(pending.user_id) if pending is not None else None
        if pending is None or user is None or not self._may_sign_in(user):
            raise _challenge_over()
        return pending, user

    async def finish_challenge(self, call: Call, challenge: str, method: str, *, also: Sequence[Change] = ()) -> Tokens:
        """Signs in whose second factor was right. A challenge works once."""
        pending, user = await self.open_challenge(challenge)
        if await self._one_time.take(CHALLENGE, challenge) is None:
            raise _challenge_over()
        return await self._sessions.start(
            user,
            pending.organisation,
            call,
            methods=[PASSWORD, method],
            browser=pending.browser,
            remember=pending.remember,
            plain=pending.plain,
            also=also,
        )

    async def step_up(self, call: Call, person: Person, params: StepUpParams) -> int:
        """The time at which the person has proved again who they are."""
        if (params.password is None) == (params.code is None):
            raise InvalidRequest("Send either password or code.", param="password")
        user = await self._people.required(person.user_id)
        if params.code is not None:
            method, changes = await self._check_code(call, user, params.code, param="code")
        else:
            method = PASSWORD
            changes = await self.check_own_password(call, person, user, params.password or "", "password")
        session = await self._sessions.prove(person.session_id or "", method, call, also=changes)
        return session.proved_at

    async def check_own_password(
        self, call: Call, person: Person, user: User, password: str, param: str
    ) -> list[Change]:
        """Of somebody who is signed in. The changes belong into the transaction of what the password allows."""
        attempt = await self._lockout.begin_proof(person.session_id or "")
        async with self._returned_unless_decided(attempt):
            is_right = await self._people.matches_password(password, user)
        if is_right:
            return self._lockout.right(attempt)
        await self._tell_failure(call, user, "wrong_password", attempt)
        raise InvalidRequest("The password is not right.", param=param, code="password_wrong")

    async def _by_password(self, call: Call, email: str, password: str, code: str | None, wishes: Wishes) -> Tokens:
        user, attempt = await self._check_password(call, email, password)
        # The password was right, whatever is wrong with the rest.
        async with self._returned_unless_decided(attempt):
            needs_factor = await self._neighbours.second_factors.required(user.id)
            if not needs_factor or code is not None:
                return await self._start(call, user, attempt, code if needs_factor else None, wishes)
        raise await self._challenge(user, wishes, self._lockout.right(attempt))

    async def _start(self, call: Call, user: User, attempt: Attempt, code: str | None, wishes: Wishes) -> Tokens:
        methods, changes = [PASSWORD], self._lockout.right(attempt)
        if code is not None:
            method, more = await self._check_code(call, user, code)
            methods.append(method)
            changes += more
        return await self._sessions.start(
            user,
            wishes.organisation,
            call,
            methods=methods,
            browser=wishes.browser,
            remember=wishes.remember,
            plain=wishes.plain,
            also=changes,
        )

    async def _check_password(self, call: Call, email: str, password: str) -> tuple[User, Attempt]:
        """The same steps whoever is asked for, so that the time they take tells nothing."""
        if self._signing_in >= SIGNING_IN_MAX:  # before anything is written: an attack shall cost no commits
            raise Unavailable("Too many people sign in at this moment; try again.", retry_after_seconds=RETRY_SECONDS)
        self._signing_in += 1
        try:
            user, look = await self._store.read(lambda connection: self._look(connection, email, call))
            attempt = await self._lockout.begin(look.subjects, look.rows)
            async with self._returned_unless_decided(attempt):
                is_right = await self._people.matches_password(password, user)
            if is_right and user is not None and self._may_sign_in(user):
                await self._people.renew_hash(user, password)
                return user, attempt
            await self._tell_failure(call, user, _reason(user, is_right=is_right), attempt)
        finally:
            self._signing_in -= 1
        raise AuthenticationFailed("The e-mail address or the password is not right.", code="sign_in_failed")

    def _look(self, connection: Connection, email: str, call: Call) -> tuple[User | None, Look]:
        canonical = rules.canonical_email(email)
        user = repository.find_by_email(connection, canonical)
        user_id = user.id if user is not None else None
        return user, self._lockout.look(connection, canonical, user_id, call.address, _device(call))

    async def _check_code(
        self, call: Call, user: User, code: str, param: str | None = None
    ) -> tuple[str, list[Change]]:
        if isinstance(call.principal, Person):
            attempt = await self._lockout.begin_proof(call.principal.session_id or "")
        else:
            attempt = await self._lockout.begin_second_factor(user.id, call.address, _device(call))
        async with self._returned_unless_decided(attempt):
            method = await self._neighbours.second_factors.check(user.id, code, call)
        if method is not None:
            return method, self._lockout.right(attempt)
        await self._tell_failure(call, user, "wrong_code", attempt)
        words = "The code is not right, or was used before."
        if param is not None:  # of somebody who is signed in: no reason to sign in again
            raise InvalidRequest(words, param=param, code="second_factor_failed")
        raise AuthenticationFailed(words, code="second_factor_failed")

    async def _challenge(self, user: User, wishes: Wishes, changes: Sequence[Change]) -> AuthenticationFailed:
        pending = Pending(
            user_id=user.id,
            organisation=wishes.organisation,
            browser=wishes.browser,
            remember=wishes.remember,
            plain=wishes.plain,
        )
        subject = msgspec.json.encode(pending).decode()
        challenge, change = self._one_time.new(CHALLENGE, subject, CHALLENGE_SECONDS)
        await self._store.transact(lambda _: (None, Unit([*changes, change])))
        return AuthenticationFailed(
            "A second factor is needed. POST the challenge and a code to /api/v1/auth/second-factor.",
            code="second_factor_required",
            extras={"challenge": challenge, "expires_in": CHALLENGE_SECONDS},
        )

    @asynccontextmanager
    async def _returned_unless_decided(self, attempt: Attempt) -> AsyncIterator[None]:
        """A try that nobody could decide, because we were too busy, is none."""
        try:
            yield
        except Exception:
            await self._lockout.give_back(attempt)
            raise

    async def _tell_failure(self, call: Call, user: User | None, reason: str, attempt: Attempt) -> None:
        """In the logs of the person's organisations. An address that nobody has is told by a hash of it only."""
        user_id = user.id if user is not None else None
        memberships = await self._neighbours.memberships.all_of(user_id or NOBODY)
        failed = {"object": "sign_in", "user": user_id, "reason": reason, "subject": attempt.subjects[0].subject_hash}
        documents: list[tuple[str, dict[str, object]]] = [("bursar.sign_in.failed", {**failed})]
        for subject in attempt.last_for:
            pause = {"object": "sign_in", "user": user_id, "of": subject.kind, "until": seconds(attempt.locked_until)}
            documents.append(("bursar.sign_in.locked", {**pause}))
        entries = [
            Entry(log, 0, event_type, user_id, msgspec.json.encode(document), origin=call.origin())
            for log in logs([membership.org_id for membership in memberships])
            for event_type, document in documents
        ]
        await self._store.commit(Unit([], entries))

    def _may_sign_in(self, user: User) -> bool:
        """Everybody knows the password of dev mode's user."""
        is_known_to_all = user.id == rules.DEVELOPMENT_USER_ID or user.password_hash == rules.DEVELOPMENT_PASSWORD_HASH
        return not user.disabled and (self._development or not is_known_to_all)


def _reason(user: User | None, *, is_right: bool) -> str:
    if user is None:
        return "unknown_email"
    if is_right:
        return "disabled"
    return "wrong_password" if user.password_hash is not None else "no_password"


def _device(call: Call) -> str | None:
    return call.principal.device if isinstance(call.principal, Visitor) else None


def _refuse_foreign_page(call: Call) -> None:
    """Nobody else's page may sign its visitor in here: they would go on as whom that page chose."""
    if isinstance(call.principal, Visitor) and call.principal.is_foreign:
        raise PermissionMissing(
            "This sign-in came from a page of another site. Sign in on this server's own pages, or check that the "
            "setting public_url is the address that browsers see.",
            code="cross_site_request",
        )


def _challenge_over() -> AuthenticationFailed:
    return AuthenticationFailed(
        "The challenge is unknown, was used or has expired. Sign in again.", code="challenge_invalid"
    )
