"""`--soak`: whether memory grows with the number of requests."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.cases import Case
from bench.client import Requests, send_number
from bench.contestants import Bench
from bench.load import Proof

SAMPLES = 20
PER_REQUESTS = 100_000  # the unit of the slope


@dataclass(frozen=True)
class Sample:
    requests: int
    resident_mib: float
    bank_resident_mib: float
    requests_per_second: float  # since the sample before


@dataclass(frozen=True)
class Soak:
    case: str
    name: str
    requests: int
    samples: list[Sample]
    # MiB for each 100,000 requests, over the second half: caches are full by then.
    slope_mib: float
    bank_slope_mib: float
    cpu_ms: float
    bank_cpu_ms: float


def measure_soak(bench: Bench, case: Case, backend: str, requests: int, say: Callable[[str], None]) -> Soak:
    every = max(1, requests // SAMPLES)
    with bench.empty(backend) as (server, _):
        samples: list[Sample] = []
        last = time.perf_counter()

        def watch(done: int) -> None:
            nonlocal last
            now = time.perf_counter()
            sample = Sample(done, server.resident_mib(), server.bank.resident_mib(), every / (now - last))
            last = now
            samples.append(sample)
            say(
                f"{backend}: {done:,} requests, {sample.resident_mib:.1f} MiB, bank {sample.bank_resident_mib:.1f} MiB,"
                f" {sample.requests_per_second:,.0f} requests/s"
            )

        proof = Proof(case, server)
        proof.begin()
        cpu, bank_cpu = server.cpu_seconds(), server.bank.cpu_seconds()
        tally = send_number(Requests(case, server), bench.connections, requests, every, watch)
        cpu, bank_cpu = server.cpu_seconds() - cpu, server.bank.cpu_seconds() - bank_cpu
        proof.check(f"{backend}, soaked", tally.acknowledged, abandoned_max=0)
    second_half = samples[len(samples) // 2 :]
    return Soak(
        case=case.name,
        name=backend,
        requests=tally.acknowledged,
        samples=samples,
        slope_mib=_slope([(one.requests, one.resident_mib) for one in second_half]),
        bank_slope_mib=_slope([(one.requests, one.bank_resident_mib) for one in second_half]),
        cpu_ms=cpu * 1000 / tally.acknowledged,
        bank_cpu_ms=bank_cpu * 1000 / tally.acknowledged,
    )


def _slope(points: Sequence[tuple[int, float]]) -> float:
    """By least squares, for each PER_REQUESTS."""
    if len(points) < 2:
        return 0.0
    middle_x = sum(x for x, _ in points) / len(points)
    middle_y = sum(y for _, y in points) / len(points)
    spread = sum((x - middle_x) ** 2 for x, _ in points)
    return sum((x - middle_x) * (y - middle_y) for x, y in points) / spread * PER_REQUESTS
