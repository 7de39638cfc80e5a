"""The worker: takes events in and delivers them, for those organisations whose lease this process holds.

A process that is killed leaves nothing behind that is not in the database: whoever holds the lease next reads what is
due, and sends again what may have been on its way. A process that slept meanwhile is kept from writing by conditions
on what it knew, not by the lease.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress

from sqlalchemy import Connection

from bursar.events.leases import Leases
from bursar.kit.clock import Clock
from bursar.store.errors import StoreError
from bursar.store.signal import Listener
from bursar.store.store import Store
from bursar.webhooks import repository, sharing, sweeping
from bursar.webhooks.addresses import Guard
from bursar.webhooks.bodies import RecentBodies
from bursar.webhooks.delivering import Deliverer, MakeReceiver, receivers
from bursar.webhooks.figures import Figures, keep_fresh
from bursar.webhooks.outcomes import Outcomes
from bursar.webhooks.queues import EndpointQueue
from bursar.webhooks.repository import DELETED, ENABLED, EndpointKey, Footprint, StoredEndpoint
from bursar.webhooks.results import Results
from bursar.webhooks.rules import Pace
from bursar.webhooks.secrets import EndpointSecrets
from bursar.webhooks.sharing import Shards, shard_of
from bursar.webhooks.taking_in import TakingIn

# Another process's commits are seen by looking.
POLL_SECONDS = 0.2
# How soon a change of an endpoint is noticed. Never more than a twentieth of the time is spent on looking.
ENDPOINTS_SECONDS = 0.25
ENDPOINTS_SHARE = 20
# What is due is known without looking. Should anything have been forgotten, it is found after this long.
EVERYTHING_SECONDS = 300.0
# Under load, a moment's events are taken in by one commit.
GATHER_SECONDS = 0.005
AGAIN_SECONDS = 1.0
HOUSEKEEPING_FIRST_SECONDS, HOUSEKEEPING_SECONDS = 90.0, 3_600.0
CLOSE_SECONDS_MAX = 3.0
# Before another process takes a shard over. What has not ended by then, it sends again.
HAND_OVER_SECONDS_MAX = 3.0
HAND_OVER_LOOK_SECONDS = 0.02

logger = logging.getLogger(__name__)


class WebhookWorker:
    role = "webhooks"

    def __init__(
        self,
        store: Store,
        clock: Clock,
        secrets: EndpointSecrets,
        guard: Guard,
        pace: Pace | None = None,
        make_receiver: MakeReceiver | None = None,
        closing: Callable[[], None] | None = None,  # called at the end
        figures: Figures | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._secrets = secrets
        self._pace = pace or Pace()
        self._make_receiver = make_receiver or receivers(guard, self._pace)
        self._closing = closing
        self._figures = figures or Figures()
        self.shards = Shards(Leases(store, clock), self._hand_over)
        self._footprints: dict[EndpointKey, Footprint] = {}
        # Those that this process looks after, enabled or not.
        self._endpoints: dict[EndpointKey, StoredEndpoint] = {}
        self._leases_at = self._endpoints_at = self._everything_at = 0.0
        self._sweeps: dict[EndpointKey, asyncio.Task[None]] = {}
        self._deliverer: Deliverer

    async def run(self) -> None:
        """Until it is cancelled."""
        bodies, results = RecentBodies(), Results(self._store)
        outcomes = Outcomes(self._clock, results, self._disable, self._pace, self._figures)
        self._deliverer = Deliverer(
            self._store, self._clock, self._secrets, self._make_receiver, results, bodies, outcomes, self._pace
        )
        modes = [TakingIn(self._store, self._clock, livemode, bodies) for livemode in (0, 1)]
        listener = self._store.committed.listen()
        counting = keep_fresh(self._figures, self._store, self._clock, self._as_they_are)
        tasks = [asyncio.create_task(work) for work in (results.run(), self._keep_house(), counting)]
        try:
            await self._go_on(listener, modes)
        finally:
            listener.close()
            for task in (*tasks, *self._sweeps.values()):
                task.cancel()
            await asyncio.gather(*tasks, *self._sweeps.values(), return_exceptions=True)
            await self._close(results, outcomes)
            if self._closing is not None:
                self._closing()

    async def _go_on(self, listener: Listener, modes: Sequence[TakingIn]) -> None:
        while True:
            try:
                await self._keep_leases(modes)
                await self._notice_changes()
                more = await self._take_in(modes)
            except StoreError as problem:
                logger.warning("webhooks go on later: %s", problem)
                await asyncio.sleep(AGAIN_SECONDS)
                continue
            except Exception:
                logger.exception("webhooks met a defect, and begin anew")
                for mode in modes:
                    mode.forget()
                await asyncio.sleep(AGAIN_SECONDS)
                continue
            if not more:
                await listener.wait(POLL_SECONDS)
            await asyncio.sleep(GATHER_SECONDS)

    async def _take_in(self, modes: Sequence[TakingIn]) -> bool:
        more = False
        for livemode, mode in enumerate(modes):
            listening = [key for key, one in self._endpoints.items() if one.status == ENABLED]
            org_ids = sorted({key.org_id for key in listening if key.livemode == livemode})
            if not org_ids:
                continue
            jobs, may_be_more = await mode.look(org_ids)
            more |= may_be_more
            strangers = {job.delivery.endpoint for job in jobs} - self._endpoints.keys()
            if strangers:  # they came to be between two looks at the endpoints
                self._endpoints_at = 0.0
                await self._notice_changes()
            self._deliverer.offer(jobs)
            for key in {job.delivery.endpoint for job in jobs}:
                known = self._endpoints.get(key)
                if known is not None and known.status != ENABLED:  # it ended while this was taken in
                    self._sweep(known)
        return more

    # Which organisations are ours.

    async def _keep_leases(self, modes: Sequence[TakingIn]) -> None:
        now = time.monotonic()
        if now < self._leases_at:
            return
        self._leases_at = now + sharing.LOOK_SECONDS
        if not self._footprints and not await self._store.read(repository.footprints):
            return  # nobody is to be told anything
        before = self.shards.held
        self._leases_at = now + await self.shards.look()
        if self.shards.held != before:
            if before - self.shards.held:
                for mode in modes:
                    mode.forget()
            self._endpoints_at = 0.0

    def _is_ours(self, key: EndpointKey) -> bool:
        return shard_of(key.org_id) in self.shards.held

    def _hand_over(self, shard: int) -> Awaitable[None]:
        keys = [key for key in self._endpoints if shard_of(key.org_id) == shard]
        return self._until_ended(self._deliverer.drop(keys))

    async def _until_ended(self, queues: Sequence[EndpointQueue]) -> None:
        """What is on its way has arrived, and its result is durable; or it takes too long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(HAND_OVER_SECONDS_MAX):
                while any(queue.known for queue in queues):  # noqa: ASYNC110 - many tries end, each for itself
                    await asyncio.sleep(HAND_OVER_LOOK_SECONDS)

    async def _notice_changes(self) -> None:
        began = time.monotonic()
        if began < self._endpoints_at:
            return
        footprints = await self._store.read(repository.footprints)
        if footprints and not self._footprints:  # the first endpoint need not wait
            self._leases_at = 0.0
        self._footprints = footprints
        lost = [key for key in self._endpoints if key not in footprints or not self._is_ours(key)]
        for key in lost:
            del self._endpoints[key]
        self._deliverer.drop(lost)
        changed = [
            key
            for key, footprint in footprints.items()
            if self._is_ours(key) and self._known_footprint(key) != footprint
        ]
        if changed:
            wanted = frozenset(changed)
            org_ids = sorted({key.org_id for key in changed})

            def query(connection: Connection) -> list[StoredEndpoint]:
                return [one for one in repository.of_organisations(connection, org_ids) if one.key in wanted]

            for stored in await self._store.read(query):
                self._put(stored)
        if began >= self._everything_at:
            self._everything_at = began + EVERYTHING_SECONDS
            self._deliverer.look_again()
        self._endpoints_at = time.monotonic() + max(ENDPOINTS_SECONDS, ENDPOINTS_SHARE * (time.monotonic() - began))

    def _known_footprint(self, key: EndpointKey) -> Footprint | None:
        known = self._endpoints.get(key)
        return None if known is None else Footprint(known.version, known.wakes)

    def _put(self, stored: StoredEndpoint) -> None:
        self._endpoints[stored.key] = stored
        if stored.status == DELETED:
            self._deliverer.drop([stored.key])
        else:
            self._deliverer.put(stored)
        if stored.status != ENABLED:
            self._sweep(stored)

    def _as_they_are(self) -> Iterator[StoredEndpoint]:
        """With what the queues know better: since when nothing has arrived."""
        for key, stored in self._endpoints.items():
            queue = self._deliverer.queues.get(key)
            yield stored if queue is None else stored._replace(failing_since=queue.failing_since)

    # What ends.

    async def _disable(self, key: EndpointKey, reason: str) -> None:
        await sweeping.disable(self._store, self._clock, key, reason)
        self._endpoints_at = 0.0

    def _sweep(self, stored: StoredEndpoint) -> None:
        if stored.key not in self._sweeps:
            task = self._sweeps[stored.key] = asyncio.create_task(self._end(stored))
            task.add_done_callback(lambda _: self._sweeps.pop(stored.key, None))

    async def _end(self, stored: StoredEndpoint) -> None:
        while True:
            try:
                await sweeping.end(self._store, self._clock, stored)
            except StoreError as problem:
                logger.warning("what was pending for webhook endpoint %s ends later: %s", stored.key.id, problem)
                await asyncio.sleep(AGAIN_SECONDS)
            else:
                return

    async def _keep_house(self) -> None:
        await asyncio.sleep(HOUSEKEEPING_FIRST_SECONDS)
        while True:
            for stored in list(self._endpoints.values()):
                try:
                    await sweeping.delete_old(self._store, self._clock, stored.key)
                    # What was taken in at the moment in which it was disabled.
                    if stored.status != ENABLED:
                        await sweeping.end(self._store, self._clock, stored)
                except StoreError as problem:
                    logger.warning("old webhooks make room later: %s", problem)
                except Exception:  # a defect, which must not fill the database
                    logger.exception("old webhooks cannot make room")
            await asyncio.sleep(HOUSEKEEPING_SECONDS)

    async def _close(self, results: Results, outcomes: Outcomes) -> None:
        """What has ended is written, and whoever comes next need not wait for the leases."""
        await self._deliverer.close()
        await outcomes.close()
        try:
            async with asyncio.timeout(CLOSE_SECONDS_MAX):
                await results.flush()
                await self.shards.close()
        except (StoreError, TimeoutError) as problem:
            logger.warning("webhooks ended without a last word: %s", problem)
