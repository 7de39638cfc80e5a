"""A gateway and its bank, each a process of its own, on a folder and a database that outlive both."""

import http.client
import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bursar.kit.crash import EXIT_CRASHED
from tests.databases import new_database
from tests.faults import process
from tests.faults.process import ServerProcess, bank_server, dev_server
from tests.faults.production import create_key, production_server
from tests.wire.harness import SECRET_KEY

FOLDER_OF_PLANTED_BUGS = Path(__file__).parent / "planted"


@dataclass
class Pair:
    gateway: ServerProcess
    bank: ServerProcess
    bank_key: str
    api_key: str
    database_url: str
    folder: Path
    starts: dict[str, list[float]] = field(default_factory=lambda: {"gateway": [], "bank": []})

    def start(self, name: str, crash_at: str = "") -> None:
        """Both are named: `gateway`, `bank`. `crash_at` is a crash point of this one start."""
        if not crash_at:
            self.starts[name].append(self.process(name).start())
            return
        variable = "BURSAR_TEST_CRASH_AT" if name == "gateway" else "PIGGYBANK_CRASH_AT"
        armed = {variable: crash_at, "BURSAR_DEVELOPMENT": "true"}
        seconds = self.process(name).start_to_end(armed, EXIT_CRASHED)
        if seconds is not None:  # a resolver may reach its point before anybody has asked whether all is ready
            self.starts[name].append(seconds)

    def process(self, name: str) -> ServerProcess:
        return {"gateway": self.gateway, "bank": self.bank}[name]

    def set_faults(self, **faults: Any) -> None:
        self.ask_bank("PUT", "/v1/faults", faults)

    def ask_bank(self, method: str, path: str, body: Any = None) -> Any:
        """The bank's own words, past Bursar."""
        connection = self.bank.connection(timeout=30)
        try:
            content = json.dumps(body) if body is not None else None
            connection.request(method, path, content, {"Authorization": f"Bearer {self.bank_key}"})
            response = connection.getresponse()
            answer = json.loads(response.read())
            assert response.status == http.HTTPStatus.OK, answer
            return answer
        finally:
            connection.close()

    def slow_starts(self) -> list[str]:
        return [
            f"{name} was ready after {seconds:.1f} s of at most {process.READY_SECONDS_MAX:g}; "
            f"the machine's load is {Path('/proc/loadavg').read_text().split()[0]}, so see first whether it is alone"
            for name, starts in self.starts.items()
            for seconds in starts
            if seconds > process.READY_SECONDS_MAX
        ]

    def slowest_starts(self) -> str:
        return ", ".join(
            f"{len(starts)} starts of the {name}, the slowest {max(starts):.2f} s"
            for name, starts in self.starts.items()
            if starts
        )


@contextmanager
def development_pair(
    folder: Path, database_url: str = "", environment: Mapping[str, str] | None = None
) -> Iterator[Pair]:
    """`bursar dev`, whose crash points can be set. Neither is started yet."""
    bank_key = secrets.token_hex(16)
    bank = bank_server(folder, bank_key)
    settings = {"BURSAR_PIGGYBANK_URL": bank.url, "BURSAR_PIGGYBANK_API_KEY": bank_key, **(environment or {})}
    if database_url:
        settings["BURSAR_DATABASE_URL"] = database_url
    gateway = dev_server(folder, settings)
    database_url = database_url or f"sqlite:///{folder / 'data' / 'bursar.db'}"
    try:
        yield Pair(gateway, bank, bank_key, SECRET_KEY, database_url, folder)
    finally:
        gateway.discard()
        bank.discard()


@contextmanager
def production_pair(
    folder: Path, database_url: str = "", environment: Mapping[str, str] | None = None
) -> Iterator[Pair]:
    """`bursar serve`, which takes every setting. Neither is started yet."""
    bank_key = secrets.token_hex(16)
    bank = bank_server(folder, bank_key)
    database_url = database_url or f"sqlite:///{folder / 'bursar.db'}"
    with production_server(folder, database_url) as gateway:
        settings = {"BURSAR_PIGGYBANK_URL": bank.url, "BURSAR_PIGGYBANK_API_KEY": bank_key, **(environment or {})}
        gateway.environment = dict(gateway.environment) | settings
        api_key = create_key(gateway)["key"]
        try:
            yield Pair(gateway, bank, bank_key, api_key, database_url, folder)
        finally:
            bank.discard()


def with_bug(name: str) -> dict[str, str]:
    """The environment of a gateway with a bug planted in it, by a module that Python imports at its start."""
    return {"PYTHONPATH": str(FOLDER_OF_PLANTED_BUGS), "BURSAR_TEST_PLANTED_BUG": name}


@contextmanager
def database_of(kind: str) -> Iterator[str]:
    """The address of a fresh database; of SQLite none, as it lies in the folder."""
    if kind == "sqlite":
        yield ""
        return
    with new_database(kind) as database:
        yield database.url


KINDS = [
    pytest.param("sqlite", id="sqlite"),
    pytest.param("postgresql", id="postgresql", marks=pytest.mark.service("postgresql")),
]
