"""Accounts: their money is real."""

import pytest

from piggybank.requests import Refused
from piggybank_cards import luhn
from tests.piggybank.harness import House


def test_insufficient_funds_are_real(house: House) -> None:
    account = house.open_account(balance=1500)
    assert house.authorize(account["number"]).status == "approved"
    assert house.authorize(account["number"]).decline == "insufficient_funds"
    assert house.authorize(account["number"], amount=500).status == "approved"
    assert house.account(account["id"])["balance"] == 0


def test_holds_count_and_come_back(house: House) -> None:
    account = house.open_account(balance=1000)
    held = house.authorize(account["number"], capture=False)
    assert house.account(account["id"]) | {"held": 1000, "balance": 1000} == house.account(account["id"])
    assert house.authorize(account["number"], amount=1).decline == "insufficient_funds"
    house.capture(held.id, 400)
    assert house.account(account["id"]) | {"held": 0, "balance": 600} == house.account(account["id"])
    house.refund(held.id, 100)
    other = house.authorize(account["number"], amount=700, capture=False)
    house.void(other.id)
    house.again()
    assert house.account(account["id"]) | {"held": 0, "balance": 700} == house.account(account["id"])


def test_expired_holds_come_back(house: House) -> None:
    account = house.open_account(balance=1000)
    house.authorize(account["number"], capture=False)
    house.pass_time(7 * 86_400)
    assert house.account(account["id"])["held"] == 0


def test_a_limit_is_for_one_payment(house: House) -> None:
    account = house.open_account(limit=999)
    assert house.authorize(account["number"]).decline == "amount_limit"
    held = house.authorize(account["number"], amount=999, capture=False)
    assert house.increment(held.id, 1000).decline == "amount_limit"


def test_the_card_must_be_right(house: House) -> None:
    account = house.open_account(cvc="123", exp_month=5, exp_year=2031)
    right = {"exp_month": 5, "exp_year": 2031}
    assert house.authorize(account["number"], cvc="124", **right).decline == "cvv_fail"
    assert house.authorize(account["number"], cvc="123", exp_month=6, exp_year=2031).decline == "expired"
    assert house.authorize(account["number"], cvc="123", **right).status == "approved"
    assert house.authorize(account["number"], currency="eur", **right).decline == "not_permitted_cardholder"


@pytest.mark.parametrize("brand", ["visa", "mastercard", "amex", "discover", "diners", "jcb", "unionpay"])
def test_numbers_fit_their_brand_and_survive_a_restart(house: House, brand: str) -> None:
    cvc = "1234" if brand == "amex" else "987"
    account = house.open_account(brand=brand, cvc=cvc)
    assert luhn.is_valid(account["number"])
    house.again()
    assert house.account(account["id"]) == account
    assert account["cvc"] == cvc


def test_a_wrong_cvc_length_is_refused(house: House) -> None:
    with pytest.raises(Refused):
        house.open_account(brand="amex", cvc="123")


def test_a_dispute_gives_the_cardholder_the_money(house: House) -> None:
    account = house.open_account()
    sale = house.authorize(account["number"])
    about = house.state.find_authorization(sale.id, sale.merchant)
    assert about is not None
    record = house.disputes.open(about, 1000, "fraudulent", inquiry=False)
    assert house.account(account["id"])["balance"] == 5000
    assert record.dispute is not None
    house.disputes.close(record.dispute, about, won=True)
    assert house.account(account["id"])["balance"] == 4000
    house.again()
    assert house.account(account["id"])["balance"] == 4000
