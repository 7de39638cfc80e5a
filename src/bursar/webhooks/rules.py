"""What goes to whom, what a receiver's answer means, and when it is tried again. Pure."""

from __future__ import annotations

import email.utils
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bursar.events.rules import INTERNAL_PREFIX, PUBLIC_TYPES
from bursar.kit.clock import MICROSECONDS_PER_SECOND
from bursar.kit.errors import InvalidRequest

EVERYTHING = "*"
TESTED = "bursar.webhook_endpoint.tested"
DISABLED = "bursar.webhook_endpoint.disabled"
# What belongs to Bursar alone may be listened to by its name or group, but is not part of everything, as it is not
# on the wire that the SDKs know. What is about people and their rights is told to no endpoint.
SELECTABLE_GROUPS = (
    "bursar.late_payment.",
    "bursar.payment_session.",
    "bursar.transaction.",
    "bursar.wallet.",
    "bursar.wallet_payment.",
    "bursar.wallet_transfer.",
    "bursar.webhook_endpoint.",
    "bursar.withdrawal.",
)
# Of groups that we tell of, but never these; whoever lists all types that the SDKs know lists them, too.
NEVER_TOLD = frozenset(
    {
        "charge.pending",
        "payment_intent.partially_funded",
        "payment_method.automatically_updated",
        "radar.early_fraud_warning.updated",
    }
)
_PUBLIC = frozenset(PUBLIC_TYPES)
_GROUPS = frozenset(name.rpartition(".")[0] for name in PUBLIC_TYPES)

MINUTE, HOUR = 60, 3_600
# Between one try and the next; with every one of them a fifth shorter it is still more than 96 hours.
WAITS_SECONDS = (
    5,
    30,
    2 * MINUTE,
    10 * MINUTE,
    30 * MINUTE,
    HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    12 * HOUR,
    24 * HOUR,
    24 * HOUR,
    24 * HOUR,
    24 * HOUR,
)
JITTER = 0.2


@dataclass(frozen=True)
class Pace:
    """How patient the worker is. Tests are less so."""

    waits_seconds: tuple[float, ...] = WAITS_SECONDS
    total_seconds_max: float = 20.0  # of one try, from the first look at the name to the end of the answer
    connect_seconds_max: float = 10.0
    retry_after_seconds_max: float = 24 * HOUR  # a receiver may ask for more; it does not get it
    # A receiver that fails is asked less and less often, whatever waits for it, until something arrives.
    pause_seconds_first: float = 0.05
    pause_seconds_max: float = 60.0
    disabled_after_seconds: float = 5 * 24 * HOUR
    places_of_endpoint: int = 8

    @property
    def tries_max(self) -> int:
        return len(self.waits_seconds) + 1

    def pause(self, failures: int) -> float:
        """Before the next probe, after so many failures in a row. A single one is no pattern yet."""
        if failures < 2:
            return 0.0
        return min(self.pause_seconds_first * 2.0 ** min(failures - 2, 30), self.pause_seconds_max)


ErrorKind = Literal[
    "address_refused",
    "name_unknown",
    "connection_refused",
    "connection_failed",
    "connection_lost",
    "certificate_refused",
    "tls_failed",
    "timeout",
    "not_http",
    "answer_too_large",
    "redirect",
    "status",
    "endpoint_disabled",
    "event_unreadable",
]
Decision = Literal["delivered", "retry", "dead"]


class Filter:
    """Which events an endpoint listens to."""

    __slots__ = ("_everything", "_groups", "_types")

    def __init__(self, enabled_events: Sequence[str]) -> None:
        self._everything = EVERYTHING in enabled_events
        self._types = frozenset(name for name in enabled_events if not name.endswith("*"))
        self._groups = tuple(name[:-1] for name in enabled_events if name.endswith(".*"))

    def wants(self, event_type: str) -> bool:
        if event_type.startswith(INTERNAL_PREFIX):
            if event_type == TESTED or not event_type.startswith(SELECTABLE_GROUPS):
                return False
        elif self._everything:
            return True
        return event_type in self._types or (bool(self._groups) and event_type.startswith(self._groups))


def check_events(names: Sequence[str]) -> list[str]:
    """Each once, in the order in which they were given. Raises InvalidRequest for what can only be a mistake."""
    for index, name in enumerate(names):
        if not _may_be_meant(name):
            raise InvalidRequest(
                f"'{name}' is no type of event; use a type such as payment_intent.succeeded, a group such as "
                "charge.*, or * for all.",
                param=f"enabled_events[{index}]",
            )
    return list(dict.fromkeys(names))


def _may_be_meant(name: str) -> bool:
    """A type of a group that we never tell of is no mistake: programs list all that the SDKs know."""
    if name == EVERYTHING or name in _PUBLIC or name in NEVER_TOLD:
        return True
    group, _, last = name.rpartition(".")
    if not all(part.replace("_", "").isalnum() and part.isascii() and part.islower() for part in group.split(".")):
        return False
    if f"{name}.".startswith(INTERNAL_PREFIX):
        return f"{group}." in SELECTABLE_GROUPS and name != TESTED
    if last == EVERYTHING:
        return True
    return group not in _GROUPS and last.replace("_", "").isalnum() and last.islower()


@dataclass(frozen=True)
class Verdict:
    """What one try means for its delivery, and for the endpoint."""

    decision: Decision
    error: ErrorKind | None = None
    next_at: int = 0
    # The receiver wants nothing before then.
    not_before: int = 0
    is_gone: bool = False


def judge(
    pace: Pace,
    now: int,
    tries: int,
    chance: float,
    status: int | None,
    error: ErrorKind | None,
    retry_after: str | None,
) -> Verdict:
    """`tries` counts this one; `chance` is between 0 and 1; `status` is None where there was no answer."""
    if error is None and status is not None:
        if 200 <= status < 300:
            return Verdict("delivered")
        error = "redirect" if 300 <= status < 400 else "status"
    asked = _asked_for(retry_after, now) if retry_after else 0.0
    asked = min(asked, pace.retry_after_seconds_max)
    not_before = now + int(asked * MICROSECONDS_PER_SECOND) if asked else 0
    if status == 410:
        return Verdict("dead", error, is_gone=True)
    if tries >= pace.tries_max:
        return Verdict("dead", error, not_before=not_before)
    wait = pace.waits_seconds[tries - 1] * (1 - JITTER + 2 * JITTER * chance)
    next_at = max(now + int(wait * MICROSECONDS_PER_SECOND), not_before)
    return Verdict("retry", error, next_at, not_before)


def _asked_for(retry_after: str, now: int) -> float:
    """Seconds, or a date; anything else asks for nothing."""
    text = retry_after.strip()
    if text.isascii() and text.isdecimal():
        return float(text[:12])
    try:
        at = email.utils.parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError, IndexError):
        return 0.0
    if at.tzinfo is None:
        return 0.0
    return max(at.timestamp() - now / MICROSECONDS_PER_SECOND, 0.0)
