"""What was measured, as tables for people and as JSON for whoever compares runs."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bench.cases import CASES
from bench.half_load import HalfLoad
from bench.lists import Lookup
from bench.load import Measurement
from bench.server import Start
from bench.sign_ins import SignIns
from bench.soak import Soak

RESULTS = Path(__file__).parent / "results"
# Of pgbench: what is aimed at, and the least.
RATIO_GOALS = {
    ("customers", "sqlite"): (1.0, 1.0),
    ("customers", "postgresql"): (0.7, 0.7),
    ("payments", "sqlite"): (1.0, 0.5),
    ("payments", "postgresql"): (1.0, 0.4),
}
FIRST_REQUEST_SECONDS_GOAL = 1.5
IDLE_MIB_GOAL = 120.0
LOOKUP_P95_MS_GOAL = 20.0
FILLED_RATIO_GOAL = 0.9
PAYMENT_CPU_MS_GOAL = 0.8
HALF_LOAD_P99_MS_GOAL = 15.0
SIGN_INS_RATIO_GOAL = 2.0
# Of each 100,000 requests. Flat means that a million a day could go on for weeks.
SOAK_SLOPE_MIB_GOAL = 2.0
PEER, PIPELINED = "pgbench", "pgbench, pipelined"


@dataclass
class Results:
    options: dict[str, Any]
    machine: dict[str, Any]
    rounds: list[list[Measurement]] = field(default_factory=list)
    starts: dict[str, list[Start]] = field(default_factory=dict)
    lookups: dict[str, list[Lookup]] = field(default_factory=dict)
    half_loads: list[HalfLoad] = field(default_factory=list)
    sign_ins: list[SignIns] = field(default_factory=list)
    soaks: list[Soak] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def of(self, case: str, name: str) -> list[Measurement]:
        return [one for done in self.rounds for one in done if (one.case, one.name) == (case, name)]

    def ratio(self, case: str, name: str, to: str) -> float | None:
        """The median of each round's own ratio: what slows a whole round down concerns both."""
        ratios = []
        for done in self.rounds:
            rates = {one.name: one.requests_per_second for one in done if one.case == case}
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
    return [
        *_goals_of_rounds(results),
        *_goals_of_half_load(results),
        *_goals_of_sign_ins(results),
        *_goals_of_soaks(results),
        *_goals_of_starts(results),
        *_goals_of_lookups(results),
    ]


def _goals_of_rounds(results: Results) -> Iterator[Goal]:
    for (case, name), (aim, least) in RATIO_GOALS.items():
        if (ratio := results.ratio(case, name, PEER)) is not None:
            for goal in sorted({aim, least}):
                yield Goal(f"{case}, {name}: {ratio:.2f} of pgbench, at least {goal}", ratio >= goal)
        if (ratio := results.ratio(case, f"{name}, filled", name)) is not None:
            text = f"{case}, {name}: filled {ratio:.2f} of empty, at least {FILLED_RATIO_GOAL}"
            yield Goal(text, ratio >= FILLED_RATIO_GOAL)
        used = [one.cpu_ms for one in results.of(case, name) if one.cpu_ms is not None]
        if case == "payments" and used:
            cpu = median(used)
            text = f"{case}, {name}: {cpu:.3f} ms of CPU for each, at most {PAYMENT_CPU_MS_GOAL}"
            yield Goal(text, cpu <= PAYMENT_CPU_MS_GOAL)


def _goals_of_half_load(results: Results) -> Iterator[Goal]:
    for case, name in sorted({(one.case, one.name) for one in results.half_loads}):
        p99 = median(one.p99_ms for one in results.half_loads if (one.case, one.name) == (case, name))
        text = f"{case}, {name}: p99 {p99:.1f} ms at half of the highest load, at most {HALF_LOAD_P99_MS_GOAL:.0f}"
        yield Goal(text, p99 <= HALF_LOAD_P99_MS_GOAL)


def _goals_of_sign_ins(results: Results) -> Iterator[Goal]:
    if results.sign_ins:
        ratio = median(one.ratio for one in results.sign_ins)
        text = f"payments, sqlite: p99 {ratio:.2f} times as long beside sign-ins, at most {SIGN_INS_RATIO_GOAL:.0f}"
        yield Goal(text, ratio <= SIGN_INS_RATIO_GOAL)


def _goals_of_soaks(results: Results) -> Iterator[Goal]:
    for soak in results.soaks:
        text = (
            f"{soak.case}, {soak.name}: memory grows by {soak.slope_mib:.2f} MiB for each 100,000, "
            f"at most {SOAK_SLOPE_MIB_GOAL:.0f}"
        )
        yield Goal(text, soak.slope_mib <= SOAK_SLOPE_MIB_GOAL)


def _goals_of_starts(results: Results) -> Iterator[Goal]:
    for name, starts in results.starts.items():
        seconds = median(one.first_request_seconds for one in starts)
        text = f"first request, {name}: {seconds:.2f} s, at most {FIRST_REQUEST_SECONDS_GOAL}"
        yield Goal(text, seconds <= FIRST_REQUEST_SECONDS_GOAL)
        idle, bank = median(one.idle_mib for one in starts), median(one.bank_idle_mib for one in starts)
        text = f"idle memory, {name}: {idle:.0f} MiB (and the bank {bank:.0f}), at most {IDLE_MIB_GOAL:.0f}"
        yield Goal(text, idle <= IDLE_MIB_GOAL)


def _goals_of_lookups(results: Results) -> Iterator[Goal]:
    for name, lookups in results.lookups.items():
        worst = max(lookups, key=lambda one: one.p95_ms)
        text = f"{name}: slowest p95 {worst.p95_ms:.1f} ms ({worst.name}), at most {LOOKUP_P95_MS_GOAL:.0f}"
        yield Goal(text, worst.p95_ms <= LOOKUP_P95_MS_GOAL)


def show(results: Results) -> None:
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 150)
    for case in CASES:
        if names := sorted({one.name for done in results.rounds for one in done if one.case == case}):
            console.print(_load_table(results, case, names))
    if any(PEER in {one.name for one in done} for done in results.rounds):
        console.print(
            "Ratios are medians of each round's own. Every client of pgbench moves the head of a chain of its own; on "
            "one\nhead they would wait for each other, which would flatter Bursar. Pipelined: one round trip for each "
            "transaction.\n",
            style="dim",
        )
    if results.half_loads:
        console.print(_half_load_table(results.half_loads))
    if results.sign_ins:
        console.print(_sign_ins_table(results.sign_ins))
    for soak in results.soaks:
        console.print(_soak_table(soak))
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


def _load_table(results: Results, case: str, names: Sequence[str]) -> Table:
    title = f"{CASES[case].title}: {results.options['connections']} connections, {results.machine['cores']} cores"
    headings = [
        *("requests/s", "min–max", "p50 ms", "p99 ms", "CPU ms", "PostgreSQL\nCPU ms", "bank\nCPU ms", "load\nCPU ms"),
        *("RSS MiB\nbefore", "after", "of\npgbench", "of it,\npipelined"),
    ]
    table = _table(title, headings)
    for name in names:
        found = results.of(case, name)
        rates = [one.requests_per_second for one in found]
        table.add_row(
            name,
            f"{median(rates):,.0f}",
            f"{min(rates):,.0f}–{max(rates):,.0f}",
            _middle(found, lambda one: one.p50_ms, 1),
            _middle(found, lambda one: one.p99_ms, 1),
            _middle(found, lambda one: one.cpu_ms, 3),
            _middle(found, lambda one: one.database_cpu_ms, 3),
            _middle(found, lambda one: one.bank_cpu_ms, 3),
            _middle(found, lambda one: one.load_cpu_ms, 3),
            _middle(found, lambda one: one.resident_mib_before, 0),
            _middle(found, lambda one: one.resident_mib_after, 0),
            *(_ratio(results, case, name, to) for to in (PEER, PIPELINED)),
        )
    return table


def _sign_ins_table(found: Sequence[SignIns]) -> Table:
    table = Table(title="payments while people try to sign in")
    for column in ("payments/s", "p50 ms", "p99 ms", "p50 beside", "p99 beside", "ratio", "sign-ins/s", "answers"):
        table.add_column(column, justify="right")
    for one in found:
        table.add_row(
            f"{one.rate:,}",
            f"{one.alone_p50_ms:.1f}",
            f"{one.alone_p99_ms:.1f}",
            f"{one.beside_p50_ms:.1f}",
            f"{one.beside_p99_ms:.1f}",
            f"{one.ratio:.2f}",
            f"{one.attempts_per_second:,.0f}",
            ", ".join(f"{count} x {status}" for status, count in sorted(one.attempts.items())),
        )
    return table


def _half_load_table(found: Sequence[HalfLoad]) -> Table:
    headings = [
        *("highest/s", "sent/s", "requests", "p50 ms", "p95 ms", "p99 ms", "p99.9 ms", "max ms"),
        *("sent late\np99 ms", "CPU ms", "bank\nCPU ms"),
    ]
    table = _table("at half of the highest load, each round", headings)
    for one in found:
        table.add_row(
            f"{one.case}, {one.name}",
            f"{one.highest_per_second:,.0f}",
            f"{one.rate:,.0f}",
            f"{one.requests:,}",
            *(f"{value:.1f}" for value in (one.p50_ms, one.p95_ms, one.p99_ms, one.p999_ms, one.max_ms)),
            f"{one.late_p99_ms:.1f}",
            f"{one.cpu_ms:.3f}",
            f"{one.bank_cpu_ms:.3f}",
        )
    return table


def _soak_table(soak: Soak) -> Table:
    title = (
        f"{soak.case}, {soak.name}: {soak.requests:,} requests; memory grows by {soak.slope_mib:+.2f} MiB for each "
        f"100,000, the bank's by {soak.bank_slope_mib:+.2f} (second half)"
    )
    table = _table(title, ["RSS MiB", "bank MiB", "requests/s"])
    for sample in soak.samples:
        table.add_row(
            f"{sample.requests:,}",
            f"{sample.resident_mib:.1f}",
            f"{sample.bank_resident_mib:.1f}",
            f"{sample.requests_per_second:,.0f}",
        )
    return table


def _lookup_table(name: str, lookups: Sequence[Lookup]) -> Table:
    table = _table(f"{name}, filled", ["requests", "p50 ms", "p95 ms", "max ms"])
    for one in lookups:
        table.add_row(one.name, str(one.requests), f"{one.p50_ms:.1f}", f"{one.p95_ms:.1f}", f"{one.max_ms:.1f}")
    return table


def _table(title: str, headings: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", min_width=len(title) + 2, box=None)
    table.add_column("", no_wrap=True)
    for heading in headings:
        table.add_column(heading, justify="right")
    return table


def _middle(found: Sequence[Measurement], value: Callable[[Measurement], float | None], digits: int) -> str:
    values = [known for one in found if (known := value(one)) is not None]
    return f"{median(values):,.{digits}f}" if values else "–"


def _ratio(results: Results, case: str, name: str, to: str) -> str:
    ratio = results.ratio(case, name, to)
    return f"{ratio:.2f}" if ratio is not None else "–"
