"""Batches: what a merchant's operations come to, announced when their day is over or when somebody asks for it."""

from __future__ import annotations

from piggybank import requests, views
from piggybank.records import Batch, Record
from piggybank.requests import Refused
from piggybank.state import State

PREFIX = "stl"
Answer = tuple[dict[str, list[views.SettlementView]], int]


class Settlements:
    def __init__(self, state: State, *, daily: bool) -> None:
        self._state = state
        self._daily = daily

    def settle(self, request: requests.NewSettlement) -> Answer:
        """One for each currency."""
        made = self._settle(request.merchant)
        if not made:
            raise Refused(409, "nothing_to_settle", "Nothing was booked for this merchant since the last one.")
        return {"settlements": made}, self._state.journal.last

    def next_due(self) -> int | None:
        return self._state.books.next_end() if self._daily else None

    def run(self) -> None:
        """For the merchant whose day is over."""
        self._settle(self._state.books.ended())

    def _settle(self, merchant: str) -> list[views.SettlementView]:
        return [self._keep(merchant, currency, batch) for currency, batch in self._state.books.of(merchant)]

    def _keep(self, merchant: str, currency: str, batch: Batch) -> views.SettlementView:
        record: Record = self._state.record(
            "batch",
            id=self._state.new_id(PREFIX),
            merchant=merchant,
            amount=max(batch.net, 0),
            currency=currency,
            batch=batch,
        )
        shown = views.settlement(record.id, merchant, currency, batch)
        self._state.keep(record, None, "settlement.ready", lambda: {"settlement": shown})
        return shown
