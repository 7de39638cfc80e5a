"""What is counted of banks' messages."""

from __future__ import annotations

from bursar.http.metrics import Metrics


class Figures:
    """Counts nothing before somebody wants to know."""

    def __init__(self) -> None:
        self._metrics: Metrics | None = None

    def report_to(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def ended(self, connector: str, state: str) -> None:
        """Taken in, or come to rest."""
        if self._metrics is not None:
            self._metrics.incoming_webhooks.labels(connector, state).inc()

    def refused(self, connector: str, reason: str) -> None:
        if self._metrics is not None:
            self._metrics.incoming_webhooks_refused.labels(connector, reason).inc()

    def asked(self, connector: str) -> None:
        if self._metrics is not None:
            self._metrics.incoming_webhook_inquiries.labels(connector).inc()
