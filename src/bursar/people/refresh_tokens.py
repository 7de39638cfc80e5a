"""Refresh tokens: each is exchanged once for the next, and one that comes back is found out."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from bursar.http.authentication import ANONYMOUS
from bursar.kit.clock import MICROSECONDS_PER_SECOND, Clock
from bursar.kit.errors import AuthenticationFailed
from bursar.people import repository
from bursar.people import session_repository as stored
from bursar.people.schemas import Session, User
from bursar.people.secrets import Secrets, text_of
from bursar.people.service import logs
from bursar.people.session_rules import RETRY_SECONDS, expiry, is_alive, told
from bursar.store.log import Entry, Origin
from bursar.store.unit import Change, Unit

_REFRESH = "refresh tokens"


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What became of a refresh token within its transaction. No successor: it had been used before."""

    session: Session
    user: User
    successor: str | None


class RefreshTokens:
    def __init__(self, clock: Clock, secrets: Secrets) -> None:
        self._clock = clock
        self._secrets = secrets

    def exchange(self, connection: Connection, refresh_token: str, origin: Origin) -> tuple[Refreshed, Unit]:
        now = self._clock.now_microseconds()
        row, token_hash = self._find_refresh(connection, refresh_token)
        session = stored.find(connection, row.session_id) if row is not None else None
        user = repository.find(connection, session.user_id) if session is not None else None
        if row is None or session is None or user is None:
            raise refused("It is unknown.")
        if not is_alive(session, now) or user.disabled or now >= row.expires:
            raise refused("It has expired, or its session has ended.")
        if row.used is not None:
            successor = self._unused_successor(connection, refresh_token, session)
            if successor is not None and now - row.used <= RETRY_SECONDS * MICROSECONDS_PER_SECOND:
                return Refreshed(session, user, successor), Unit()
            return Refreshed(session, user, None), ending([session], now, origin, "refresh_token_reused")
        successor = self._successors(session, refresh_token)[0]
        until = expiry("tokens", remembered=True, created=session.created, now=now)
        changes = [
            stored.use_refresh(token_hash, now),
            self.insertion(successor, session, now),
            stored.touch(session.id, now, until),
        ]
        return Refreshed(session, user, successor), Unit(changes)

    def _find_refresh(self, connection: Connection, refresh_token: str) -> tuple[Any, str]:
        for token_hash in self._secrets.hashes(_REFRESH, refresh_token):
            row = stored.find_refresh(connection, token_hash)
            if row is not None:
                return row, token_hash
        return None, ""

    def _unused_successor(self, connection: Connection, refresh_token: str, session: Session) -> str | None:
        for successor in self._successors(session, refresh_token):
            row, _ = self._find_refresh(connection, successor)
            if row is not None and row.used is None:
                return successor
        return None

    def _successors(self, session: Session, refresh_token: str) -> list[str]:
        """256 bits that follow from the token and our secret: the same each time, and kept nowhere."""
        made_of = f"successor\n{session.id}\n{refresh_token}".encode()
        return [text_of(hmac.digest(key, made_of, "sha256")) for key in self._secrets.keys(_REFRESH)]

    def insertion(self, refresh_token: str, session: Session, now: int) -> Change:
        until = expiry("tokens", remembered=True, created=session.created, now=now)
        return stored.insert_refresh(self._secrets.hash(_REFRESH, refresh_token), session.id, now, until)


def ending(ended: Sequence[Session], now: int, origin: Origin, reason: str) -> Unit:
    return Unit(
        [stored.end(session.id, now) for session in ended],
        [entry_of("bursar.session.ended", session, origin, reason) for session in ended],
    )


def entry_of(event_type: str, session: Session, origin: Origin, reason: str | None = None) -> Entry:
    log = logs([session.organisation] if session.organisation is not None else [])[0]
    if origin.actor == ANONYMOUS:  # whoever signs in is nobody until this very moment
        origin = replace(origin, actor=session.user_id)
    return Entry(log, 0, event_type, session.id, told(session, reason), origin=origin)


def refused(why: str) -> AuthenticationFailed:
    return AuthenticationFailed(f"The refresh token is refused. {why} Sign in again.", code="refresh_token_invalid")
