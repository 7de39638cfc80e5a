"""The plain API against a server with its bank."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.plain_payments.conftest import Send, card, payment
from tests.wire.conftest import Keys
from tests.wire.harness import PUBLISHABLE_KEY, RunningServer

URL = "/api/v1/payments"
DECLINED, NO_MONEY, CHALLENGED = "4000000000000002", "4000000000009995", "4000002500003155"


def test_a_card_is_charged_in_one_call_and_both_surfaces_show_it(send: Send) -> None:
    answer = send("POST", URL, payment(description="A book", metadata={"order": "7"}))
    assert answer.status == 200
    made = answer.json
    assert (made["status"], made["reason"], made["state"]) == ("approved", None, "captured")
    assert made["auth_id"] and made["payment_id"].startswith("pi_")
    assert (made["amount"], made["amount_captured"], made["currency"], made["method"]) == (1050, 1050, "usd", "card")
    assert send("GET", f"{URL}/{made['payment_id']}").json == made
    intent = send("GET", f"/v1/payment_intents/{made['payment_id']}").json
    assert (intent["status"], intent["description"], intent["metadata"]) == ("succeeded", "A book", {"order": "7"})


def test_a_payment_of_the_other_surface_is_seen_here_and_can_be_given_back(server: RunningServer, send: Send) -> None:
    form = b"amount=900&currency=eur&confirm=true&payment_method=pm_card_visa"
    intent = server.raw("POST", "/v1/payment_intents", body=form).json
    seen = send("GET", f"{URL}/{intent['id']}").json
    assert (seen["status"], seen["amount"], seen["currency"]) == ("approved", 900, "eur")
    part = send("POST", f"{URL}/{intent['id']}/refunds", {"amount": 400}).json
    assert (part["status"], part["amount"], part["payment_id"]) == ("succeeded", 400, intent["id"])
    assert send("GET", f"{URL}/{intent['id']}").json["state"] == "partially_refunded"
    assert send("POST", f"{URL}/{intent['id']}/refunds", {}).json["amount"] == 500
    assert send("GET", f"{URL}/{intent['id']}").json["state"] == "refunded"
    assert send("POST", f"{URL}/{intent['id']}/refunds", {}).json["error"]["code"] == "charge_already_refunded"


@pytest.mark.parametrize(("number", "reason"), [(DECLINED, "generic_decline"), (NO_MONEY, "insufficient_funds")])
def test_a_decline_is_an_answer_and_lasts(send: Send, number: str, reason: str) -> None:
    answer = send("POST", URL, payment(card=card(number)))
    assert answer.status == 200
    assert (answer.json["status"], answer.json["reason"], answer.json["state"]) == ("declined", reason, "failed")
    assert answer.json["auth_id"] is None and answer.json["message"]
    assert send("GET", f"{URL}/{answer.json['payment_id']}").json == answer.json


def test_a_card_that_is_none_is_declined_before_the_bank_and_kept_all_the_same(send: Send) -> None:
    answer = send("POST", URL, payment(card=card("4242424242424241")))
    assert (answer.status, answer.json["status"], answer.json["reason"]) == (200, "declined", "incorrect_number")
    assert send("GET", f"{URL}/{answer.json['payment_id']}").json == answer.json
    intent = send("GET", f"/v1/payment_intents/{answer.json['payment_id']}").json
    assert (intent["status"], intent["latest_charge"]) == ("requires_payment_method", None)


def test_an_authorisation_is_captured_or_canceled_later(send: Send) -> None:
    held, other = (send("POST", URL, payment(capture=False)).json for _ in range(2))
    assert (held["status"], held["state"], held["amount_captured"]) == ("approved", "authorized", 0)
    captured = send("POST", f"{URL}/{held['payment_id']}/capture", {"amount": 1000}).json
    assert (captured["status"], captured["state"], captured["amount_captured"]) == ("approved", "captured", 1000)
    canceled = send("POST", f"{URL}/{other['payment_id']}/cancel", {}).json
    assert (canceled["status"], canceled["state"]) == ("canceled", "canceled")
    refused = send("POST", f"{URL}/{other['payment_id']}/capture", {})
    assert (refused.status, refused.json["error"]["code"]) == (400, "payment_intent_unexpected_state")


def test_a_customer_who_has_to_authenticate_is_sent_on(send: Send) -> None:
    answer = send("POST", URL, payment(card=card(CHALLENGED), return_url="https://shop.example/done")).json
    assert (answer["status"], answer["next_action"]["type"]) == ("requires_action", "redirect")
    assert "/authenticate/" in answer["next_action"]["url"]
    assert answer["state"] == "pending"


@pytest.mark.parametrize("amount", ["10.50", '"10.50"', "10.5"])
def test_the_simplest_call_takes_major_units(send: Send, amount: str) -> None:
    method = '"method":"credit_card","card":{"number":"4242424242424242","expiry":"12/34","cvv":"123"}'
    answer = send("POST", "/pay", f'{{{method},"amount":{amount},"currency":"USD"}}')
    assert answer.status == 200, answer.body
    assert answer.json.keys() == {"status", "reason", "auth_id", "payment_id", "next_action"}
    assert (answer.json["status"], answer.json["reason"]) == ("approved", None)
    assert send("GET", f"{URL}/{answer.json['payment_id']}").json["amount"] == 1050


@pytest.mark.parametrize("amount", ["10.505", "-1", '"+1"', '"NaN"', "1e300", '"1e1"', "10.000"])
def test_what_is_no_amount_is_refused(send: Send, amount: str) -> None:
    answer = send("POST", "/pay", f'{{"method":"card","card":{json.dumps(card())},"amount":{amount},"currency":"USD"}}')
    assert (answer.status, answer.json["error"]["param"]) == (400, "amount")


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"org_id": "acct_other"}, "org_id"),
        ({"status": "approved"}, "status"),
        ({"role": "owner"}, "role"),
        ({"livemode": True}, "livemode"),
        ({"card": card(org_id="acct_other")}, "card[org_id]"),
        ({"method": "cash"}, "method"),
        ({"method": None}, "method"),
        ({"card": None}, "card"),
        ({"card": card(expiry="12/34")}, "card[expiry]"),
        ({"card": {"number": "4242424242424242", "expiry": "1234"}}, "card[expiry]"),
        ({"card": card(cvv="123")}, "card[cvv]"),
        ({"upi": {"vpa": "success@piggybank"}}, "upi"),
        ({"token": "tok_visa"}, "token"),
        ({"amount": 10.5}, "amount"),
        ({"amount": 0}, "amount"),
        ({"amount": 10}, "amount"),
        ({"currency": "xxx"}, "currency"),
        ({"customer": "cus_none"}, "customer"),
        ({"return_url": "javascript:alert(1)"}, "return_url"),
    ],
)
def test_what_is_wrong_with_a_request_is_named(send: Send, change: dict[str, object], param: str) -> None:
    answer = send("POST", URL, payment(**change))
    assert answer.status in (400, 404), answer.body
    assert answer.json["error"]["param"] == param


def test_a_token_is_paid_with_once_and_declined_the_second_time(send: Send, server: RunningServer) -> None:
    form = b"card[number]=4242424242424242&card[exp_month]=12&card[exp_year]=2034&card[cvc]=123"
    token = server.raw("POST", "/v1/tokens", body=form).json["id"]
    by_token = {"amount": 1050, "currency": "usd", "token": token}
    assert send("POST", URL, by_token).json["status"] == "approved"
    again = send("POST", URL, by_token)
    assert (again.status, again.json["status"], again.json["reason"]) == (200, "declined", "invalid_token")
    unknown = send("POST", URL, by_token | {"token": "pm_none"}).json
    assert (unknown["status"], unknown["reason"], unknown["state"]) == ("declined", "invalid_token", "failed")
    assert send("POST", URL, by_token | {"token": "pm_card_visa"}).json["status"] == "approved"


def test_the_same_key_pays_once_and_gives_the_same_answer(send: Send, new_key: str) -> None:
    first, second = (send("POST", URL, payment(), idempotency_key=new_key) for _ in range(2))
    assert first.body == second.body
    assert second.headers["Idempotent-Replayed"] == "true"
    other = send("POST", URL, payment(amount=2000), idempotency_key=new_key)
    assert (other.status, other.json["error"]["code"]) == (400, "idempotency_key_reused")


def test_many_at_once_with_one_key_are_one_payment(send: Send, new_key: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: send("POST", URL, payment(), idempotency_key=new_key), range(8)))
    assert {answer.status for answer in answers} <= {200, 409}
    assert len({answer.json["payment_id"] for answer in answers if answer.status == 200}) == 1


def test_a_foreign_organisation_sees_nothing(send: Send, keys: Keys) -> None:
    made = send("POST", URL, payment()).json["payment_id"]
    for method, path in [
        ("GET", f"{URL}/{made}"),
        ("POST", f"{URL}/{made}/refunds"),
        ("POST", f"{URL}/{made}/capture"),
        ("POST", f"{URL}/{made}/cancel"),
    ]:
        for key in (keys.other_organisation, keys.live_secret):
            foreign = send(method, path, None if method == "GET" else {}, key=key)
            none = send(method, path.replace(made, "pi_none"), None if method == "GET" else {}, key=key)
            assert (foreign.status, foreign.body) == (404, none.body.replace(b"pi_none", made.encode()))


def test_whoever_has_no_key_or_one_for_browsers_pays_nothing(send: Send) -> None:
    assert send("POST", URL, payment(), key=None).status == 401
    assert send("POST", "/pay", payment(), key=PUBLISHABLE_KEY).status == 403
