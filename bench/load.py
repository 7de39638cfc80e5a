"""The load: wrk with customers.lua, a warm-up and then the measurement, checked against the database."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from bench.databases import PostgreSQL, count_customers
from bench.processes import BenchError
from bench.server import Server
from bench.wrk import SCRIPTS, run_wrk

SCRIPT = SCRIPTS / "customers.lua"
WARM_UP_SECONDS = 2
SETTLE_SECONDS = 0.3  # requests of the warm-up that wrk no longer waits for are carried out meanwhile


@dataclass(frozen=True)
class Measurement:
    """One contestant in one round."""

    name: str
    requests: int
    requests_per_second: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float | None = None  # of the server's processes, for one request
    database_cpu_ms: float | None = None  # of PostgreSQL's processes, for one request
    resident_mib_before: float | None = None
    resident_mib_after: float | None = None


def measure_creates(
    name: str, server: Server, folder: Path, *, seconds: int, connections: int, database: PostgreSQL | None
) -> Measurement:
    """`database` is asked for the CPU time that it uses for its part of the work."""
    run_wrk(server, folder, SCRIPT, WARM_UP_SECONDS, connections)
    time.sleep(SETTLE_SECONDS)
    if database is not None:
        database.checkpoint()
    rows = count_customers(server.database_url)
    memory = server.resident_mib()
    cpu, database_cpu = server.cpu_seconds(), database.cpu_seconds() if database else None
    result = run_wrk(server, folder, SCRIPT, seconds, connections)
    cpu = server.cpu_seconds() - cpu
    if database is not None and database_cpu is not None:
        database_cpu = (database.cpu_seconds() or 0.0) - database_cpu
    memory_after = server.resident_mib()
    time.sleep(SETTLE_SECONDS)
    requests = int(result["requests"])
    _check_rows(name, count_customers(server.database_url) - rows, requests, connections)
    return Measurement(
        name=name,
        requests=requests,
        requests_per_second=requests / (result["microseconds"] / 1e6),
        p50_ms=result["p50_us"] / 1000,
        p99_ms=result["p99_us"] / 1000,
        cpu_ms=cpu * 1000 / requests,
        database_cpu_ms=database_cpu * 1000 / requests if database_cpu is not None else None,
        resident_mib_before=memory,
        resident_mib_after=memory_after,
    )


def _check_rows(name: str, rows: int, requests: int, connections: int) -> None:
    """Every answer stands for one durable customer; those that wrk no longer waited for may be there too."""
    if not requests <= rows <= requests + 2 * connections:
        raise BenchError(f"{name} answered {requests} requests but stored {rows} customers")
