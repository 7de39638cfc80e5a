"""What somebody is at this moment: remembered for five seconds, so that whoever is out is out soon."""

from __future__ import annotations

import hashlib
import os
from collections import OrderedDict
from dataclasses import dataclass

from sqlalchemy import Connection

from bursar.kit.clock import MICROSECONDS_PER_SECOND, Clock
from bursar.people import repository
from bursar.people import session_repository as stored
from bursar.people.protocols import Membership
from bursar.people.schemas import Session, User
from bursar.people.service import Neighbours
from bursar.people.session_rules import is_alive, touched
from bursar.store.errors import StoreError
from bursar.store.store import Store
from bursar.store.unit import Unit

REMEMBERED = 5 * MICROSECONDS_PER_SECOND
SESSIONS_REMEMBERED_MAX = 20_000
ORGANISATIONS_OF_A_SESSION_MAX = 8


@dataclass(frozen=True, slots=True)
class Standing:
    """A living session of somebody who is not disabled."""

    session: Session
    user: User
    membership: Membership | None


class Standings:
    def __init__(self, store: Store, clock: Clock, neighbours: Neighbours) -> None:
        self._store = store
        self._clock = clock
        self._neighbours = neighbours
        # By session, then by organisation.
        self._remembered: OrderedDict[str, dict[str | None, tuple[Standing | None, int]]] = OrderedDict()

    async def of(
        self, user_id: str, organisation: str | None, session_id: str, *, fresh: bool = False
    ) -> Standing | None:
        """None for a session that has ended, or is not this user's. `fresh`: not from memory."""
        now = self._clock.now_microseconds()
        known = self._remembered.get(session_id, {}).get(organisation)
        if not fresh and known is not None and now < known[1]:
            standing = known[0]
        else:
            standing = await self._read(organisation, session_id, now)
            self._remember(session_id, organisation, standing, now + REMEMBERED)
        if standing is None or standing.user.id != user_id or not is_alive(standing.session, now):
            return None
        return standing

    def forget(self, session_id: str) -> None:
        """In this process at once; the others follow."""
        self._remembered.pop(session_id, None)

    async def _read(self, organisation: str | None, session_id: str, now: int) -> Standing | None:
        def query(connection: Connection) -> tuple[Session | None, User | None]:
            session = stored.find(connection, session_id)
            return session, repository.find(connection, session.user_id) if session is not None else None

        session, user = await self._store.read(query)
        if session is None or user is None or user.disabled or not is_alive(session, now):
            return None
        membership = None
        if organisation is not None:
            membership = await self._neighbours.memberships.of(user.id, organisation)
        return Standing(await self._touched(session, now), user, membership)

    async def _touched(self, session: Session, now: int) -> Session:
        after = touched(session, now)
        if after is None:
            return session
        try:
            await self._store.commit(Unit([stored.touch(session.id, after.seen, after.expires)]))
        except StoreError:  # ended at this moment, or nobody can write: the next look tells
            return session
        return after

    def _remember(self, session_id: str, organisation: str | None, standing: Standing | None, until: int) -> None:
        of_session = self._remembered.setdefault(session_id, {})
        if len(of_session) >= ORGANISATIONS_OF_A_SESSION_MAX:
            of_session.clear()
        of_session[organisation] = (standing, until)
        self._remembered.move_to_end(session_id)
        while len(self._remembered) > SESSIONS_REMEMBERED_MAX:
            self._remembered.popitem(last=False)


class RememberedCookies:
    """Which session a cookie is of. A cookie never changes its session or its organisation: it is replaced."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._remembered: OrderedDict[bytes, tuple[Session, int]] = OrderedDict()

    def get(self, cookie: str) -> Session | None:
        found = self._remembered.get(_digest(cookie))
        return found[0] if found is not None and self._clock.now_microseconds() < found[1] else None

    def put(self, cookie: str, session: Session) -> None:
        key = _digest(cookie)
        self._remembered[key] = (session, self._clock.now_microseconds() + REMEMBERED)
        self._remembered.move_to_end(key)
        while len(self._remembered) > SESSIONS_REMEMBERED_MAX:
            self._remembered.popitem(last=False)


def _digest(cookie: str) -> bytes:
    return hashlib.sha256(_salt + cookie.encode(errors="replace")).digest()


_salt = os.urandom(16)
