"""What the bank keeps in memory of its journal: where things are, and what is still to happen.

Of a finished operation that is its place in the journal and nothing more; its authorisation is put together from there
when it is asked for, and the latest ones are remembered.
"""

from __future__ import annotations

import heapq
import secrets as chance
import time
from array import array
from collections.abc import Callable

import msgspec

from piggybank.authorization import Authorization, opened_by
from piggybank.booking import Account, Books, booked
from piggybank.cardholders import Cardholders, Secrets
from piggybank.journal import Journal
from piggybank.records import OPERATION_KINDS, DisputeChange, Event, Later, Record, sequence_of

AUTHORIZATION_PREFIX = "auth"
EVENT_PREFIX = "bev"
HOLD_MILLISECONDS = 7 * 86_400 * 1000
REMEMBERED_AUTHORIZATIONS_MAX = 10_000
_SALT_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_SALT_LENGTH = 8

_encoder = msgspec.json.Encoder()


def now_milliseconds() -> int:
    return time.time_ns() // 1_000_000


class State:
    def __init__(self, journal: Journal, secrets: Secrets, clock: Callable[[], int] = now_milliseconds) -> None:
        self.journal = journal
        self.secrets = secrets
        self.clock = clock
        self.cardholders = Cardholders(secrets)
        self.salt = ""
        # Called before each change, for crash points.
        self.keeping: Callable[[Record], None] = lambda _: None
        # Called when a change went wrong half-way: memory is no longer what the journal says.
        self.broken: Callable[[], None] = lambda: None
        # Called after each change, with whether it will be followed by something soon.
        self.changed: Callable[[bool], None] = lambda _: None
        # Record of an operation by the hash of its merchant and reference, which the record confirms.
        self._places: dict[int, int] = {}
        self._barred: set[int] = set()
        # The last record that concerns an authorisation, at the number of its first.
        self._latest = array("I", [0])
        self._remembered: dict[int, Authorization] = {}
        # When holds end, in that order, but for those that came out of it.
        self.holds: dict[int, int] = {}
        self.holds_out_of_order: list[tuple[int, int]] = []
        self.pending: dict[int, Later] = {}
        self.due: list[tuple[int, int]] = []
        self.disputes: dict[str, tuple[DisputeChange, int]] = {}
        self.evidence_due: list[tuple[int, str]] = []
        # What each merchant has in each currency that no batch has yet.
        self.books = Books()
        # Records whose webhooks have not arrived, in their order.
        self.undelivered: dict[int, None] = {}

    def restore(self) -> None:
        """Once, before anything else."""
        for record in self.journal.replay():
            about = None
            if record.account and record.kind != "account":
                about = self._apply_to_account(record)
            self._absorb(record, about)
        if not self.journal.last:
            salt = "".join(chance.choice(_SALT_ALPHABET) for _ in range(_SALT_LENGTH))
            self.keep(self.record("opened", salt=salt))

    def record(self, kind: str, **fields: object) -> Record:
        """The next one, for `keep`."""
        made: Record = Record(seq=self.journal.last + 1, at=self.clock(), kind=kind, **fields)  # type: ignore[arg-type]
        return made

    def new_id(self, prefix: str) -> str:
        """The id that the next record has or gives."""
        return f"{prefix}_{self.salt}_{self.journal.last + 1}"

    def keep(
        self,
        record: Record,
        about: Authorization | None = None,
        tell: str | None = None,
        data: Callable[[], object] | None = None,
    ) -> None:
        """Applies a record and appends it. `tell` is the type of a webhook about it, `data` what that says."""
        self.keeping(record)
        try:
            self._change(record, about, tell, data)
        except BaseException:
            self.broken()
            raise
        self.changed(record.later is not None or record.event is not None)

    def _change(
        self, record: Record, about: Authorization | None, tell: str | None, data: Callable[[], object] | None
    ) -> None:
        if about is not None:
            held, spent = about.held, about.refundable
            before = Account.of(about)
            if record.seq != about.seq:
                record.previous = about.latest
                about.apply(record)
            else:
                held = spent = 0
                before = Account()
            record.booked = booked(record, about, before)
            record.expires = about.created + HOLD_MILLISECONDS if about.held else 0
            if about.account:
                record.account = about.account
                self.cardholders.move(about, held, spent)
        if tell is not None and data is not None:
            merchant = about.merchant if about is not None else record.merchant
            record.event = self._event(record, merchant, tell, data())
        self._absorb(record, about)
        self.journal.append(record)

    def find(self, merchant: str, reference: str) -> Record | None:
        """The operation that was asked for under a reference."""
        for attempt in range(len(self._places) + 1):
            place = self._places.get(hash((merchant, reference, attempt)))
            if place is None:
                return None
            record = self.journal.read(place)
            if record.reference == reference and record.merchant == merchant:
                return record
        raise AssertionError("a search that does not end")

    def is_barred(self, merchant: str, reference: str) -> bool:
        return hash((merchant, reference)) in self._barred

    def find_authorization(self, object_id: str, merchant: str | None) -> Authorization | None:
        """By its id, for its merchant only; or for nobody in particular, who must prove otherwise who they are."""
        seq = sequence_of(object_id, AUTHORIZATION_PREFIX, self.salt)
        if seq is None or not 0 < seq < len(self._latest) or not self._latest[seq]:
            return None
        about = self.authorization(seq)
        return about if merchant in (None, about.merchant) else None

    def authorization(self, seq: int) -> Authorization:
        about = self._remembered.get(seq)
        if about is None:
            about = self._put_together(seq)
            self._remember(about)
        return about

    def _put_together(self, seq: int) -> Authorization:
        later, place = [], self._latest[seq]
        while place != seq:
            record = self.journal.read(place)
            later.append(record)
            place = record.previous
        about = opened_by(self.journal.read(seq))
        for record in reversed(later):
            about.apply(record)
        return about

    def _remember(self, about: Authorization) -> None:
        remembered = self._remembered
        remembered[about.seq] = about
        if len(remembered) > REMEMBERED_AUTHORIZATIONS_MAX:
            del remembered[next(iter(remembered))]

    def _apply_to_account(self, record: Record) -> Authorization:
        """While restoring: accounts are the one thing that needs every record of their authorisations."""
        if record.kind == "authorization":
            about = opened_by(record)
            held = spent = 0
        else:
            about = self.authorization(number_of(record.authorization))
            held, spent = about.held, about.refundable
            about.apply(record)
        self.cardholders.move(about, held, spent)
        return about

    def _absorb(self, record: Record, about: Authorization | None) -> None:
        seq, kind = record.seq, record.kind
        self._latest.append(seq if kind == "authorization" and record.authorization else 0)
        if record.reference and kind in OPERATION_KINDS:
            self._place(record)
        if record.authorization:
            number = seq if kind == "authorization" else number_of(record.authorization)
            self._latest[number] = seq
            if about is not None and number not in self._remembered:
                self._remember(about)
            self._hold(number, record)
        if record.later is not None:
            self.pending[seq] = record.later
            heapq.heappush(self.due, (record.due, seq))
        if record.event is not None:
            self.undelivered[seq] = None
        self.books.absorb(record)
        if record.dispute is not None:
            self.disputes[record.dispute.id] = (record.dispute, number_of(record.authorization))
            heapq.heappush(self.evidence_due, (record.dispute.evidence_due * 1000, record.dispute.id))
        if kind == "delivered":
            self.undelivered.pop(record.cause, None)
        elif record.cause:
            self.pending.pop(record.cause, None)
        if kind == "account":
            self.cardholders.open(record)
        elif kind == "wallet":
            self.cardholders.open_wallet(record)
        elif kind == "opened":
            self.salt = record.salt

    def _place(self, record: Record) -> None:
        attempt = 0
        while True:
            key = hash((record.merchant, record.reference, attempt))
            if key not in self._places:
                break
            attempt += 1
        self._places[key] = record.seq
        if record.kind == "reversal" and not record.undid:
            # Where the operation is known after all, it is found first and this changes nothing.
            self._barred.add(hash((record.merchant, record.reverses)))

    def _hold(self, number: int, record: Record) -> None:
        if not record.expires:
            self.holds.pop(number, None)
        elif number not in self.holds:
            self.holds[number] = record.expires
            if record.kind != "authorization":
                heapq.heappush(self.holds_out_of_order, (record.expires, number))

    def _event(self, record: Record, merchant: str, kind: str, data: object) -> Event:
        event_id = f"{EVENT_PREFIX}_{self.salt}_{record.seq}"
        body = {"id": event_id, "type": kind, "merchant": merchant, "created": record.at // 1000, "data": data}
        return Event(event_id, kind, msgspec.Raw(_encoder.encode(body)))


def number_of(object_id: str) -> int:
    """Of an id that the bank has written itself."""
    return int(object_id.rpartition("_")[2])
