"""Payments for a filled database: copies of what one real payment left, each with ids, times and terms of its own.

Their card numbers cannot be opened, as a number is sealed for one id, and the bank knows nothing of them; nobody
asks for either while they are measured. All else is as if each had been made by itself, the sealed log included.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench.capture import IDEMPOTENCY_KEY, Captured, Row, capture
from bench.cases import ORDER, PAYMENTS
from bench.fill import SPARE, SteppingClock
from bench.processes import BenchError
from bursar.events.sealing import LaneSealer
from bursar.events.tables import events
from bursar.kit.clock import MICROSECONDS_PER_SECOND
from bursar.kit.ids import IdFactory, created_microseconds
from bursar.ledger.accounts import day_of, day_text
from bursar.ledger.tables import balance_transactions
from bursar.payments.tables import payment_intents
from bursar.store.columns import metadata
from bursar.store.log import Entry, Origin
from bursar.store.search_index import FIELD_DIGITS, slice_of, term
from bursar.store.unit import Change, Unit

SECONDS_BACK = 20 * 3600  # within a day: their idempotency keys are still kept
SEPARATOR = "\x1e"
DAY_MICROSECONDS = 86_400 * MICROSECONDS_PER_SECOND
MICROSECONDS_MIN = 10**15  # no other number of ours is as large as a time

_ID = re.compile(r"[a-z]+_[0-9a-z]{24}")


@dataclass(slots=True)
class _Told(Entry):
    """An entry whose text is there already."""

    text: str = ""

    def data(self) -> str:
        return self.text


@dataclass(frozen=True)
class _Kept:
    """A row of the original: its texts are cast anew, its times move on, and the rest stays."""

    row: Row
    texts: list[str]  # names of columns
    times: list[str]


class PaymentMaker:
    seconds_back = SECONDS_BACK
    batch_objects = 1_000

    def __init__(self) -> None:
        self._captured = capture(PAYMENTS)
        self._mould = _Mould(self._captured)

    def begin(self, org_id: str, since: int, objects: int) -> LaneSealer:
        self._org_id = org_id
        start, span = since * MICROSECONDS_PER_SECOND, SECONDS_BACK * MICROSECONDS_PER_SECOND
        ids, told = len(self._mould.ids), len(self._captured.rows[events.name])
        # A clock for each, as a batch makes all its payments before it seals what is told of them.
        self._ids = IdFactory(SteppingClock(start, int(span / (objects * ids * SPARE))))
        return LaneSealer(SteppingClock(start, int(span / (objects * told * SPARE))))

    def make(self, number: int) -> Unit:
        ids = {old: self._ids.new(old.partition("_")[0]) for old in self._mould.ids}
        return self._mould.cast(self._org_id, ids, f"{number:014x}", str(uuid.uuid4()))


class _Mould:
    """The texts of all rows as one, cut where something differs from payment to payment."""

    def __init__(self, captured: Captured) -> None:
        self._org_id = captured.org_id
        intents = captured.rows[payment_intents.name]
        transactions = captured.rows[balance_transactions.name]
        if len(intents) != 1 or len(transactions) != 1:
            raise BenchError("a payment makes one intent and one balance transaction; the copies count on it")
        self._intent_id = intents[0]["id"]
        self._created = created_microseconds(self._intent_id)
        self._available = transactions[0]["available_on"]
        self._days = day_of(self._available) - day_of(self._created)
        self.ids = sorted(self._new_ids(captured), key=created_microseconds)
        self._kept = [
            (metadata.tables[name].insert(), self._keep(row))
            for name, rows in captured.rows.items()
            if name != events.name
            for row in rows
        ]
        told = sorted(captured.rows[events.name], key=lambda row: row["sequence_number"])
        self._told = [self._keep(row) for row in told]
        self._cut()

    def cast(self, org_id: str, ids: Mapping[str, str], order: str, key: str) -> Unit:
        created = created_microseconds(ids[self._intent_id])
        available = (day_of(created) + self._days) * DAY_MICROSECONDS
        moved = created - self._created
        values = {
            **ids,
            self._org_id: org_id,
            ORDER: order,
            IDEMPOTENCY_KEY: key,
            self._second_text(self._available): self._second_text(available),
            day_text(day_of(self._available)): day_text(day_of(available)),
        }
        pieces = self._pieces.copy()
        for place, token in self._tokens:
            pieces[place] = values[token]
        for place, late in self._seconds:
            pieces[place] = str(created // MICROSECONDS_PER_SECOND + late)
        texts = iter("".join(pieces).split(SEPARATOR))

        def anew(kept: _Kept) -> Row:
            row = kept.row.copy()
            for name in kept.texts:
                row[name] = next(texts)
            for name in kept.times:
                row[name] = available if row[name] == self._available else row[name] + moved
            return row

        changes = [Change(statement, anew(kept)) for statement, kept in self._kept]
        for change in changes:
            if "term" in change.row:
                _index(change.row, order)
        return Unit(changes, [_entry(anew(kept)) for kept in self._told])

    def _new_ids(self, captured: Captured) -> set[str]:
        """Events' own ids are not among them: the sealer makes those."""
        found = set()
        for name, rows in captured.rows.items():
            for row in rows:
                columns = ("request_id",) if name == events.name else ("id", "transaction_id", "request_id")
                found |= {row[column] for column in columns if _ID.fullmatch(str(row.get(column)))}
        return found

    def _keep(self, row: Row) -> _Kept:
        texts = [name for name, value in row.items() if isinstance(value, str)]
        times = [name for name, value in row.items() if isinstance(value, int) and value > MICROSECONDS_MIN]
        return _Kept(row, texts, times)

    def _cut(self) -> None:
        kept = [one for _, one in self._kept] + self._told
        texts = SEPARATOR.join(one.row[name] for one in kept for name in one.texts)
        tokens = [
            *self.ids,
            self._org_id,
            ORDER,
            IDEMPOTENCY_KEY,
            self._second_text(self._available),
            day_text(day_of(self._available)),
        ]
        second = self._created // MICROSECONDS_PER_SECOND
        seconds = {str(second + late): late for late in (0, 1)}  # what came after the intent may be a second later
        self._pieces = re.split("(" + "|".join(map(re.escape, [*tokens, *seconds])) + ")", texts)
        places = range(1, len(self._pieces), 2)
        self._seconds = [(place, seconds[self._pieces[place]]) for place in places if self._pieces[place] in seconds]
        self._tokens = [(place, self._pieces[place]) for place in places if self._pieces[place] not in seconds]

    @staticmethod
    def _second_text(microseconds: int) -> str:
        return str(microseconds // MICROSECONDS_PER_SECOND)


def _index(row: dict[str, Any], order: str) -> None:
    """A term is a hash of its value, and stands where its object's time puts it."""
    row["term"] = row["term"][:FIELD_DIGITS] + term("", order)[FIELD_DIGITS:]
    row["time_slice"] = slice_of(row["object_id"])


def _entry(row: Row) -> Entry:
    origin = Origin(row["actor"], row["address"], row["request_id"], row["idempotency_key"], row["api_version"])
    return _Told(row["org_id"], 0, row["event_type"], row["object_id"], b"", origin=origin, text=row["data"])
