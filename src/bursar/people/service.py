"""Who there is: making, finding and changing users."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import Connection

from bursar.kit.clock import Clock, seconds
from bursar.kit.errors import BursarError, NotFound, Unavailable
from bursar.kit.ids import IdFactory
from bursar.kit.slow_hash import SlowHash
from bursar.people import repository, rules
from bursar.people.protocols import (
    Memberships,
    NoMemberships,
    NoProviderTokens,
    NoSecondFactors,
    ProviderTokens,
    SecondFactors,
)
from bursar.people.schemas import User, UserView
from bursar.store.columns import INSTALLATION
from bursar.store.errors import RowsExpected
from bursar.store.log import Entry, Origin, differences
from bursar.store.store import Store
from bursar.store.unit import Unit

if TYPE_CHECKING:
    from bursar.http.call import Call
    from bursar.people.sessions import Sessions, Tokens

LOGS_MAX = 20  # organisations whose logs are told of one person's doings
NOBODY = Origin()


class DuplicateEmail(BursarError):
    """Somebody has this address already. Not for clients: who has an account here is nobody's affair."""


@dataclass(slots=True)
class Neighbours:
    """What the features above bring; filled in while the process is put together."""

    memberships: Memberships = field(default_factory=NoMemberships)
    second_factors: SecondFactors = field(default_factory=NoSecondFactors)
    provider_tokens: ProviderTokens = field(default_factory=NoProviderTokens)


class PeopleService:
    def __init__(
        self,
        store: Store,
        ids: IdFactory,
        clock: Clock,
        slow_hash: SlowHash,
        neighbours: Neighbours,
        sessions: Sessions,
    ) -> None:
        self._store = store
        self._ids = ids
        self._clock = clock
        self._slow_hash = slow_hash
        self._neighbours = neighbours
        self._sessions = sessions

    def new_user(
        self,
        connection: Connection,
        *,
        email: str,
        name: str,
        password_hash: str | None,
        email_verified: bool,
        now: int,
        locale: str | None = None,
        platform_admin: bool = False,
        origin: Origin = NOBODY,
        organisations: Sequence[str] = (),
        user_id: str | None = None,
    ) -> tuple[User, Unit]:
        """For the commit that makes the account. Two at once: one of them has DuplicateKey from the store."""
        canonical = rules.checked_email(email)
        if repository.find_by_email(connection, canonical) is not None:
            raise DuplicateEmail
        user = User(
            id=user_id or self._ids.new(repository.PREFIX),
            email=canonical,
            name=rules.checked_name(name),
            password_hash=password_hash,
            email_verified=email_verified,
            platform_admin=platform_admin,
            disabled=False,
            locale=locale,
            created=now,
        )
        entries = _entries("bursar.user.created", user, organisations, origin)
        return user, Unit([repository.insertion(user)], entries)

    async def find_by_email(self, email: str) -> User | None:
        canonical = rules.canonical_email(email)
        return await self._store.read(lambda connection: repository.find_by_email(connection, canonical))

    async def find_by_id(self, user_id: str) -> User | None:
        return await self._store.read(lambda connection: repository.find(connection, user_id))

    async def hash_password(self, password: str) -> str:
        return await self._slow_hash.hash(rules.canonical_password(password))

    async def matches_password(self, password: str, user: User | None) -> bool:
        """Takes as long for nobody as for somebody."""
        known = user.password_hash if user is not None else None
        return await self._slow_hash.matches(rules.canonical_password(password), known)

    async def check_password_strength(self, password: str, inputs: Sequence[str], param: str = "password") -> None:
        await asyncio.to_thread(rules.check_password_strength, password, inputs, param)

    async def set_password(self, user: User, password_hash: str, origin: Origin = NOBODY) -> User:
        """Sessions go on: whoever sets it because somebody else knew the old one ends them."""
        after, unit = await self.password_change(user, password_hash, origin)
        await self._store.commit(unit)
        return after

    async def password_change(self, user: User, password_hash: str, origin: Origin = NOBODY) -> tuple[User, Unit]:
        """For the commit of what allows it."""
        after = msgspec.structs.replace(user, password_hash=password_hash, version=user.version + 1)
        entries = _entries("bursar.user.password_changed", after, await self._logs_of(user.id), origin)
        return after, Unit([repository.update(user, after)], entries)

    async def change(self, user: User, after: User, origin: Origin = NOBODY) -> tuple[User, Unit]:
        """For the commit of a change of name, locale, address, or what somebody may."""
        if after == user:
            return user, Unit()
        after = msgspec.structs.replace(after, version=user.version + 1)
        entries = _entries("bursar.user.updated", after, await self._logs_of(user.id), origin)
        before_bytes = document(user)
        for entry in entries:
            entry.previous_attributes = differences(before_bytes, entry.document)
        return after, Unit([repository.update(user, after)], entries)

    async def set_disabled(self, user: User, *, disabled: bool, origin: Origin = NOBODY) -> User:
        """Whoever is disabled is out within five seconds."""
        after, unit = await self.change(user, msgspec.structs.replace(user, disabled=disabled), origin)
        await self._store.commit(unit)
        if disabled:
            await self._sessions.end_all(user.id, origin, reason="disabled")
        return after

    async def set_platform_admin(self, user: User, *, platform_admin: bool, origin: Origin = NOBODY) -> User:
        after, unit = await self.change(user, msgspec.structs.replace(user, platform_admin=platform_admin), origin)
        await self._store.commit(unit)
        return after

    async def renew_hash(self, user: User, password: str) -> None:
        """Makes the hash with today's parameters, now that the password is known."""
        if user.password_hash is None or not self._slow_hash.is_outdated(user.password_hash):
            return
        with suppress(RowsExpected, Unavailable):  # the next time, then
            new_hash = await self.hash_password(password)
            after = msgspec.structs.replace(user, password_hash=new_hash, version=user.version + 1)
            await self._store.commit(Unit([repository.update(user, after)]))

    async def sign_in(
        self,
        user: User,
        organisation: str | None,
        call: Call,
        *,
        methods: Sequence[str],
        browser: bool = False,
        remember: bool = False,
    ) -> Tokens:
        """Makes the session, its tokens and what the log is told, and commits them. The caller has made sure who it is.

        `organisation` None: where the user is a member first, if anywhere.
        """
        return await self._sessions.start(user, organisation, call, methods=methods, browser=browser, remember=remember)

    async def end_sessions(self, user: User, origin: Origin = NOBODY, *, except_id: str | None = None) -> int:
        """All of the user's; tells how many. Their tokens are refused within five seconds."""
        return await self._sessions.end_all(user.id, origin, except_id=except_id)

    async def _logs_of(self, user_id: str) -> list[str]:
        return [membership.org_id for membership in await self._neighbours.memberships.all_of(user_id)]

    async def required(self, user_id: str) -> User:
        user = await self.find_by_id(user_id)
        if user is None:
            raise NotFound(f"There is no user {user_id}.", param="id", code="resource_missing")
        return user


def view(user: User) -> UserView:
    return UserView(
        id=user.id,
        email=user.email,
        name=user.name,
        email_verified=user.email_verified,
        platform_admin=user.platform_admin,
        disabled=user.disabled,
        locale=user.locale,
        has_password=user.password_hash is not None,
        created=seconds(user.created),
    )


def document(user: User) -> bytes:
    return msgspec.json.encode(view(user))


def logs(organisations: Sequence[str]) -> Sequence[str]:
    """Whose log is told: the person's organisations, else the installation."""
    return list(organisations)[:LOGS_MAX] or [INSTALLATION]


def _entries(event_type: str, user: User, organisations: Sequence[str], origin: Origin) -> list[Entry]:
    told = document(user)
    return [Entry(org_id, 0, event_type, user.id, told, origin=origin) for org_id in logs(organisations)]
