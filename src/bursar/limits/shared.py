"""Buckets on Redis, for all processes together. Whatever Redis does, nobody waits for it for long.

Requests that come while others are on their way are sent together: one round trip at a time, with no timer. When
Redis fails or is slow, everybody is told at once to do without, and it is tried again every second beside them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from bursar.kit.scrub import scrub_text
from bursar.limits.local import Taken
from bursar.limits.rules import Limit

if TYPE_CHECKING:
    from redis.asyncio import Redis, RedisCluster

ANSWER_SECONDS_MAX = 0.05
CONNECT_SECONDS_MAX = 1.0
FIRST_RETRY_SECONDS = 0.1
RETRY_SECONDS = 1.0
BATCH_MAX = 256
WAITING_MAX = 4_096  # far more than one round trip can gather; beyond it, this process decides alone

# Redis keeps when the bucket will be full again, in microseconds of its own clock, so that the clocks of the
# processes do not matter. Numbers are doubles: exact to a quarter of a microsecond. A bucket that is full again
# is the same as none.
SCRIPT = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local period, capacity = tonumber(ARGV[1]), tonumber(ARGV[2])
local level = (tonumber(redis.call('GET', KEYS[1])) or now) - now
if level < 0 then level = 0 elseif level > capacity then level = capacity end
local allowed = 0
if level + period <= capacity + 0.5 then
  allowed, level = 1, level + period
end
if allowed == 1 or level == capacity then
  redis.call('SET', KEYS[1], string.format('%.2f', now + level), 'PX', math.ceil(level / 1000) + 1000)
end
return {allowed, math.floor(level)}
"""

logger = logging.getLogger(__name__)


class Asked(NamedTuple):
    limit: Limit
    client: str
    answer: asyncio.Future[Taken | None]


class SharedBuckets:
    """Of one event loop. `take` answers None while Redis is away."""

    def __init__(
        self,
        url: str,
        *,
        retry_seconds: float = RETRY_SECONDS,
        answer_seconds_max: float = ANSWER_SECONDS_MAX,
        on_change: Callable[[bool], None],
    ) -> None:
        self._url = url
        self._retry_seconds = retry_seconds
        self._answer_seconds_max = answer_seconds_max
        self._on_change = on_change
        self._redis: Redis | RedisCluster | None = None
        self._waiting: list[Asked] = []
        self._sending: asyncio.Task[None] | None = None
        self._returning: asyncio.Task[None] | None = None
        self._told_away = False

    @property
    def available(self) -> bool:
        return self._redis is not None

    async def start(self) -> None:
        """Never fails: without Redis the processes begin each for itself."""
        try:
            self._redis = await _connected(self._url, self._answer_seconds_max)
        except Exception as problem:
            self._lost(problem)

    async def close(self) -> None:
        for task in (self._returning, self._sending):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        self._let_go_all()
        await _closed(self._redis)
        self._redis = None

    async def take(self, limit: Limit, client: str) -> Taken | None:
        if self._redis is None or len(self._waiting) >= WAITING_MAX:
            return None
        asked = Asked(limit, client, asyncio.get_running_loop().create_future())
        self._waiting.append(asked)
        if self._sending is None:
            self._sending = asyncio.create_task(self._send())
        return await asked.answer

    async def _send(self) -> None:
        """Everything that waits, in one round trip after the other."""
        try:
            while self._waiting and self._redis is not None:
                batch, self._waiting = self._waiting[:BATCH_MAX], self._waiting[BATCH_MAX:]
                await self._send_batch(self._redis, batch)
        finally:
            self._sending = None

    async def _send_batch(self, redis: Redis | RedisCluster, batch: Sequence[Asked]) -> None:
        asking = asyncio.create_task(_ask(redis, batch))
        try:
            await asyncio.wait((asking,), timeout=self._answer_seconds_max)
            if not asking.done():
                await _catch_up()
            answers = asking.result() if asking.done() else await _given_up(asking, self._answer_seconds_max)
        except Exception as problem:  # whatever it is, it is not the payers' affair
            self._redis = None
            _let_go(batch)
            self._let_go_all()
            self._lost(problem)
            await _closed(redis)
            return
        except asyncio.CancelledError:
            asking.cancel()
            _let_go(batch)
            raise
        for asked, taken in zip(batch, answers, strict=True):
            if not asked.answer.done():  # whoever hung up meanwhile waits no more
                asked.answer.set_result(taken)

    def _let_go_all(self) -> None:
        waiting, self._waiting = self._waiting, []
        _let_go(waiting)

    def _lost(self, problem: BaseException) -> None:
        if not self._told_away:
            self._told_away = True
            said = scrub_text(str(problem)) or type(problem).__name__
            logger.warning("Redis is away, each process keeps limits for itself: %s", said)
            self._on_change(False)
        if self._returning is None:
            self._returning = asyncio.create_task(self._return())

    async def _return(self) -> None:
        try:
            # Soon for the first time, as it may have been but a moment's weakness.
            wait_seconds = min(FIRST_RETRY_SECONDS, self._retry_seconds)
            while self._redis is None:
                await asyncio.sleep(wait_seconds)
                wait_seconds = self._retry_seconds
                try:
                    self._redis = await _connected(self._url, self._answer_seconds_max)
                except Exception as problem:
                    logger.debug("Redis is still away: %s", scrub_text(str(problem)))
        finally:
            self._returning = None
        self._told_away = False
        logger.warning("Redis is back: limits hold for all processes together")
        self._on_change(True)


async def _catch_up() -> None:
    """A process that was not let run for a while finds the time over and the answer there: it reads that first."""
    for _ in range(3):
        await asyncio.sleep(0)


async def _given_up(asking: asyncio.Task[list[Taken]], after_seconds: float) -> list[Taken]:
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    raise TimeoutError(f"no answer within {after_seconds * 1000:g} ms")


def _let_go(waiting: Sequence[Asked]) -> None:
    for asked in waiting:
        if not asked.answer.done():
            asked.answer.set_result(None)


async def _connected(url: str, answer_seconds_max: float) -> Redis | RedisCluster:
    """A client that has shown that it is fast enough; of a cluster, if that is what answers."""
    from redis.asyncio import Redis, RedisCluster
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    options: dict[str, Any] = {
        "retry": Retry(NoBackoff(), 0),
        "socket_timeout": CONNECT_SECONDS_MAX,
        "socket_connect_timeout": CONNECT_SECONDS_MAX,
    }
    redis: Redis | RedisCluster = Redis.from_url(url, **options)
    try:
        async with asyncio.timeout(CONNECT_SECONDS_MAX):
            told = await redis.info("cluster")
            if told.get("cluster_enabled"):
                await _closed(redis)
                redis = RedisCluster.from_url(url, **options)
            await redis.ping()
        probe = Asked(Limit("probe", 1, 1, 1), "probe", asyncio.get_running_loop().create_future())
        async with asyncio.timeout(CONNECT_SECONDS_MAX):
            await _ask(redis, [probe])  # what the first question needs is there then, connections above all
        async with asyncio.timeout(answer_seconds_max):
            await _ask(redis, [probe])
    except BaseException:
        await _closed(redis)
        raise
    return redis


async def _ask(redis: Redis | RedisCluster, batch: Sequence[Asked]) -> list[Taken]:
    """The script for each bucket, whose whole name decides where in a cluster it is."""
    if len(batch) == 1:
        answers: list[Any] = [await _as_awaitable(redis.execute_command("EVAL", *_arguments(batch[0])))]
    else:
        pipeline = redis.pipeline(transaction=False)
        for asked in batch:
            pipeline.execute_command("EVAL", *_arguments(asked))
        answers = await _as_awaitable(pipeline.execute())
    return [
        Taken(bool(allowed), level * asked.limit.count) for asked, (allowed, level) in zip(batch, answers, strict=True)
    ]


def _arguments(asked: Asked) -> tuple[str, int, str, str, str]:
    limit = asked.limit
    period = limit.period / limit.count
    return (
        SCRIPT,
        1,
        f"bursar:{{{limit.name}:{asked.client}}}",
        repr(period),
        repr(limit.burst * period),
    )


async def _as_awaitable(given: Awaitable[Any]) -> Any:
    return await given


async def _closed(redis: Redis | RedisCluster | None) -> None:
    if redis is None:
        return
    try:
        async with asyncio.timeout(CONNECT_SECONDS_MAX):
            await redis.aclose()
    except Exception as problem:
        logger.debug("closing the connection to Redis: %s", scrub_text(str(problem)))
