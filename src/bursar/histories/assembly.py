"""The histories' worker for a process. MongoDB's client is imported where histories are wanted, and only there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bursar.kit.clock import Clock
from bursar.store.store import Store

if TYPE_CHECKING:
    from bursar.histories.worker import HistoriesWorker


def workers(store: Store, clock: Clock, history_url: str | None) -> list[HistoriesWorker]:
    """None where no history is wanted."""
    if not history_url:
        return []
    from bursar.histories.worker import HistoriesWorker

    return [HistoriesWorker(store, clock, history_url)]
