"""Bursar as a child process, started the way people start it."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.bank import Bank
from bench.databases import migrate
from bench.processes import BenchError, Waiting, cpu_seconds, free_port, resident_mib, running_module, stop

START_SECONDS_MAX = 30.0
COMMAND_SECONDS_MAX = 60.0
POLL_SECONDS = 0.02
POLL_SECONDS_EXACT = 0.002  # where the time of the start itself is measured
IDLE_SECONDS = 2.0  # after the first answer, for what a start leaves to be tidied up
DEVELOPMENT_KEY = "sk_test_bursar_dev"
READY_WORDS = b"Application startup complete"  # uvicorn says it once for each worker
CLIENT_ERROR_OR_REFUSED = (OSError, http.client.HTTPException)
FIRST_BODY = "email=jenny.rosen%40example.com&name=Jenny+Rosen&metadata[order_id]=6735"

BURSAR = str(Path(sys.executable).parent / "bursar")


@dataclass(frozen=True)
class Server:
    process: subprocess.Popen[bytes]
    port: int
    api_key: str
    database_url: str
    bank: Bank

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cpu_seconds(self) -> float:
        return cpu_seconds(self.process.pid)

    def resident_mib(self) -> float:
        return resident_mib(self.process.pid)


def environment(**settings: str) -> dict[str, str]:
    """Ours without any BURSAR_ variable of the caller's: they would change what is measured."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("BURSAR_")}
    return clean | {"BURSAR_CONFIG": ""} | settings


def postgresql_settings(database_url: str) -> dict[str, str]:
    """The secrets are always the same: a later run must open what an earlier one has filled."""
    names = ("BURSAR_SECRET_KEY", "BURSAR_VAULT_KEY", "BURSAR_VAULT_FINGERPRINT_KEY")
    return {"BURSAR_DATABASE_URL": database_url} | {
        name: hashlib.sha256(f"bench {name}".encode()).hexdigest() for name in names
    }


def bursar(arguments: list[str], settings: dict[str, str]) -> str:
    """Runs a command of Bursar to its end."""
    done = subprocess.run(
        [BURSAR, *arguments],
        env=environment(**settings),
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS_MAX,
        check=False,
    )
    if done.returncode:
        raise BenchError(f"bursar {' '.join(arguments)} failed: {done.stderr.strip()[-500:]}")
    return done.stdout


def create_key(settings: dict[str, str], organisation: str | None = None) -> str:
    whose = ["--organisation", organisation] if organisation else ["--new-organisation", "bench"]
    answer = json.loads(bursar(["keys", "create", *whose, "--json"], settings))
    return str(answer["key"])


@contextmanager
def on_sqlite(folder: Path, bank: Bank) -> Iterator[Server]:
    """`bursar dev`: one process, by design; its database is in the folder."""
    port = free_port()
    command = [BURSAR, "dev", "--port", str(port), "--data", str(folder)]
    with _child(command, environment(**bank.settings()), folder.parent / f"{folder.name}.log") as (process, log):
        server = Server(process, port, DEVELOPMENT_KEY, f"sqlite:///{(folder / 'bursar.db').resolve()}", bank)
        _wait_until_ready(server, log, workers=1)
        yield server


@contextmanager
def on_postgresql(
    database_url: str, folder: Path, bank: Bank, *, workers: int, organisation: str | None = None
) -> Iterator[Server]:
    settings = postgresql_settings(database_url) | bank.settings()
    migrate(database_url)
    api_key = create_key(settings, organisation)
    port = free_port()
    command = [BURSAR, "serve", "--port", str(port), "--workers", str(workers)]
    with _child(command, environment(**settings), folder / "serve.log") as (process, log):
        server = Server(process, port, api_key, database_url, bank)
        _wait_until_ready(server, log, workers=workers)
        yield server


@dataclass(frozen=True)
class Start:
    first_request_seconds: float
    idle_mib: float
    bank_idle_mib: float


def measure_start(folder: Path) -> Start:
    """From the start of the process until its first customer is durable and answered. It starts its own bank."""
    port = free_port()
    command = [BURSAR, "dev", "--port", str(port), "--data", str(folder)]
    started = time.monotonic()
    with _child(command, environment(), folder.parent / f"{folder.name}.log") as (process, log):
        waiting = Waiting("the first answer", START_SECONDS_MAX, process, log)
        while create_customer(port, DEVELOPMENT_KEY) != 200:
            waiting.pause(POLL_SECONDS_EXACT)
        seconds = time.monotonic() - started
        time.sleep(IDLE_SECONDS)
        banks = running_module(process.pid, "piggybank")
        return Start(seconds, resident_mib(process.pid, without=banks), sum(map(resident_mib, banks)))


def create_customer(port: int, api_key: str) -> int | None:
    """The status, or None while nobody listens. A real write, so that a start is not over before it works."""
    headers = {"Authorization": f"Bearer {api_key}", "Content-Type": "application/x-www-form-urlencoded"}
    return _request(port, "POST", "/v1/customers", FIRST_BODY, headers)


def _request(port: int, method: str, path: str, body: str | None, headers: dict[str, str]) -> int | None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=COMMAND_SECONDS_MAX)
    try:
        connection.request(method, path, body, headers)
        return connection.getresponse().status
    except CLIENT_ERROR_OR_REFUSED:
        return None
    finally:
        connection.close()


def _wait_until_ready(server: Server, log: Path, *, workers: int) -> None:
    """One worker that listens is not enough: the first would get all the connections of the load."""
    waiting = Waiting("the start", START_SECONDS_MAX, server.process, log)
    while _request(server.port, "GET", "/healthz", None, {}) != 200:
        waiting.pause(POLL_SECONDS)
    while workers > 1 and log.read_bytes().count(READY_WORDS) < workers:
        waiting.pause(POLL_SECONDS)
    if (status := create_customer(server.port, server.api_key)) != 200:
        raise BenchError(f"a first customer was answered with {status}; the server's log: {log.read_text()[-500:]}")


@contextmanager
def _child(command: list[str], variables: dict[str, str], log: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for the benchmark, which then stops its servers in order
        )
    try:
        yield process, log
    finally:
        stop(process)
