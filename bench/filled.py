"""`--filled` and `--filled-payments`: lists among many rows, and whether requests get slower with them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.bank import running_bank
from bench.cases import CUSTOMERS, PAYMENTS, Case
from bench.contestants import Bench
from bench.fill import Filled, Maker, fill, find_filled
from bench.fill_customers import CustomerMaker
from bench.fill_payments import PaymentMaker
from bench.lists import measure_lookups
from bench.load import Measurement
from bench.processes import BenchError
from bench.report import Results
from bench.server import Server, on_postgresql, on_sqlite

KEPT = Path("var/bench")
KEPT_DATABASE = "bursar_bench_filled"
MAKERS: dict[str, Callable[[], Maker]] = {CUSTOMERS.name: CustomerMaker, PAYMENTS.name: PaymentMaker}


@dataclass(frozen=True)
class Warehouse:
    """A database of one kind filled for one case, and how to start a server on it."""

    case: Case
    backend: str
    bench: Bench
    filled: Filled

    @contextmanager
    def server(self) -> Iterator[Server]:
        bank_folder = self.bench.folder / "bank-of-filled"
        try:
            with running_bank(bank_folder) as bank:
                if self.backend == "sqlite":
                    with on_sqlite(_data(self.case), bank) as server:
                        yield server
                    return
                url = self.bench.server_of_postgresql().url(_database(self.case))
                organisation = self.filled.org_id
                with on_postgresql(
                    url, self.bench.folder, bank, workers=self.bench.workers, organisation=organisation
                ) as server:
                    yield server
        finally:
            shutil.rmtree(bank_folder, ignore_errors=True)

    def measure(self) -> Measurement:
        with self.server() as server:
            return self.bench.load(self.case, f"{self.backend}, filled", server, self.bench.folder)


def measure_filled(
    bench: Bench, results: Results, case: Case, backends: Sequence[str], rounds: int, objects: int, refill: bool
) -> None:
    warehouses = [Warehouse(case, name, bench, _filled(bench, case, name, objects, refill)) for name in backends]
    for warehouse in warehouses:
        with warehouse.server() as server:
            results.lookups[warehouse.backend] = measure_lookups(case, server, warehouse.filled, bench.folder)
    contestants: list[Callable[[], Measurement]] = []
    for warehouse in warehouses:
        contestants += [bench.contestant(case, warehouse.backend).measure, warehouse.measure]
    for number in range(rounds):
        results.rounds.append([])
        turn = number % len(contestants)
        for measure in contestants[turn:] + contestants[:turn]:
            measured = measure()
            results.rounds[-1].append(measured)
            _say(f"round {number + 1}: {measured.name} {measured.requests_per_second:,.0f} requests/s")


def _filled(bench: Bench, case: Case, backend: str, objects: int, refill: bool) -> Filled:
    url = f"sqlite:///{(_data(case) / 'bursar.db').resolve()}"
    present = (_data(case) / "bursar.db").is_file()
    if backend == "postgresql":
        url = bench.server_of_postgresql().url(_database(case))
        present = bench.server_of_postgresql().exists(_database(case))
    known = find_filled(url, objects) if present and not refill else None
    if known is not None:
        _say(f"{backend}: using what an earlier run filled")
        return known
    _remove(bench, case, backend)
    _say(f"{backend}: filling {objects:,} {case.name}")
    try:
        return fill(url, MAKERS[case.name](), objects, lambda text: _say(f"{backend}: {text}"))
    except BenchError:
        _remove(bench, case, backend)  # what was not proved is not measured by the next run either
        raise


def _remove(bench: Bench, case: Case, backend: str) -> None:
    """Makes room for an empty one."""
    if backend == "postgresql":
        bench.server_of_postgresql().drop(_database(case))
        bench.server_of_postgresql().create(_database(case))
        return
    shutil.rmtree(_data(case), ignore_errors=True)
    _data(case).mkdir(parents=True)


def _data(case: Case) -> Path:
    return KEPT / case.name / "data"


def _database(case: Case) -> str:
    return f"{KEPT_DATABASE}_{case.name}"


def _say(text: str) -> None:
    print(text, flush=True)
