"""How far streams have come, for whoever watches."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

    from bursar.streams.repository import StreamKey

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Figures:
    """Says nothing to anybody until it is told whom to report to."""

    def __init__(self) -> None:
        self._published: Counter | None = None
        self._problems: Counter | None = None
        self._lag_events: Gauge | None = None
        self._lag_seconds: Gauge | None = None
        self._unconfirmed: Gauge | None = None
        self._broker_seconds: Histogram | None = None

    def report_to(self, registry: CollectorRegistry) -> None:
        from prometheus_client import Counter, Gauge, Histogram

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
        self._unconfirmed = Gauge(
            "bursar_stream_unconfirmed_events",
            "Events that a broker was handed and has not confirmed; the next wait for them in the log",
            labels,
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._broker_seconds = Histogram(
            "bursar_stream_broker_seconds",
            "Time that a broker took for what it was handed at once",
            labels,
            registry=registry,
            buckets=BUCKETS,
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

    @contextmanager
    def under_way(self, key: StreamKey, kind: str, events: int) -> Iterator[None]:
        """What the broker has been handed: how much, and how long it took."""
        if self._unconfirmed is None or self._broker_seconds is None or not events:
            yield
            return
        unconfirmed, began = self._unconfirmed.labels(key.id, kind), time.perf_counter()
        unconfirmed.set(events)
        try:
            yield
        finally:
            unconfirmed.set(0)
            self._broker_seconds.labels(key.id, kind).observe(time.perf_counter() - began)

    def age(self, key: StreamKey, kind: str, seconds: float) -> None:
        if self._lag_seconds is not None:
            self._lag_seconds.labels(key.id, kind).set(max(seconds, 0.0))
