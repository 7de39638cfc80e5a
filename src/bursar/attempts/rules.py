"""When to look again, when to stop asking, and what an outcome makes of an attempt. Pure."""

from __future__ import annotations

from bursar.attempts.schemas import Attempt, State
from bursar.connectors.contract import Outcome
from bursar.kit.clock import MICROSECONDS_PER_SECOND
from bursar.kit.ids import created_microseconds

# Longer than an order takes that is answered. Whoever holds an attempt longer may be dead: then it is looked at,
# and the fence keeps whoever lives after all from settling it a second time.
LEASE_SECONDS = 9
# An inquiry, the order again and a reversal, each up to the bank's time limit.
RESOLVER_LEASE_SECONDS = 20
FIRST_LOOK_SECONDS = 1
LOOK_SECONDS_MAX = 20  # so that all is known within a minute after the bank came back
# After it, a customer no longer expects to be charged: what is not known by then is reversed.
REVERSE_AFTER_SECONDS = 15 * 60
# A reversal that was acknowledged is checked once more, as an approval can be slower than it.
CHECK_REVERSAL_SECONDS = 30
# A bank tells by itself how a pending refund ended; should that never arrive, it is asked.
CHECK_PENDING_SECONDS = 10 * 60
REVERSIBLE_KINDS = frozenset({"authorize", "complete"})

_ENDS: dict[str, State] = {
    "succeeded": "succeeded",
    "action_required": "succeeded",
    "pending": "pending",
    "declined": "declined",
    "not_sent": "failed",
    "absent": "failed",
}


def leased_until(now: int, lease_seconds: int = LEASE_SECONDS) -> int:
    return now + lease_seconds * MICROSECONDS_PER_SECOND


def next_look(now: int, tries: int) -> int:
    """Doubling from a second, never further apart than the limit."""
    wait = min(FIRST_LOOK_SECONDS << min(tries, 10), LOOK_SECONDS_MAX)
    return now + wait * MICROSECONDS_PER_SECOND


def end_state(outcome: Outcome) -> State:
    """The state that a known outcome leads to."""
    if outcome.reversed:
        return "reversed"
    return _ENDS[outcome.kind]


def is_known(outcome: Outcome) -> bool:
    return outcome.kind != "unknown"


def looked_at_again(attempt: Attempt, outcome: Outcome, now: int) -> int | None:
    """When, for what has an end that is not the last word."""
    if outcome.kind == "pending":
        return now + CHECK_PENDING_SECONDS * MICROSECONDS_PER_SECOND
    if outcome.reversed and attempt.outcome is None:
        return now + CHECK_REVERSAL_SECONDS * MICROSECONDS_PER_SECOND
    return None


def tells_something_new(attempt: Attempt, outcome: Outcome) -> bool:
    """Whether the subject has to hear of it: not of what is unknown, nor of what it knows already."""
    if not is_known(outcome):
        return False
    return attempt.outcome is None or (attempt.state == "pending" and outcome.kind != "pending")


def must_be_reversed(attempt: Attempt, now: int) -> bool:
    """Whether asking has gone on for so long that the operation must not stand any more."""
    if attempt.state == "reversing":
        return True
    age = now - created_microseconds(attempt.id)
    return attempt.kind in REVERSIBLE_KINDS and age > REVERSE_AFTER_SECONDS * MICROSECONDS_PER_SECOND
