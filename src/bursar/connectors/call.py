"""The calls to banks, and the only place that says `not_sent` or `unknown`.

The difference is money. `not_sent` means that surely no bank has the order, so it may fail or go elsewhere.
`unknown` means that nothing can be said, so it must be inquired. Between them stands one fact: whether the
order's bytes were handed to the operating system. From that moment on, a reset connection, a time limit, or
an answer that cannot be read leave it unknown. Both words are about one call: where an earlier call of the
same order was unknown, a later `not_sent` does not make it known.

An order is sent a second time here only when none of it was handed over the first time, as when the bank
closed a kept connection while it lay idle. A connection that breaks later is not tried again, though banks
know a repeated reference: whether it broke before or after the bank acted cannot be told, and finding that
out is inquiry's work.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec

from bursar.connectors.contract import Outcome
from bursar.connectors.pool import Pool
from bursar.connectors.wire import Address, Failure, Target, check_headers
from bursar.kit.scrub import MASK, scrub_text

# To one bank. More than one process sends at once; a call that finds none free within CONNECT_SECONDS_MAX is
# not sent.
CONNECTIONS_MAX = 256
FRESH_CONNECTIONS_MAX = 32
CONNECT_SECONDS_MAX = 2.0
TOTAL_SECONDS_MAX = 10.0
# Below the five seconds after which many servers close an idle connection, so that the two never meet.
KEEP_ALIVE_SECONDS = 4.0
REASON_LENGTH_MAX = 200

# The bank is too busy and says so; with an error of its own as the body, it did nothing.
BUSY_STATUSES = frozenset({429, 503})
# It does not take our credentials, so it did not even look at the order.
REFUSED_STATUSES = frozenset({401, 403})

T = TypeVar("T")


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """An error in a bank's own words: its code, and the field that it complains of."""

    code: str
    message: str = ""
    field: str | None = None

    def to_raw(self) -> dict[str, Any]:
        """People write anything into messages, so they are scrubbed."""
        return {"error": {"code": self.code, "message": scrub_text(self.message), "field": self.field}}


class Reply(msgspec.Struct, Generic[T], frozen=True):
    """What the bank surely said: a value, or a refusal with its HTTP status."""

    status: int
    value: T | None = None
    refusal: Refusal | None = None


class Bank:
    """What is the same in every call to one bank, made once. Raises ValueError for what no call could carry."""

    __slots__ = ("_headers", "address", "connect_seconds_max", "read_refusal", "tls", "total_seconds_max")

    def __init__(
        self,
        url: str,
        headers: dict[str, str],
        read_refusal: Callable[[bytes], Refusal],
        total_seconds_max: float = TOTAL_SECONDS_MAX,
    ) -> None:
        self.address = Address(url)
        common = {"Host": self.address.host_header, "Accept": "application/json", "User-Agent": "bursar"}
        self._headers = {**common, **headers}
        check_headers(self._headers)
        # Raises msgspec.DecodeError for whatever is not an error of this bank.
        self.read_refusal = read_refusal
        self.total_seconds_max = total_seconds_max
        self.connect_seconds_max = min(CONNECT_SECONDS_MAX, total_seconds_max / 2)
        self.tls = _tls_context() if self.address.is_secure else None

    def post(self, path: str) -> Target:
        """Where orders go."""
        return Target("POST", self.address.prefix + path, self._headers)

    def get(self, path: str) -> Target:
        """Where questions go."""
        return Target("GET", self.address.prefix + path, self._headers)


class Request(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """One call. Without a body it is a question, which changes nothing at the bank."""

    bank: Bank
    target: Target
    read: Callable[[bytes], T]
    # Whether the value answers this very request: a bank may answer twice, or to somebody else.
    belongs: Callable[[T], bool]
    body: bytes | None = None
    # A text that must not come back: it is taken out of an answer before anybody reads that.
    secret: str | None = None

    def __repr__(self) -> str:
        return f"Request({self.target!r})"


def not_sent(reason: str) -> Outcome:
    return Outcome(kind="not_sent", raw={"reason": reason[:REASON_LENGTH_MAX]})


def unknown(reason: str) -> Outcome:
    return Outcome(kind="unknown", raw={"reason": reason[:REASON_LENGTH_MAX]})


class Caller:
    """The calls of one process. Its connections are opened on the event loop that calls first."""

    def __init__(self) -> None:
        self._for_orders: dict[Bank, Pool] = {}
        self._for_questions: dict[Bank, Pool] = {}
        self._closed = False

    async def send(self, request: Request[T]) -> Reply[T] | Outcome:
        """Never raises for what a network or a bank does. A cancelled call is unknown to its caller."""
        if self._closed:
            return not_sent("The process is shutting down.")
        try:
            pool = self._pool(request)
            expires_at = pool.now() + request.bank.total_seconds_max
            written = request.target.request(request.body)
            connection = pool.take_kept() or await pool.take()
        except Exception as problem:
            return not_sent(type(problem).__name__)
        # Nothing may be awaited between the two: what was found clean could be closed meanwhile.
        try:
            answer = await pool.exchange(connection, written, expires_at)
        except Exception as problem:
            return unknown(type(problem).__name__)
        return unknown(answer.reason) if isinstance(answer, Failure) else _judge(request, answer.status, answer.body)

    async def close(self) -> None:
        self._closed = True
        for pool in (*self._for_orders.values(), *self._for_questions.values()):
            await pool.close()

    def _pool(self, request: Request[Any]) -> Pool:
        # That a bank never saw an order is the gravest thing that it can say, and it names nothing by which the
        # answer could be told from another's. So questions get a connection on which nothing else was said.
        is_question = request.body is None
        pools = self._for_questions if is_question else self._for_orders
        bank = request.bank
        pool = pools.get(bank)
        if pool is None:
            limit, keep = (FRESH_CONNECTIONS_MAX, 0.0) if is_question else (CONNECTIONS_MAX, KEEP_ALIVE_SECONDS)
            pool = pools[bank] = Pool(bank.address, bank.tls, limit, bank.connect_seconds_max, keep)
        return pool


def _tls_context() -> ssl.SSLContext:
    """The bank proves by its certificate that it is the one whose name we know."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def _judge(request: Request[T], status: int, answer: bytes) -> Reply[T] | Outcome:
    secret = request.secret
    if secret is not None and secret.encode() in answer:
        answer = answer.replace(secret.encode(), MASK.encode())
    try:
        if 200 <= status < 300:
            value = request.read(answer)
            return Reply(status, value) if request.belongs(value) else unknown("The answer belongs to another order.")
        if 400 <= status < 600:
            return _judge_refusal(status, request.bank.read_refusal(answer))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return unknown(f"An answer of status {status} that cannot be read.")
    return unknown(f"An answer of status {status}.")


def _judge_refusal(status: int, refusal: Refusal) -> Reply[Any] | Outcome:
    if status in BUSY_STATUSES or status in REFUSED_STATUSES:
        return not_sent(f"The bank answered {status}: {scrub_text(refusal.code)}.")
    if status >= 500:
        return unknown(f"The bank answered {status}: {scrub_text(refusal.code)}.")
    return Reply(status, refusal=refusal)
