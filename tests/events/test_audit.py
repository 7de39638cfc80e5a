"""Whatever is done to a written log behind Bursar's back, the audit finds it.

Each tampering happens in a transaction that is rolled back, so that thousands of them need one log.
"""

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from bursar.events import audit
from bursar.events.audit import Anchor, Report
from bursar.events.chain import GENESIS, seal
from bursar.events.sealing import LaneSealer
from bursar.events.tables import SEALED_COLUMNS, event_heads, events
from bursar.store.engine import Engines
from bursar.store.store import Store
from tests.events import small_log
from tests.events.small_log import Row, delete, insert, replace

TEXT_COLUMNS = [
    name for name in (*SEALED_COLUMNS, "row_hash") if not isinstance(events.c[name].type.python_type(), int)
]
NUMBER_COLUMNS = [name for name in SEALED_COLUMNS if name not in TEXT_COLUMNS]
HEAD_COLUMNS = [column.name for column in event_heads.columns]


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engines]:
    engines = small_log.build(tmp_path_factory.mktemp("log") / "bursar.db")
    yield engines
    engines.close()


@pytest.fixture
def log(engines: Engines) -> Iterator[Connection]:
    with engines.writing.connect() as connection:
        yield connection


@pytest.fixture
def anchor(log: Connection) -> Anchor:
    anchor = audit.read_anchor(log, now=1)
    log.rollback()
    return anchor


@contextmanager
def tampered(log: Connection) -> Iterator[None]:
    """What happens inside has not happened afterwards."""
    log.rollback()
    with log.begin() as transaction:
        try:
            yield
        finally:
            transaction.rollback()


def found(log: Connection, tamper: Callable[[], object], anchor: Anchor | None = None) -> Report:
    with tampered(log):
        tamper()
        return audit.verify(log, anchor)


def rows_of(log: Connection) -> list[Row]:
    rows = small_log.rows_of(log)
    log.rollback()
    return rows


def chains_of(log: Connection) -> list[list[Row]]:
    chains = list(small_log.chains_of(log).values())
    log.rollback()
    return chains


def heads_of(log: Connection) -> list[Row]:
    heads = small_log.heads_of(log)
    log.rollback()
    return heads


def other_texts(value: str) -> Iterator[str]:
    """The text with one character changed, for each of its characters."""
    for position, character in enumerate(value):
        yield value[:position] + chr(ord(character) ^ 1) + value[position + 1 :]


def test_an_untouched_log_is_whole(log: Connection, anchor: Anchor) -> None:
    report = audit.verify(log)
    assert (report.problems, report.rows, report.chains) == ([], small_log.ROWS, small_log.CHAINS)
    report = audit.verify(log, anchor)
    assert (report.problems, report.anchored) == ([], small_log.CHAINS)


def test_the_log_under_test_has_what_the_tamperings_need(log: Connection) -> None:
    rows = rows_of(log)
    assert {row["lane"] for row in rows} == {0, 1}
    assert {row["livemode"] for row in rows} == {0, 1}
    assert len({row["org_id"] for row in rows}) == 2
    for name in ("object_id", "address", "request_id", "idempotency_key"):
        assert {row[name] is None for row in rows} == {True, False}, name


@pytest.mark.parametrize("column", TEXT_COLUMNS)
def test_any_changed_character_of_any_text_is_found(log: Connection, column: str) -> None:
    unnoticed = []
    tried = 0
    for row in rows_of(log):
        for value in other_texts(row[column] or ""):
            tried += 1
            if found(log, partial(replace, log, events, row, **{column: value})).whole:
                unnoticed.append((row["id"], value))
    assert tried >= small_log.ROWS // 2
    assert unnoticed == []


@pytest.mark.parametrize("column", NUMBER_COLUMNS)
def test_any_changed_number_is_found(log: Connection, column: str) -> None:
    for row, difference in itertools.product(rows_of(log), (1, -1, 256, 2**40)):
        value = row[column] + difference
        assert not found(log, partial(replace, log, events, row, **{column: value})).whole


@pytest.mark.parametrize("column", ["object_id", "address", "request_id", "idempotency_key"])
def test_a_value_that_was_cleared_or_added_is_found(log: Connection, column: str) -> None:
    for row in rows_of(log):
        value = "" if row[column] is None else None
        assert not found(log, partial(replace, log, events, row, **{column: value})).whole


# What SQLite lets a column hold although no writer of ours would put it there.
STRANGE = {
    "bytes that are no UTF-8": "CAST(x'ff' || substr(CAST({0} AS BLOB), 2) AS TEXT)",
    "a character behind its end": "{0} || ' '",
    "a NUL behind its end": "CAST({0} AS TEXT) || char(0)",
    "its bytes in place of its text": "CAST({0} AS BLOB)",
}


@pytest.mark.parametrize("column", [*SEALED_COLUMNS, "row_hash"])
@pytest.mark.parametrize("expression", STRANGE.values(), ids=STRANGE.keys())
def test_a_value_that_cannot_be_read_as_it_was_written_is_found(log: Connection, column: str, expression: str) -> None:
    rows = [row for row in rows_of(log) if row[column] is not None]
    for row in rows[:2]:
        statement = text(f"UPDATE events SET {column} = {expression.format(column)} WHERE id = :id")
        if column in NUMBER_COLUMNS and "||" in expression and "ff" not in expression:
            continue  # the column's affinity makes the same number of it again
        assert not found(log, partial(log.execute, statement, {"id": row["id"]})).whole


def test_any_dropped_row_is_found(log: Connection) -> None:
    for row in rows_of(log):
        assert not found(log, partial(delete, log, events, row)).whole


SWAPS = {
    "their places": ("id",),
    "their numbers": ("sequence_number",),
    "their contents": ("data",),
    "their seals": ("row_hash",),
    "places and numbers": ("id", "sequence_number"),
    "places, numbers and seals": ("id", "sequence_number", "row_hash"),
    "everything but the place": tuple(name for name in SEALED_COLUMNS if name != "id"),
}


@pytest.mark.parametrize("columns", SWAPS.values(), ids=SWAPS.keys())
def test_any_two_rows_that_swapped_something_are_found(log: Connection, columns: tuple[str, ...]) -> None:
    def swap(first: Row, second: Row) -> None:
        for row in (first, second):
            delete(log, events, row)
        insert(log, events, first | {name: second[name] for name in columns})
        insert(log, events, second | {name: first[name] for name in columns})

    tried = 0
    for first, second in itertools.combinations(rows_of(log), 2):
        if any(first[name] != second[name] for name in columns):
            tried += 1
            assert not found(log, partial(swap, first, second)).whole, (first, second)
    assert tried >= small_log.ROWS


def test_a_copied_row_is_found_wherever_it_is_put(log: Connection) -> None:
    for row in rows_of(log):
        for place in (row["id"] + "0", "evt_0", "evt_z"):
            for number in (0, row["sequence_number"], row["sequence_number"] + 1):
                copy = row | {"id": place[-40:], "sequence_number": number}
                assert not found(log, partial(insert, log, events, copy)).whole


def test_a_forged_row_with_a_good_seal_is_found_where_rows_follow_or_the_head_is_known(log: Connection) -> None:
    """The forger knows how seals are made, but does not make all later ones anew."""
    for chain in chains_of(log):
        for position in range(len(chain) + 1):
            before = chain[position - 1] if position else None
            forged = chain[0] | {
                "id": f"{before['id'] if before else 'evt_0'}0",
                "sequence_number": position + 1,
                "data": '{"object":{}}',
            }
            forged["row_hash"] = seal(forged, before["row_hash"] if before else GENESIS)
            assert not found(log, partial(insert, log, events, forged)).whole


def test_a_chain_that_was_cut_off_is_found_by_its_head(log: Connection) -> None:
    for chain in chains_of(log):
        for kept in range(len(chain)):
            assert not found(log, partial(drop, log, chain[kept:])).whole


def test_a_chain_that_was_cut_off_together_with_its_head_is_found_by_the_anchor(
    log: Connection, anchor: Anchor
) -> None:
    def cut(chain: list[Row], kept: int) -> None:
        drop(log, chain[kept:])
        move_head(log, chain[kept - 1])

    tried = 0
    for chain in chains_of(log):
        for kept in range(1, len(chain)):
            tried += 1
            # Nothing inside the database can tell; this is what anchors are for.
            assert found(log, partial(cut, chain, kept)).whole
            assert not found(log, partial(cut, chain, kept), anchor).whole
    assert tried


def test_a_lane_that_was_removed_with_its_head_is_found_by_the_anchor(log: Connection, anchor: Anchor) -> None:
    def remove(chain: list[Row]) -> None:
        drop(log, chain)
        delete(log, event_heads, chain[0])

    for chain in chains_of(log):
        assert found(log, partial(remove, chain)).whole
        assert not found(log, partial(remove, chain), anchor).whole


def test_a_history_that_was_written_anew_from_any_row_on_is_found_by_the_anchor(
    log: Connection, anchor: Anchor
) -> None:
    def rewrite(chain: list[Row], start: int) -> None:
        previous = chain[start - 1]["row_hash"] if start else GENESIS
        for row in chain[start:]:
            changed = row | {"data": row["data"].replace("Zoë", "Eve")}
            changed["row_hash"] = previous = seal(changed, previous)
            replace(log, events, row, data=changed["data"], row_hash=previous)
        move_head(log, chain[-1] | {"row_hash": previous})

    for chain in chains_of(log):
        for start in range(len(chain)):
            assert found(log, partial(rewrite, chain, start)).whole
            assert not found(log, partial(rewrite, chain, start), anchor).whole


@pytest.mark.parametrize("column", HEAD_COLUMNS)
def test_any_change_of_a_head_is_found(log: Connection, column: str) -> None:
    for head in heads_of(log):
        value = head[column]
        changes: list[Any] = list(other_texts(value)) if isinstance(value, str) else [value + 1, value - 1, value + 256]
        for change in changes:
            assert not found(log, partial(overwrite_head, log, head, column, change)).whole


def overwrite_head(log: Connection, head: Row, column: str, value: Any) -> None:
    """In place of whatever has that key already."""
    delete(log, event_heads, head)
    changed = head | {column: value}
    if column in ("org_id", "livemode", "lane"):
        keys = [event_heads.c[name] == changed[name] for name in ("org_id", "livemode", "lane")]
        log.execute(event_heads.delete().where(*keys))
    insert(log, event_heads, changed)


def test_a_dropped_head_and_a_head_without_rows_are_found(log: Connection) -> None:
    for head in heads_of(log):
        assert not found(log, partial(delete, log, event_heads, head)).whole
        stray = head | {"lane": 7}
        assert not found(log, partial(insert, log, event_heads, stray)).whole


@pytest.mark.parametrize("column", ["sequence_number", "event_id", "row_hash"])
@pytest.mark.parametrize("expression", STRANGE.values(), ids=STRANGE.keys())
def test_a_head_that_cannot_be_read_as_it_was_written_is_found(log: Connection, column: str, expression: str) -> None:
    if column == "sequence_number" and "||" in expression and "ff" not in expression:
        pytest.skip("the column's affinity makes the same number of it again")
    statement = text(f"UPDATE event_heads SET {column} = {expression.format(column)}")
    assert not found(log, lambda: log.execute(statement)).whole


def test_a_report_names_the_row_and_its_chain(log: Connection) -> None:
    row = rows_of(log)[0]
    report = found(log, lambda: replace(log, events, row, actor="somebody"))
    assert len(report.problems) == 1
    assert row["id"] in report.problems[0]
    assert f"{row['org_id']} test lane {row['lane']}" in report.problems[0]


def test_an_audit_sees_a_whole_log_while_a_writer_goes_on(tmp_path: Path) -> None:
    engines = small_log.build(tmp_path / "bursar.db")
    store = Store(small_log.open_engines(tmp_path / "bursar.db"), LaneSealer, writers=1, readers=1)
    stop, wrote = threading.Event(), threading.Semaphore(0)

    def write() -> None:
        for number in itertools.count():
            if stop.is_set():
                return
            small_log.append(store, "acct_one", number % 2, number)
            wrote.release()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        rows = [small_log.ROWS]
        for _ in range(20):
            wrote.acquire()
            with engines.reading.connect() as connection:
                report = audit.verify(audit.snapshot(connection))
            assert report.problems == []
            rows.append(report.rows)
        assert rows[-1] >= small_log.ROWS + 20
        assert rows == sorted(rows)
    finally:
        stop.set()
        thread.join()
        store.close()
        engines.close()


def test_an_older_anchor_still_holds_for_a_log_that_has_grown(tmp_path: Path) -> None:
    engines = small_log.build(tmp_path / "bursar.db")
    with engines.reading.connect() as connection:
        anchor = audit.read_anchor(connection, now=1)
    store = Store(small_log.open_engines(tmp_path / "bursar.db"), LaneSealer, writers=1, readers=1)
    small_log.append(store, "acct_one", 0, 9)
    store.close()
    with engines.reading.connect() as connection:
        report = audit.verify(connection, anchor)
    engines.close()
    assert (report.problems, report.anchored, report.rows) == ([], small_log.CHAINS, small_log.ROWS + 1)


def drop(log: Connection, rows: list[Row]) -> None:
    for row in rows:
        delete(log, events, row)


def move_head(log: Connection, last: Row) -> None:
    replace(
        log,
        event_heads,
        last,
        sequence_number=last["sequence_number"],
        event_id=last["id"],
        row_hash=last["row_hash"],
    )
