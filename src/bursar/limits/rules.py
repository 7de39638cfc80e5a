"""Which limits there are, and what a bucket holds. Pure, and exact: whole numbers only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the settings read limits, and need nothing else of the server
    from bursar.http.endpoint import Endpoint

MICROSECONDS = 1_000_000
OFF = "off"
# In dev mode, so that tests and measurements on one machine meet no limit that they did not ask for.
DEVELOPMENT_FACTOR = 1_000
COUNT_MAX = 1_000_000

READ, WRITE, PAYMENTS, EXPORT = "read", "write", "payments", "export"
SIGN_IN, REGISTRATION, SESSIONS, FAILURES = "sign_in", "registration", "sessions", "failures"
KEY, USER, ADDRESS = "key", "user", "address"

# What a limit may be set for, and what holds where nothing is set. What a merchant's own servers may send is the
# operator's decision, so keys have no limit by default: a full write queue refuses before the machine suffers.
DEFAULTS = {
    "key.read": OFF,
    "key.write": OFF,
    "key.payments": OFF,
    "key.export": "10/min",
    "user.read": "50/s burst 200",
    "user.write": "10/s burst 100",
    "user.payments": "10/s burst 100",
    "user.export": "10/min",
    "user.sign_in": "10/min",
    # Whoever has no key, or one that any browser shows.
    "address.read": "20/s burst 200",
    "address.write": "20/s burst 200",
    "address.payments": "20/s burst 200",
    "address.sessions": "20/s burst 200",
    "address.sign_in": "10/min",
    "address.registration": "5/hour",
    # Keys, tokens and codes that are none.
    "address.failures": "60/min",
}
_SECONDS = {"s": 1, "min": 60, "hour": 3_600, "day": 86_400}
_TEXT = re.compile(r"(\d{1,7})/(s|min|hour|day)(?: burst (\d{1,7}))?")

# Writes that ask for money, or for the means to take it.
_PAYMENTS = frozenset(
    (
        "charges",
        "payment_intents",
        "payment_methods",
        "payment_sessions",
        "refunds",
        "setup_intents",
        "tokens",
        "transfers",
        "withdrawals",
    )
)
# Of who has signed in already: what asks for a password or a code, and what sends mail.
_PROOFS = frozenset(("confirm", "password", "proof", "resend", "second-factor", "step-up"))


@dataclass(frozen=True, slots=True, eq=False)
class Limit:
    """So many requests in so many seconds for long, and a bucket that holds so many of them.

    Equal to itself alone: it is the key of its buckets, and hashed with every request.

    A bucket's level is what was taken and has not flowed back, in microseconds times `count`: then one request
    is `period` whatever the rate, and nothing is ever rounded.
    """

    name: str
    count: int
    seconds: int
    burst: int
    period: int = field(init=False)
    capacity: int = field(init=False)
    # How it is announced: the quota is what a full bucket holds, the window how long an empty one takes to fill.
    policy: bytes = field(init=False)
    quoted_name: bytes = field(init=False)

    def __post_init__(self) -> None:
        assert min(self.count, self.seconds, self.burst) > 0
        period = self.seconds * MICROSECONDS
        window_seconds = -(-self.burst * self.seconds // self.count)
        quoted = b'"%b"' % self.name.encode()
        object.__setattr__(self, "period", period)
        object.__setattr__(self, "capacity", self.burst * period)
        object.__setattr__(self, "quoted_name", quoted)
        object.__setattr__(self, "policy", b"%b;q=%d;w=%d" % (quoted, self.burst, window_seconds))

    def remaining(self, level: int) -> int:
        return (self.capacity - level) // self.period

    def full_after_seconds(self, level: int) -> int:
        return -(-level // (self.count * MICROSECONDS))

    def retry_after_seconds(self, level: int) -> int:
        """Until one more fits in; at least a second, as the header knows no less."""
        return max(1, -(-(level + self.period - self.capacity) // (self.count * MICROSECONDS)))


Limits = Mapping[str, Limit | None]


def level_at(limit: Limit, full_at: int, now: int) -> int:
    """What is taken of a bucket that will be full again at `full_at`, both in microseconds times count.

    Never more than it holds: a clock that was set back must not lock anybody out for as long.
    """
    return min(max(full_at - now, 0), limit.capacity)


def read_limit(name: str, text: str) -> Limit | None:
    """`100/s burst 500`, `10/min`, `off`; without a burst, as many at once as in the whole time."""
    if text == OFF:
        return None
    found = _TEXT.fullmatch(text)
    if found is None:
        raise ValueError(f"the limit {name} is {text!r}; it must look like 100/s, 10/min burst 20, 5/hour or off")
    count, seconds = int(found[1]), _SECONDS[found[2]]
    burst = int(found[3] or count)
    if not (0 < count <= COUNT_MAX and 0 < burst <= COUNT_MAX):
        raise ValueError(f"the limit {name} is {text!r}; its numbers go from 1 to {COUNT_MAX}")
    return Limit(name, count, seconds, burst)


def read_limits(text: str, *, development: bool = False) -> Limits:
    """The defaults with what is set: `key.payments=100/s burst 500; address.sign_in=20/min`, or `off` for all."""
    limits = {name: read_limit(name, default) for name, default in DEFAULTS.items()}
    if development:
        limits = {name: limit and _generous(limit) for name, limit in limits.items()}
    if text.strip() == OFF:
        return dict.fromkeys(limits)
    for part in filter(None, map(str.strip, text.split(";"))):
        name, _, value = map(str.strip, part.partition("="))
        if name not in limits:
            raise ValueError(f"there is no limit {name!r}; there are {', '.join(DEFAULTS)}")
        limits[name] = read_limit(name, value)
    return limits


def _generous(limit: Limit) -> Limit:
    return Limit(limit.name, limit.count * DEVELOPMENT_FACTOR, limit.seconds, limit.burst * DEVELOPMENT_FACTOR)


def class_of(endpoint: Endpoint) -> str:
    """What an endpoint counts as, whoever calls it."""
    last = endpoint.path.rpartition("/")[2]
    if endpoint.payer is not None:
        return SESSIONS
    if last == "export":
        return EXPORT
    if endpoint.method == "GET":
        return READ
    if last == "register":
        return REGISTRATION
    if _proves_somebody(endpoint, last):
        return SIGN_IN
    return PAYMENTS if endpoint.permission.partition(".")[0] in _PAYMENTS else WRITE


def _proves_somebody(endpoint: Endpoint, last: str) -> bool:
    """Whoever may try as often as they like will guess it one day. A refresh token is too long for that."""
    if endpoint.public:
        return last not in ("options", "refresh")
    return endpoint.method == "POST" and "/auth/" in endpoint.path and last in _PROOFS
