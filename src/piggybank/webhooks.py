"""Webhooks: from the journal to their receiver, until it says that it has them."""

from __future__ import annotations

import heapq
import hmac
import http.client
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import SplitResult, quote, urlsplit

import msgspec

from piggybank.records import Event
from piggybank.state import State

FIRST_WAIT_SECONDS = 0.5
WAIT_SECONDS_MAX = 60.0
GIVE_UP_MILLISECONDS = 72 * 3_600 * 1000
ANSWER_SECONDS_MAX = 15.0
IN_FLIGHT_MAX = 8
SIGNATURE_HEADER = "PiggyBank-Signature"
_ANSWER_BYTES_MAX = 64 * 1024
MERCHANT = "{merchant}"

Send = Callable[[Event], bool]


def signature(secret: str, timestamp: int, body: bytes) -> str:
    digest = hmac.new(secret.encode(), b"%d.%b" % (timestamp, body), "sha256").hexdigest()
    return f"t={timestamp},v1={digest}"


class Named(msgspec.Struct):
    """Of a webhook's body, whose it is."""

    merchant: str


_read_merchant = msgspec.json.Decoder(Named).decode


class Sender:
    """Sends one webhook; called in a thread. `{merchant}` in the address stands for the merchant that it is about."""

    def __init__(self, url: str, secret: str) -> None:
        self._address: SplitResult = urlsplit(url)
        if self._address.scheme not in ("http", "https") or not self._address.hostname:
            raise ValueError("PIGGYBANK_WEBHOOK_URL must be an http or https address")
        self._secret = secret

    def __call__(self, event: Event) -> bool:
        body = bytes(event.body)
        headers = {
            "Content-Type": "application/json",
            SIGNATURE_HEADER: signature(self._secret, int(time.time()), body),
        }
        address = self._address
        make = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
        connection = make(address.hostname or "", address.port, timeout=ANSWER_SECONDS_MAX)
        path = (address.path or "/") + (f"?{address.query}" if address.query else "")
        if MERCHANT in path:
            path = path.replace(MERCHANT, quote(_read_merchant(body).merchant, safe=":"))
        try:
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            answer.read(_ANSWER_BYTES_MAX)
            return 200 <= answer.status < 300
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


class Deliveries:
    """What is due to be sent, and what became of it. All but the sending happens in the bank's own thread."""

    def __init__(self, state: State, send: Send, call_back: Callable[[Callable[[], None]], None]) -> None:
        self._state = state
        self._send = send
        self._call_back = call_back
        self._threads = ThreadPoolExecutor(IN_FLIGHT_MAX, "webhooks")
        self._seen = 0
        self._in_flight = 0
        self._due: list[tuple[float, int]] = []
        self._waits: dict[int, float] = {}

    def next_due(self) -> float | None:
        """On the monotonic clock; None while nothing waits or too much is on its way."""
        self._take_new()
        return self._due[0][0] if self._due and self._in_flight < IN_FLIGHT_MAX else None

    def has_new(self) -> bool:
        return next(reversed(self._state.undelivered), 0) > self._seen

    def run(self) -> None:
        self._take_new()
        now = time.monotonic()
        while self._due and self._due[0][0] <= now and self._in_flight < IN_FLIGHT_MAX:
            self._start(heapq.heappop(self._due)[1])

    def stop(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _take_new(self) -> None:
        """Only what is on the disk may be told to others."""
        undelivered, durable = self._state.undelivered, self._state.journal.durable
        for seq in reversed(undelivered):
            if seq <= self._seen:
                break
            if seq <= durable and seq not in self._waits:
                self._waits[seq] = FIRST_WAIT_SECONDS
                heapq.heappush(self._due, (0.0, seq))
        self._seen = durable

    def _start(self, seq: int) -> None:
        record = self._state.journal.read(seq)
        event = record.event
        assert event is not None, "only records with an event wait for delivery"
        self._in_flight += 1

        def work() -> None:
            arrived = self._send(event)
            self._call_back(lambda: self._finish(seq, record.at, arrived=arrived))

        self._threads.submit(work)

    def _finish(self, seq: int, created: int, *, arrived: bool) -> None:
        self._in_flight -= 1
        wait = self._waits[seq]
        if arrived or self._state.clock() - created > GIVE_UP_MILLISECONDS:
            del self._waits[seq]
            self._state.keep(self._state.record("delivered", cause=seq, status="approved" if arrived else "failed"))
        else:
            self._waits[seq] = min(wait * 2, WAIT_SECONDS_MAX)
            heapq.heappush(self._due, (time.monotonic() + wait, seq))
        if self._due:  # what waited for a free place has one now
            self._state.changed(True)
