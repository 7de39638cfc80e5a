"""What was measured, as tables for people and as JSON for whoever compares runs."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import sqlite3
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bench.lists import Lookup
from bench.load import Measurement
from bench.server import Start

RESULTS = Path(__file__).parent / "results"
RATIO_GOALS = {"sqlite": 1.0, "postgresql": 0.7}
FIRST_REQUEST_SECONDS_GOAL = 1.5
IDLE_MIB_GOAL = 120.0
LOOKUP_P95_MS_GOAL = 20.0
FILLED_RATIO_GOAL = 0.9
PEER, PIPELINED = "pgbench", "pgbench, pipelined"


@dataclass
class Results:
    options: dict[str, Any]
    machine: dict[str, Any]
    rounds: list[list[Measurement]] = field(default_factory=list)
    starts: dict[str, list[Start]] = field(default_factory=dict)
    lookups: dict[str, list[Lookup]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def of(self, name: str) -> list[Measurement]:
        return [one for done in self.rounds for one in done if one.name == name]

    def ratio(self, name: str, to: str) -> float | None:
        """The median of each round's own ratio: what slows a whole round down concerns both."""
        ratios = []
        for done in self.rounds:
            rates = {one.name: one.requests_per_second for one in done}
            if name in rates and to in rates:
                ratios.append(rates[name] / rates[to])
        return median(ratios) if ratios else None


@dataclass(frozen=True)
class Goal:
    text: str
    reached: bool


def machine_facts(postgresql: Mapping[str, str] | None, notes: Sequence[str]) -> dict[str, Any]:
    return {
        "cores": os.cpu_count(),
        "load_before": os.getloadavg()[0],
        "platform": platform.platform(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "postgresql": dict(postgresql) if postgresql else None,
        "notes": list(notes),
    }


def goals(results: Results) -> list[Goal]:
    found = []
    for name, goal in RATIO_GOALS.items():
        if (ratio := results.ratio(name, PEER)) is not None:
            found.append(Goal(f"{name}: {ratio:.2f} of pgbench, at least {goal}", ratio >= goal))
        if (ratio := results.ratio(f"{name}, filled", name)) is not None:
            text = f"{name}: filled {ratio:.2f} of empty, at least {FILLED_RATIO_GOAL}"
            found.append(Goal(text, ratio >= FILLED_RATIO_GOAL))
    for name, starts in results.starts.items():
        seconds = median(one.first_request_seconds for one in starts)
        text = f"first request, {name}: {seconds:.2f} s, at most {FIRST_REQUEST_SECONDS_GOAL}"
        found.append(Goal(text, seconds <= FIRST_REQUEST_SECONDS_GOAL))
        idle = median(one.idle_mib for one in starts)
        found.append(Goal(f"idle memory, {name}: {idle:.0f} MiB, at most {IDLE_MIB_GOAL:.0f}", idle <= IDLE_MIB_GOAL))
    for name, lookups in results.lookups.items():
        worst = max(lookups, key=lambda one: one.p95_ms)
        text = f"{name}: slowest p95 {worst.p95_ms:.1f} ms ({worst.name}), at most {LOOKUP_P95_MS_GOAL:.0f}"
        found.append(Goal(text, worst.p95_ms <= LOOKUP_P95_MS_GOAL))
    return found


def show(results: Results) -> None:
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 140)
    if results.rounds:
        console.print(_load_table(results))
        console.print(
            "Ratios are medians of each round's own. Every client of pgbench moves the head of a chain of its own; on "
            "one\nhead they would wait for each other, which would flatter Bursar. Pipelined: one round trip for the "
            "transaction.\n",
            style="dim",
        )
    for name, lookups in results.lookups.items():
        console.print(_lookup_table(name, lookups))
    for goal in goals(results):
        console.print(f"{'[green]reached[/]' if goal.reached else '[bold red]missed [/]'}  {goal.text}")
    for note in results.machine["notes"]:
        console.print(f"[yellow]note[/]     {note}")
    for failure in results.failures:
        console.print(f"[bold red]FAILED[/]   {escape(failure)}", soft_wrap=True)


def write(results: Results, file: Path | None) -> Path:
    if file is None:
        RESULTS.mkdir(exist_ok=True)
        file = RESULTS / f"{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}.json"
    document = dataclasses.asdict(results) | {"goals": [dataclasses.asdict(goal) for goal in goals(results)]}
    file.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return file


def _load_table(results: Results) -> Table:
    cores = results.machine["cores"]
    table = Table(title=f"customers.create, {results.options['connections']} connections, {cores} cores", box=None)
    table.add_column("", no_wrap=True)
    for heading in (
        *("requests/s", "min–max", "p50 ms", "p99 ms", "CPU ms", "PostgreSQL\nCPU ms"),
        *("RSS MiB\nbefore", "after", "of pgbench", "of pgbench,\npipelined"),
    ):
        table.add_column(heading, justify="right")
    for name in sorted({one.name for done in results.rounds for one in done}):
        found = results.of(name)
        rates = [one.requests_per_second for one in found]
        table.add_row(
            name,
            f"{median(rates):,.0f}",
            f"{min(rates):,.0f}–{max(rates):,.0f}",
            _middle(found, lambda one: one.p50_ms, 1),
            _middle(found, lambda one: one.p99_ms, 1),
            _middle(found, lambda one: one.cpu_ms, 3),
            _middle(found, lambda one: one.database_cpu_ms, 3),
            _middle(found, lambda one: one.resident_mib_before, 0),
            _middle(found, lambda one: one.resident_mib_after, 0),
            *(_ratio(results, name, to) for to in (PEER, PIPELINED)),
        )
    return table


def _lookup_table(name: str, lookups: Sequence[Lookup]) -> Table:
    table = Table(title=f"{name}, filled", box=None)
    table.add_column("", no_wrap=True)
    for heading in ("requests", "p50 ms", "p95 ms", "max ms"):
        table.add_column(heading, justify="right")
    for one in lookups:
        table.add_row(one.name, str(one.requests), f"{one.p50_ms:.1f}", f"{one.p95_ms:.1f}", f"{one.max_ms:.1f}")
    return table


def _middle(found: Sequence[Measurement], value: Callable[[Measurement], float | None], digits: int) -> str:
    values = [known for one in found if (known := value(one)) is not None]
    return f"{median(values):,.{digits}f}" if values else "–"


def _ratio(results: Results, name: str, to: str) -> str:
    ratio = results.ratio(name, to)
    return f"{ratio:.2f}" if ratio is not None else "–"
