"""What moves between wallets, as data: each side balances by itself, and is told as what it was."""

from collections.abc import Callable

import msgspec
import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from bursar.ledger import accounts, repository, rules, wallet_rules
from bursar.ledger.rules import Booking, LedgerDefect, Posting, Stamp
from bursar.ledger.schemas import WalletMovement
from bursar.ledger.wallet_rules import PAYMENT, PAYMENT_REFUND, TRANSFER
from bursar.store.engine import MEMORY_URL
from bursar.store.unit import Unit
from tests.databases import Database
from tests.ledger.harness import ORG, Ledger, ledger_on, movement
from tests.wire.annotations import assert_conforms

NOON = 1_768_478_400  # 15 January 2026, 12:00 UTC
STAMP = Stamp("txn_0", NOON * 1_000_000)


def wallet_movement(
    amount_minor: int = 1_000, wallet: str = "wal_1", org_id: str = ORG, currency: str = "usd"
) -> WalletMovement:
    return WalletMovement(
        org_id=org_id, livemode=0, wallet=wallet, source_id="tx_1", amount_minor=amount_minor, currency=currency
    )


def wallets(org_id: str = ORG) -> tuple[WalletMovement, WalletMovement]:
    return wallet_movement(wallet="main", org_id=org_id), wallet_movement()


BOOKINGS: dict[str, Callable[[WalletMovement, int], Booking]] = {
    "transfer, out": lambda order, _: wallet_rules.taken(order, STAMP, accounts.transfers_due("usd"), TRANSFER),
    "transfer, in": lambda order, _: wallet_rules.given(order, STAMP, accounts.transfers_due("usd"), TRANSFER),
    "payment, out": lambda order, _: wallet_rules.taken(order, STAMP, accounts.wallets_due("usd"), PAYMENT),
    "payment, in": lambda order, fee: wallet_rules.given(order, STAMP, accounts.wallets_due("usd"), PAYMENT, fee),
    "refund, out": lambda order, _: wallet_rules.taken(order, STAMP, accounts.wallets_due("usd"), PAYMENT_REFUND),
    "refund, in": lambda order, _: wallet_rules.given(order, STAMP, accounts.wallets_due("usd"), PAYMENT_REFUND),
    "fee": lambda order, _: wallet_rules.service_fee(order, STAMP, order.amount_minor, None),
    "pending fee": lambda order, _: wallet_rules.service_fee(order, STAMP, order.amount_minor, NOON + 86_400),
    "reserve": lambda order, _: wallet_rules.reserve(order, STAMP),
    "release": lambda order, _: wallet_rules.release_reserved(order, STAMP),
    "pay out": lambda order, _: wallet_rules.pay_out_reserved(order),
}


@pytest.mark.parametrize("name", BOOKINGS)
@given(data=st.data(), amount=st.integers(1, 10**12))
def test_every_booking_balances_and_is_told_as_it_is(name: str, data: st.DataObject, amount: int) -> None:
    booking = BOOKINGS[name](wallet_movement(amount), data.draw(st.integers(0, amount)))
    rules.check_postings(booking.postings, "usd")
    net = sum(posting.amount_minor for posting in booking.postings if accounts.holds_money(posting.account))
    transaction = booking.transaction
    if transaction is None:
        assert net == 0
        return
    assert transaction.net == net == transaction.amount - transaction.fee
    assert transaction.fee == sum(detail.amount for detail in transaction.fee_details)
    assert_conforms(msgspec.to_builtins(transaction), stripe.BalanceTransaction)


@given(amount=st.integers(1, 10**9), fee=st.integers(0, 10**6), data=st.data(), at_once=st.booleans())
def test_a_capture_leaves_its_service_fee_to_the_next_group(
    amount: int, fee: int, data: st.DataObject, at_once: bool
) -> None:
    service_fee = data.draw(st.integers(0, amount))
    order = msgspec.structs.replace(movement(amount, "ch_1"), wallet="wal_1")
    booking = rules.capture(
        order, STAMP, fee, available_at_once=at_once, held_minor=None, final=True, service_fee_minor=service_fee
    )
    rules.check_postings(booking.postings, "usd")
    assert booking.transaction is not None
    assert booking.transaction.net == amount - fee - service_fee
    assert [detail.type for detail in booking.transaction.fee_details] == ["payment_method_passthrough_fee"] * (
        fee > 0
    ) + ["application_fee"] * (service_fee > 0)
    assert_conforms(msgspec.to_builtins(booking.transaction), stripe.BalanceTransaction)
    due = [posting for posting in booking.postings if posting.account == accounts.fees_due("usd")]
    assert due == ([Posting(accounts.fees_due("usd"), service_fee)] if service_fee else [])


def test_a_service_fee_waits_as_long_as_its_payment() -> None:
    later = wallet_rules.service_fee(wallet_movement(), STAMP, 30, NOON + 36 * 3_600)
    assert later.postings[1] == Posting("wallet:main:usd:pending:2026-01-17", 30)
    assert later.transaction is not None
    assert (later.transaction.status, later.transaction.type) == ("pending", "application_fee")
    at_once = wallet_rules.service_fee(wallet_movement(), STAMP, 30, None)
    assert at_once.postings[1] == Posting("wallet:main:usd:available", 30)


@pytest.mark.parametrize("fee", [-1, 1_001])
def test_a_service_fee_that_is_no_part_of_the_amount_is_a_defect(fee: int) -> None:
    with pytest.raises(LedgerDefect):
        wallet_rules.given(wallet_movement(), STAMP, accounts.wallets_due("usd"), PAYMENT, fee)
    with pytest.raises(LedgerDefect):
        rules.capture(
            movement(1_000, "ch_1"),
            STAMP,
            0,
            available_at_once=False,
            held_minor=None,
            final=True,
            service_fee_minor=fee,
        )


@pytest.mark.parametrize("amount", [0, -1, True])
def test_nothing_is_no_movement(amount: int) -> None:
    for make in BOOKINGS.values():
        with pytest.raises(LedgerDefect):
            make(wallet_movement(amount), 0)


def test_only_other_wallets_than_the_main_one_are_named_in_rows() -> None:
    for name, kept in (("main", None), ("wal_1", "wal_1")):
        booking = wallet_rules.reserve(wallet_movement(wallet=name), STAMP)
        [row] = [
            change.row
            for change in repository.changes_of(ORG, 0, None, "usd", STAMP, booking)
            if change.statement is repository.INSERT_TRANSACTION
        ]
        assert row["wallet"] == kept


def test_a_transfer_stays_within_one_organisation(database: Database) -> None:
    with ledger_on(database) as ledger:
        fill(ledger)
        payer, payee = wallets()
        effect = ledger.service.transfer(payer, payee)
        ledger.store.transact_blocking(lambda _: (None, Unit(effect.changes)))
        assert ledger.findings() == []
        with pytest.raises(LedgerDefect):
            ledger.service.transfer(*wallets("org_other"))
        for other in (wallet_movement(999), wallet_movement(currency="eur")):
            with pytest.raises(LedgerDefect):
                ledger.service.pay(payer, other)


def test_a_half_transfer_is_found() -> None:
    with ledger_on(Database("memory", MEMORY_URL)) as ledger:
        fill(ledger)
        effect = ledger.service.transfer(*wallets())
        half = [change for change in effect.changes if effect.taken.id in change.row.values()]
        assert 0 < len(half) < len(effect.changes)
        ledger.store.transact_blocking(lambda _: (None, Unit(half)))
        assert [(finding.rule, finding.subject) for finding in ledger.findings()] == [
            ("L9", accounts.transfers_due("usd"))
        ]


def test_a_wallet_that_moved_without_being_told_is_found() -> None:
    with ledger_on(Database("memory", MEMORY_URL)) as ledger:
        fill(ledger)
        effect = ledger.service.reserve(wallet_movement(wallet="main"))
        silent = [change for change in effect.changes if change.statement is not repository.INSERT_TRANSACTION]
        ledger.store.transact_blocking(lambda _: (None, Unit(silent)))
        assert [finding.rule for finding in ledger.findings()] == ["L3"]


def fill(ledger: Ledger) -> None:
    ledger.sale(5_000, 0, at_once=True)
