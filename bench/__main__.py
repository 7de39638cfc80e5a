"""`python -m bench`: options, and the order in which things are measured."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import report
from bench.contestants import Bench
from bench.databases import VARIABLE, PostgreSQL
from bench.filled import measure_filled
from bench.processes import BenchError
from bench.report import Results
from bench.server import measure_start

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
            if options.filled:
                with _tolerant(options, results):
                    measure_filled(bench, results, options.only, options.rounds, options.customers, options.refill)
            else:
                _measure_empty(bench, results, options)
        except BenchError as problem:
            results.failures.append(str(problem))
    report.show(results)
    _say(f"written to {report.write(results, options.json)}")
    return 1 if results.failures else 0


def _measure_empty(bench: Bench, results: Results, options: argparse.Namespace) -> None:
    contestants = bench.peers() + [bench.contestant(name) for name in options.only]
    for number in range(options.rounds):
        results.rounds.append([])
        turn = number % len(contestants)  # nobody always comes first, or always behind the same one
        for contestant in contestants[turn:] + contestants[:turn]:
            with _tolerant(options, results):
                measured = contestant.measure()
                results.rounds[-1].append(measured)
                _say(f"round {number + 1}: {measured.name} {measured.requests_per_second:,.0f} requests/s")
    if "sqlite" in options.only:
        with _tolerant(options, results):
            for number in range(STARTS):
                folder = bench.folder / f"start-{number}"
                results.starts.setdefault("fresh folder", []).append(measure_start(folder))
                results.starts.setdefault("existing folder", []).append(measure_start(folder))


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
    parser.add_argument("--seconds", type=number, default=6, help="of each measurement, after 2 s of warm-up")
    parser.add_argument("--connections", type=number, default=64)
    parser.add_argument("--rounds", type=number, default=3)
    parser.add_argument("--only", type=_backends, default=list(BACKENDS), help="sqlite, postgresql or both, by comma")
    parser.add_argument("--workers", type=number, default=1, help="processes on PostgreSQL; SQLite has one")
    parser.add_argument("--json", type=Path, help="instead of bench/results/TIME.json")
    parser.add_argument("--filled", action="store_true", help="with a million customers and two million events")
    parser.add_argument("--customers", type=number, default=1_000_000, help="for --filled")
    parser.add_argument("--refill", action="store_true", help="do not use what an earlier --filled left")
    parser.add_argument("--keep-going", action="store_true", help="measure the rest when something fails")
    return parser.parse_args(arguments)


def _at_least_one(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError
    return value


def _backends(text: str) -> list[str]:
    names = text.split(",")
    if set(names) - set(BACKENDS):
        raise ValueError
    return names


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
