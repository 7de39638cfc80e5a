"""When to look again, when to stop asking, and what an outcome makes of an attempt. Pure."""

from __future__ import annotations

import msgspec

from bursar.attempts.schemas import Attempt, State
from bursar.connectors.contract import Decline, Outcome, Redirect
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
# A bank tells by itself how a payment ended that waited for its customer; should that never arrive, it is asked.
# UPI allows three such questions within two hours.
FIRST_LOOK_AT_UPI_SECONDS = 90
LATER_LOOK_AT_UPI_SECONDS = 2 * 3600
FIRST_LOOK_AT_BANK_SECONDS = 60
LOOK_AT_BANK_SECONDS_MAX = 3600
LOOK_AT_UPI_SECONDS_MAX = 24 * 3600
# After the customer's time is over, so that the bank has noticed it too.
EXPIRY_GRACE_SECONDS = 10
# A payment that was over for us can have succeeded at the bank none the less; then the money goes back.
CHECK_DECLINED_SECONDS = 2 * 3600

# Looked at once more, as banks are sometimes slower than their own word.
ENDS_WITHOUT_MONEY: frozenset[State] = frozenset({"declined", "failed", "reversed"})

_ENDS: dict[str, State] = {
    "succeeded": "succeeded",
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
    if outcome.kind == "action_required":
        return "pending" if waits_at_bank(outcome) else "succeeded"
    return _ENDS[outcome.kind]


def is_known(outcome: Outcome) -> bool:
    return outcome.kind != "unknown"


def waits_at_bank(outcome: Outcome) -> bool:
    """Whether an authorisation waits for what happens at the bank. Our own authentication page is not there."""
    if outcome.kind == "pending":
        return True
    is_ours = outcome.action is None or (isinstance(outcome.action, Redirect) and outcome.action.url is None)
    return outcome.kind == "action_required" and not is_ours


def looked_at_again(attempt: Attempt, outcome: Outcome, now: int) -> int | None:
    """When, for what has an end that is not the last word."""
    has_waited = attempt.outcome is not None and attempt.kind == "authorize" and waits_at_bank(attempt.outcome)
    if end_state(outcome) == "pending":
        return (
            next_look_at_waiting(attempt, outcome, now)
            if attempt.kind == "authorize"
            else _after(now, CHECK_PENDING_SECONDS)
        )
    if outcome.reversed and (attempt.outcome is None or has_waited):
        return _after(now, CHECK_REVERSAL_SECONDS)
    if outcome.kind in ("declined", "absent") and has_waited:
        return _after(now, CHECK_DECLINED_SECONDS)
    return None


def next_look_at_waiting(attempt: Attempt, outcome: Outcome, now: int) -> int:
    """Once early, once when the customer's time is over, then ever more seldom."""
    created = created_microseconds(attempt.id)
    age_seconds = max(0, now - created) // MICROSECONDS_PER_SECOND
    if attempt.order.method == "upi":
        planned = [FIRST_LOOK_AT_UPI_SECONDS, LATER_LOOK_AT_UPI_SECONDS]
        shortest, longest = LATER_LOOK_AT_UPI_SECONDS, LOOK_AT_UPI_SECONDS_MAX
    else:
        planned = [FIRST_LOOK_AT_BANK_SECONDS]
        shortest, longest = FIRST_LOOK_AT_BANK_SECONDS, LOOK_AT_BANK_SECONDS_MAX
    looks = [_after(created, seconds) for seconds in planned]
    over = _over_at(outcome)
    looks += [over] if over is not None else []
    ahead = [look for look in looks if look > now]
    return min(ahead) if ahead else _after(now, min(max(age_seconds, shortest), longest))


def is_over(outcome: Outcome, now: int) -> bool:
    """Whether the customer's time to act is over, whatever the bank still says."""
    over = _over_at(outcome)
    return over is not None and now >= over


def undone(attempt: Attempt, outcome: Outcome) -> Outcome:
    """A reversal's end. What is known already of the operation stays known: it is reversed besides."""
    if attempt.outcome is None or not outcome.reversed:
        return outcome
    return msgspec.structs.replace(attempt.outcome, reversed=True)


def expired(attempt: Attempt) -> Outcome:
    """The end of what nobody approved in time, once the bank has acknowledged that none of it stands."""
    code = "upi_expired" if attempt.order.method == "upi" else "bank_expired"
    return Outcome(kind="declined", bank_reference=attempt.bank_reference, decline=Decline(code=code), reversed=True)


def _over_at(outcome: Outcome) -> int | None:
    expires_at = outcome.action.expires_at if outcome.kind == "action_required" and outcome.action else None
    return None if expires_at is None else (expires_at + EXPIRY_GRACE_SECONDS) * MICROSECONDS_PER_SECOND


def _after(moment: int, wait_seconds: int) -> int:
    return moment + wait_seconds * MICROSECONDS_PER_SECOND


def tells_something_new(attempt: Attempt, outcome: Outcome) -> bool:
    """Whether the subject has to hear of it: not of what is unknown, nor of what it knows already."""
    if not is_known(outcome):
        return False
    if attempt.outcome is None:
        return True
    # What waits for its customer goes on to wait for a bank, and never the other way.
    return attempt.state == "pending" and outcome.kind not in ("action_required", attempt.outcome.kind)


def must_be_reversed(attempt: Attempt, now: int) -> bool:
    """Whether asking has gone on for so long that the operation must not stand any more."""
    if attempt.state in ("reversing", "pending"):
        return attempt.state == "reversing"
    age = now - created_microseconds(attempt.id)
    return attempt.kind in REVERSIBLE_KINDS and age > REVERSE_AFTER_SECONDS * MICROSECONDS_PER_SECOND
