"""Sends what is due: each receiver in its turn and none more than its share, so that one that hangs delays no other."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from bursar.kit.clock import MICROSECONDS_PER_SECOND, Clock, seconds
from bursar.kit.sealing import SealBroken
from bursar.store.errors import StoreError
from bursar.store.store import Store
from bursar.webhooks import delivery_repository as deliveries
from bursar.webhooks.addresses import AddressRefused, Guard, read_url
from bursar.webhooks.bodies import RecentBodies
from bursar.webhooks.loading import load
from bursar.webhooks.outcomes import AGAIN_SECONDS, Outcomes, Try
from bursar.webhooks.queues import EndpointQueue, Job, Room
from bursar.webhooks.receiver import Receiver, RefusedReceiver
from bursar.webhooks.repository import EndpointKey, StoredEndpoint
from bursar.webhooks.results import Result, Results
from bursar.webhooks.rules import Pace
from bursar.webhooks.secrets import EndpointSecrets
from bursar.webhooks.signing import signature_headers, signing_key

IN_FLIGHT_MAX = 1_024
# Kept free for receivers that have answered well lately.
IN_FLIGHT_OF_UNPROVEN_MAX = 768
LOADS_AT_ONCE_MAX = 2
# Retries that are due at nearly the same time are looked for once.
COARSE_SECONDS = 0.2
CLOSE_SECONDS_MAX = 2.0

logger = logging.getLogger(__name__)

MakeReceiver = Callable[[StoredEndpoint], Receiver]


def receivers(guard: Guard, pace: Pace) -> MakeReceiver:
    def make(stored: StoredEndpoint) -> Receiver:
        needs_tls = bool(stored.key.livemode) and not guard.allow_loopback
        place = read_url(stored.endpoint.url, needs_tls=needs_tls, allow_loopback=guard.allow_loopback)
        return Receiver(place, guard, pace.connect_seconds_max)

    return make


class Deliverer:
    """Belongs to one event loop. Everything here but the sending and the loading is done at once."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        secrets: EndpointSecrets,
        make_receiver: MakeReceiver,
        results: Results,
        bodies: RecentBodies,
        outcomes: Outcomes,
        pace: Pace,
    ) -> None:
        self._store = store
        self._clock = clock
        self._secrets = secrets
        self._make_receiver = make_receiver
        self._results = results
        self._bodies = bodies
        self._outcomes = outcomes
        self._pace = pace
        self._loop = asyncio.get_running_loop()
        self._room = Room()
        self.queues: dict[EndpointKey, EndpointQueue] = {}
        self._turns: deque[EndpointQueue] = deque()
        # Those whose turn it was when only proven receivers could have a place.
        self._held: deque[EndpointQueue] = deque()
        self._in_flight = 0
        self._pump_is_called = False
        self._loads = asyncio.Semaphore(LOADS_AT_ONCE_MAX)
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_closed = False

    # Who is there.

    def put(self, stored: StoredEndpoint) -> None:
        """An endpoint that is new here, or has changed."""
        queue = self.queues.get(stored.key)
        if queue is None:
            queue = self.queues[stored.key] = EndpointQueue(stored, self._room)
            queue.failing_since = stored.failing_since
            self._equip(queue)
        else:
            before, queue.stored = queue.stored, stored
            if stored.version != before.version:
                self._refresh(queue, before)
            queue.more_at = 0
        self._consider(queue)

    def drop(self, keys: Iterable[EndpointKey]) -> list[EndpointQueue]:
        """They are gone, or somebody else's now. Nothing more is begun; what is on its way ends by itself."""
        dropped = [queue for key in list(keys) if (queue := self.queues.pop(key, None)) is not None]
        for queue in dropped:
            queue.is_stopped = True
            queue.clear()
            if queue.timer is not None:
                queue.timer.cancel()
            if queue.receiver is not None and not queue.in_flight:
                queue.receiver.close()
        return dropped

    def offer(self, jobs: Iterable[Job]) -> None:
        """What was taken in just now, and is durable."""
        for job in jobs:
            queue = self.queues.get(job.delivery.endpoint)
            if queue is None or not queue.is_active or job.delivery.event_id in queue.known:
                continue
            # What waits in the database is older, and goes first.
            if (queue.more_at is not None and queue.more_at <= job.delivery.next_at) or not queue.offer(job):
                queue.due_again(job.delivery.next_at)
            self._consider(queue)

    def look_again(self) -> None:
        """Into the database, for every receiver."""
        for queue in self.queues.values():
            queue.due_again(0)
            self._consider(queue)

    async def close(self) -> None:
        """Lets what is on its way arrive, for a moment. What does not is sent again by whoever comes next."""
        self._is_closed = True
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CLOSE_SECONDS_MAX)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.drop(list(self.queues))

    def _refresh(self, queue: EndpointQueue, before: StoredEndpoint) -> None:
        if queue.stored.failing_since is None:
            queue.failing_since = None
        queue.failures, queue.wait_until = 0, 0.0
        if queue.receiver is not None and before.endpoint.url != queue.stored.endpoint.url:
            queue.receiver.close()
            queue.receiver = None
        self._equip(queue)
        if not queue.is_active:
            queue.clear()

    def _equip(self, queue: EndpointQueue) -> None:
        """With what sending needs. What cannot be opened or called makes the queue wait, and is said."""
        stored = queue.stored
        try:
            if queue.receiver is None:
                queue.receiver = self._make_receiver(stored)
            queue.key = signing_key(self._secrets.unseal(stored.secret_sealed, *stored.key))
            sealed = stored.previous_secret_sealed
            queue.previous_key = signing_key(self._secrets.unseal(sealed, *stored.key)) if sealed else None
        except SealBroken:
            queue.key = None
            logger.error(
                "the secret of webhook endpoint %s cannot be opened: was the secret key changed?", stored.key.id
            )
        except AddressRefused as problem:
            queue.receiver = RefusedReceiver()
            logger.warning("webhook endpoint %s cannot be called: %s", stored.key.id, problem)

    # Whose turn it is.

    def _consider(self, queue: EndpointQueue) -> None:
        """After anything that may have changed what a queue can do next."""
        if self._is_closed or not queue.is_active:
            return
        if queue.ready:
            if queue.in_flight >= queue.places or queue.is_listed:
                return
            wait = queue.wait_until - self._loop.time()
            if wait > 0:
                self._wake_later(queue, wait)
            else:
                queue.is_listed = True
                self._turns.append(queue)
                self._call_pump()
        elif queue.more_at is not None and not queue.is_loading:
            wait = (queue.more_at - self._clock.now_microseconds()) / MICROSECONDS_PER_SECOND
            wait = max(wait, queue.wait_until - self._loop.time())
            if wait > 0:
                self._wake_later(queue, wait + COARSE_SECONDS)
            else:
                self._spawn(self._load(queue))

    def _wake_later(self, queue: EndpointQueue, wait: float) -> None:
        at = self._loop.time() + wait
        if queue.timer is not None:
            if queue.timer.when() <= at:
                return
            queue.timer.cancel()
        queue.timer = self._loop.call_at(at, self._wake, queue)

    def _wake(self, queue: EndpointQueue) -> None:
        queue.timer = None
        self._consider(queue)

    def _call_pump(self) -> None:
        if not self._pump_is_called:
            self._pump_is_called = True
            self._loop.call_soon(self._pump)

    def _pump(self) -> None:
        """Gives out places, one to each in turn."""
        self._pump_is_called = False
        while self._turns and self._in_flight < IN_FLIGHT_MAX and not self._results.is_full:
            queue = self._turns.popleft()
            queue.is_listed = False
            can_start = queue.is_active and queue.ready and queue.in_flight < queue.places
            if not can_start or queue.wait_until > self._loop.time():
                self._consider(queue)
                continue
            if self._in_flight >= IN_FLIGHT_OF_UNPROVEN_MAX and not queue.is_proven:
                queue.is_listed = True
                self._held.append(queue)
                continue
            job = queue.take()
            queue.in_flight += 1
            self._in_flight += 1
            self._spawn(self._deliver(queue, job))
            self._consider(queue)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # Sending.

    async def _deliver(self, queue: EndpointQueue, job: Job) -> None:
        delivery, receiver = job.delivery, queue.receiver
        assert receiver is not None, "only an active queue is sent from"
        started, began = self._clock.now_microseconds(), self._loop.time()
        try:
            headers = signature_headers(queue.signing_keys(started), delivery.event_id, seconds(started), job.body)
            if delivery.sequence_number is not None:
                headers += f"Bursar-Sequence: {delivery.sequence_number}\r\n"
            outcome = await receiver.post(headers, job.body, self._pace.total_seconds_max)
        except BaseException as problem:
            # A defect, or the end of the process: it is still due, and found in the database.
            queue.known.discard(delivery.event_id)
            if not isinstance(problem, Exception):
                raise
            logger.exception("sending a webhook met a defect")
            queue.failed(self._pace, self._loop.time(), self._loop.time() + AGAIN_SECONDS)
            queue.due_again(0)
        else:
            tried = Try(delivery, outcome, started, self._loop.time() - began)
            self._outcomes.record(queue, tried, self._go_on)
        finally:
            queue.in_flight -= 1
            self._in_flight -= 1
            if queue.is_stopped and not queue.in_flight:
                receiver.close()
            if self._held:
                self._turns.append(self._held.popleft())
            self._consider(queue)
            if self._turns:
                self._call_pump()

    def _go_on(self, queue: EndpointQueue) -> None:
        """A result is durable: there may be room for more, or more to do."""
        self._consider(queue)
        if self._turns:
            self._call_pump()

    # Finding what is due.

    async def _load(self, queue: EndpointQueue) -> None:
        if queue.is_loading:
            return
        queue.is_loading = True
        try:
            async with self._loads:
                await self._load_now(queue)
        except StoreError as problem:
            logger.warning("what is due for webhook endpoint %s is looked for later: %s", queue.stored.key.id, problem)
            queue.due_again(self._clock.now_microseconds() + int(AGAIN_SECONDS * MICROSECONDS_PER_SECOND))
        finally:
            queue.is_loading = False
            queue.recorded_meanwhile.clear()
        self._consider(queue)

    async def _load_now(self, queue: EndpointQueue) -> None:
        now, known, version = self._clock.now_microseconds(), frozenset(queue.known), queue.stored.endpoint.api_version
        queue.more_at = None
        found = await load(self._store, self._bodies, queue.stored.key, version, known, now)
        if queue.is_stopped:
            return
        if found.next_at is not None:
            queue.due_again(found.next_at)
        skipped = queue.known | queue.recorded_meanwhile
        for job in found.jobs:
            if job.delivery.event_id in skipped:
                continue
            if not queue.offer(job):
                queue.due_again(0)
                break
        for delivery in found.unreadable:
            logger.error("event %s is not in the log, and cannot be sent", delivery.event_id)
            change = deliveries.giving_up(delivery.endpoint, delivery.event_id, now, "event_unreadable")
            self._results.put(Result([change], _nothing))


def _nothing() -> None:
    """Nobody waits for it."""
