"""pgbench: the same rows and statements without Bursar, and without putting several requests into one commit."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, NullPool, create_engine, text

from bench.capture import capture
from bench.cases import Case
from bench.databases import PostgreSQL, count, migrate
from bench.load import WARM_UP_SECONDS, Measurement
from bench.processes import BenchError, program
from bench.script import make_script

NAME = "pgbench"
PIPELINED = "pgbench, pipelined"
THREADS = "2"
MARGIN_SECONDS = 1  # it goes on a little after the measurement, so that none of its clients ends within
GRACE_SECONDS = 60

_PROCESSED = re.compile(r"number of transactions actually processed: (\d+)")
_FAILED = re.compile(r"number of failed transactions: (\d+)")


@dataclass(frozen=True)
class _Run:
    """A run of the script that falls into the measured time is `measured`; all of them are `processed`."""

    processed: int
    measured: int
    latencies: list[int]  # of those measured, in microseconds
    cpu_seconds: float | None


class Peer:
    """Prepared once: the script comes from a real request in a database of its own."""

    def __init__(self, case: Case, server: PostgreSQL, folder: Path, clients: int) -> None:
        self._case = case
        self._server = server
        self._folder = folder
        self._clients = clients
        script = make_script(capture(case))
        self._head, self._variables, self._events = script.head, script.variables, script.events
        self._scripts = {NAME: folder / f"{case.name}.sql", PIPELINED: folder / f"{case.name}-pipelined.sql"}
        self._scripts[NAME].write_text(script.text)
        self._scripts[PIPELINED].write_text(_pipelined(script.text))

    def measure(self, name: str, seconds: int) -> Measurement:
        with self._server.temporary("peer") as database:
            url = self._server.url(database)
            migrate(url)
            self._place_heads(database)
            self._server.checkpoint()
            os.sync()
            run = self._run(name, database, seconds)
            self._check(name, database, run.processed)
        if not run.measured:
            raise BenchError(f"{name} finished nothing within {seconds} s")
        return Measurement(
            case=self._case.name,
            name=name,
            requests=run.measured,
            requests_per_second=run.measured / seconds,
            p50_ms=_percentile(run.latencies, 50) / 1000,
            p99_ms=_percentile(run.latencies, 99) / 1000,
            database_cpu_ms=run.cpu_seconds * 1000 / run.measured if run.cpu_seconds is not None else None,
        )

    def _run(self, name: str, database: str, seconds: int) -> _Run:
        """One run for warm-up and measurement: each of its clients plans its statements anew when it begins."""
        with _logs(self._folder) as prefix:
            command = [
                program("pgbench"),
                *("-n", "-M", "prepared", "-c", str(self._clients), "-j", THREADS),
                *("-T", str(WARM_UP_SECONDS + seconds + MARGIN_SECONDS)),
                *("-l", "--log-prefix", str(prefix), "-f", str(self._scripts[name])),
                *(word for key, value in self._variables.items() for word in ("-D", f"{key}={value}")),
                *("-D", "sequence=0", self._server.url(database)),
            ]
            with subprocess.Popen(
                command,
                env={**os.environ, "PGOPTIONS": ""},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            ) as process:
                try:
                    time.sleep(WARM_UP_SECONDS)
                    since, cpu = time.time(), self._server.cpu_seconds()
                    time.sleep(seconds)
                    used = (self._server.cpu_seconds() or 0.0) - cpu if cpu is not None else None
                    said, complained = process.communicate(timeout=GRACE_SECONDS)
                finally:
                    if process.poll() is None:
                        process.kill()
            processed, failed = _PROCESSED.search(said), _FAILED.search(said)
            if process.returncode or processed is None or failed is None or int(failed[1]):
                raise BenchError(f"pgbench failed: {complained.strip()[-800:]} {said.strip()[-300:]}")
            latencies = list(_latencies(prefix.parent, since, since + seconds))
        return _Run(int(processed[1]), len(latencies), latencies, used)

    def _place_heads(self, database: str) -> None:
        """A head for each client's lane."""
        with self._engine(database).begin() as connection:
            connection.execute(text(_INSERT_HEADS), self._head | {"last": self._clients - 1})

    def _engine(self, database: str) -> Engine:
        return create_engine(self._server.sqlalchemy_url(database), poolclass=NullPool)

    def _check(self, name: str, database: str, processed: int) -> None:
        """A conditional update that meets no row is no error to pgbench, but leaves one of these behind."""
        with self._engine(database).connect() as connection:
            moved = connection.execute(text("SELECT sum(sequence_number) FROM event_heads")).scalar_one()
        found = count(self._server.url(database), self._case.proofs(None))
        if int(moved) != processed * self._events or set(found.values()) != {processed}:
            raise BenchError(f"{name} ran {processed} times, but its heads moved by {moved}, and there are {found}")


_INSERT_HEADS = """
INSERT INTO event_heads (org_id, livemode, lane, sequence_number, event_id, row_hash)
SELECT :org_id, :livemode, lane, 0, :event_id, :row_hash FROM generate_series(0, :last) AS lane
"""


def _pipelined(script: str) -> str:
    """Each transaction in one round trip: the most that a client which commits each by itself can do."""
    return script.replace("BEGIN;", "\\startpipeline\nBEGIN;").replace("COMMIT;", "COMMIT;\n\\endpipeline")


def _latencies(logs: Path, since: float, until: float) -> Iterator[int]:
    """Of what ended in that time. A line: client, number, microseconds, script, when it ended in seconds, its rest."""
    for log in logs.iterdir():
        for line in log.read_text().splitlines():
            _, _, latency, _, seconds, rest, *_ = line.split(" ")
            if since <= int(seconds) + int(rest) / 1e6 < until:
                yield int(latency)


def _percentile(values: list[int], percent: int) -> float:
    ordered = sorted(values)
    return float(ordered[min(len(ordered) - 1, len(ordered) * percent // 100)])


@contextmanager
def _logs(folder: Path) -> Iterator[Path]:
    """One file for each of pgbench's threads."""
    logs = folder / "pgbench"
    logs.mkdir()
    try:
        yield logs / "log"
    finally:
        for log in logs.iterdir():
            log.unlink()
        logs.rmdir()
