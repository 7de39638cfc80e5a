"""What Prometheus is told."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess

from bursar.http.endpoint import Endpoint

LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """One per process. With several workers their figures meet in a folder of shared files."""

    def __init__(self, *, shared_folder: str | None = None) -> None:
        self._shared_folder = shared_folder
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "bursar_http_requests", "Requests answered", ("operation", "status"), registry=self.registry
        )
        self._latency = Histogram(
            "bursar_http_request_seconds",
            "Time from the request's head to the answer",
            ("operation",),
            buckets=LATENCY_BUCKETS,
            registry=self.registry,
        )
        self.queue_units = Gauge(
            "bursar_store_queue_units",
            "Units that wait to be written",
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        self.units = Gauge(
            "bursar_store_units_written",
            "Units committed since the start",
            registry=self.registry,
            multiprocess_mode="sum",
        )
        self.batches = Gauge(
            "bursar_store_batches_written",
            "Commits since the start",
            registry=self.registry,
            multiprocess_mode="sum",
        )
        self.limiter_fallback = Gauge(
            "bursar_limiter_fallback",
            "Processes that keep limits each for itself, as Redis is away",
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        self.limiter_fallback_requests = Counter(
            "bursar_limiter_fallback_requests",
            "Requests counted in their process alone, as Redis was away",
            registry=self.registry,
        )
        self.limiter_refused = Counter(
            "bursar_limiter_refused", "Requests refused by a limit", ("limit",), registry=self.registry
        )
        self.reads_not_itemised = Counter(
            "bursar_audit_reads_not_itemised",
            "Reads of payment details that the log only counts, as there were too many at once",
            registry=self.registry,
        )
        self.incoming_webhooks = Counter(
            "bursar_incoming_webhooks",
            "Messages of banks taken in, by what became of them",
            ("connector", "state"),
            registry=self.registry,
        )
        self.incoming_webhooks_refused = Counter(
            "bursar_incoming_webhooks_refused",
            "Messages to banks' addresses refused",
            ("connector", "reason"),
            registry=self.registry,
        )
        self.incoming_webhook_inquiries = Counter(
            "bursar_incoming_webhook_inquiries",
            "Questions to banks that unverified messages led to",
            ("connector",),
            registry=self.registry,
        )
        self._children: dict[tuple[str, int], Counter] = {}
        self._histograms: dict[str, Histogram] = {}

    def observe(self, endpoint: Endpoint | None, status: int, seconds: float) -> None:
        operation = endpoint.operation_id if endpoint else "none"
        counter = self._children.get((operation, status))
        if counter is None:
            counter = self._children[(operation, status)] = self._requests.labels(operation, str(status))
            self._histograms[operation] = self._latency.labels(operation)
        counter.inc()
        self._histograms[operation].observe(seconds)

    def render(self) -> bytes:
        if self._shared_folder is None:
            return generate_latest(self.registry)
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry, self._shared_folder)  # type: ignore[no-untyped-call]
        return generate_latest(registry)
