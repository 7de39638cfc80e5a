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
    """CREATE TABLE side (id TEXT, livemode INTEGER, side TEXT, org TEXT, other_org TEXT, currency TEXT, total INTEGER,
       service_fee INTEGER, refunded INTEGER)""",
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
_KEEP_SIDE = "INSERT INTO side VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
# Those that have not exactly one of each, naming each other and telling the same.
_ODD_SIDES = """
SELECT id, livemode, min(org), max(org) FROM side GROUP BY id, livemode
HAVING count(*) <> 2 OR count(DISTINCT side) <> 2
    OR max(CASE side WHEN 'payer' THEN org END) <> max(CASE side WHEN 'payee' THEN other_org END)
    OR max(CASE side WHEN 'payee' THEN org END) <> max(CASE side WHEN 'payer' THEN other_org END)
    OR count(DISTINCT currency) <> 1 OR min(total) <> max(total)
    OR min(service_fee) <> max(service_fee) OR min(refunded) <> max(refunded)
ORDER BY id
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


class Side(NamedTuple):
    """Of a payment between wallets, for the day when both are there."""

    id: str
    livemode: int
    side: str
    org_id: str
    other_org_id: str
    currency: str
    total_minor: int
    service_fee_minor: int
    refunded_minor: int


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

    def keep_sides(self, sides: Iterable[Side]) -> None:
        """They stay when an organisation's facts are cleared."""
        self.connection.executemany(_KEEP_SIDE, sides)

    def odd_sides(self) -> Iterator[tuple[str, int, str]]:
        """Payments between wallets whose sides do not belong together, with whose they are."""
        for payment_id, livemode, first, last in self.connection.execute(_ODD_SIDES):
            yield payment_id, livemode, first if first == last else f"{first}, {last}"

    def count(self) -> int:
        number: int = self.connection.execute("SELECT count(*) FROM fact").fetchone()[0]
        return number

    def cases(self) -> Iterator[tuple[str, Iterator[tuple[int, bytes]]]]:
        """All facts, payment by payment, in the order of their places and ids."""
        rows = self.connection.execute(_IN_ORDER)
        for root, members in groupby(rows, lambda row: row[0]):
            yield root, ((place, payload) for _, place, payload in members)
