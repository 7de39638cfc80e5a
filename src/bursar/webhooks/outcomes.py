"""What a try came to: what is written of it, what it tells of its receiver, and when an endpoint is disabled for it."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from bursar.kit.clock import MICROSECONDS_PER_SECOND, Clock
from bursar.kit.scrub import scrub_text
from bursar.store.errors import StoreError
from bursar.store.unit import Change
from bursar.webhooks import delivery_repository as deliveries
from bursar.webhooks import repository
from bursar.webhooks.delivery_repository import DEAD, DELIVERED, PENDING, StoredDelivery
from bursar.webhooks.exchange import Answer, Failure
from bursar.webhooks.figures import Figures
from bursar.webhooks.queues import EndpointQueue
from bursar.webhooks.repository import EndpointKey
from bursar.webhooks.results import Result, Results
from bursar.webhooks.rules import Pace, Verdict, judge

AGAIN_SECONDS = 1.0
CLOSE_SECONDS_MAX = 1.0

logger = logging.getLogger(__name__)

# Disables an endpoint, with a notice. The reason is `gone` or `failing`.
Disable = Callable[[EndpointKey, str], Awaitable[None]]


class Try(NamedTuple):
    delivery: StoredDelivery
    outcome: Answer | Failure
    # In microseconds of the clock.
    started: int
    seconds: float


class Outcomes:
    """Belongs to one event loop."""

    def __init__(self, clock: Clock, results: Results, disable: Disable, pace: Pace, figures: Figures) -> None:
        self._clock = clock
        self._results = results
        self._disable = disable
        self._pace = pace
        self._figures = figures
        self._loop = asyncio.get_running_loop()
        self._disabling: set[asyncio.Task[None]] = set()

    def record(self, queue: EndpointQueue, tried: Try, recorded: Callable[[EndpointQueue], None]) -> None:
        """`recorded` is called when what came of it is durable."""
        now = self._clock.now_microseconds()
        delivery = tried.delivery
        answer = tried.outcome if isinstance(tried.outcome, Answer) else None
        status_code = answer.status if answer else None
        verdict = judge(
            self._pace,
            now,
            delivery.tries - delivery.tries_before + 1,
            random.random(),  # noqa: S311 - spreads retries, keeps no secret
            status_code,
            tried.outcome.error if isinstance(tried.outcome, Failure) else None,
            answer.retry_after if answer else None,
        )
        self._figures.tried(verdict.error, tried.seconds)
        shown = _shown(answer.beginning) if answer else None
        latency = int(tried.seconds * 1000)
        changes = [
            _finished_try(delivery, verdict, now, status_code),
            deliveries.attempt(delivery, tried.started, latency, status_code, verdict.error, shown),
            *self._learn(queue, verdict, now),
        ]

        def durable() -> None:
            queue.recorded(delivery.event_id)
            if verdict.decision == "retry":
                queue.due_again(verdict.next_at)
            recorded(queue)

        self._results.put(Result(changes, durable))

    async def close(self) -> None:
        """Should there be no time to disable an endpoint, its next failure leads to the same."""
        if self._disabling:
            await asyncio.wait(self._disabling, timeout=CLOSE_SECONDS_MAX)
        for task in self._disabling:
            task.cancel()
        await asyncio.gather(*self._disabling, return_exceptions=True)

    def _learn(self, queue: EndpointQueue, verdict: Verdict, now: int) -> list[Change]:
        """What a try tells of its receiver."""
        key = queue.stored.key
        if verdict.decision == "delivered":
            queue.succeeded(self._pace)
            if queue.failing_since is None:
                return []
            queue.failing_since = None
            return [repository.end_failing(key)]
        later = max(verdict.not_before - now, 0) / MICROSECONDS_PER_SECOND
        queue.failed(self._pace, self._loop.time(), self._loop.time() + later if later else 0.0)
        if verdict.is_gone:
            self._stop(queue, "gone")
        if queue.failing_since is None:
            queue.failing_since = now
            return [repository.begin_failing(key, now)]
        if now - queue.failing_since >= self._pace.disabled_after_seconds * MICROSECONDS_PER_SECOND:
            self._stop(queue, "failing")
        return []

    def _stop(self, queue: EndpointQueue, reason: str) -> None:
        """Nothing more goes there from now on; that it is disabled becomes durable soon."""
        if queue.stored.status == repository.ENABLED:
            queue.stored = queue.stored._replace(status=repository.DISABLED)
            queue.clear()
            task = self._loop.create_task(self._disable_for_good(queue.stored.key, reason))
            self._disabling.add(task)
            task.add_done_callback(self._disabling.discard)

    async def _disable_for_good(self, key: EndpointKey, reason: str) -> None:
        while True:
            try:
                await self._disable(key, reason)
            except StoreError as problem:
                logger.warning("webhook endpoint %s is disabled later: %s", key.id, problem)
                await asyncio.sleep(AGAIN_SECONDS)
            else:
                return


def _finished_try(delivery: StoredDelivery, verdict: Verdict, now: int, status_code: int | None) -> Change:
    status = {"delivered": DELIVERED, "retry": PENDING, "dead": DEAD}[verdict.decision]
    finished_at = None if status == PENDING else now
    return deliveries.finished_try(delivery, status, verdict.next_at, finished_at, status_code, verdict.error)


def _shown(beginning: bytes) -> str | None:
    """As text that every database takes; a receiver may send back anything, even what it must not have."""
    if not beginning:
        return None
    return scrub_text(beginning.decode(errors="replace").replace("\0", "\ufffd"))
