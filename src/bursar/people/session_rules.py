"""How long sessions live, and how they are told of. Pure."""

from __future__ import annotations

from typing import Literal

import msgspec

from bursar.kit.clock import MICROSECONDS_PER_SECOND, seconds
from bursar.people.schemas import Session, SessionView

DAY_SECONDS = 86_400
IDLE_SECONDS = 30 * DAY_SECONDS
ABSOLUTE_SECONDS = 90 * DAY_SECONDS
# Of a browser that is not to be remembered: as long as a working day.
VISIT_SECONDS = 12 * 3600
# Of the token of the simplest integration, which cannot be refreshed.
PLAIN_SECONDS = 3600
# How long a used refresh token gives the same successor once more: for whoever asked twice at once, or never heard.
RETRY_SECONDS = 10
TOUCHED_SECONDS = 600  # a session in use is written down as such no more often
LIVING_MAX = 100  # of one person; the oldest ends when there would be more

Kind = Literal["tokens", "browser", "plain"]


def expiry(kind: Kind, *, remembered: bool, created: int, now: int) -> int:
    """Each use moves it on, but never beyond the ninety days after which somebody signs in anew."""
    if kind == "plain":
        return created + PLAIN_SECONDS * MICROSECONDS_PER_SECOND
    idle = VISIT_SECONDS if kind == "browser" and not remembered else IDLE_SECONDS
    return min(now + idle * MICROSECONDS_PER_SECOND, created + ABSOLUTE_SECONDS * MICROSECONDS_PER_SECOND)


def is_alive(session: Session, now: int) -> bool:
    return session.ended is None and now < session.expires


def touched(session: Session, now: int) -> Session | None:
    """The session with its use written down; None while that is not due. Tokens last by being refreshed."""
    if not session.browser or now - session.seen < TOUCHED_SECONDS * MICROSECONDS_PER_SECOND:
        return None
    until = expiry("browser", remembered=session.remembered, created=session.created, now=now)
    return msgspec.structs.replace(session, seen=now, expires=until)


def proved(session: Session, method: str, now: int) -> Session:
    return msgspec.structs.replace(session, proved_at=now, methods=tuple(dict.fromkeys((*session.methods, method))))


def view(session: Session, current_id: str | None) -> SessionView:
    return SessionView(
        id=session.id,
        user=session.user_id,
        organisation=session.organisation,
        methods=list(session.methods),
        browser=session.browser,
        current=session.id == current_id,
        address=session.address,
        user_agent=session.user_agent,
        created=seconds(session.created),
        last_seen=seconds(session.seen),
        proved_at=seconds(session.proved_at),
        expires=seconds(session.expires),
    )


def told(session: Session, reason: str | None = None) -> bytes:
    """As the log is told: the address is in the entry's origin."""
    document = {
        "id": session.id,
        "object": "session",
        "user": session.user_id,
        "organisation": session.organisation,
        "methods": list(session.methods),
        "browser": session.browser,
        "created": seconds(session.created),
        "expires": seconds(session.expires),
    }
    return msgspec.json.encode(document if reason is None else document | {"reason": reason})
