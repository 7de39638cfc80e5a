"""A file of our own that sorts facts by the payment that they belong to, so that memory need not hold them.

SQLite makes it in the folder for temporary files and removes it by itself, even if we are killed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import groupby
from types import TracebackType
from typing import NamedTuple, Self

CACHE_KIB = 65_536
_TABLES = (
    "CREATE TABLE owner (id TEXT PRIMARY KEY, root TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE fact (root TEXT, place INTEGER, id TEXT, payload BLOB)",
)
_SETTINGS = (
    "PRAGMA journal_mode = OFF",
    "PRAGMA synchronous = OFF",
    f"PRAGMA cache_size = -{CACHE_KIB}",
    "PRAGMA temp_store = FILE",
)
# Whoever is claimed first keeps it: an id has one owner.
_OWN = "INSERT OR IGNORE INTO owner VALUES (?1, coalesce((SELECT root FROM owner WHERE id = ?2), ?2))"
_KEEP = """
INSERT INTO fact VALUES (
  coalesce(
    (SELECT root FROM owner WHERE id = ?1), (SELECT root FROM owner WHERE id = ?2),
    (SELECT root FROM owner WHERE id = ?3), ?1, ?2, ?3
  ), ?4, ?5, ?6)
"""
_IN_ORDER = "SELECT root, place, payload FROM fact ORDER BY root, place, id"


class Keeping(NamedTuple):
    """A fact, and up to three ids that may know to whom it belongs, the best first."""

    first: str | None
    second: str | None
    third: str | None
    place: int
    id: str
    payload: bytes


class Scratch:
    def __init__(self) -> None:
        self.connection = sqlite3.connect("", isolation_level=None)
        for statement in (*_SETTINGS, *_TABLES):
            self.connection.execute(statement)
        self.connection.execute("BEGIN")  # never ended: one for every row would cost more than the row

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.connection.close()

    def clear(self) -> None:
        for table in ("owner", "fact"):
            self.connection.execute(f"DELETE FROM {table}")  # noqa: S608 - the names stand above

    def own(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Ids, each with one that it belongs to, be it directly or by steps that were told before."""
        self.connection.executemany(_OWN, pairs)

    def keep(self, facts: Iterable[Keeping]) -> None:
        self.connection.executemany(_KEEP, facts)

    def count(self) -> int:
        number: int = self.connection.execute("SELECT count(*) FROM fact").fetchone()[0]
        return number

    def cases(self) -> Iterator[tuple[str, Iterator[tuple[int, bytes]]]]:
        """All facts, payment by payment, in the order of their places and ids."""
        rows = self.connection.execute(_IN_ORDER)
        for root, members in groupby(rows, lambda row: row[0]):
            yield root, ((place, payload) for _, place, payload in members)
