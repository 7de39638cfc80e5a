"""Proves the log: walks every chain from its beginning and holds it against its head and an anchor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
from sqlalchemy import Connection, select
from sqlalchemy.exc import SQLAlchemyError

from bursar.events.chain import ChainKey, Head, break_in_chain, strange_value
from bursar.events.tables import SEALED_COLUMNS, event_heads, events
from bursar.store.errors import translate

ANCHOR_FORMAT = "bursar-anchor-1"
ROWS_FETCHED = 1_000
ROWS_OF_A_STEP = 200  # some milliseconds of work
UNDECODABLE = "Could not decode to UTF-8"  # SQLite's driver; servers take no such bytes in
PROBLEMS_MAX = 100  # enough to see what happened; a rewritten log would name every row

SNAPSHOT_ISOLATION = {
    "postgresql": "REPEATABLE READ",
    "mysql": "REPEATABLE READ",
    "mariadb": "REPEATABLE READ",
}


class TimeIsUp(Exception):
    """Raised by a step of whoever cannot wait for the end."""


class AnchoredHead(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    org_id: str
    livemode: int
    lane: int
    sequence_number: int
    row_hash: str

    @property
    def key(self) -> ChainKey:
        return ChainKey(self.org_id, self.livemode, self.lane)


class Anchor(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The heads at one moment, to be kept where whoever can change the database cannot reach."""

    format: str = ANCHOR_FORMAT
    written: int
    heads: list[AnchoredHead]


@dataclass(slots=True)
class Report:
    rows: int = 0
    chains: int = 0
    anchored: int = 0
    problems: list[str] = field(default_factory=list)
    problems_unnamed: int = 0
    # Whether all rows were looked at. A log is not whole before that.
    finished: bool = True

    @property
    def whole(self) -> bool:
        return self.finished and not self.problems

    def blame(self, problem: str) -> None:
        if len(self.problems) < PROBLEMS_MAX:
            self.problems.append(problem)
        else:
            self.problems_unnamed += 1


def snapshot(connection: Connection) -> Connection:
    """A connection on which writers that go on meanwhile are not seen. Call before its first statement."""
    isolation = SNAPSHOT_ISOLATION.get(connection.dialect.name)
    return connection.execution_options(isolation_level=isolation) if isolation else connection


def read_anchor(connection: Connection, now: int) -> Anchor:
    return Anchor(
        written=now,
        heads=[
            AnchoredHead(
                org_id=key.org_id,
                livemode=key.livemode,
                lane=key.lane,
                sequence_number=head.sequence_number,
                row_hash=head.row_hash,
            )
            for key, head in sorted(_heads(connection).items(), key=lambda item: str(item[0]))
        ],
    )


def verify(
    connection: Connection,
    anchor: Anchor | None = None,
    *,
    org_id: str | None = None,
    step: Callable[[], None] | None = None,
) -> Report:
    """The whole log, or the chains of one organisation. `step` is called now and then, and may raise TimeIsUp."""
    report = Report()
    try:
        _walk(connection, anchor, report, org_id, step)
    except TimeIsUp:
        report.finished = False
    except SQLAlchemyError as problem:
        if UNDECODABLE not in str(problem):
            raise translate(problem) from problem
        report.blame(f"the log cannot be read behind row {report.rows}: bytes that are no text stand in a text")
    return report


def _walk(
    connection: Connection,
    anchor: Anchor | None,
    report: Report,
    org_id: str | None,
    step: Callable[[], None] | None,
) -> None:
    heads = _heads(connection, org_id)
    pins = {(pin.key, pin.sequence_number): pin for pin in anchor.heads} if anchor else {}
    reached: dict[ChainKey, Head] = {}
    for row in _rows(connection, org_id):
        key = ChainKey(row["org_id"], row["livemode"], row["lane"])
        report.rows += 1
        if step is not None and report.rows % ROWS_OF_A_STEP == 0:
            step()
        strange = strange_value(row)
        if strange is not None:
            report.blame(f"{_named(key)}: {strange}")
            continue
        problem = break_in_chain(row, reached.get(key, Head()))
        if problem is not None:
            report.blame(f"{_named(key)}: {problem}")
        reached[key] = Head(row["sequence_number"], row["id"], row["row_hash"])
        pin = pins.pop((key, row["sequence_number"]), None)
        if pin is not None:
            report.anchored += 1
            if pin.row_hash != row["row_hash"]:
                report.blame(f"{_named(key)}: row {row['id']} is not the one that the anchor holds")
    report.chains = len(reached)
    _compare_ends(report, reached, heads)
    for pin in pins.values():
        report.blame(f"{_named(pin.key)}: row number {pin.sequence_number}, which the anchor holds, is gone")


def _compare_ends(report: Report, reached: dict[ChainKey, Head], heads: dict[ChainKey, Head]) -> None:
    for key in sorted(reached.keys() | heads.keys(), key=str):
        end, head = reached.get(key), heads.get(key)
        if head is None:
            report.blame(f"{_named(key)}: the chain has rows but no head")
        elif end is None:
            report.blame(f"{_named(key)}: all {head.sequence_number} rows are gone")
        elif type(head.sequence_number) is not int:
            report.blame(f"{_named(key)}: the number in its head is no number")
        elif end.sequence_number < head.sequence_number:
            report.blame(f"{_named(key)}: cut off after row {end.sequence_number} of {head.sequence_number}")
        elif end != head:
            report.blame(f"{_named(key)}: the last row is not the one that the head names")


def _heads(connection: Connection, org_id: str | None = None) -> dict[ChainKey, Head]:
    query = select(event_heads)
    if org_id is not None:
        query = query.where(event_heads.c.org_id == org_id)
    return {
        ChainKey(row.org_id, row.livemode, row.lane): Head(row.sequence_number, row.event_id, row.row_hash)
        for row in connection.execute(query)
    }


def _rows(connection: Connection, org_id: str | None) -> Iterator[dict[str, Any]]:
    """All rows in the order of their ids, a bounded number in memory at a time."""
    columns: list[Any] = [events.c[name] for name in (*SEALED_COLUMNS, "row_hash")]
    query = select(*columns).order_by(events.c.org_id, events.c.livemode, events.c.id)
    if org_id is not None:
        query = query.where(events.c.org_id == org_id)
    result = connection.execution_options(yield_per=ROWS_FETCHED).execute(query)
    for row in result.mappings():
        yield dict(row)


def _named(key: ChainKey) -> str:
    mode = "live" if key.livemode else "test"
    return f"{key.org_id} {mode} lane {key.lane}"
