"""From wallet to wallet: both sides in one commit, or neither; never more than there is."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from bursar.ledger.tables import balance_transactions, ledger_postings
from bursar.store.errors import RowsExpected, StoreContention
from bursar.wallets.errors import WalletRefused
from bursar.wallets.payments import Paid
from bursar.wallets.tables import wallet_payments
from tests.databases import Database, on
from tests.wallets.harness import ORG, OTHER_ORG, House, house_on, together


def paid(house: House, *arguments: Any, **more: Any) -> Paid:
    return asyncio.run(house.pay(*arguments, **more))


def refused(house: House, *arguments: Any, **more: Any) -> str:
    before = rows(house)
    with pytest.raises(WalletRefused) as refusal:
        paid(house, *arguments, **more)
    assert rows(house) == before
    return refusal.value.reason


def rows(house: House) -> int:
    return sum(
        len(house.store.read_blocking(lambda connection, table=table: connection.execute(select(table)).all()))  # type: ignore[misc]
        for table in (ledger_postings, balance_transactions, wallet_payments)
    )


def test_money_goes_to_another_organisations_wallet(house: House) -> None:
    payer, payee = house.primary(OTHER_ORG), house.wallet()
    house.earn(payer, 1_000)
    done = paid(house, payer, payee, 300)
    assert (house.balance(payer), house.balance(payee)) == ((700, 0, 0), (300, 0, 0))
    assert (done.balance.currency, done.balance.available) == ("usd", 700)
    assert house.findings() == []
    assert house.told(OTHER_ORG)[-1] == "bursar.wallet_payment.sent"
    assert house.told(ORG)[-1] == "bursar.wallet_payment.received"


def test_the_service_fee_goes_to_the_main_wallet_of_whoever_is_paid(house: House) -> None:
    payer, payee, main = house.primary(OTHER_ORG), house.wallet(), house.primary()
    house.earn(payer, 1_000)
    paid(house, payer, payee, 310, service_fee_minor=10)
    assert house.balance(payer) == (690, 0, 0)
    assert house.balance(payee) == (300, 0, 0)
    assert house.balance(main) == (10, 0, 0)
    paid(house, payer, main, 210, service_fee_minor=10)
    assert house.balance(main) == (220, 0, 0)
    assert house.findings() == []


def test_the_service_fee_of_a_card_payment_is_pending_as_long_as_the_payment(house: House) -> None:
    main, till = house.primary(), house.wallet()
    house.earn(till, 1_030, fee_minor=20, service_fee_minor=30, at_once=False)
    assert house.balance(till) == (0, 980, 0)
    assert house.balance(main) == (0, 30, 0)
    house.earn(main, 1_030, fee_minor=20, service_fee_minor=30)
    assert house.balance(main) == (1_010, 30, 0)
    assert house.findings() == []


def test_what_may_not_be_paid_moves_nothing(house: House) -> None:
    payer, payee, till = house.primary(OTHER_ORG), house.primary(), house.wallet(org_id=OTHER_ORG)
    euros = house.wallet(currency="eur")
    closed = house.wallet()
    house.asked("PUT", "/api/v1/wallets/{code}", {"closed": True}, code=closed.code)
    house.earn(payer, 1_000)
    house.earn(till, 1_000)
    assert refused(house, payer, payer, 100) == "own_wallet"
    assert refused(house, till, payee, 100) == "not_primary"
    assert refused(house, payer, euros, 100) == "wrong_currency"
    assert refused(house, payer, closed, 100) == "wallet_closed"
    assert refused(house, payer, payee, 1_001) == "insufficient_balance"
    assert refused(house, payer, payee, 100, currency="eur") == "insufficient_balance"


def test_pending_money_does_not_pay(house: House) -> None:
    payer, payee = house.primary(OTHER_ORG), house.primary()
    house.earn(payer, 1_000, at_once=False)
    assert refused(house, payer, payee, 1) == "insufficient_balance"


def test_what_was_paid_is_given_back_once(house: House) -> None:
    payer, payee = house.primary(OTHER_ORG), house.wallet()
    house.earn(payer, 1_000)
    done = paid(house, payer, payee, 310, service_fee_minor=10)
    back = asyncio.run(house.give_back(payee, done.id, 200))
    assert back.balance.available == 100
    assert (house.balance(payer), house.balance(payee)) == ((890, 0, 0), (100, 0, 0))
    with pytest.raises(WalletRefused) as refusal:
        asyncio.run(house.give_back(payee, done.id, 111))
    assert refusal.value.reason == "refunded_already"
    with pytest.raises(WalletRefused) as refusal:
        asyncio.run(house.give_back(payee, done.id, 110))
    assert refusal.value.reason == "insufficient_balance"
    with pytest.raises(WalletRefused):
        asyncio.run(house.give_back(payer, done.id, 1))
    assert house.findings() == []
    assert house.told(ORG)[-1] == "bursar.wallet_payment.refunded"
    assert house.told(OTHER_ORG)[-1] == "bursar.wallet_payment.refund_received"


@pytest.mark.parametrize("database", on("sqlite", "postgresql", "mariadb", "firebird"), indirect=True)
def test_of_many_debits_at_once_no_more_go_through_than_there_is_money_for(database: Database) -> None:
    with house_on(database, writers=1 if database.kind == "sqlite" else 2) as house:
        payer, payee = house.primary(OTHER_ORG), house.primary()
        house.earn(payer, 1_000)

        async def until_decided() -> Paid:
            while True:
                try:
                    return await house.pay(payer, payee, 300)
                except (RowsExpected, StoreContention):  # another one came between
                    continue

        async def scenario() -> list[Paid | BaseException]:
            return await together([until_decided for _ in range(12)])

        found = asyncio.run(scenario())
        reasons = [one.reason for one in found if isinstance(one, WalletRefused)]
        assert (len([one for one in found if isinstance(one, Paid)]), reasons) == (3, ["insufficient_balance"] * 9)
        assert (house.balance(payer), house.balance(payee)) == ((100, 0, 0), (900, 0, 0))
        assert house.findings() == []


@pytest.mark.parametrize("database", on("sqlite", "postgresql"), indirect=True)
def test_a_payment_a_transfer_and_a_withdrawal_at_once_do_not_spend_the_same_money(database: Database) -> None:
    with house_on(database, writers=1 if database.kind == "sqlite" else 2) as house:
        payer, payee = house.primary(), house.primary(OTHER_ORG)
        till = house.wallet()
        house.earn(payer, 1_000)
        account = {"account_holder": "Ada", "iban": "DE89370400440532013000"}
        transfer = {"from": payer.code, "to": till.code, "amount": 600, "currency": "usd"}
        withdrawal = {"amount": 600, "currency": "usd", "destination": account}

        async def scenario() -> list[Any]:
            return await together(
                [
                    lambda: house.pay(payer, payee, 600),
                    lambda: house.ask("POST", "/api/v1/wallets/transfers", transfer),
                    lambda: house.ask("POST", "/api/v1/txn/withdraw", withdrawal),
                ]
            )

        found = asyncio.run(scenario())
        assert len([one for one in found if not isinstance(one, BaseException)]) == 1
        assert {type(one) for one in found if isinstance(one, BaseException)} <= {WalletRefused, RowsExpected}
        available, _, reserved = house.balance(payer)
        assert available == 400
        assert reserved + house.balance(till)[0] + house.balance(payee)[0] == 600
        assert house.findings() == []
