"""Who is measured: each starts from nothing, measures once and leaves nothing behind."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.databases import PostgreSQL
from bench.load import Measurement, measure_creates
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

    def peers(self) -> list[Contestant]:
        if self.postgresql is None:
            return []
        peer = Peer(self.postgresql, self.folder, self.connections)
        return [Contestant(name, partial(peer.measure, name, self.seconds)) for name in (PEER, PIPELINED)]

    def contestant(self, backend: str) -> Contestant:
        measure = {"sqlite": self._on_sqlite, "postgresql": self._on_postgresql}[backend]
        return Contestant(backend, measure)

    def server(self) -> PostgreSQL:
        if self.postgresql is None:
            raise BenchError("there is no PostgreSQL")
        return self.postgresql

    def load(self, name: str, server: Server, folder: Path) -> Measurement:
        database = None if server.database_url.startswith("sqlite") else self.postgresql
        return measure_creates(
            name, server, folder, seconds=self.seconds, connections=self.connections, database=database
        )

    def _on_sqlite(self) -> Measurement:
        with tempfile.TemporaryDirectory(dir=self.folder) as name, on_sqlite(Path(name) / "data") as server:
            return self.load("sqlite", server, Path(name))

    def _on_postgresql(self) -> Measurement:
        postgresql = self.server()
        with (
            tempfile.TemporaryDirectory(dir=self.folder) as name,
            postgresql.temporary("bursar") as database,
            on_postgresql(postgresql.url(database), Path(name), workers=self.workers) as server,
        ):
            return self.load("postgresql", server, Path(name))
