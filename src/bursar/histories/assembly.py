"""The histories' worker for a process. MongoDB's client is imported where histories are wanted, and only there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bursar.http.metrics import Metrics
from bursar.kit.clock import Clock
from bursar.store.store import Store

if TYPE_CHECKING:
    from bursar.histories.worker import HistoriesWorker


def workers(
    store: Store, clock: Clock, history_url: str | None, metrics: Metrics | None = None
) -> list[HistoriesWorker]:
    """None where no history is wanted."""
    if not history_url:
        return []
    from bursar.histories.worker import HistoriesWorker

    made = HistoriesWorker(store, clock, history_url)
    if metrics is not None:
        made.figures.report_to(metrics.registry)
    return [made]
