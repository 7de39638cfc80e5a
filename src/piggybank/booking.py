"""What the bank owes its merchants, or they owe it: booked with each record, and summed until a batch takes it."""

from __future__ import annotations

import heapq
from typing import NamedTuple

from piggybank import views
from piggybank.authorization import Authorization
from piggybank.records import Batch, Booked, Record

DAY_MILLISECONDS = 86_400 * 1000
# Which merchant, and which currency.
Key = tuple[str, str]


class Account(NamedTuple):
    """Of one authorisation, what stands."""

    gross: int = 0
    refunds: int = 0
    disputes: int = 0

    @classmethod
    def of(cls, about: Authorization) -> Account:
        if about.reversed:
            return cls(disputes=about.withdrawn)
        return cls(about.captured, about.refunded, about.withdrawn)


def booked(record: Record, about: Authorization, before: Account) -> Booked | None:
    """What a record that was just applied has moved; None where it moved nothing."""
    after = Account.of(about)
    if after == before:
        return None
    gross = after.gross - before.gross
    return Booked(
        currency=about.currency,
        payments=(gross > 0) - (gross < 0),
        gross=gross,
        refunds=after.refunds - before.refunds,
        disputes=after.disputes - before.disputes,
        fees=_fee_of_payment(record, about, gross) + _fee_of_dispute(record, after.disputes - before.disputes),
    )


def _fee_of_payment(record: Record, about: Authorization, gross: int) -> int:
    """What was never a payment costs nothing after all."""
    if gross > 0 and record.fee:
        return record.fee
    if about.payer is not None:
        return about.fee if gross > 0 else -about.fee if gross < 0 else 0
    return views.fee_of(gross) if gross > 0 else -views.fee_of(-gross)


def _fee_of_dispute(record: Record, moved: int) -> int:
    """It comes back with the money."""
    if record.dispute is None or not moved:
        return 0
    return record.dispute.fee if moved > 0 else -record.dispute.fee


class Books:
    """What no batch has yet, by merchant and currency. A day's end makes one of it."""

    def __init__(self) -> None:
        self._open: dict[Key, Batch] = {}
        self._ends: list[tuple[int, Key]] = []

    def absorb(self, record: Record) -> None:
        if record.batch is not None:
            self._open.pop((record.merchant, record.currency), None)
        moved = record.booked
        if moved is None:
            return
        key = (record.merchant, moved.currency)
        second = record.at // 1000
        known = self._open.get(key)
        if known is None:
            known = Batch(0, 0, 0, 0, 0, second, second)
            heapq.heappush(self._ends, ((record.at // DAY_MILLISECONDS + 1) * DAY_MILLISECONDS, key))
        self._open[key] = Batch(
            known.payments + moved.payments,
            known.gross + moved.gross,
            known.refunds + moved.refunds,
            known.disputes + moved.disputes,
            known.fees + moved.fees,
            known.begins,
            second,
        )

    def of(self, merchant: str) -> list[tuple[str, Batch]]:
        """By currency."""
        return sorted((key[1], batch) for key, batch in self._open.items() if key[0] == merchant)

    def next_end(self) -> int | None:
        """When the day is over of what was booked first, in milliseconds."""
        while self._ends and not self._is_open(*self._ends[0]):
            heapq.heappop(self._ends)
        return self._ends[0][0] if self._ends else None

    def ended(self) -> str:
        """Whose day that is."""
        return self._ends[0][1][0]

    def _is_open(self, end: int, key: Key) -> bool:
        batch = self._open.get(key)
        return batch is not None and batch.begins * 1000 < end
