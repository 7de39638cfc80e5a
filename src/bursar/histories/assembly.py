"""The parts of the histories for a process. MongoDB's client is imported where histories are wanted, and only there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from bursar.histories.figures import Figures
from bursar.http.metrics import Metrics
from bursar.kit.clock import Clock
from bursar.store.store import Store

if TYPE_CHECKING:
    from bursar.histories.worker import HistoriesWorker


class PaymentHistories:
    def __init__(self, store: Store, clock: Clock, url: str | None) -> None:
        self._store = store
        self._clock = clock
        self._url = url
        self._figures = Figures()

    def report_to(self, metrics: Metrics) -> None:
        if self._url:
            self._figures.report_to(metrics.registry)

    def workers(self) -> list[HistoriesWorker]:
        """None where no history is wanted."""
        if not self._url:
            return []
        from bursar.histories.worker import HistoriesWorker

        return [HistoriesWorker(self._store, self._clock, self._url, self._figures)]


class HasHistories(Protocol):
    """What the runtime has of these."""

    histories: PaymentHistories


def workers(runtime: HasHistories) -> list[HistoriesWorker]:
    return runtime.histories.workers()
