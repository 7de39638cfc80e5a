"""`--filled`: lists among many rows, and whether creating gets slower with them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.contestants import Bench
from bench.fill import Filled, fill, find_filled
from bench.lists import measure_lookups
from bench.load import Measurement
from bench.processes import BenchError
from bench.report import Results
from bench.server import Server, on_postgresql, on_sqlite

KEPT = Path("var/bench")
KEPT_DATABASE = "bursar_bench_filled"


@dataclass(frozen=True)
class Warehouse:
    """A filled database of one kind, and how to start a server on it."""

    backend: str
    bench: Bench
    filled: Filled

    @contextmanager
    def server(self) -> Iterator[Server]:
        if self.backend == "sqlite":
            with on_sqlite(KEPT / "data") as server:
                yield server
            return
        url = self.bench.server().url(KEPT_DATABASE)
        with on_postgresql(
            url, self.bench.folder, workers=self.bench.workers, organisation=self.filled.org_id
        ) as server:
            yield server

    def measure(self) -> Measurement:
        with self.server() as server:
            return self.bench.load(f"{self.backend}, filled", server, self.bench.folder)


def measure_filled(
    bench: Bench, results: Results, backends: Sequence[str], rounds: int, customers: int, refill: bool
) -> None:
    warehouses = [Warehouse(name, bench, _filled(bench, name, customers, refill)) for name in backends]
    for warehouse in warehouses:
        with warehouse.server() as server:
            results.lookups[warehouse.backend] = measure_lookups(server, warehouse.filled, bench.folder)
    contestants: list[Callable[[], Measurement]] = []
    for warehouse in warehouses:
        contestants += [bench.contestant(warehouse.backend).measure, warehouse.measure]
    for number in range(rounds):
        results.rounds.append([])
        turn = number % len(contestants)
        for measure in contestants[turn:] + contestants[:turn]:
            measured = measure()
            results.rounds[-1].append(measured)
            _say(f"round {number + 1}: {measured.name} {measured.requests_per_second:,.0f} requests/s")


def _filled(bench: Bench, backend: str, customers: int, refill: bool) -> Filled:
    url = f"sqlite:///{(KEPT / 'data' / 'bursar.db').resolve()}"
    present = (KEPT / "data" / "bursar.db").is_file()
    if backend == "postgresql":
        url = bench.server().url(KEPT_DATABASE)
        present = bench.server().exists(KEPT_DATABASE)
    known = find_filled(url, customers) if present and not refill else None
    if known is not None:
        _say(f"{backend}: using what an earlier run filled")
        return known
    _remove(bench, backend)
    _say(f"{backend}: filling {customers:,} customers")
    try:
        return fill(url, customers, lambda text: _say(f"{backend}: {text}"))
    except BenchError:
        _remove(bench, backend)  # what was not proved is not measured by the next run either
        raise


def _remove(bench: Bench, backend: str) -> None:
    """Makes room for an empty one."""
    if backend == "postgresql":
        bench.server().drop(KEPT_DATABASE)
        bench.server().create(KEPT_DATABASE)
        return
    shutil.rmtree(KEPT / "data", ignore_errors=True)
    (KEPT / "data").mkdir(parents=True)


def _say(text: str) -> None:
    print(text, flush=True)
