"""Limits that all processes share hold for all of them together, and nobody waits for a Redis that is away."""

import asyncio
import json
import logging
import secrets
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import redis

from bursar.http.metrics import Metrics
from bursar.limits.local import Taken
from bursar.limits.rules import Limit, read_limits
from bursar.limits.service import RequestLimits
from bursar.limits.shared import SharedBuckets
from tests.limits.endpoints import PAY, SERVER
from tests.services import server_url

ROOT = Path(__file__).parents[2]
PROCESSES = 10
SECONDS = 3.0
COUNT, BURST = 200, 100
WAIT_SECONDS_MAX = 20.0
PLENTY = Limit("key.read", 1_000_000, 1, 1_000_000)


def redis_param(name: str) -> Any:
    return pytest.param(name, id=name, marks=pytest.mark.service(name))


@pytest.fixture(params=[redis_param("redis"), redis_param("redis_cluster")])
def url(request: pytest.FixtureRequest) -> str:
    return server_url(request.param) or ""


@pytest.fixture
def somebody() -> str:
    """Whose buckets nobody has used: other tests use the same Redis at the same time."""
    return f"somebody_{secrets.token_hex(8)}"


def plain_client(url: str) -> Any:
    with redis.Redis.from_url(url) as client:
        clustered: Any = client.info("cluster")
    return redis.RedisCluster.from_url(url) if clustered["cluster_enabled"] else redis.Redis.from_url(url)


@asynccontextmanager
async def shared_buckets(url: str, **options: Any) -> AsyncIterator[SharedBuckets]:
    """That wait for as long as a busy machine may need, except where the wait is what is tested."""
    patient: dict[str, Any] = {"on_change": lambda _: None, "answer_seconds_max": WAIT_SECONDS_MAX}
    shared = SharedBuckets(url, **(patient | options))
    await shared.start()
    try:
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            while not shared.available:  # noqa: ASYNC110 - it tries again by itself
                await asyncio.sleep(0.02)
        yield shared
    finally:
        await shared.close()


async def taken(shared: SharedBuckets, limit: Limit, client: str) -> Taken:
    found = await shared.take(limit, client)
    assert found is not None
    return found


def test_a_bucket_on_redis_holds_what_it_should_and_fills_again(url: str, somebody: str) -> None:
    async def scenario() -> None:
        async with shared_buckets(url) as shared:
            limit = Limit("key.payments", 1, 3_600, 5)
            answers = [await taken(shared, limit, somebody) for _ in range(8)]
            assert [answer.allowed for answer in answers[:5]] == [True] * 5
            assert [limit.remaining(answer.level) for answer in answers[:5]] == [4, 3, 2, 1, 0]
            assert not answers[-1].allowed
            assert 3_600 - WAIT_SECONDS_MAX < limit.retry_after_seconds(answers[-1].level) <= 3_600
            assert (await taken(shared, limit, f"{somebody}_else")).allowed
            quick = Limit("key.read", 20, 1, 5)
            until = time.monotonic() + WAIT_SECONDS_MAX
            for wanted in (False, True):
                while (await taken(shared, quick, somebody)).allowed is not wanted:
                    assert time.monotonic() < until

    asyncio.run(scenario())


def test_many_at_once_get_as_many_as_there_are(url: str, somebody: str) -> None:
    async def scenario() -> None:
        async with shared_buckets(url) as shared:
            limit = Limit("key.payments", 1, 3_600, 100)
            answers = await asyncio.gather(*(taken(shared, limit, somebody) for _ in range(700)))
            assert sum(answer.allowed for answer in answers) == 100
            mixed = await asyncio.gather(*(taken(shared, limit, f"{somebody}_{number % 7}") for number in range(210)))
            assert all(answer.allowed for answer in mixed)

    asyncio.run(scenario())


def test_a_lowered_limit_locks_nobody_out_for_longer_than_an_empty_bucket(url: str, somebody: str) -> None:
    async def scenario() -> None:
        async with shared_buckets(url) as shared:
            for _ in range(50):
                await taken(shared, Limit("key.payments", 1, 60, 50), somebody)
            lower = Limit("key.payments", 10, 1, 1)
            until = time.monotonic() + 10  # what was taken before would last for most of an hour
            while not (await taken(shared, lower, somebody)).allowed:
                assert time.monotonic() < until

    asyncio.run(scenario())


def test_buckets_that_are_full_again_leave_nothing_behind(url: str, somebody: str) -> None:
    async def scenario() -> int:
        async with shared_buckets(url) as shared:
            await taken(shared, Limit("key.payments", 1, 60, 5), somebody)
        with plain_client(url) as client:
            keys = list(client.scan_iter(f"bursar:*key.payments:{somebody}*"))
            assert len(keys) == 1
            return int(client.pttl(keys[0]))

    assert 0 < asyncio.run(scenario()) <= 61_000


def test_ten_processes_hold_one_limit_within_five_percent(url: str, somebody: str) -> None:
    command = [sys.executable, "-m", "tests.limits.taker", url, somebody, str(COUNT), str(BURST), str(SECONDS)]
    workers = [
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(PROCESSES)
    ]
    try:
        for worker in workers:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n"
        for worker in workers:
            assert worker.stdin is not None
            worker.stdin.write("go\n")
            worker.stdin.flush()
        told = [json.loads(worker.communicate(timeout=SECONDS + 3 * WAIT_SECONDS_MAX)[0]) for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()
    assert sum(one["away"] for one in told) == 0
    allowed = sum(one["allowed"] for one in told)
    began = min(one["began"] for one in told)
    # The same two moments, but where a process stands still between its last question and the answer.
    asked, answered = (max(one[name] for one in told) - began for name in ("asked", "answered"))
    assert 0.95 * (BURST + COUNT * asked) <= allowed <= 1.05 * (BURST + COUNT * answered)


class FakeRedis:
    """Listens as Redis would; answers nothing for as long as it is told."""

    def __init__(self, real: str) -> None:
        self.real_port = int(real.rpartition(":")[2].partition("/")[0])
        self.answering = asyncio.Event()
        self.answering.set()
        self.url = ""
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"redis://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, ours = await asyncio.open_connection("127.0.0.1", self.real_port)
        forth = asyncio.create_task(self._copy(reader, ours))
        back = asyncio.create_task(self._copy(theirs, writer))
        self._tasks |= {forth, back}
        await asyncio.gather(forth, back, return_exceptions=True)
        for one in (ours, writer):
            one.close()

    async def _copy(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(65_536):
            await self.answering.wait()
            target.write(data)
        target.close()

    async def close(self) -> None:
        self.answering.set()
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@pytest.fixture
def redis_url() -> str:
    return server_url("redis") or ""


@pytest.mark.service("redis")
def test_a_redis_that_hangs_is_given_up_at_once_and_used_again_when_it_answers(
    redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    changes: list[bool] = []

    async def scenario() -> None:
        fake = FakeRedis(redis_url)
        await fake.start()
        back = asyncio.Event()

        def change(available: bool) -> None:
            changes.append(available)
            if available:
                back.set()

        quick = {"retry_seconds": 0.02, "answer_seconds_max": 1.0}
        async with shared_buckets(fake.url, on_change=change, **quick) as shared:
            assert await shared.take(PLENTY, "somebody") is not None
            fake.answering.clear()
            async with asyncio.timeout(WAIT_SECONDS_MAX):
                answers = await asyncio.gather(*(shared.take(PLENTY, "somebody") for _ in range(600)))
            assert answers == [None] * 600
            with pytest.raises(StopIteration) as told_at_once:  # nobody waits a second time
                shared.take(PLENTY, "somebody").send(None)
            assert told_at_once.value.value is None
            fake.answering.set()
            async with asyncio.timeout(WAIT_SECONDS_MAX):
                await back.wait()
            assert await shared.take(PLENTY, "somebody") is not None
        await fake.close()

    with caplog.at_level(logging.WARNING, "bursar.limits"):
        asyncio.run(scenario())
    assert changes == [False, True]
    assert [record.message.split(",")[0].split(":")[0] for record in caplog.records] == [
        "Redis is away",
        "Redis is back",
    ]


def test_without_redis_each_process_keeps_limits_for_itself_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> str:
        metrics = Metrics()
        limits = RequestLimits(read_limits("key.payments=2/hour"), redis_url="redis://:secret@127.0.0.1:1/0")
        limits.report_to(metrics)
        await limits.start()
        for _ in range(2):
            assert await limits.admit(PAY, SERVER, None)
        with pytest.raises(Exception, match=r"key\.payments"):
            await limits.admit(PAY, SERVER, None)
        await limits.close()
        return metrics.render().decode()

    with caplog.at_level(logging.WARNING, "bursar.limits"):
        told = asyncio.run(scenario())
    assert "bursar_limiter_fallback 1.0" in told
    assert "bursar_limiter_fallback_requests_total 3.0" in told
    assert len(caplog.records) == 1
    assert "secret" not in caplog.text


@pytest.mark.service("redis")
def test_who_hangs_up_while_redis_is_asked_hurts_nobody_else(redis_url: str) -> None:
    async def scenario() -> None:
        async with shared_buckets(redis_url) as shared:
            tasks = [asyncio.create_task(shared.take(PLENTY, "somebody")) for _ in range(100)]
            await asyncio.sleep(0)
            for task in tasks[::2]:
                task.cancel()
            answers = await asyncio.gather(*tasks, return_exceptions=True)
            assert all(isinstance(answer, asyncio.CancelledError) for answer in answers[::2])
            assert all(isinstance(answer, Taken) for answer in answers[1::2])

    asyncio.run(scenario())


@pytest.mark.service("redis")
def test_what_stands_in_the_buckets_place_is_a_redis_that_is_away(redis_url: str) -> None:
    """Somebody else's key of another kind must not fail a payment."""

    async def scenario() -> None:
        with redis.Redis.from_url(redis_url) as client:
            client.delete("bursar:{key.read:taken}")
            client.lpush("bursar:{key.read:taken}", "x")
            async with shared_buckets(redis_url) as shared:
                assert await shared.take(PLENTY, "taken") is None
            client.delete("bursar:{key.read:taken}")

    asyncio.run(scenario())
