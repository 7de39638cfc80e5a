"""Entries and the changes that they belong to: one commit, each hold resolved once."""

import asyncio

import msgspec
import pytest
from sqlalchemy import select

from bursar.kit.clock import ManualClock
from bursar.kit.ids import created_microseconds
from bursar.ledger.tables import balance_transactions, ledger_holds
from bursar.store.errors import DuplicateKey, RowsExpected
from bursar.store.unit import Unit
from tests.databases import SERVERS, Database, on
from tests.ledger.harness import Ledger, ledger_on, movement, new_id

CLIENTS = 50


def resolutions(ledger: Ledger) -> dict[str, tuple[int, str | None]]:
    rows = ledger.store.read_blocking(lambda connection: connection.execute(select(ledger_holds)).all())
    return {row.id: (row.amount_minor, row.resolution) for row in rows}


def test_a_sale_moves_money_from_the_acquirer_to_the_wallet(database: Database) -> None:
    with ledger_on(database) as ledger:
        ledger.sale(1_000, 15, currency="jpy")
        ledger.sale(7_000, 0, at_once=True, currency="bhd")
        balances = ledger.balances()
        assert (balances["jpy"].pending_minor, balances["jpy"].available_minor) == (985, 0)
        assert (balances["bhd"].pending_minor, balances["bhd"].available_minor) == (0, 7_000)
        assert ledger.findings() == []


def test_a_hold_shrinks_with_each_capture_and_ends_with_the_last(database: Database) -> None:
    with ledger_on(database) as ledger:
        charge = ledger.hold(1_000)
        service = ledger.service
        assert ledger.balances()["usd"].authorised_minor == 1_000
        grown = ledger.commit(service.increment(movement(500, charge), held_minor=1_000))
        assert grown.held_minor == 1_500
        first = service.capture(movement(200, charge), fee_minor=3, held_minor=1_500, final=False)
        assert ledger.commit(first).held_minor == 1_300
        assert resolutions(ledger) == {charge: (1_300, None)}
        last = service.capture(movement(800, charge), fee_minor=12, held_minor=1_300)
        assert ledger.commit(last).held_minor == 0
        assert resolutions(ledger) == {charge: (0, "captured")}
        balance = ledger.balances()["usd"]
        assert (balance.authorised_minor, balance.pending_minor) == (0, 985)
        assert ledger.findings() == []


@pytest.mark.parametrize("resolution", ["voided", "expired", "reversed"])
def test_a_hold_that_is_released_leaves_nothing(resolution: str) -> None:
    with ledger_on(Database("memory", "memory://")) as ledger:
        charge = ledger.hold(1_000)
        effect = ledger.service.release_hold(movement(1_000, charge, operation_id=None), resolution)  # type: ignore[arg-type]
        assert ledger.commit(effect).balance_transaction is None
        assert resolutions(ledger) == {charge: (0, resolution)}
        assert ledger.balances()["usd"].authorised_minor == 0
        assert ledger.findings() == []


@pytest.mark.parametrize("database", on("sqlite", *SERVERS), indirect=True)
def test_of_many_who_resolve_a_hold_at_once_one_does(database: Database) -> None:
    with ledger_on(database, writers=2 if database.kind in SERVERS else 1) as ledger:
        charge = ledger.hold(1_000)

        async def scenario() -> list[BaseException | None]:
            effects = [
                ledger.service.capture(movement(1_000, charge), fee_minor=0, held_minor=1_000)
                if number % 2
                else ledger.service.release_hold(movement(1_000, charge), "voided")
                for number in range(CLIENTS)
            ]
            commits = [ledger.store.commit(Unit(effect.changes)) for effect in effects]
            return await asyncio.gather(*commits, return_exceptions=True)

        outcomes = asyncio.run(scenario())
        assert outcomes.count(None) == 1
        assert {type(outcome) for outcome in outcomes if outcome} == {RowsExpected}
        balance = ledger.balances()["usd"]
        assert balance.authorised_minor == 0
        assert balance.pending_minor in (0, 1_000)
        assert ledger.findings() == []


def test_what_is_captured_in_parts_at_once_is_never_more_than_is_held() -> None:
    with ledger_on(Database("memory", "memory://")) as ledger:
        charge = ledger.hold(1_000)
        stale = [
            ledger.service.capture(movement(600, charge), fee_minor=0, held_minor=1_000, final=False) for _ in range(2)
        ]
        ledger.commit(stale[0])
        with pytest.raises(RowsExpected):
            ledger.commit(stale[1])
        assert ledger.balances()["usd"].pending_minor == 600
        assert ledger.findings() == []


def test_a_charge_is_held_once(database: Database) -> None:
    with ledger_on(database) as ledger:
        charge = ledger.hold(1_000)
        with pytest.raises(DuplicateKey):
            ledger.commit(ledger.service.hold(movement(1_000, charge)))
        assert ledger.findings() == []


def test_a_hold_that_is_captured_to_the_last_leaves_nothing_to_release() -> None:
    with ledger_on(Database("memory", "memory://")) as ledger:
        charge = ledger.hold(1_000)
        whole = ledger.service.capture(movement(1_000, charge), fee_minor=0, held_minor=1_000, final=False)
        assert ledger.commit(whole).held_minor == 0
        assert resolutions(ledger) == {charge: (0, "captured")}
        assert ledger.service.release_hold(movement(0, charge), "voided").changes == []
        with pytest.raises(RowsExpected):
            ledger.commit(ledger.service.release_hold(movement(1_000, charge), "voided"))
        assert ledger.findings() == []


def test_money_goes_back_and_comes_again() -> None:
    with ledger_on(Database("memory", "memory://")) as ledger:
        ledger.sale(1_000, 15, at_once=True)
        refund_id, dispute_id = new_id("re"), new_id("du")
        ledger.commit(ledger.service.refund(movement(400, refund_id)))
        assert ledger.balances()["usd"].available_minor == 585
        ledger.commit(ledger.service.refund_failed(movement(400, refund_id)))
        assert ledger.balances()["usd"].available_minor == 985
        ledger.commit(ledger.service.dispute_withdrawn(movement(1_000, dispute_id), fee_minor=1_500))
        assert ledger.balances()["usd"].available_minor == -1_515
        ledger.commit(ledger.service.dispute_reinstated(movement(1_000, dispute_id), fee_minor=1_500))
        assert ledger.balances()["usd"].available_minor == 985
        assert ledger.findings() == []


def test_the_row_and_the_answer_are_the_same_transaction(database: Database) -> None:
    with ledger_on(database) as ledger:
        order = movement(1_000, new_id("ch"), "eur")
        answer = ledger.commit(ledger.service.capture(order, fee_minor=15)).balance_transaction
        row = ledger.store.read_blocking(lambda connection: connection.execute(select(balance_transactions)).one())
        assert answer is not None
        assert row.document == msgspec.json.encode(answer).decode()
        assert (row.id, row.source_id, row.transaction_type) == (answer.id, order.source_id, "charge")
        assert (row.amount_minor, row.fee_minor, row.net_minor, row.currency) == (1_000, 15, 985, "eur")
        assert row.created // 1_000_000 == answer.created
        assert row.available_on == answer.available_on * 1_000_000


@pytest.mark.parametrize("database", on("sqlite", *SERVERS), indirect=True)
def test_ids_follow_every_snapshot_though_the_clock_went_back(database: Database) -> None:
    """An entry under an id that a snapshot has passed already would never count."""
    clock = ManualClock()
    with ledger_on(database, clock) as ledger:
        ledger.sale(1_000, 0, at_once=True)
        clock.advance(3_600)
        assert ledger.take_snapshots() == 2
    clock.advance(-86_400)
    with ledger_on(database, clock) as restarted:
        restarted.sale(500, 0, at_once=True)
        assert restarted.balances()["usd"].available_minor == 1_500
        assert created_microseconds(restarted.ids.new("txn")) > clock.now_microseconds()
        assert restarted.findings() == []
