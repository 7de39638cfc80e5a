"""`--half-load`: how long a request takes where the server has half of what it can bear."""

from __future__ import annotations

from dataclasses import dataclass

from bench.cases import Case
from bench.client import Requests, send_at_rate
from bench.contestants import Bench
from bench.load import Proof

LONGER = 5  # than the measurement of the highest load: the hundredth part of it must be many requests


@dataclass(frozen=True)
class HalfLoad:
    """One round of one backend. Latencies count from when each request was due."""

    case: str
    name: str
    highest_per_second: float
    rate: float
    requests: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    p999_ms: float
    max_ms: float
    late_p99_ms: float  # of the load itself: how late it sent what was due
    cpu_ms: float
    bank_cpu_ms: float


def measure_half_load(bench: Bench, case: Case, backend: str) -> HalfLoad:
    with bench.empty(backend) as (server, folder):
        highest = bench.load(case, backend, server, folder).requests_per_second
        proof = Proof(case, server)
        proof.begin()
        cpu, bank_cpu = server.cpu_seconds(), server.bank.cpu_seconds()
        tally = send_at_rate(Requests(case, server), bench.connections, highest / 2, bench.seconds * LONGER)
        cpu, bank_cpu = server.cpu_seconds() - cpu, server.bank.cpu_seconds() - bank_cpu
        proof.check(f"{backend} at half load", tally.acknowledged, abandoned_max=0)
    ordered = sorted(tally.microseconds)
    return HalfLoad(
        case=case.name,
        name=backend,
        highest_per_second=highest,
        rate=highest / 2,
        requests=tally.acknowledged,
        p50_ms=_percentile(ordered, 0.5),
        p95_ms=_percentile(ordered, 0.95),
        p99_ms=_percentile(ordered, 0.99),
        p999_ms=_percentile(ordered, 0.999),
        max_ms=ordered[-1] / 1000,
        late_p99_ms=_percentile(sorted(tally.late_microseconds), 0.99),
        cpu_ms=cpu * 1000 / tally.acknowledged,
        bank_cpu_ms=bank_cpu * 1000 / tally.acknowledged,
    )


def _percentile(ordered_microseconds: list[int], part: float) -> float:
    return ordered_microseconds[min(len(ordered_microseconds) - 1, int(len(ordered_microseconds) * part))] / 1000
