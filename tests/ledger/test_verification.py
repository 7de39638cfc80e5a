"""Whoever changes the books by hand is found, whatever they change."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Table, select

from bursar.events.audit import snapshot
from bursar.kit.clock import ManualClock
from bursar.ledger import verification
from bursar.ledger.tables import (
    balance_snapshots,
    balance_transactions,
    ledger_holds,
    ledger_postings,
    ledger_releases,
)
from bursar.ledger.verification import OperationGroup, Progress
from bursar.store.engine import MEMORY_URL
from bursar.store.unit import Unit
from tests.databases import Database
from tests.ledger.harness import DAY_SECONDS, ORG, Ledger, ledger_on, movement, new_id

MEMORY = Database("memory", MEMORY_URL)
TRANSACTIONS, HOLDS = 6, 3


def fill(ledger: Ledger, clock: ManualClock) -> None:
    """A little of everything, with snapshots in the middle."""
    service = ledger.service
    ledger.sale(1_000, 15)
    ledger.sale(2_000, 30, currency="jpy")
    ledger.hold(700)
    voided = ledger.hold(800)
    captured = ledger.hold(900)
    clock.advance(2 * DAY_SECONDS)
    ledger.release()
    clock.advance(3_600)
    assert ledger.take_snapshots() > 5
    ledger.commit(service.release_hold(movement(800, voided), "voided"))
    ledger.commit(service.capture(movement(600, captured), fee_minor=9, held_minor=900))
    ledger.commit(service.refund(movement(100, new_id("re"))))
    dispute_id = new_id("du")
    ledger.commit(service.dispute_withdrawn(movement(1_000, dispute_id, operation_id=None), fee_minor=1_500))
    ledger.commit(service.dispute_reinstated(movement(1_000, dispute_id, operation_id=None), fee_minor=1_500))


def test_sound_books_have_no_findings(database: Database) -> None:
    clock = ManualClock()
    with ledger_on(database, clock) as ledger:
        fill(ledger, clock)
        progress = Progress()
        found = ledger.store.read_blocking(
            lambda connection: list(verification.verify_postings(snapshot(connection), ORG, 0, progress))
        )
        assert found == []
        assert (progress.groups, progress.transactions, progress.holds) == (12, TRANSACTIONS, HOLDS)
        assert progress.postings == sum(map(len, ledger.postings().values()))


def test_more_rows_than_one_page_are_walked_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "ROWS_FETCHED", 3)
    monkeypatch.setattr(verification, "HOLDS_REMEMBERED", 2)
    clock = ManualClock()
    with ledger_on(MEMORY, clock) as ledger:
        for _ in range(5):
            fill(ledger, clock)
        assert ledger.findings() == []


Corruption = Callable[[Connection], None]


def change(table: Table, where: dict[str, Any], **values: Any) -> Corruption:
    def corrupt(connection: Connection) -> None:
        conditions = [table.c[name] == value for name, value in where.items()]
        assert connection.execute(table.update().where(*conditions).values(**values)).rowcount >= 1

    return corrupt


def delete(table: Table, **where: Any) -> Corruption:
    def corrupt(connection: Connection) -> None:
        conditions = [table.c[name] == value for name, value in where.items()]
        assert connection.execute(table.delete().where(*conditions)).rowcount >= 1

    return corrupt


def add(table: Table, *rows: dict[str, Any]) -> Corruption:
    def corrupt(connection: Connection) -> None:
        for row in rows:
            connection.execute(table.insert().values(org_id=ORG, livemode=0, **row))

    return corrupt


def posting(account: str, transaction_id: str, amount_minor: int, **more: Any) -> dict[str, Any]:
    row = {"account": account, "transaction_id": transaction_id, "amount_minor": amount_minor, "currency": "usd"}
    return row | {"created": 0, "operation_id": None, "hold_id": None} | more


FEES = {"account": "acquirer:piggybank:usd:fees", "amount_minor": 15}
WALLET = "wallet:main:usd:available"
PLANTED: dict[str, tuple[set[str], Corruption]] = {
    "an amount was raised": ({"L1", "L2", "L3"}, change(ledger_postings, FEES, amount_minor=16)),
    "an amount became nothing": ({"L1", "L2", "L3"}, change(ledger_postings, FEES, amount_minor=0)),
    "a posting was moved to another account": (
        {"L3"},
        change(ledger_postings, FEES, account="acquirer:other:usd:fees"),
    ),
    "a posting was moved to no account": ({"L1", "L3"}, change(ledger_postings, FEES, account="acquirer:other")),
    "a posting changed its currency": ({"L1", "L2"}, change(ledger_postings, FEES, currency="eur")),
    "a posting was deleted": ({"L1", "L2", "L3"}, delete(ledger_postings, **FEES)),
    "postings were added that balance": (
        {"L3"},
        add(ledger_postings, posting(WALLET, "txn_0", 500), posting("acquirer:piggybank:usd:fees", "txn_0", -500)),
    ),
    "a balance transaction was deleted": ({"L3"}, delete(balance_transactions, transaction_type="refund")),
    "a balance transaction tells another net": (
        {"L3"},
        change(balance_transactions, {"transaction_type": "refund"}, net_minor=-99),
    ),
    "a document tells another amount": (
        {"L3"},
        change(balance_transactions, {"transaction_type": "refund"}, document="{}"),
    ),
    "a snapshot was raised": ({"L3"}, change(balance_snapshots, {"account": WALLET}, amount_minor=10**6)),
    "a snapshot was made up": (
        {"L3"},
        add(balance_snapshots, {"account": "wallet:main:eur:available", "through_id": "txn_1", "amount_minor": 5}),
    ),
    "a day was closed before it was released": (
        {"L3"},
        change(ledger_releases, {"org_id": ORG}, open_day=100_000),
    ),
    "a hold was forgotten": ({"L7"}, delete(ledger_holds, resolution="voided")),
    "a hold was called open again": (
        {"L7"},
        change(ledger_holds, {"resolution": "voided"}, resolution=None, amount_minor=800),
    ),
    "an open hold was called captured": (
        {"L7"},
        change(ledger_holds, {"amount_minor": 700}, amount_minor=0, resolution="captured"),
    ),
    "a hold was lowered": ({"L7"}, change(ledger_holds, {"amount_minor": 700}, amount_minor=600)),
}


@pytest.mark.parametrize("name", PLANTED)
def test_what_was_changed_by_hand_is_found(name: str) -> None:
    expected, corrupt = PLANTED[name]
    clock = ManualClock()
    with ledger_on(MEMORY, clock) as ledger:
        fill(ledger, clock)
        ledger.store.transact_blocking(lambda connection: (corrupt(connection), Unit()))
        assert {finding.rule for finding in ledger.findings()} == expected


def test_a_hold_that_was_released_twice_is_found() -> None:
    clock = ManualClock()
    with ledger_on(MEMORY, clock) as ledger:
        fill(ledger, clock)
        charge = ledger.hold(300)
        effect = ledger.service.release_hold(movement(300, charge), "voided")
        again = ledger.service.release_hold(movement(300, charge), "voided")
        ledger.commit(effect)
        again.changes.pop()  # the row of the hold, which would have refused it
        ledger.commit(again)
        assert [(finding.rule, finding.subject) for finding in ledger.findings()] == [("L7", charge)]


def test_an_operation_that_was_booked_twice_is_found(database: Database) -> None:
    with ledger_on(database) as ledger:
        for _ in range(2):
            order = movement(1_000, "ch_twice", operation_id="att_twice")
            ledger.commit(ledger.service.capture(order, fee_minor=15))
        assert [(finding.rule, finding.subject) for finding in ledger.findings()] == [("L8", "att_twice")]


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_single_number_can_be_changed_unnoticed(data: st.DataObject) -> None:
    clock = ManualClock()
    with ledger_on(MEMORY, clock) as ledger:
        fill(ledger, clock)
        table, column = data.draw(
            st.sampled_from(
                [
                    (ledger_postings, "amount_minor"),
                    (balance_transactions, "amount_minor"),
                    (balance_transactions, "fee_minor"),
                    (balance_transactions, "net_minor"),
                    (ledger_holds, "amount_minor"),
                    (balance_snapshots, "amount_minor"),
                ]
            )
        )
        rows = ledger.store.read_blocking(lambda connection: connection.execute(select(table)).mappings().all())
        row = data.draw(st.sampled_from(rows))
        other = data.draw(st.integers(-(2**40), 2**40).filter(lambda number: number != row[column]))
        key = {name.name: row[name.name] for name in table.primary_key}
        corrupt = change(table, key, **{column: other})
        ledger.store.transact_blocking(lambda connection: (corrupt(connection), Unit()))
        assert ledger.findings()


def test_each_operation_comes_with_what_it_posted(database: Database) -> None:
    with ledger_on(database) as ledger:
        service, charge = ledger.service, "ch_1"

        def order(amount: int, operation_id: str, source_id: str = charge) -> Any:
            return movement(amount, source_id, operation_id=operation_id)

        ledger.commit(service.hold(order(1_000, "att_1")))
        ledger.commit(service.increment(order(500, "att_2"), held_minor=1_000))
        first = service.capture(order(600, "att_3"), fee_minor=9, held_minor=1_500, final=False)
        ledger.commit(first)
        ledger.commit(service.release_hold(order(900, "att_4"), "voided"))
        ledger.commit(service.refund(order(100, "att_5", "re_1")))
        ledger.commit(service.dispute_withdrawn(movement(600, "du_1", operation_id=None), fee_minor=1_500))
        groups = ledger.store.read_blocking(
            lambda connection: list(verification.groups_by_operation(snapshot(connection), ORG, 0))
        )
        told = [(g.operation_id, g.hold_id, g.held_minor, g.captured_minor, g.fee_minor) for g in groups]
        assert told == [
            ("att_1", "ch_1", 1_000, 0, 0),
            ("att_2", "ch_1", 500, 0, 0),
            ("att_3", "ch_1", -600, 600, 9),
            ("att_4", "ch_1", -900, 0, 0),
            ("att_5", None, 0, -100, 0),
        ]
        assert isinstance(groups[0], OperationGroup)
        assert first.balance_transaction is not None
        assert groups[2].transaction_id == first.balance_transaction.id
