"""The group-committing writer, on every database."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Connection, select

from bursar.customers.repository import INSERT
from bursar.customers.tables import customers
from bursar.events import audit
from bursar.store.errors import DuplicateKey, RowsExpected, StoreBusy, StoreContention, StoreDefect
from bursar.store.store import Store
from bursar.store.unit import Unit
from bursar.store.writer import BATCH_UNITS_MAX, QUEUE_UNITS_MAX
from tests.databases import Database
from tests.store.harness import (
    answers,
    commit,
    commit_together,
    delete,
    entry,
    held,
    insert,
    kinds,
    logged,
    opened,
    queued,
    stored,
    update,
)


@pytest.fixture
def store(database: Database) -> Iterator[Store]:
    with opened(database) as one:
        yield one


def test_units_that_wait_together_share_one_commit(store: Store) -> None:
    units = [Unit([insert(f"c{number:03}")], [entry(f"c{number:03}")]) for number in range(100)]
    batches_before = store.writers[0].batches
    assert commit_together(store, units) == [None] * len(units)
    assert store.writers[0].batches == batches_before + 2  # the one that held the writer, and theirs
    assert list(stored(store)) == logged(store) == [f"c{number:03}" for number in range(100)]


def test_a_batch_is_bounded(store: Store) -> None:
    batches_before = store.writers[0].batches
    commit_together(store, [Unit() for _ in range(2 * BATCH_UNITS_MAX + 1)])
    assert store.writers[0].batches == batches_before + 4


def test_a_duplicate_key_fails_only_its_own_unit(store: Store) -> None:
    commit(store, insert("taken", "first"))
    units = [Unit([insert(key, "second")], [entry(key)]) for key in ("a", "b", "taken", "c", "d", "e", "f")]
    assert kinds(commit_together(store, units)) == [None, None, DuplicateKey, None, None, None, None]
    assert stored(store).pop("taken") == (1, "first")
    assert set(stored(store)) == {"taken", *"abcdef"}
    assert logged(store) == list("abcdef")


def test_two_inserts_of_one_key_in_a_batch_let_the_first_win(store: Store) -> None:
    outcomes = commit_together(store, [Unit([insert("k", "first")]), Unit([insert("k", "second")])])
    assert kinds(outcomes) == [None, DuplicateKey]
    assert stored(store) == {"k": (1, "first")}


def test_a_condition_that_no_longer_holds_fails_only_its_own_unit(store: Store) -> None:
    commit(store, *(insert(key) for key in "abcde"))
    units = [Unit([update(key, 7 if key == "c" else 1, "changed")], [entry(key)]) for key in "abcde"]
    assert kinds(commit_together(store, units)) == [None, None, RowsExpected, None, None]
    assert stored(store) == {key: (1, "{}") if key == "c" else (2, "changed") for key in "abcde"}
    assert logged(store) == list("abde")


@pytest.mark.parametrize("rivals", [2, 7])
def test_of_updates_of_one_version_exactly_one_wins(store: Store, rivals: int) -> None:
    commit(store, insert("contested"), insert("other"))
    units = [Unit([update("contested", 1, f"by {number}")]) for number in range(rivals)]
    outcomes = kinds(commit_together(store, [*units, Unit([update("other", 1, "untouched by them")])]))
    assert sorted(map(str, outcomes)) == sorted(map(str, [None, *[RowsExpected] * (rivals - 1), None]))
    winner = outcomes.index(None)
    assert stored(store) == {"contested": (2, f"by {winner}"), "other": (2, "untouched by them")}


def test_a_failing_unit_takes_all_of_its_changes_with_it(store: Store) -> None:
    commit(store, insert("old"))
    guilty = Unit([insert("new"), update("old", 1), delete("absent", 1)], [entry("new"), entry("old")])
    assert kinds(commit_together(store, [guilty])) == [RowsExpected]
    assert stored(store) == {"old": (1, "{}")}
    assert logged(store) == []


def test_changes_of_one_row_are_made_in_the_order_of_their_units(store: Store) -> None:
    commit(store, insert("k"))
    units = [Unit([update("k", version, f"by {version}")], [entry(f"step {version}")]) for version in range(1, 20)]
    assert commit_together(store, units) == [None] * 19
    assert stored(store) == {"k": (20, "by 19")}
    assert logged(store) == [f"step {version}" for version in range(1, 20)]


def test_the_changes_of_a_unit_are_made_in_their_order(store: Store) -> None:
    units = [Unit([insert("k"), update("k", 1, "changed")]), Unit([delete("k", 2)]), Unit([insert("k", "anew")])]
    assert commit_together(store, units) == [None, None, None]
    assert stored(store) == {"k": (1, "anew")}


def test_a_change_without_an_expectation_does_not_hide_one_that_has_it(store: Store) -> None:
    commit(store, insert("a"), insert("b"))
    for version, order in enumerate((1, -1), start=1):
        lax = update("a", version)
        lax.rows_expected = None
        units = [Unit([lax]), Unit([update("b", 9)])][::order]
        assert kinds(commit_together(store, units)) == [None, RowsExpected][::order]


def test_a_row_too_many_does_not_make_up_for_a_row_too_few(store: Store) -> None:
    commit(store, insert("a"), insert("b"))
    one_too_many, one_too_few = update("a", 1), update("b", 9)
    one_too_many.rows_expected = 0
    outcomes = commit_together(store, [Unit([one_too_many]), Unit([one_too_few])])
    assert kinds(outcomes) == [RowsExpected, RowsExpected]
    assert stored(store) == {"a": (1, "{}"), "b": (1, "{}")}


def test_a_defect_fails_only_its_own_unit(store: Store) -> None:
    incomplete = insert("incomplete")
    del incomplete.row["version"]
    outcomes = commit_together(store, [Unit([insert("a")]), Unit([incomplete]), Unit([insert("b")])])
    assert kinds(outcomes) == [None, StoreDefect, None]
    assert set(stored(store)) == {"a", "b"}


def test_a_transaction_function_reads_decides_and_returns(store: Store) -> None:
    commit(store, insert("k", "seen"))

    def work(connection: Connection) -> tuple[str, Unit]:
        found = connection.execute(select(customers.c.document)).scalar_one()
        return found, Unit([insert("copy", found)], [entry("copy")])

    assert asyncio.run(store.transact(work)) == "seen"
    assert store.transact_blocking(lambda _: (7, Unit())) == 7
    assert stored(store)["copy"] == (1, "seen")
    assert logged(store) == ["copy"]


def test_a_transaction_function_that_refuses_leaves_nothing_and_says_why(store: Store) -> None:
    refusal = ValueError("not like this")

    def work(connection: Connection) -> tuple[None, Unit]:
        connection.execute(INSERT, insert("half").row)
        raise refusal

    with pytest.raises(ValueError) as caught:
        asyncio.run(store.transact(work))
    assert caught.value is refusal
    assert stored(store) == {}
    commit(store, insert("next"))
    assert set(stored(store)) == {"next"}


def test_a_transaction_function_is_undone_when_its_unit_fails(store: Store) -> None:
    commit(store, insert("taken"))

    def work(connection: Connection) -> tuple[str, Unit]:
        connection.execute(INSERT, insert("half").row)
        return "never seen", Unit([insert("taken")], [entry("taken")])

    with pytest.raises(DuplicateKey):
        store.transact_blocking(work)
    assert set(stored(store)) == {"taken"}
    assert logged(store) == []


def test_a_commit_that_breaks_off_does_not_spoil_the_log(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """By something that is not even an error, when the entries are sealed already."""

    def break_off(_: Any) -> None:
        raise SystemExit

    with monkeypatch.context() as breaking:
        breaking.setattr(store.engines.writing.dialect, "do_commit", break_off)
        with pytest.raises(StoreDefect):
            asyncio.run(store.commit(Unit([insert("lost")], [entry("lost")])))
    asyncio.run(store.commit(Unit([insert("next")], [entry("next")])))
    assert set(stored(store)) == {"next"}
    assert logged(store) == ["next"]
    assert store.read_blocking(audit.verify).problems == []


def test_contention_is_tried_again_without_telling_anybody(store: Store) -> None:
    tries = []

    def work(_: Connection) -> tuple[int, Unit]:
        tries.append(1)
        if len(tries) < 3:
            raise StoreContention("somebody was in the way")
        return len(tries), Unit([insert("k")])

    assert store.transact_blocking(work) == 3
    assert set(stored(store)) == {"k"}


def test_contention_without_end_is_told_in_the_end(store: Store) -> None:
    def work(_: Connection) -> tuple[None, Unit]:
        raise StoreContention("somebody is always in the way")

    with pytest.raises(StoreContention):
        store.transact_blocking(work)


def test_a_full_queue_refuses_at_once_and_keeps_what_it_has(store: Store) -> None:
    async def scenario() -> None:
        async with held(store):
            tasks = await queued(store, [Unit() for _ in range(QUEUE_UNITS_MAX)])
            for _ in range(3):
                with pytest.raises(StoreBusy):
                    await store.commit(Unit([insert("refused")]))
            assert len(store.queue) == QUEUE_UNITS_MAX
        await asyncio.gather(*tasks)
        await store.commit(Unit([insert("room again")]))

    asyncio.run(scenario())
    assert set(stored(store)) == {"room again"}


def test_closing_writes_what_was_accepted_and_refuses_the_rest(database: Database) -> None:
    async def scenario(store: Store) -> None:
        async with held(store):
            tasks = await queued(store, [Unit([insert(f"c{number}")]) for number in range(30)])
            store.queue.close()  # what closing begins with; the rest of it waits for the writer
            closing = asyncio.create_task(asyncio.to_thread(store.close))
            with pytest.raises(StoreBusy):
                await store.commit(Unit([insert("too late")]))
        assert await asyncio.gather(*tasks) == [None] * 30
        await closing

    with opened(database) as store:
        asyncio.run(scenario(store))
    if database.kind != "memory":  # which is gone with its store
        with opened(database) as reopened:
            assert set(stored(reopened)) == {f"c{number}" for number in range(30)}


def test_a_waiter_that_goes_away_does_not_disturb_the_others(store: Store) -> None:
    async def scenario() -> list[Any]:
        async with held(store):
            tasks = await queued(store, [Unit([insert(key)]) for key in "abc"])
            tasks[1].cancel()
        return await answers(tasks)

    first, gone, last = asyncio.run(scenario())
    assert first is None
    assert isinstance(gone, asyncio.CancelledError)
    assert last is None
    assert {"a", "c"} <= set(stored(store))


def test_an_event_loop_that_closes_early_does_not_stop_the_writer(store: Store) -> None:
    entered, leave = threading.Event(), threading.Event()

    def work(_: Connection) -> tuple[None, Unit]:
        entered.set()
        assert leave.wait(20)
        return None, Unit()

    async def ask_and_leave() -> None:
        waiting = await queued(store, [Unit([insert("orphan")])])
        waiting[0].cancel()

    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(store.transact_blocking, work)
        assert entered.wait(20)
        asyncio.run(ask_and_leave())
        leave.set()
        holding.result(20)
    commit(store, insert("next"))
    assert set(stored(store)) == {"orphan", "next"}


def test_rows_of_every_number_arrive_whole(store: Store) -> None:
    """SQLite gets its rows as INSERTs of several lengths; each must carry each row once."""
    for count in (1, 2, 3, 63, 64, 65, 127, 200):
        org_id = f"org_{count}"
        expected = {f"c{number:03}": (1, f'{{"n":{number}}}') for number in range(count)}
        commit(store, *(insert(key, document, org_id) for key, (_, document) in expected.items()))
        assert stored(store, org_id) == expected


def test_text_comes_back_as_it_was_written(store: Store) -> None:
    texts = ["", " ", "Ärger 🐷", "'; DROP TABLE customers; --", "%s %(x)s :x ? \\", "x" * 70_000]
    commit(store, *(insert(f"c{number}", text) for number, text in enumerate(texts)))
    found = stored(store)
    assert [found[f"c{number}"][1] for number in range(len(texts))] == texts


def test_a_change_may_be_expected_to_find_nothing(store: Store) -> None:
    commit(store, insert("k"))
    guard = update("k", 9)
    refused = update("k", 1)
    guard.rows_expected = refused.rows_expected = 0
    assert kinds(commit_together(store, [Unit([guard]), Unit([refused])])) == [None, RowsExpected]
    assert stored(store) == {"k": (1, "{}")}
