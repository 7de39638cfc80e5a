"""What Prometheus is told of webhooks: tries and how long they took, what waits and for how long, who hears nothing."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from bursar.kit.clock import MICROSECONDS_PER_SECOND, Clock
from bursar.store.errors import StoreError
from bursar.store.store import Store
from bursar.webhooks import delivery_repository as deliveries
from bursar.webhooks.repository import DELETED, ENABLED, EndpointKey, StoredEndpoint

# A receiver may take as long as the longest try.
LATENCY_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0)
DELIVERED = "delivered"
# Fresh enough for a scrape every fifteen; of the time no more than a twentieth is spent on counting.
LOOK_SECONDS = 10.0
LOOK_SHARE = 20
STATES = ("enabled", "failing", "paused", "disabled")

logger = logging.getLogger(__name__)


class Figures:
    """One per process. Without a registry they are kept for nobody."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        registry = registry or CollectorRegistry()
        self._attempts = Counter(
            "bursar_webhook_attempts",
            "Tries to deliver a webhook, by what came of them",
            ("result",),
            registry=registry,
        )
        self._latency = Histogram(
            "bursar_webhook_attempt_seconds",
            "Time from the beginning of a try to its end",
            ("result",),
            buckets=LATENCY_BUCKETS,
            registry=registry,
        )
        self._pending = Gauge(
            "bursar_webhook_pending",
            "Deliveries that wait or are on their way, to endpoints that hear",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._oldest = Gauge(
            "bursar_webhook_oldest_pending_seconds",
            "Age of the oldest event that waits for an endpoint that hears",
            registry=registry,
            multiprocess_mode="livemax",
        )
        self._endpoints = Gauge(
            "bursar_webhook_endpoints",
            "Webhook endpoints, by how they are",
            ("state",),
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._arrived, self._failed = self._latency.labels(DELIVERED), self._latency.labels("failed")
        self._children = {DELIVERED: self._attempts.labels(DELIVERED)}

    def tried(self, error: str | None, seconds: float) -> None:
        result = error or DELIVERED
        child = self._children.get(result)
        if child is None:
            child = self._children[result] = self._attempts.labels(result)
        child.inc()
        (self._failed if error else self._arrived).observe(seconds)

    def show(self, waiting: int, oldest_seconds: float, states: Mapping[str, int]) -> None:
        self._pending.set(waiting)
        self._oldest.set(oldest_seconds)
        for state in STATES:
            self._endpoints.labels(state).set(states.get(state, 0))


async def keep_fresh(
    figures: Figures, store: Store, clock: Clock, endpoints: Callable[[], Iterable[StoredEndpoint]]
) -> None:
    """Counts what waits for the endpoints that this process looks after, now and then."""
    while True:
        began = time.monotonic()
        present = [stored for stored in endpoints() if stored.status != DELETED]
        hearing = [stored.key for stored in present if stored.status == ENABLED and not stored.is_paused]
        try:
            waiting, oldest_seconds = await _look(store, clock, hearing)
        except StoreError as problem:
            logger.warning("what waits of webhooks is counted later: %s", problem)
        else:
            states: dict[str, int] = {}
            for stored in present:
                state = state_of(stored)
                states[state] = states.get(state, 0) + 1
            figures.show(waiting, oldest_seconds, states)
        await asyncio.sleep(max(LOOK_SECONDS, LOOK_SHARE * (time.monotonic() - began)))


def state_of(stored: StoredEndpoint) -> str:
    """`failing`: nothing has arrived since some try."""
    if stored.status != ENABLED:
        return "disabled"
    if stored.is_paused:
        return "paused"
    return "enabled" if stored.failing_since is None else "failing"


async def _look(store: Store, clock: Clock, keys: Iterable[EndpointKey]) -> tuple[int, float]:
    """One endpoint in each read, so that nobody waits behind it."""
    waiting, oldest_seconds = 0, 0.0
    for key in keys:
        found = await store.read(lambda connection, key=key: deliveries.waiting(connection, key))  # type: ignore[misc]
        waiting += found.deliveries
        if found.oldest is not None:
            age = (clock.now_microseconds() - found.oldest) / MICROSECONDS_PER_SECOND
            oldest_seconds = max(oldest_seconds, age)
    return waiting, oldest_seconds
