"""The load: wrk with posts.lua, a warm-up and then the measurement, checked against database and bank."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from bench.bank import Sales
from bench.cases import PAYMENTS, Case
from bench.databases import PostgreSQL, count
from bench.processes import BenchError
from bench.server import Server
from bench.wrk import POSTS, post, run_wrk

WARM_UP_SECONDS = 2
SETTLE_SECONDS = 0.3  # requests that wrk no longer waits for are carried out meanwhile
SETTLE_SECONDS_MAX = 20.0


@dataclass(frozen=True)
class Measurement:
    """One contestant in one round. The CPU times are for one request."""

    case: str
    name: str
    requests: int
    requests_per_second: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float | None = None  # of the server's processes
    database_cpu_ms: float | None = None  # of PostgreSQL's processes
    bank_cpu_ms: float | None = None
    load_cpu_ms: float | None = None  # of whoever sends the requests
    resident_mib_before: float | None = None
    resident_mib_after: float | None = None


class Proof:
    """What stands in the database and in the bank's journal since a moment at which nothing was under way."""

    def __init__(self, case: Case, server: Server) -> None:
        self._case = case
        self._server = server
        self._sales = Sales(server.bank.journal)
        self._since = 0
        self._sales_before = 0

    def begin(self) -> None:
        """Waits until all that was begun has ended."""
        before = -1
        deadline = time.monotonic() + SETTLE_SECONDS_MAX
        while (now := self._sales.count()) != before and time.monotonic() < deadline:
            before = now
            time.sleep(SETTLE_SECONDS)
        self._sales_before = now
        self._since = time.time_ns() // 1000

    def check(self, name: str, acknowledged: int, abandoned_max: int) -> None:
        """Every answer stands for one of each; those that nobody waited for any more may be there, too."""
        found = self._settled()
        if len(set(found.values())) != 1:
            raise BenchError(f"{name}: what should be one count is several: {found}")
        stored = next(iter(found.values()))
        if not acknowledged <= stored <= acknowledged + abandoned_max:
            raise BenchError(f"{name} acknowledged {acknowledged} requests but stored {stored}: {found}")

    def _settled(self) -> dict[str, int]:
        deadline = time.monotonic() + SETTLE_SECONDS_MAX
        while True:
            time.sleep(SETTLE_SECONDS)
            found = count(self._server.database_url, self._case.proofs(self._since))
            if self._case is PAYMENTS:
                found["sales in the bank's journal"] = self._sales.count() - self._sales_before
            if len(set(found.values())) == 1 or time.monotonic() > deadline:
                return found


def warm_up(case: Case, server: Server, folder: Path, connections: int) -> None:
    os.sync()  # what was filled or left by others is not written at this one's expense
    run_wrk(server, folder, POSTS, WARM_UP_SECONDS, connections, **post(case))
    time.sleep(SETTLE_SECONDS)


def measure_posts(
    case: Case,
    name: str,
    server: Server,
    folder: Path,
    *,
    seconds: int,
    connections: int,
    database: PostgreSQL | None,
) -> Measurement:
    """As many as there can be. `database` is asked for the CPU time that it uses for its part of the work."""
    warm_up(case, server, folder, connections)
    if database is not None:
        database.checkpoint()
    proof = Proof(case, server)
    proof.begin()
    memory = server.resident_mib()
    cpu, database_cpu = server.cpu_seconds(), database.cpu_seconds() if database else None
    bank_cpu = server.bank.cpu_seconds()
    result = run_wrk(server, folder, POSTS, seconds, connections, **post(case))
    cpu, bank_cpu = server.cpu_seconds() - cpu, server.bank.cpu_seconds() - bank_cpu
    if database is not None and database_cpu is not None:
        database_cpu = (database.cpu_seconds() or 0.0) - database_cpu
    memory_after = server.resident_mib()
    requests = int(result["requests"])
    proof.check(name, requests, abandoned_max=connections)
    return Measurement(
        case=case.name,
        name=name,
        requests=requests,
        requests_per_second=requests / (result["microseconds"] / 1e6),
        p50_ms=result["p50_us"] / 1000,
        p99_ms=result["p99_us"] / 1000,
        cpu_ms=cpu * 1000 / requests,
        database_cpu_ms=database_cpu * 1000 / requests if database_cpu is not None else None,
        bank_cpu_ms=bank_cpu * 1000 / requests if case is PAYMENTS else None,
        load_cpu_ms=result["cpu_seconds"] * 1000 / requests,
        resident_mib_before=memory,
        resident_mib_after=memory_after,
    )
