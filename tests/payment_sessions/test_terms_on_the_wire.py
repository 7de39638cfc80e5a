"""An organisation's own fees and limits, its contract, and what needs a fresh proof."""

from typing import Any

import pytest

from tests.payment_sessions.conftest import PASSWORD, House, Register, Till, by_card, from_wallet
from tests.plain_payments.conftest import Send, card
from tests.refunds.waiting import wait_until

PAYMENTS = "/api/v1/payments"


def set_terms(send: Send, house: House, **terms: object) -> None:
    answer = send("PUT", "/api/v1/org/terms", terms, key=house.token)
    assert answer.status == 200, answer.body


@pytest.fixture(scope="module")
def house(register: Register) -> House:
    return register("Terms")


def pay(send: Send, house: House, **more: object) -> Any:
    return send(
        "POST", PAYMENTS, {"amount": 1000, "currency": "usd", "method": "card", "card": card()} | more, key=house.key
    )


def test_the_service_fee_is_shown_and_paid(send: Send, till: Till, house: House, payer: House) -> None:
    set_terms(send, house, service_fee_percent="2.5", service_fee_fixed_minor={"usd": 30})
    session = till.open(house, amount=1050)
    assert (session["amount"], session["serviceFee"], session["totalAmount"]) == (1050, 56, 1106)
    before = till.balance(payer)
    refused = till.accept(session, from_wallet(payer, totalAmount=1050))
    assert refused.json["error"]["code"] == "total_mismatch"
    paid = till.accept(session, from_wallet(payer, totalAmount=1106)).json
    assert (paid["transaction"]["serviceFee"], paid["transaction"]["totalAmount"]) == (56, 1106)
    assert till.balance(payer) == before - 1106
    assert till.balance(house) == 1106
    by_method = till.accept(till.open(house, amount=1050), by_card()).json
    assert send("GET", f"{PAYMENTS}/{by_method['payment_id']}", key=house.key).json["amount"] == 1106


def test_an_amount_above_the_limit_is_declined_before_the_bank(send: Send, till: Till, house: House) -> None:
    set_terms(send, house, payment_limit_minor={"usd": 5000})
    assert pay(send, house, amount=5000).json["status"] == "approved"
    for path, amount in ((PAYMENTS, 5001), ("/pay", "50.01")):
        body = {"amount": amount, "currency": "usd", "method": "card", "card": card()}
        declined = send("POST", path, body, key=house.key)
        assert (declined.status, declined.json["status"], declined.json["reason"]) == (
            200,
            "declined",
            "limit_exceeded",
        )
        kept = send("GET", f"/api/v1/txn/{declined.json['payment_id']}", key=house.key).json
        assert (kept["status"], kept["reason"]) == ("failed", "limit_exceeded")
        assert [entry["event"] for entry in kept["timeline"]] == ["payment_intent.created", "bursar.payment.declined"]
    assert pay(send, house, amount=9000, currency="eur").json["status"] == "approved"
    path = f"/api/v1/txn/payment-session/{house.wallet}"
    refused = send("POST", path, {"amount": 5001, "currency": "usd"}, key=None)
    assert (refused.status, refused.json["error"]["code"]) == (400, "limit_exceeded")


def test_a_large_refund_by_a_person_needs_a_fresh_proof(send: Send, house: House) -> None:
    set_terms(send, house, proof_above_minor={"usd": 1500})
    paid = [pay(send, house, amount=2000).json["payment_id"] for _ in range(2)]
    # Registering is a proof; keys have nobody behind them who could prove anything.
    assert send("POST", f"{PAYMENTS}/{paid[0]}/refunds", {"amount": 2000}, key=house.token).status == 200
    assert send("POST", f"{PAYMENTS}/{paid[1]}/refunds", {"amount": 2000}, key=house.key).status == 200


def test_whoever_signs_in_pays_in_major_units(send: Send, register: Register) -> None:
    house = register("Signed in")
    mark = house.name.rpartition(" ")[2]
    signed_in = send("POST", "/signin", {"username": f"owner-{mark}@example.com", "password": PASSWORD}, key=None)
    assert signed_in.status == 200, signed_in.body
    body = {"method": "credit_card", "card": {"number": "4242424242424242", "expiry": "12/34", "cvv": "123"}}
    answer = send("POST", "/pay", body | {"amount": 10.5, "currency": "USD"}, key=signed_in.json["token"])
    assert (answer.status, answer.json["status"]) == (200, "approved"), answer.body


def test_without_a_contract_nothing_is_taken(send: Send, till: Till, register: Register) -> None:
    house = register("Ended")
    paid = pay(send, house).json["payment_id"]
    session = till.open(house)
    (contract,) = send("GET", "/api/v1/contracts", key=house.key).json["data"]
    assert (contract["acquirer"], contract["status"]) == ("piggybank", "active")
    refused = send("POST", f"/api/v1/contracts/{contract['id']}/end", {}, key=house.key)
    assert (refused.status, refused.json["error"]["code"]) == (403, "permission_missing")
    ended = send("POST", f"/api/v1/contracts/{contract['id']}/end", {}, key=house.token)
    assert (ended.status, ended.json["status"]) == (200, "ended"), ended.body
    wait_until(lambda: pay(send, house).json, lambda now: now["reason"] == "invalid_merchant")
    answer = pay(send, house)
    assert (answer.status, answer.json["status"], answer.json["state"]) == (200, "declined", "failed")
    assert till.accept(session, by_card()).json["error"]["code"] == "invalid_merchant"
    assert send("POST", f"{PAYMENTS}/{paid}/refunds", {}, key=house.key).json["status"] == "succeeded"
    again = send("POST", f"/api/v1/contracts/{contract['id']}/renew", {}, key=house.token)
    assert again.json["status"] == "active"
    wait_until(lambda: pay(send, house).json, lambda now: now["status"] == "approved")
