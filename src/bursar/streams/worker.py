"""Runs the streams: one pump for each, of all those that there are."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Sequence

from sqlalchemy import Connection

from bursar.events.leases import Leases
from bursar.kit.clock import Clock
from bursar.kit.sealing import SealBroken
from bursar.store.columns import INSTALLATION
from bursar.store.errors import StoreError
from bursar.store.store import Store
from bursar.streams import addresses, repository
from bursar.streams.credentials import StreamCredentials
from bursar.streams.figures import Figures
from bursar.streams.port import Publisher, StreamProblem
from bursar.streams.pump import Job, Pump, Surroundings
from bursar.streams.registry import MakePublisher, make_publisher
from bursar.streams.repository import StoredStream, StreamKey
from bursar.streams.rules import Filter, Pace
from bursar.streams.schemas import InstallationStream

LOOK_SECONDS = 1.0  # how long a new or changed stream waits at most
ALL_VERSIONS = 1  # a stream in the settings changes with the process

logger = logging.getLogger(__name__)


class StreamsWorker:
    """Makes and ends pumps as streams come, change and go. Never ends by itself."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        credentials: StreamCredentials,
        installation_streams: Sequence[InstallationStream] = (),
        *,
        development: bool = False,
        allowed_hosts: Collection[str] = (),
        pace: Pace | None = None,
        make: MakePublisher = make_publisher,
        figures: Figures | None = None,
    ) -> None:
        self._store = store
        self._credentials = credentials
        self._installation = {StreamKey(INSTALLATION, 0, stream.name): stream for stream in installation_streams}
        self._development = development
        self._allowed_hosts = frozenset(allowed_hosts)
        self._make = make
        self.figures = figures or Figures()
        self._surroundings = Surroundings(store, clock, Leases(store, clock), pace or Pace(), self.figures)
        self._pumps: dict[StreamKey, tuple[int, asyncio.Task[None]]] = {}
        self._unreadable: dict[StreamKey, int] = {}  # with the version that was not understood

    async def run(self) -> None:
        try:
            while True:
                try:
                    await self._look()
                except StoreError as problem:
                    logger.warning("streams are looked at later: %s", problem)
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            await self._end(list(self._pumps))

    async def _look(self) -> None:
        wanted = await self._store.read(repository.versions)
        wanted |= dict.fromkeys(self._installation, ALL_VERSIONS)
        await self._end([key for key, (version, _) in self._pumps.items() if wanted.get(key) != version])
        self._unreadable = {key: version for key, version in self._unreadable.items() if wanted.get(key) == version}
        for key, version in wanted.items():
            if key not in self._pumps and key not in self._unreadable:
                await self._begin(key, version)

    async def _begin(self, key: StreamKey, version: int) -> None:
        try:
            job = await self._job(key)
        except StoreError:
            raise
        except Exception:
            # One row that cannot be read ends no other stream; it is looked at again when it is another one.
            logger.exception("stream %s cannot be read", key.id)
            self._unreadable[key] = version
            return
        if job is not None:
            self._pumps[key] = (version, asyncio.create_task(Pump(job, self._surroundings).run()))

    async def _end(self, keys: Sequence[StreamKey]) -> None:
        tasks = [self._pumps.pop(key)[1] for key in keys]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _job(self, key: StreamKey) -> Job | None:
        own = self._installation.get(key)
        if own is not None:
            sink = own.document().sink(dict(own.credentials))

            async def open_own() -> Publisher:
                return await asyncio.to_thread(self._make, sink)  # some clients take a second to load

            return Job(key, own.kind, Filter(own.events), None, (0, 1), open_own, begins_now=own.begin == "now")

        def query(connection: Connection) -> StoredStream | None:
            return repository.find(connection, key)

        stored = await self._store.read(query)
        if stored is None:  # deleted a moment ago
            return None
        document, sealed = stored.document, stored.credentials_sealed

        async def make() -> Publisher:
            try:
                sink = document.sink(self._credentials.unseal(sealed, key) if sealed else {})
            except SealBroken:
                raise StreamProblem(
                    "credentials_unreadable", "The stored credentials cannot be opened any more: send them anew."
                ) from None
            if not self._development:
                await addresses.check(sink, self._allowed_hosts)
            return await asyncio.to_thread(self._make, sink)

        return Job(key, document.kind, Filter(document.events), [key.org_id], (key.livemode,), make)
