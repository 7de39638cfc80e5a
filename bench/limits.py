"""`python -m bench.limits`: what limits and the record of reads cost a request, in process and on Redis.

With the servers: `scripts/services run redis redis_cluster -- .venv/bin/python -m bench.limits`.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

from bursar.audit.recorder import VIEWS_MAX, AuditRecorder
from bursar.http.authentication import Principal
from bursar.http.call import Call
from bursar.http.endpoint import Endpoint
from bursar.http.params import Params
from bursar.kit.clock import SystemClock
from bursar.limits.rules import Limit, read_limits
from bursar.limits.service import RequestLimits
from bursar.limits.shared import SharedBuckets

CALLS = 100_000
CALLS_ON_REDIS = 5_000
CONNECTIONS = 64
WORKERS, SECONDS, COUNT, BURST = 10, 10.0, 500, 250
SERVERS = {"Redis": "BURSAR_TEST_REDIS_URL", "Redis Cluster": "BURSAR_TEST_REDIS_CLUSTER_URL"}
ADDRESS = "192.0.2.1"
PLENTY = "1000000/s burst 1000000"


async def _handler(_call: Call, _params: Params) -> Any:
    raise AssertionError("nothing here is called")


PAY = Endpoint("POST", "/v1/payment_intents", _handler, "", "payment_intents.write", Params)
LOOK = Endpoint("GET", "/v1/payment_intents", _handler, "", "payment_intents.read", Params)
SERVER = Principal("acct_1", 0, "key_1")


async def main() -> None:
    await _measure_in_process()
    _measure_reads()
    for name, variable in SERVERS.items():
        url = os.environ.get(variable)
        if url is None:
            print(f"{name}: {variable} is not set")
            continue
        await _measure_redis(name, url)
        _measure_workers(name, url)


async def _measure_in_process() -> None:
    off = RequestLimits(read_limits(""))
    limited = RequestLimits(read_limits(f"key.payments={PLENTY}"))
    for name, limits in (("no limit set", off), ("a limit of the key", limited)):
        micros = await _micros(lambda limits=limits: limits.admit(PAY, SERVER, ADDRESS))  # type: ignore[misc]
        print(f"in process, {name}: {micros:.2f} µs a request")


async def _micros(act: Callable[[], Awaitable[Any]]) -> float:
    started = time.perf_counter()
    for _ in range(CALLS):
        await act()
    return (time.perf_counter() - started) / CALLS * 1e6


def _measure_reads() -> None:
    """Nothing is written here: that happens beside the requests."""
    store: Any = None
    recorder = AuditRecorder(store, SystemClock())
    call = Call(SERVER, "req_1", ADDRESS, None, {"intent": "pi_1"})
    rounds = []
    for _ in range(10):
        recorder._views.clear()
        started = time.perf_counter()
        for _ in range(VIEWS_MAX):
            recorder.looked_at(call, LOOK, b"limit=3")
        rounds.append((time.perf_counter() - started) / VIEWS_MAX * 1e6)
    print(f"looked_at: {sorted(rounds)[5]:.2f} µs a read")


async def _measure_redis(name: str, url: str) -> None:
    shared = SharedBuckets(url, on_change=lambda _: None)
    await shared.start()
    limit = Limit("bench.payments", 1_000_000, 1, 1_000_000)
    times: list[float] = []
    away: list[bool] = []

    async def take(client: int, count: int) -> None:
        for number in range(count):
            started = time.perf_counter()
            taken = await shared.take(limit, f"key_{client}_{number % 10}")
            times.append(time.perf_counter() - started)
            away.append(taken is None)

    await take(0, CALLS_ON_REDIS)
    print(f"{name}, one at a time: {_spread(times)}")
    times.clear()
    started = time.perf_counter()
    await asyncio.gather(*(take(client, CALLS_ON_REDIS // 10) for client in range(CONNECTIONS)))
    rate = len(times) / (time.perf_counter() - started)
    print(f"{name}, {CONNECTIONS} at once: {_spread(times)}, {rate:,.0f}/s in one process")
    print(f"{name}, done without: {sum(away)} of {len(away)}")
    await shared.close()


def _spread(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    p50, p99 = (ordered[int(len(ordered) * part)] * 1000 for part in (0.5, 0.99))
    return f"p50 {p50:.2f} ms, p99 {p99:.2f} ms"


def _measure_workers(name: str, url: str) -> None:
    command = [sys.executable, "-m", "tests.limits.taker", url, str(COUNT), str(BURST), str(SECONDS)]
    workers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(WORKERS)
    ]
    for worker in workers:
        assert worker.stdout is not None
        worker.stdout.readline()
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    allowed = sum(json.loads(worker.communicate()[0])["allowed"] for worker in workers)
    meant = BURST + COUNT * SECONDS
    print(
        f"{name}, {WORKERS} processes on one limit of {COUNT}/s burst {BURST}: {allowed} let through in {SECONDS:g} s, "
        f"{meant:.0f} meant, {(allowed / meant - 1) * 100:+.2f} %"
    )


if __name__ == "__main__":
    asyncio.run(main())
