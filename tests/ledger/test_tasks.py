"""Release and snapshots: right at any moment, done once by however many processes, beside those who write."""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Iterator

import msgspec
import pytest
from sqlalchemy import func, select

from bursar.accounts import repository as accounts_repository
from bursar.accounts.schemas import Organisation
from bursar.kit.clock import ManualClock
from bursar.ledger import accounts, balances, tasks
from bursar.ledger.tables import balance_snapshots, ledger_postings, ledger_releases
from bursar.store.errors import DuplicateKey, RowsExpected
from bursar.store.unit import Unit
from tests.databases import Database, on
from tests.ledger.harness import DAY_SECONDS, ORG, Ledger, ledger_on, movement, new_id

MEMORY = Database("memory", "memory://")
CONCURRENT = on("sqlite", "postgresql")
ROUNDS = 15
SALES = 40
HOUR_SECONDS = 3_600


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(20_000 * accounts.DAY_MICROSECONDS + 60_000_000)


def available_and_pending(ledger: Ledger) -> tuple[int, int]:
    balance = ledger.balances()["usd"]
    return balance.available_minor, balance.pending_minor


def test_one_round_keeps_the_books_of_every_organisation_in_both_modes(
    clock: ManualClock,
) -> None:
    with ledger_on(MEMORY, clock) as ledger:
        for org_id in ("org_a", "org_b"):
            about = Organisation(
                id=org_id, code=org_id, name=org_id, category="other", country=None, currency="usd", created=0
            )
            asyncio.run(ledger.store.commit(Unit(accounts_repository.insert_organisation(about))))
            for livemode in (0, 1):
                order = msgspec.structs.replace(movement(1_000, new_id("ch")), org_id=org_id, livemode=livemode)
                ledger.commit(ledger.service.capture(order, fee_minor=0))
        clock.advance(2 * DAY_SECONDS)
        asyncio.run(tasks.keep_books(ledger.store, ledger.ids, clock))
        assert ledger.postings()["wallet:main:usd:available"] == [1_000] * 4


def test_money_is_available_on_its_day_before_and_after_the_release(clock: ManualClock) -> None:
    with ledger_on(MEMORY, clock) as ledger:
        ledger.sale(1_000, 0)
        clock.advance(DAY_SECONDS)
        ledger.sale(500, 0)
        assert ledger.release() == 0
        assert available_and_pending(ledger) == (0, 1_500)
        clock.advance(DAY_SECONDS)
        assert available_and_pending(ledger) == (1_000, 500)
        assert ledger.release() == 1
        assert ledger.release() == 0
        assert available_and_pending(ledger) == (1_000, 500)
        assert ledger.postings()["wallet:main:usd:pending:2024-10-06"] == [1_000, -1_000]
        assert ledger.postings()["wallet:main:usd:available"] == [1_000]
        assert ledger.findings() == []


def test_what_comes_late_to_a_day_that_was_released_is_released_next(clock: ManualClock) -> None:
    with ledger_on(MEMORY, clock) as ledger:
        late = ledger.service.capture(movement(70, new_id("ch")), fee_minor=0)
        ledger.sale(1_000, 0)
        clock.advance(2 * DAY_SECONDS)
        ledger.release()
        ledger.commit(late)
        assert available_and_pending(ledger) == (1_070, 0)
        assert ledger.release() == 1
        assert available_and_pending(ledger) == (1_070, 0)
        assert ledger.findings() == []


def test_days_that_are_done_with_are_looked_at_no_more(clock: ManualClock) -> None:
    with ledger_on(MEMORY, clock) as ledger:
        for _ in range(30):
            ledger.sale(100, 0)
            clock.advance(DAY_SECONDS)
            ledger.release()
        open_days = ledger.store.read_blocking(
            lambda connection: [
                account
                for account in balances.open_accounts(
                    balances.books(connection, ORG, 0), accounts.day_of(clock.now_microseconds())
                )
                if accounts.due_day(account) is not None
            ]
        )
        assert len(open_days) <= 4
        assert available_and_pending(ledger) == (2_900, 100)
        assert ledger.findings() == []


def test_a_clock_that_ran_ahead_for_a_while_hides_no_money(clock: ManualClock) -> None:
    with ledger_on(MEMORY, clock) as ledger:
        ledger.sale(1_000, 0)
        clock.advance(400 * DAY_SECONDS)
        ledger.release()
        clock.advance(-400 * DAY_SECONDS)
        restarted = Ledger(ledger.store, clock)
        restarted.sale(500, 0)
        assert available_and_pending(restarted) == (1_000, 500)
        clock.advance(2 * DAY_SECONDS)
        restarted.release()
        assert available_and_pending(restarted) == (1_500, 0)
        assert restarted.findings() == []


def test_many_wallets_and_days_are_released_in_several_commits(
    clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "MATURED_MAX", 2)
    with ledger_on(MEMORY, clock) as ledger:
        for currency in ("usd", "eur", "jpy", "bhd", "inr"):
            ledger.sale(1_000, 0, currency=currency)
        clock.advance(5 * DAY_SECONDS)
        assert ledger.release() == 5
        assert {balance.available_minor for balance in ledger.balances().values()} == {1_000}
        versions = ledger.store.read_blocking(lambda connection: connection.execute(select(ledger_releases)).all())
        assert [row.version for row in versions] == [3]
        assert ledger.findings() == []


def test_a_releaser_that_slept_is_fenced_off(clock: ManualClock) -> None:
    with ledger_on(MEMORY, clock) as ledger:
        for expected in (DuplicateKey, RowsExpected):
            ledger.sale(1_000, 0)
            clock.advance(2 * DAY_SECONDS)
            asleep = ledger.store.read_blocking(
                lambda connection: tasks.find_due(connection, ORG, 0, clock.now_microseconds())
            )
            ledger.release()
            woken = tasks.release_unit(ledger.ids, ORG, 0, asleep)
            assert woken is not None
            with pytest.raises(expected):
                asyncio.run(ledger.store.commit(woken))
        assert available_and_pending(ledger) == (2_000, 0)
        assert ledger.findings() == []


def test_a_snapshot_leaves_the_last_quarter_of_an_hour_alone(clock: ManualClock) -> None:
    with ledger_on(MEMORY, clock) as ledger:
        ledger.sale(1_000, 15, at_once=True)
        clock.advance(balances.MARGIN_SECONDS - 1)
        assert ledger.take_snapshots() == 0
        clock.advance(2)
        ledger.sale(500, 0, at_once=True)
        assert ledger.take_snapshots() == 3
        rows = ledger.store.read_blocking(lambda connection: connection.execute(select(balance_snapshots)).all())
        assert {row.account: row.amount_minor for row in rows} == {
            "acquirer:piggybank:usd:receivable": -1_000,
            "acquirer:piggybank:usd:fees": 15,
            "wallet:main:usd:available": 985,
        }
        assert ledger.balances()["usd"].available_minor == 1_485
        assert ledger.findings() == []


def test_few_postings_are_no_reason_for_a_snapshot(clock: ManualClock) -> None:
    with ledger_on(MEMORY, clock) as ledger:
        for _ in range(3):
            ledger.sale(1_000, 0, at_once=True)
        clock.advance(HOUR_SECONDS)
        assert ledger.take_snapshots(postings_min=4) == 0
        assert ledger.take_snapshots(postings_min=3) == 2


def test_a_snapshot_that_was_moved_meanwhile_is_not_moved_again(clock: ManualClock) -> None:
    with ledger_on(MEMORY, clock) as ledger:
        for expected in (DuplicateKey, RowsExpected):
            ledger.sale(1_000, 0, at_once=True)
            clock.advance(HOUR_SECONDS)
            step = ledger.store.read_blocking(
                lambda connection: balances.next_step(
                    balances.Books(connection, ORG, 0),
                    "wallet:main:usd:available",
                    clock.now_microseconds() // 1_000_000,
                    1,
                )
            )
            assert step is not None
            ledger.take_snapshots()
            with pytest.raises(expected):
                asyncio.run(ledger.store.commit(Unit([balances.snapshot_change(ORG, 0, step)])))
        assert ledger.balances()["usd"].available_minor == 2_000
        assert ledger.findings() == []


def test_forgotten_snapshots_are_made_anew(clock: ManualClock) -> None:
    with ledger_on(MEMORY, clock) as ledger:
        ledger.sale(1_000, 0, at_once=True)
        clock.advance(HOUR_SECONDS)
        assert ledger.take_snapshots() == 2
        asyncio.run(ledger.store.commit(Unit([balances.forget_snapshots(ORG, 0)])))
        assert ledger.balances()["usd"].available_minor == 1_000
        assert ledger.take_snapshots() == 2


@contextlib.contextmanager
def two_processes(database: Database, clock: ManualClock) -> Iterator[list[Ledger]]:
    writers = 2 if database.kind == "postgresql" else 1
    with ledger_on(database, clock, writers=writers) as first, ledger_on(database, clock) as second:
        yield [first, second]


@pytest.mark.parametrize("database", CONCURRENT, indirect=True)
def test_two_processes_release_and_snapshot_beside_writers_and_readers(database: Database, clock: ManualClock) -> None:
    """Money is neither lost nor doubled, and whoever looks meanwhile sees the right sum."""
    chance = random.Random(8_420)  # noqa: S311 - not a secret
    with two_processes(database, clock) as processes:
        first = processes[0]
        first.sale(1_000, 0)
        expected = 1_000
        for _ in range(ROUNDS):
            clock.advance(chance.choice((HOUR_SECONDS, 9 * HOUR_SECONDS, DAY_SECONDS)))
            asyncio.run(_one_round(processes, expected))
            expected += SALES * 100
            assert sum(available_and_pending(first)) == expected
            assert available_and_pending(first) == available_and_pending(processes[1])
        clock.advance(3 * DAY_SECONDS)
        first.release()
        first.take_snapshots()
        assert available_and_pending(first) == (expected, 0)
        assert first.findings() == []
        snapshots = first.store.read_blocking(
            lambda connection: connection.execute(select(func.count()).select_from(balance_snapshots)).scalar()
        )
        assert snapshots


async def _one_round(processes: list[Ledger], at_least: int) -> None:
    async def look(ledger: Ledger) -> None:
        for _ in range(10):
            found = await ledger.store.read(lambda connection: ledger.service.wallet_balances(connection, ORG, 0))
            total = sum(balance.available_minor + balance.pending_minor for balance in found)
            assert at_least <= total <= at_least + SALES * 100

    async def sell(ledger: Ledger) -> None:
        effect = ledger.service.capture(movement(100, new_id("ch")), fee_minor=0)
        await ledger.store.commit(Unit(effect.changes))

    work: list[Awaitable[object]] = [look(ledger) for ledger in processes]
    work += [sell(processes[number % 2]) for number in range(SALES)]
    for ledger in processes * 2:
        work.append(tasks.release_due(ledger.store, ledger.ids, ledger.clock, ORG, 0))
        work.append(tasks.take_snapshots(ledger.store, ledger.clock, ORG, 0, postings_min=1))
    await asyncio.gather(*work)


@pytest.mark.parametrize("database", CONCURRENT, indirect=True)
def test_of_many_releases_at_once_each_day_is_released_once(database: Database, clock: ManualClock) -> None:
    with two_processes(database, clock) as processes:
        processes[0].sale(1_000, 0)
        clock.advance(2 * DAY_SECONDS)

        async def scenario() -> list[int]:
            jobs = [tasks.release_due(one.store, one.ids, one.clock, ORG, 0) for one in processes * 5]
            return await asyncio.gather(*jobs)

        assert sum(asyncio.run(scenario())) == 1
        rows = processes[0].store.read_blocking(
            lambda connection: connection.execute(select(func.count()).select_from(ledger_postings)).scalar()
        )
        assert rows == 4
        assert processes[0].findings() == []
