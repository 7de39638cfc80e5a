"""When a message is looked at again, when it rests, and as what. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bursar.hooks.schemas import State
from bursar.kit.clock import MICROSECONDS_PER_SECOND

# Longer than a message takes, with questions to its bank. Whoever holds one longer may be dead.
LEASE_SECONDS = 30
# What was to come first is often there a moment later; a bank that is away takes longer.
FIRST_WAIT_SECONDS, WAIT_SECONDS_MAX = 0.05, 60.0
DOUBLINGS_MAX = 12
# So long may a payment be that a message is about and that nobody here knows yet.
UNMATCHED_SECONDS = 10 * 60
# As long as banks repeat what was not taken.
GIVE_UP_SECONDS = 72 * 3_600
# However old it is, nothing rests before so many tries, which take ten minutes: what somebody asks for once more, whose
# tries are counted anew, has its time again.
WAITING_TRIES_MIN = 20
# Of a message that nobody can process, as of a defect. It can be tried again by hand.
DEFECT_TRIES_MAX = 8
DEFECT_WAIT_SECONDS = 2.0

# `applied`: it changed something. `known`: it did not.
VerdictState = Literal["applied", "known", "unmatched", "duplicate", "contradicted"]
_STATES: dict[VerdictState, State] = {
    "applied": "processed",
    "known": "processed",
    "duplicate": "duplicate",
    "contradicted": "contradicted",
    "unmatched": "unmatched",
}
# Of several events in one message, what a person should see counts most.
_WEIGHTS: tuple[VerdictState, ...] = ("unmatched", "contradicted", "applied", "known", "duplicate")


@dataclass(frozen=True, slots=True)
class Ending:
    """Where a message is after it was looked at. One that rests is not looked at again by itself."""

    state: State
    reason: str | None
    next_at: int | None = None


def leased_until(now: int) -> int:
    return now + LEASE_SECONDS * MICROSECONDS_PER_SECOND


def wait_after(tries: int) -> int:
    """In microseconds; doubling, never longer than the limit."""
    wait = min(FIRST_WAIT_SECONDS * 2 ** min(tries, DOUBLINGS_MAX), WAIT_SECONDS_MAX)
    return int(wait * MICROSECONDS_PER_SECOND)


def ending(verdicts: Sequence[tuple[VerdictState, str | None]], received: int, tries: int, now: int) -> Ending:
    """What its events make of a message."""
    state, note = min(verdicts, key=lambda verdict: _WEIGHTS.index(verdict[0]))
    if state == "unmatched" and not _is_over(UNMATCHED_SECONDS, received, tries, now):
        return Ending("received", note, now + wait_after(tries))
    return Ending(_STATES[state], note)


def postponed(reason: str, received: int, tries: int, now: int) -> Ending:
    """What it is about is not ready for it, or its bank cannot be asked."""
    if _is_over(GIVE_UP_SECONDS, received, tries, now):
        return Ending("failed", f"given up: {reason}")
    return Ending("received", reason, now + wait_after(tries))


def _is_over(limit_seconds: int, received: int, tries: int, now: int) -> bool:
    return now - received >= limit_seconds * MICROSECONDS_PER_SECOND and tries >= WAITING_TRIES_MIN


def defective(defect: str, tries: int, now: int) -> Ending:
    reason = f"a defect: {defect}"
    if tries + 1 >= DEFECT_TRIES_MAX:
        return Ending("failed", reason)
    wait_seconds = min(DEFECT_WAIT_SECONDS * 2**tries, WAIT_SECONDS_MAX)
    return Ending("received", reason, now + int(wait_seconds * MICROSECONDS_PER_SECOND))
