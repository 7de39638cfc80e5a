"""The parts of streams, put together for a process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from bursar.http.metrics import Metrics
from bursar.kit.clock import Clock
from bursar.kit.ids import IdFactory
from bursar.store.store import Store
from bursar.streams.credentials import StreamCredentials
from bursar.streams.figures import Figures
from bursar.streams.schemas import InstallationStream
from bursar.streams.service import StreamService
from bursar.streams.worker import StreamsWorker


class Streams:
    """`allowed_hosts` are brokers inside this network that organisations' streams may lead to."""

    def __init__(
        self,
        store: Store,
        ids: IdFactory,
        clock: Clock,
        *,
        secret_key: str,
        secret_key_previous: str | None,
        installation_streams: Sequence[InstallationStream],
        allowed_hosts: str,
        development: bool,
    ) -> None:
        self._store = store
        self._clock = clock
        self._credentials = StreamCredentials(secret_key, secret_key_previous)
        self._installation_streams = installation_streams
        self._allowed_hosts = [host.strip().lower() for host in allowed_hosts.split(",") if host.strip()]
        self._development = development
        self._figures = Figures()
        self.service = StreamService(store, ids, clock, self._credentials, installation_streams)

    def worker(self) -> StreamsWorker:
        return StreamsWorker(
            self._store,
            self._clock,
            self._credentials,
            self._installation_streams,
            development=self._development,
            allowed_hosts=self._allowed_hosts,
            figures=self._figures,
        )

    def report_to(self, metrics: Metrics) -> None:
        self._figures.report_to(metrics.registry)


class HasStreams(Protocol):
    """What the runtime has of these."""

    streams: Streams


def workers(runtime: HasStreams) -> list[StreamsWorker]:
    return [runtime.streams.worker()]
