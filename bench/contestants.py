"""Who is measured: each starts from nothing, measures once and leaves nothing behind."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.bank import running_bank
from bench.cases import Case
from bench.databases import PostgreSQL
from bench.load import Measurement, measure_posts
from bench.peer import NAME as PEER
from bench.peer import PIPELINED, Peer
from bench.processes import BenchError
from bench.server import Server, on_postgresql, on_sqlite


@dataclass(frozen=True)
class Contestant:
    name: str
    measure: Callable[[], Measurement]


@dataclass(frozen=True)
class Bench:
    """What all measurements of a run have in common."""

    folder: Path
    postgresql: PostgreSQL | None
    seconds: int
    connections: int
    workers: int

    def peers(self, case: Case) -> list[Contestant]:
        if self.postgresql is None:
            return []
        peer = Peer(case, self.postgresql, self.folder, self.connections)
        return [Contestant(name, partial(peer.measure, name, self.seconds)) for name in (PEER, PIPELINED)]

    def contestant(self, case: Case, backend: str) -> Contestant:
        return Contestant(backend, partial(self._measure, case, backend))

    def server_of_postgresql(self) -> PostgreSQL:
        if self.postgresql is None:
            raise BenchError("there is no PostgreSQL")
        return self.postgresql

    @contextmanager
    def empty(self, backend: str) -> Iterator[tuple[Server, Path]]:
        """Bursar on a database of its own with a bank of its own, and a folder for whoever measures it."""
        with tempfile.TemporaryDirectory(dir=self.folder) as name, running_bank(Path(name) / "bank") as bank:
            folder = Path(name)
            if backend == "sqlite":
                with on_sqlite(folder / "data", bank) as server:
                    yield server, folder
                return
            postgresql = self.server_of_postgresql()
            with (
                postgresql.temporary("bursar") as database,
                on_postgresql(postgresql.url(database), folder, bank, workers=self.workers) as server,
            ):
                yield server, folder

    def load(self, case: Case, name: str, server: Server, folder: Path) -> Measurement:
        database = None if server.database_url.startswith("sqlite") else self.postgresql
        return measure_posts(
            case, name, server, folder, seconds=self.seconds, connections=self.connections, database=database
        )

    def _measure(self, case: Case, backend: str) -> Measurement:
        with self.empty(backend) as (server, folder):
            return self.load(case, backend, server, folder)
