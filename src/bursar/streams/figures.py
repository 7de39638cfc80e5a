"""How far streams have come, for whoever watches."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry, Counter, Gauge

    from bursar.streams.repository import StreamKey


class Figures:
    """Says nothing to anybody until it is told whom to report to."""

    def __init__(self) -> None:
        self._published: Counter | None = None
        self._problems: Counter | None = None
        self._lag_events: Gauge | None = None
        self._lag_seconds: Gauge | None = None

    def report_to(self, registry: CollectorRegistry) -> None:
        from prometheus_client import Counter, Gauge

        labels = ("stream", "kind")
        self._published = Counter(
            "bursar_stream_published", "Events that brokers have confirmed", labels, registry=registry
        )
        self._problems = Counter(
            "bursar_stream_problems", "Times that nothing could be published", (*labels, "reason"), registry=registry
        )
        self._lag_events = Gauge(
            "bursar_stream_lag_events",
            "Events of the log that a stream has not come to",
            labels,
            registry=registry,
            multiprocess_mode="livemostrecent",
        )
        self._lag_seconds = Gauge(
            "bursar_stream_lag_seconds",
            "Age of the oldest event that a stream has not published",
            labels,
            registry=registry,
            multiprocess_mode="livemostrecent",
        )

    def published(self, key: StreamKey, kind: str, events: int) -> None:
        if self._published is not None and events:
            self._published.labels(key.id, kind).inc(events)

    def problem(self, key: StreamKey, kind: str, reason: str) -> None:
        if self._problems is not None:
            self._problems.labels(key.id, kind, reason).inc()

    def behind(self, key: StreamKey, kind: str, events: int) -> None:
        if self._lag_events is not None:
            self._lag_events.labels(key.id, kind).set(events)

    def age(self, key: StreamKey, kind: str, seconds: float) -> None:
        if self._lag_seconds is not None:
            self._lag_seconds.labels(key.id, kind).set(max(seconds, 0.0))
