"""Changes as data: what a request wants written, all of it or nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy import Connection
from sqlalchemy.sql.dml import UpdateBase

from bursar.store.log import Entry

Row = dict[str, Any]


@dataclass(slots=True)
class Change:
    """One statement for one row.

    Statements are module-level constants: the writer groups by their identity, so that one commit
    sends each of them once with many rows.
    """

    statement: UpdateBase
    row: Row
    rows_expected: int | None = None


@dataclass(slots=True)
class Unit:
    """What is committed together. `entries` go to the log that the sealer keeps, in the same commit."""

    changes: list[Change] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)


Execute = Callable[[Connection, UpdateBase, Sequence[Change]], None]


class Sealer(Protocol):
    """Keeps the log: called by the writer inside its transaction.

    `seal` writes the entries; `committed` or `forget` tells how the transaction ended.
    """

    def seal(self, connection: Connection, entries: Sequence[Entry], execute: Execute) -> None: ...

    def committed(self) -> None: ...

    def forget(self) -> None: ...
