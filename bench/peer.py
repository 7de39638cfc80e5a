"""pgbench: the same rows and statements without Bursar, one transaction for each customer."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, NullPool, create_engine, text

from bench.capture import capture
from bench.databases import PostgreSQL, migrate
from bench.load import WARM_UP_SECONDS, Measurement
from bench.processes import BenchError, program

NAME = "pgbench"
PIPELINED = "pgbench, pipelined"
THREADS = "2"
GRACE_SECONDS = 60
LATENCY_COLUMN = 2  # of pgbench's log: client, transaction, microseconds, ...
# Numbers of the second run start behind any that the warm-up can reach, as ids are made of them.
MEASURED_FROM = 1_000_000

_PROCESSED = re.compile(r"number of transactions actually processed: (\d+)")
_FAILED = re.compile(r"number of failed transactions: (\d+)")
_RATE = re.compile(r"tps = ([\d.]+) \(without initial connection time\)")


class Peer:
    """Prepared once: the script comes from a real create in a database of its own."""

    def __init__(self, server: PostgreSQL, folder: Path, clients: int) -> None:
        self._server = server
        self._folder = folder
        self._clients = clients
        captured = capture()
        self._head = captured.head
        script, self._variables = captured.script()
        self._scripts = {NAME: folder / "create.sql", PIPELINED: folder / "create-pipelined.sql"}
        self._scripts[NAME].write_text(script)
        self._scripts[PIPELINED].write_text(_pipelined(script))

    def measure(self, name: str, seconds: int) -> Measurement:
        with self._server.temporary("peer") as database:
            url = self._server.url(database)
            migrate(url)
            self._place_heads(database, 0)
            warm = self._run(name, database, WARM_UP_SECONDS, 0)
            self._check(name, database, int(warm[0]), 0)
            self._place_heads(database, MEASURED_FROM)
            self._server.checkpoint()
            cpu = self._server.cpu_seconds()
            transactions, rate, latencies = self._run(name, database, seconds, MEASURED_FROM)
            used = (self._server.cpu_seconds() or 0.0) - cpu if cpu is not None else None
            self._check(name, database, transactions, MEASURED_FROM)
        return Measurement(
            name=name,
            requests=transactions,
            requests_per_second=rate,
            p50_ms=_percentile(latencies, 50) / 1000,
            p99_ms=_percentile(latencies, 99) / 1000,
            database_cpu_ms=used * 1000 / transactions if used is not None else None,
        )

    def _run(self, name: str, database: str, seconds: int, first: int) -> tuple[int, float, list[int]]:
        with _logs(self._folder) as prefix:
            variables = {**self._variables, "sequence": str(first)}
            command = [
                program("pgbench"),
                *("-n", "-M", "prepared", "-c", str(self._clients), "-j", THREADS, "-T", str(seconds)),
                *("-l", "--log-prefix", str(prefix), "-f", str(self._scripts[name])),
                *(word for key, value in variables.items() for word in ("-D", f"{key}={value}")),
                self._server.url(database),
            ]
            done = subprocess.run(
                command,
                env={**os.environ, "PGOPTIONS": ""},
                capture_output=True,
                text=True,
                timeout=seconds + GRACE_SECONDS,
                check=False,
            )
            failed = _FAILED.search(done.stdout)
            if done.returncode or failed is None or int(failed[1]):
                raise BenchError(f"pgbench failed: {done.stderr.strip()[-800:]} {done.stdout.strip()[-300:]}")
            latencies = [
                int(line.split(" ")[LATENCY_COLUMN])
                for log in prefix.parent.iterdir()
                for line in log.read_text().splitlines()
            ]
        processed, rate = _PROCESSED.search(done.stdout), _RATE.search(done.stdout)
        assert processed is not None and rate is not None, done.stdout
        return int(processed[1]), float(rate[1]), latencies

    def _place_heads(self, database: str, number: int) -> None:
        """A head for each client's lane."""
        row = self._head | {"number": number, "last": self._clients - 1}
        with self._engine(database).begin() as connection:
            connection.execute(text("DELETE FROM event_heads"))
            connection.execute(text(_INSERT_HEADS), row)

    def _engine(self, database: str) -> Engine:
        return create_engine(self._server.sqlalchemy_url(database), poolclass=NullPool)

    def _check(self, name: str, database: str, transactions: int, first: int) -> None:
        """A conditional update that meets no row is no error to pgbench: the heads tell whether all moved."""
        with self._engine(database).connect() as connection:
            moved = connection.execute(text("SELECT sum(sequence_number - :first) FROM event_heads"), {"first": first})
            if int(moved.scalar_one()) != transactions:
                raise BenchError(f"{name}: not every transaction moved its head")


_INSERT_HEADS = """
INSERT INTO event_heads (org_id, livemode, lane, sequence_number, event_id, row_hash)
SELECT :org_id, :livemode, lane, :number, :event_id, :row_hash FROM generate_series(0, :last) AS lane
"""


def _pipelined(script: str) -> str:
    """The whole transaction in one round trip: the most that a client which commits each by itself can do."""
    return script.replace("BEGIN;", "\\startpipeline\nBEGIN;") + "\\endpipeline\n"


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
