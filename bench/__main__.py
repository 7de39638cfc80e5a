"""`python -m bench`: options, and the order in which things are measured."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench import localstripe, report
from bench.cases import CASES, CUSTOMERS, PAYMENTS, Case
from bench.contestants import Bench, Contestant
from bench.databases import VARIABLE, PostgreSQL
from bench.filled import measure_filled
from bench.half_load import measure_half_load
from bench.processes import BenchError
from bench.profiling import measure_profile, show_profile
from bench.report import Results
from bench.server import measure_start
from bench.sign_ins import measure_sign_ins
from bench.soak import measure_soak

# A disk, where /tmp may be memory; scripts/services keeps PostgreSQL's data here too.
FOLDER = Path("/var/tmp")  # noqa: S108 - a folder of its own is made in it
STARTS = 5
BACKENDS = ("sqlite", "postgresql")


def main(arguments: list[str] | None = None) -> int:
    # So that `kill` unwinds as Ctrl-C does, and neither a server nor a database stays behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    options = _options(arguments)
    postgresql = PostgreSQL.from_environment()
    if postgresql is None:
        _say(f"{VARIABLE} is not set, so there is neither PostgreSQL nor pgbench; `make bench` brings both.")
        options.only = [name for name in options.only if name != "postgresql"]
        if not options.only:
            return 1
    notes = _notes(postgresql)
    named = {name: str(value) if isinstance(value, Path) else value for name, value in vars(options).items()}
    results = Results(named, report.machine_facts(postgresql.facts if postgresql else None, notes))
    with tempfile.TemporaryDirectory(prefix="bursar-bench-", dir=FOLDER) as name:
        bench = Bench(Path(name), postgresql, options.seconds, options.connections, options.workers)
        try:
            _measure(bench, results, options)
        except BenchError as problem:
            results.failures.append(str(problem))
    report.show(results)
    _say(f"written to {report.write(results, options.json)}")
    return 1 if results.failures else 0


def _measure(bench: Bench, results: Results, options: argparse.Namespace) -> None:
    if options.filled or options.filled_payments:
        case, objects = (CUSTOMERS, options.customers) if options.filled else (PAYMENTS, options.payments)
        with _tolerant(options, results):
            measure_filled(bench, results, case, options.only, options.rounds, objects, options.refill)
    elif options.half_load:
        _measure_half_load(bench, results, options)
    elif options.sign_ins:
        _measure_sign_ins(bench, results, options)
    elif options.soak:
        for backend in options.only:
            with _tolerant(options, results):
                results.soaks.append(measure_soak(bench, PAYMENTS, backend, options.soak, _say))
    elif options.localstripe:
        _measure_localstripe(bench, results, options)
    elif options.profile:
        for backend in options.only:
            with _tolerant(options, results):
                show_profile(backend, measure_profile(bench, CASES[options.profile], backend))
    else:
        for name in options.cases:
            _measure_empty(bench, results, options, CASES[name])
        if "sqlite" in options.only:
            _measure_starts(bench, results, options)


def _measure_empty(bench: Bench, results: Results, options: argparse.Namespace, case: Case) -> None:
    contestants = bench.peers(case) + [bench.contestant(case, name) for name in options.only]
    _by_turns(contestants, results, options)


def _by_turns(contestants: Sequence[Contestant], results: Results, options: argparse.Namespace) -> None:
    for number in range(options.rounds):
        results.rounds.append([])
        turn = number % len(contestants)  # nobody always comes first, or always behind the same one
        for contestant in [*contestants[turn:], *contestants[:turn]]:
            with _tolerant(options, results):
                measured = contestant.measure()
                results.rounds[-1].append(measured)
                _say(
                    f"{measured.case}, round {number + 1}: {measured.name} "
                    f"{measured.requests_per_second:,.0f} requests/s"
                )


def _measure_starts(bench: Bench, results: Results, options: argparse.Namespace) -> None:
    with _tolerant(options, results):
        for number in range(STARTS):
            folder = bench.folder / f"start-{number}"
            results.starts.setdefault("fresh folder", []).append(measure_start(folder))
            results.starts.setdefault("existing folder", []).append(measure_start(folder))


def _measure_half_load(bench: Bench, results: Results, options: argparse.Namespace) -> None:
    for number in range(options.rounds):
        for backend in options.only:
            with _tolerant(options, results):
                measured = measure_half_load(bench, PAYMENTS, backend)
                results.half_loads.append(measured)
                _say(
                    f"round {number + 1}: {backend} at {measured.rate:,.0f} requests/s: "
                    f"p50 {measured.p50_ms:.1f} ms, p99 {measured.p99_ms:.1f} ms"
                )


def _measure_sign_ins(bench: Bench, results: Results, options: argparse.Namespace) -> None:
    for number in range(options.rounds):
        with _tolerant(options, results):
            measured = measure_sign_ins(bench, PAYMENTS)
            results.sign_ins.append(measured)
            _say(
                f"round {number + 1}: p99 of payments {measured.alone_p99_ms:.1f} ms, "
                f"{measured.beside_p99_ms:.1f} ms beside {measured.attempts_per_second:,.0f} sign-ins/s"
            )


def _measure_localstripe(bench: Bench, results: Results, options: argparse.Namespace) -> None:
    contestants = [bench.contestant(PAYMENTS, name) for name in options.only]
    try:
        localstripe.install()
    except BenchError as problem:
        _say(f"SKIPPED: {problem}")
        results.machine["notes"].append(str(problem))
    else:
        contestants.append(Contestant(localstripe.NAME, lambda: localstripe.measure_localstripe(bench)))
    _by_turns(contestants, results, options)


@contextmanager
def _tolerant(options: argparse.Namespace, results: Results) -> Iterator[None]:
    """With --keep-going a failure is reported at the end, and what can be measured still is."""
    try:
        yield
    except BenchError as problem:
        if not options.keep_going:
            raise
        _say(f"FAILED: {problem}")
        results.failures.append(str(problem))


def _notes(postgresql: PostgreSQL | None) -> list[str]:
    if postgresql is None:
        return ["no PostgreSQL: nothing to hold the numbers against"]
    notes = [
        f"PostgreSQL runs with {name}=off: it promises less than Bursar on SQLite does"
        for name in ("fsync", "synchronous_commit")
        if postgresql.facts[name] == "off"
    ]
    if postgresql.on_device() != FOLDER.stat().st_dev:
        notes.append(f"PostgreSQL's data may lie on another disk than {FOLDER}, where SQLite's are")
    return notes


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measures Bursar beside pgbench.")
    number = _at_least_one
    parser.add_argument("--cases", type=_cases, default=list(CASES), help="customers, payments or both, by comma")
    parser.add_argument("--seconds", type=number, default=6, help="of each measurement, after 2 s of warm-up")
    parser.add_argument("--connections", type=number, default=64)
    parser.add_argument("--rounds", type=number, default=3)
    parser.add_argument("--only", type=_backends, default=list(BACKENDS), help="sqlite, postgresql or both, by comma")
    parser.add_argument("--workers", type=number, default=1, help="processes on PostgreSQL; SQLite has one")
    parser.add_argument("--json", type=Path, help="instead of bench/results/TIME.json")
    parser.add_argument("--keep-going", action="store_true", help="measure the rest when something fails")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--half-load", action="store_true", help="how long payments take at half of the highest load")
    what.add_argument("--sign-ins", action="store_true", help="how long payments take while many try to sign in")
    what.add_argument(
        "--soak", type=number, nargs="?", const=200_000, metavar="PAYMENTS", help="memory over so many payments"
    )
    what.add_argument("--filled", action="store_true", help="with a million customers and two million events")
    what.add_argument("--filled-payments", action="store_true", help="with a million payments")
    what.add_argument("--localstripe", action="store_true", help="payments beside localstripe instead of pgbench")
    what.add_argument("--profile", choices=list(CASES), help="where the processor time goes")
    parser.add_argument("--customers", type=number, default=1_000_000, help="for --filled")
    parser.add_argument("--payments", type=number, default=1_000_000, help="for --filled-payments")
    parser.add_argument("--refill", action="store_true", help="do not use what an earlier run filled")
    return parser.parse_args(arguments)


def _at_least_one(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError
    return value


def _backends(text: str) -> list[str]:
    return _among(text, BACKENDS)


def _cases(text: str) -> list[str]:
    return _among(text, tuple(CASES))


def _among(text: str, known: Sequence[str]) -> list[str]:
    names = text.split(",")
    if set(names) - set(known):
        raise ValueError
    return names


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
