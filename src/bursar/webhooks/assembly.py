"""The parts of outgoing webhooks, put together for a process."""

from __future__ import annotations

from typing import Protocol
from urllib.parse import urlsplit

from bursar.http.metrics import Metrics
from bursar.kit.clock import Clock
from bursar.kit.ids import IdFactory
from bursar.store.store import Store
from bursar.webhooks.addresses import Guard
from bursar.webhooks.delivery_service import DeliveryService
from bursar.webhooks.event_states import EventDeliveries
from bursar.webhooks.figures import Figures
from bursar.webhooks.resolving import Resolver
from bursar.webhooks.secrets import EndpointSecrets
from bursar.webhooks.service import WebhookService
from bursar.webhooks.worker import WebhookWorker


class Webhooks:
    """`public_url` is where this installation is called from outside: no webhook goes there."""

    def __init__(
        self,
        store: Store,
        ids: IdFactory,
        clock: Clock,
        *,
        secret_key: str,
        secret_key_previous: str | None,
        public_url: str,
        development: bool,
    ) -> None:
        self.secrets = EndpointSecrets(secret_key, secret_key_previous)
        self.endpoints = WebhookService(store, ids, clock, self.secrets, allow_loopback=development)
        self.deliveries = DeliveryService(store, clock, self.endpoints)
        self.event_states = EventDeliveries()
        self._store = store
        self._clock = clock
        self._development = development
        self._figures: Figures | None = None
        self._own = [_host_and_port(public_url)]

    def report_to(self, metrics: Metrics) -> None:
        self._figures = Figures(metrics.registry)

    def worker(self) -> WebhookWorker:
        resolver = Resolver()
        guard = Guard(resolver.resolve, allow_loopback=self._development, own=self._own)
        return WebhookWorker(
            self._store, self._clock, self.secrets, guard, closing=resolver.close, figures=self._figures
        )


class HasWebhooks(Protocol):
    """What the runtime has of these."""

    webhooks: Webhooks


def workers(runtime: HasWebhooks) -> list[WebhookWorker]:
    return [runtime.webhooks.worker()]


def _host_and_port(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return (parts.hostname or "").lower(), parts.port or (443 if parts.scheme == "https" else 80)
