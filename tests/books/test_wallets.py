"""Wallets that the services made are right; whoever changes them by hand is found."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, Table

from bursar.ledger.tables import balance_transactions, ledger_postings
from bursar.payments.tables import charges, payment_intents
from bursar.store.engine import MEMORY_URL
from bursar.wallets.tables import wallet_payments, wallet_transfers
from bursar.withdrawals.tables import withdrawals
from tests.books.plants import copied, members, replace, rows
from tests.books.wallet_world import WalletWorld, wallet_world_on
from tests.databases import Database
from tests.wallets.harness import ORG, OTHER_ORG

Act = Callable[[Connection, WalletWorld], None]


@pytest.fixture(scope="module")
def world() -> Iterator[WalletWorld]:
    """Made once; whoever changes it takes the change back."""
    with wallet_world_on(Database("memory", MEMORY_URL)) as made:
        yield made


def test_what_the_services_made_is_right(world: WalletWorld) -> None:
    report = world.verified()
    assert (report.findings, report.open, report.payments) == ([], [], 5)
    assert world.house.balance(world.main)[2] == 200


@pytest.mark.parametrize("org_id", [ORG, OTHER_ORG])
def test_one_organisation_alone_is_right_too(world: WalletWorld, org_id: str) -> None:
    assert world.verified(org_id=org_id).findings == []


def change(table: Table, find: Callable[[WalletWorld], dict[str, Any]], **values: Any) -> Act:
    def act(connection: Connection, world: WalletWorld) -> None:
        for row in rows(connection, table, **find(world)):
            new = {name: value(getattr(row, name)) if callable(value) else value for name, value in values.items()}
            replace(connection, table, row, **new)

    return act


def delete(table: Table, find: Callable[[WalletWorld], dict[str, Any]]) -> Act:
    def act(connection: Connection, world: WalletWorld) -> None:
        where = find(world)
        rows(connection, table, **where)
        connection.execute(table.delete().where(*(table.c[name] == value for name, value in where.items())))

    return act


def the(name: str, **more: Any) -> Callable[[WalletWorld], dict[str, Any]]:
    return lambda world: {"id": world.ids[name], **more}


def told(name: str, kind: str) -> Callable[[WalletWorld], dict[str, Any]]:
    """The balance transactions of an object."""
    return lambda world: {"source_id": world.ids[name], "transaction_type": kind}


def source_of(connection: Connection, world: WalletWorld, name: str, side: str) -> str:
    (row,) = rows(connection, wallet_payments, id=world.ids[name], side=side)
    return str(row.source_id)


def without_group(connection: Connection, **where: Any) -> None:
    """Balance transactions with all of their postings."""
    for row in rows(connection, balance_transactions, **where):
        connection.execute(ledger_postings.delete().where(ledger_postings.c.transaction_id == row.id))
        connection.execute(balance_transactions.delete().where(balance_transactions.c.id == row.id))


def half_of_a_transfer(connection: Connection, world: WalletWorld) -> None:
    without_group(connection, source_id=world.ids["transfer"], amount_minor=100)


def transfer_without_row(connection: Connection, world: WalletWorld) -> None:
    for row in rows(connection, balance_transactions, source_id=world.ids["transfer"]):
        replace(connection, balance_transactions, row, source_id="wtr_nobody")


def transferred_twice(connection: Connection, world: WalletWorld) -> None:
    for row in rows(connection, balance_transactions, source_id=world.ids["transfer"]):
        new = copied(row.id)
        for posting in rows(connection, ledger_postings, transaction_id=row.id):
            connection.execute(ledger_postings.insert().values(posting._asdict() | {"transaction_id": new}))
        document = row.document.replace(row.id, new)
        connection.execute(balance_transactions.insert().values(row._asdict() | {"id": new, "document": document}))


def no_payee(connection: Connection, world: WalletWorld) -> None:
    """The payee's whole side of a payment, without a trace."""
    source = source_of(connection, world, "payment without a fee", "payee")
    without_group(connection, source_id=source)
    delete(wallet_payments, the("payment without a fee", side="payee"))(connection, world)


def less_for_the_payee(connection: Connection, world: WalletWorld) -> None:
    """Consistently within the payee's own books."""
    source = source_of(connection, world, "payment without a fee", "payee")
    (row,) = rows(connection, balance_transactions, source_id=source)
    for posting in rows(connection, ledger_postings, transaction_id=row.id):
        replace(connection, ledger_postings, posting, amount_minor=posting.amount_minor // 2)
    document = members(amount=200, net=200)(row.document)
    replace(connection, balance_transactions, row, amount_minor=200, net_minor=200, document=document)
    change(wallet_payments, the("payment without a fee", side="payee"), total_minor=200)(connection, world)


def fees_swapped(connection: Connection, world: WalletWorld) -> None:
    one, other = (
        rows(connection, balance_transactions, **told(f"charge of {name}", "application_fee")(world))[0]
        for name in ("sale into the till", "sale into the main wallet")
    )
    replace(connection, balance_transactions, one, source_id=other.source_id)
    replace(connection, balance_transactions, other, source_id=one.source_id)


def no_fee(connection: Connection, world: WalletWorld) -> None:
    without_group(connection, **told("charge of sale into the till", "application_fee")(world))


def released_twice(connection: Connection, world: WalletWorld) -> None:
    """The money of an open withdrawal is available again, and nobody has ended it."""
    (row,) = rows(connection, balance_transactions, **told("canceled withdrawal", "payout_cancel")(world))
    for posting in rows(connection, ledger_postings, transaction_id=row.id):
        amount = posting.amount_minor * 4
        again = posting._asdict() | {"transaction_id": f"{row.id[:-2]}zz", "amount_minor": amount}
        connection.execute(ledger_postings.insert().values(again))


# Which rules must speak.
PLANTED: dict[str, tuple[set[str], Act]] = {
    "a transfer was raised": ({"L8"}, change(wallet_transfers, the("transfer"), amount_minor=101)),
    "a transfer was deleted": ({"L8"}, delete(wallet_transfers, the("transfer"))),
    "a transfer leads to another wallet": ({"L8"}, change(wallet_transfers, the("transfer"), to_wallet_id="wal_x")),
    "a transfer leads back": (
        {"L8"},
        change(wallet_transfers, the("transfer"), to_wallet_id="wal_x", from_wallet_id="wal_x"),
    ),
    "a transfer arrived nowhere": ({"L8", "L9"}, half_of_a_transfer),
    "a transfer has no row": ({"L8"}, transfer_without_row),
    "a transfer was posted twice": ({"L8"}, transferred_twice),
    "a withdrawal was called refused": ({"L4", "L8"}, change(withdrawals, the("withdrawal"), status="refused")),
    "a canceled withdrawal was called approved": (
        {"L4", "L8"},
        change(withdrawals, the("canceled withdrawal"), status="approved"),
    ),
    "a withdrawal was lowered": ({"L4", "L8"}, change(withdrawals, the("withdrawal"), amount_minor=150)),
    "a withdrawal was deleted": ({"L4", "L8"}, delete(withdrawals, the("withdrawal"))),
    "a withdrawal was given another wallet": (
        {"L4", "L8"},
        change(withdrawals, the("withdrawal"), ledger_name="wal_x"),
    ),
    "reserved money was released by nobody": ({"L3", "L4"}, released_twice),
    "a payment's one side was forgotten": ({"L5", "L6", "L8"}, delete(wallet_payments, the("payment", side="payee"))),
    "a payment's other side was forgotten": ({"L6", "L8"}, delete(wallet_payments, the("payment", side="payer"))),
    "a payment's one side was raised": ({"L8"}, change(wallet_payments, the("payment", side="payer"), total_minor=311)),
    "a payment's fee was raised on one side": (
        {"L5", "L8"},
        change(wallet_payments, the("payment", side="payee"), service_fee_minor=11),
    ),
    "a payment's fee was raised on both sides": ({"L5"}, change(wallet_payments, the("payment"), service_fee_minor=11)),
    "a payment names another payer": (
        {"L8"},
        change(wallet_payments, the("payment", side="payee"), other_org_id="acct_nobody"),
    ),
    "a payment never arrived": ({"L8", "L9"}, no_payee),
    "a payment arrived in part": ({"L8", "L9"}, less_for_the_payee),
    "a refund was forgotten": ({"L6"}, change(wallet_payments, the("payment"), refunded_minor=0)),
    "a refund was forgotten on one side": (
        {"L6", "L8"},
        change(wallet_payments, the("payment", side="payer"), refunded_minor=0),
    ),
    "a service fee never arrived": ({"L5", "L9"}, no_fee),
    "two service fees were swapped": ({"L5"}, fees_swapped),
    "a payment agreed on another fee": (
        {"L5"},
        change(payment_intents, the("sale into the till"), service_fee_minor=5),
    ),
    "a payment agreed on a fee later": ({"L5"}, change(payment_intents, the("plain sale"), service_fee_minor=5)),
    "a payment belongs to another wallet": ({"L5"}, change(payment_intents, the("sale into the till"), wallet=None)),
    "a charge belongs to another wallet": ({"L5"}, change(charges, the("charge of sale into the till"), wallet=None)),
    "a balance transaction was given to another wallet": (
        {"L3", "L5"},
        change(balance_transactions, told("charge of sale into the till", "charge"), wallet=None),
    ),
    "a transfer's side was given to another wallet": (
        {"L3", "L8"},
        change(
            balance_transactions, lambda world: {"source_id": world.ids["transfer"], "amount_minor": -100}, wallet="w"
        ),
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_what_was_changed_by_hand_is_found(name: str, world: WalletWorld) -> None:
    expected, act = PLANTED[name]
    report = world.verified(lambda connection: act(connection, world))
    assert {finding.rule for finding in report.findings} == expected, "\n".join(map(str, report.findings))


def test_each_organisation_alone_does_not_see_what_only_both_know(world: WalletWorld) -> None:
    """Its own books are consistent; that the other side is missing, only all books together tell."""
    for org_id in (ORG, OTHER_ORG):
        report = world.verified(lambda connection: no_payee(connection, world), org_id)
        assert report.findings == []
    told_together = world.verified(lambda connection: no_payee(connection, world)).findings
    assert {(finding.rule, finding.subject) for finding in told_together} == {
        ("L9", "clearing:wallets:usd:due"),
        ("L8", world.ids["payment without a fee"]),
    }
