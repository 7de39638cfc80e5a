"""Payment sessions against a server with its bank."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.payment_sessions.conftest import PIN, WRONG_PIN, House, Register, Till, by_card, from_wallet
from tests.plain_payments.conftest import Send
from tests.refunds.waiting import wait_until
from tests.wire.harness import RunningServer

URL = "/api/v1/txn/payment-session"
AT_ONCE = 50


def test_whoever_knows_a_wallets_code_can_ask_to_pay_it(till: Till, payee: House) -> None:
    session = till.open(payee, description="Two books")
    assert (session["amount"], session["serviceFee"], session["totalAmount"]) == (2500, 0, 2500)
    assert (session["status"], session["expires_in"]) == ("open", 600)
    assert session["payee"] == {"name": payee.name, "walletCode": payee.wallet}
    assert "card" in session["methods"] and session["transactionTraceId"] in session["checkout_url"]
    seen = till.look(session)
    assert seen | {"expires_in": 600} == session


def test_a_session_is_paid_from_another_organisations_wallet(till: Till, payee: House, payer: House) -> None:
    before = till.balance(payer), till.balance(payee)
    session = till.open(payee)
    answer = till.accept(session, from_wallet(payer))
    assert answer.status == 200, answer.body
    told = answer.json
    assert (told["status"], told["transaction"]["status"], told["transaction"]["direction"]) == (
        "approved",
        "captured",
        "debit",
    )
    assert told["transaction"]["code"].startswith("T-")
    assert told["balance"]["available"] == before[0] - 2500
    assert (till.balance(payer), till.balance(payee)) == (before[0] - 2500, before[1] + 2500)
    assert till.look(session)["status"] == "paid"
    again = till.accept(session, from_wallet(payer))
    assert (again.status, again.json) == (200, told)
    by_other = till.accept(session, by_card())
    assert (by_other.status, by_other.json["error"]["code"]) == (409, "session_paid")
    assert till.balance(payer) == before[0] - 2500


def test_a_session_is_paid_by_card_once(till: Till, payee: House, payer: House, new_key: str) -> None:
    session = till.open(payee)
    declined = till.accept(session, by_card("4000000000009995"))
    assert (declined.status, declined.json["status"], declined.json["reason"]) == (
        200,
        "declined",
        "insufficient_funds",
    )
    assert till.look(session)["status"] == "open"
    paid = till.accept(session, by_card(), new_key)
    assert (paid.json["status"], paid.json["transaction"]["status"]) == ("approved", "captured"), paid.body
    assert paid.json["auth_id"]
    assert till.look(session)["status"] == "paid"
    assert till.look(session)["transaction_code"] == paid.json["transaction"]["code"]
    assert till.accept(session, by_card(), new_key).body == paid.body
    assert till.accept(session, by_card()).json["error"]["code"] == "session_paid"
    assert till.accept(session, from_wallet(payer)).json["error"]["code"] == "session_paid"


FAILURES: list[tuple[str, dict[str, object], int, str]] = [
    ("a wrong total", {"totalAmount": 2499}, 400, "total_mismatch"),
    ("a wrong currency", {"currency": "eur"}, 400, "wrong_currency"),
    ("a wrong PIN", {"pin": WRONG_PIN}, 400, "pin_wrong"),
    ("no PIN", {"pin": None}, 400, "parameter_missing"),
    ("a wallet that is none", {"fromWalletCode": "7K3MQ-9TD20"}, 400, "wallet_code_invalid"),
]


@pytest.mark.parametrize(("change", "status", "code"), [case[1:] for case in FAILURES], ids=[c[0] for c in FAILURES])
def test_a_failed_try_moves_nothing_and_leaves_the_session_alive(
    till: Till, payee: House, register: Register, change: dict[str, Any], status: int, code: str
) -> None:
    payer = register("Payer", 5000)
    before = till.balance(payer)
    session = till.open(payee)
    refused = till.accept(session, from_wallet(payer, **change))
    assert (refused.status, refused.json["error"]["code"]) == (status, code), refused.body
    assert till.balance(payer) == before
    assert till.look(session)["status"] == "open"
    assert till.accept(session, from_wallet(payer)).status == 200


def test_nobody_pays_themselves_more_than_they_have_or_by_a_side_wallet(
    till: Till, payee: House, register: Register, send: Send
) -> None:
    poor = register("Poor", 1000)
    before = till.balance(poor)
    assert till.accept(till.open(payee), from_wallet(payee)).json["error"]["code"] == "own_wallet"
    assert till.accept(till.open(payee), from_wallet(poor)).json["error"]["code"] == "insufficient_balance"
    assert till.balance(poor) == before
    side = send("POST", "/api/v1/wallets", {"name": "Side", "pin": PIN}, key=poor.key).json
    refused = till.accept(till.open(payee), from_wallet(poor, fromWalletCode=side["code"]))
    assert refused.json["error"]["code"] == "not_primary"


def test_a_session_is_closed_after_ten_failed_tries(till: Till, payee: House, payer: House) -> None:
    session = till.open(payee)
    for _ in range(10):
        assert till.accept(session, from_wallet(payer, totalAmount=1)).json["error"]["code"] == "total_mismatch"
    assert till.look(session)["status"] == "closed"
    assert till.accept(session, from_wallet(payer)).json["error"]["code"] == "session_closed"
    assert till.accept(session, by_card()).json["error"]["code"] == "session_closed"


def test_a_card_that_is_none_is_declined_and_counts(till: Till, payee: House) -> None:
    session = till.open(payee)
    for _ in range(10):
        answer = till.accept(session, by_card("4242424242424241")).json
        assert (answer["status"], answer["reason"]) == ("declined", "incorrect_number")
    assert till.look(session)["status"] == "closed"


def test_many_who_pay_one_session_at_once_pay_it_once(till: Till, payee: House, register: Register) -> None:
    payers = [register("Payer", 5000) for _ in range(3)]
    session = till.open(payee)
    before, received = [till.balance(payer) for payer in payers], till.balance(payee)

    def accept(number: int) -> Any:
        if number % 2:
            return till.accept(session, by_card("4000000000000077"))
        return till.accept(session, from_wallet(payers[number % 3]))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(accept, range(AT_ONCE)))
    won = [answer for answer in answers if answer.status == 200]
    lost = [answer for answer in answers if answer.status != 200]
    codes = {transaction["transaction"]["code"] for transaction in (answer.json for answer in won)}
    assert len(codes) == 1, [answer.body for answer in won]
    assert {answer.status for answer in lost} <= {409}, {answer.body for answer in lost}
    assert {answer.json["error"]["code"] for answer in lost} <= {"session_paid", "session_in_payment"}
    moved = sum(before) - sum(till.balance(payer) for payer in payers)
    by_wallet = won[0].json["balance"] is not None
    assert len(won) == 1 or by_wallet, "only whoever paid from a wallet and asks again is told the same"
    assert moved == (2500 if by_wallet else 0)
    gained = till.balance(payee) - received
    assert gained == 2500 if by_wallet else 0 < gained <= 2500  # less the bank's fee


def test_a_payer_who_has_to_authenticate_may_pay_in_another_way(till: Till, payee: House, payer: House) -> None:
    session = till.open(payee, return_urls={"success": "https://shop.example/thanks"})
    asked = till.accept(session, by_card("4000002500003155")).json
    assert (asked["status"], asked["next_action"]["type"]) == ("requires_action", "redirect")
    assert till.look(session)["status"] == "requires_action"
    assert till.accept(session, from_wallet(payer)).json["status"] == "approved"
    assert till.look(session)["status"] == "paid"


@pytest.mark.parametrize(
    ("body", "end"),
    [
        ({"method": "upi", "upi": {"vpa": "success@piggybank"}}, "paid"),
        ({"method": "upi", "upi": {"vpa": "failure@piggybank"}}, "open"),
        ({"method": "wallet", "wallet": {"wallet_id": "pw_success"}}, "paid"),
        ({"method": "wallet", "wallet": {"wallet_id": "pw_empty"}}, "open"),
    ],
)
def test_a_session_is_paid_by_upi_and_by_customers_wallets(
    till: Till, payee: House, body: dict[str, Any], end: str
) -> None:
    session = till.open(payee, amount=10_000, currency="inr")
    answer = till.accept(session, body)
    assert answer.status == 200, answer.body
    assert answer.json["status"] in ("approved", "declined", "pending")
    wait_until(lambda: till.look(session), lambda now: now["status"] == end)


def test_net_banking_sends_the_payer_to_the_bank(till: Till, payee: House) -> None:
    session = till.open(payee, amount=10_000, currency="inr")
    body = {"method": "net_banking", "net_banking": {"bank_code": "HDFC", "account": "50100123456789"}}
    answer = till.accept(session, body).json
    assert (answer["status"], answer["next_action"]["type"]) == ("requires_action", "redirect")
    assert till.look(session)["next_action"]["url"] == answer["next_action"]["url"]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"org_id": "acct_other"}, "org_id"),
        ({"status": "approved"}, "status"),
        ({"role": "owner"}, "role"),
        ({"pin": PIN}, "fromWalletCode"),
        ({}, "method"),
        ({"method": "upi", "card": {"number": "4242424242424242"}}, "card"),
        ({"token": "pm_card_visa"}, "token"),
        ({"method": "card", "card": {"number": "4242424242424242"}, "fromWalletCode": "7K3MQ-9TD2X"}, "method"),
    ],
)
def test_what_is_wrong_with_paying_is_named(till: Till, payee: House, body: dict[str, Any], param: str) -> None:
    answer = till.accept(till.open(payee), body)
    assert (answer.status, answer.json["error"]["param"]) == (400, param), answer.body


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"amount": 0}, "amount"),
        ({"amount": 10.5}, "amount"),
        ({"currency": "xyz"}, "currency"),
        ({"org_id": "acct_other"}, "org_id"),
        ({"serviceFee": 0}, "serviceFee"),
        ({"status": "paid"}, "status"),
        ({"return_urls": {"success": "javascript:alert(1)"}}, "return_url"),
        ({"customer": "cus_none"}, "customer"),
    ],
)
def test_what_is_wrong_with_a_session_is_named(send: Send, payee: House, body: dict[str, Any], param: str) -> None:
    answer = send("POST", f"{URL}/{payee.wallet}", {"amount": 2500, "currency": "usd"} | body, key=None)
    assert (answer.status, answer.json["error"]["param"]) in ((400, param), (404, param)), answer.body


def test_a_trace_id_that_is_not_whole_finds_nothing(till: Till, send: Send, payee: House) -> None:
    trace = till.open(payee)["transactionTraceId"]
    wrong = trace[:30] + ("0" if trace[30] != "0" else "1") + trace[31:]
    other = trace.replace("pt_t", "pt_l")
    none = send("GET", f"{URL}/pt_none", key=None)
    for bad in (wrong, other, trace[:-1], trace + "x"):
        for method, path in [("GET", f"{URL}/{bad}"), ("POST", f"/api/v1/txn/accept-payment/{bad}")]:
            answer = send(method, path, by_card() if method == "POST" else None, key=None)
            assert (answer.status, answer.json["error"]["code"]) == (404, "resource_missing")
            assert answer.json == none.json


def test_a_payers_idempotency_keys_are_not_the_merchants(till: Till, send: Send, payee: House, new_key: str) -> None:
    session = till.open(payee)
    assert till.accept(session, by_card(), new_key).json["status"] == "approved"
    body = {"amount": 700, "currency": "usd", "token": "pm_card_visa"}
    own = send("POST", "/api/v1/payments", body, key=payee.key, idempotency_key=new_key)
    assert (own.status, own.json["amount"]) == (200, 700)


def test_nothing_secret_is_kept_or_told(till: Till, server: RunningServer, payee: House, payer: House) -> None:
    session = till.open(payee)
    assert till.accept(session, from_wallet(payer)).status == 200
    database = server._data_directory / "bursar.db"
    kept = b"".join(path.read_bytes() for path in sorted(database.parent.glob("bursar.db*")))
    trace = session["transactionTraceId"]
    assert trace.encode() not in kept
    assert trace[28:54].encode() not in kept
    assert json.dumps({"pin": PIN})[1:-1].encode() not in kept
