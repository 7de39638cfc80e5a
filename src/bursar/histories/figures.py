"""How far the histories have come, for whoever watches."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry, Counter, Gauge


class Figures:
    """Says nothing to anybody until it is told whom to report to."""

    def __init__(self) -> None:
        self._told: Counter | None = None
        self._problems: Counter | None = None
        self._unreadable: Counter | None = None
        self._lag_events: Gauge | None = None

    def report_to(self, registry: CollectorRegistry) -> None:
        from prometheus_client import Counter, Gauge

        self._told = Counter("bursar_history_events", "Events that MongoDB has been told", registry=registry)
        self._problems = Counter(
            "bursar_history_problems", "Times that MongoDB took nothing, or could not be told", registry=registry
        )
        self._unreadable = Counter(
            "bursar_history_unreadable", "Payments whose documents MongoDB has refused", registry=registry
        )
        self._lag_events = Gauge(
            "bursar_history_lag_events",
            "Events of the log that the histories have not come to",
            registry=registry,
            multiprocess_mode="livemostrecent",
        )

    def told(self, events: int) -> None:
        if self._told is not None:
            self._told.inc(events)

    def problem(self) -> None:
        if self._problems is not None:
            self._problems.inc()

    def unreadable(self) -> None:
        if self._unreadable is not None:
            self._unreadable.inc()

    def behind(self, events: int) -> None:
        if self._lag_events is not None:
            self._lag_events.set(events)
