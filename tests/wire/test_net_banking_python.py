"""Net banking and customers' wallets, which the official SDK has no types for: raw JSON and forms."""

import http.client
import json
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from bursar.commands.simulator_bank import call, named_bank
from tests.wire.checking import check_answer
from tests.wire.harness import REQUEST_SECONDS_MAX, RunningServer
from tests.wire.payments import until

Json = dict[str, Any]
INTENTS = "/v1/payment_intents"
RETURN_URL = "https://shop.example/done?order=6735"
FAILED = "payment_intent_payment_attempt_failed"


def send(server: RunningServer, path: str, content: Json) -> tuple[int, Json]:
    """As JSON, and held against what SDKs can read."""
    headers = {"Content-Type": "application/json"}
    answer = server.raw("POST", path, body=json.dumps(content).encode(), headers=headers)
    check_answer(path, answer.status, dict(answer.headers.items()), answer.body)
    return answer.status, answer.json


def net_banking(server: RunningServer, code: str = "HDFC", **more: Any) -> Json:
    method = {"type": "net_banking", "net_banking": {"bank_code": code}}
    wanted = {"amount": 49900, "currency": "inr", "confirm": True, "payment_method_data": method}
    status, intent = send(server, INTENTS, wanted | {"return_url": RETURN_URL} | more)
    assert (status, intent["status"]) == (200, "requires_action"), intent
    return intent


def look(server: RunningServer, intent: Json) -> Json:
    content: Json = server.raw("GET", f"{INTENTS}/{intent['id']}").json
    return content


def at_bank(intent: Json) -> str:
    action = intent["next_action"]
    assert (action["type"], action["redirect_to_url"]["return_url"]) == ("redirect_to_url", RETURN_URL)
    url: str = action["redirect_to_url"]["url"]
    return url


def request(method: str, url: str, form: Json | None = None) -> tuple[int, str | None, str]:
    parts = urlsplit(url)
    assert parts.hostname is not None
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=REQUEST_SECONDS_MAX)
    try:
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        body = None if form is None else urlencode(form)
        connection.request(method, path, body, {"Content-Type": "application/x-www-form-urlencoded"} if form else {})
        response = connection.getresponse()
        return response.status, response.getheader("Location"), response.read().decode()
    finally:
        connection.close()


def decide(intent: Json, choice: str) -> str:
    """The customer chooses on the bank's page; where the bank sends them."""
    status, _, page = request("GET", at_bank(intent))
    assert status == 200 and "499.00" in page
    status, location, page = request("POST", at_bank(intent), {"act": choice})
    assert status == 303 and location is not None, page
    return location


def told(location: str | None) -> dict[str, str]:
    assert location is not None and location.startswith(RETURN_URL)
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


@pytest.mark.parametrize(
    ("choice", "status", "redirect"),
    [("approve", "succeeded", "succeeded"), ("decline", "requires_payment_method", "failed")],
)
def test_the_customer_decides_at_the_bank_and_comes_back(
    server: RunningServer, choice: str, status: str, redirect: str
) -> None:
    intent = net_banking(server)
    back = decide(intent, choice)
    assert back.startswith(f"{server.base_url}/returns/piggybank/")
    code, location, _ = request("GET", back)
    query = told(location)
    assert (code, query["redirect_status"], query["source_type"]) == (303, redirect, "net_banking")
    assert query["payment_intent_client_secret"] == intent["client_secret"]
    ended = look(server, intent)
    assert ended["status"] == status, "it was settled before the customer was sent on"
    if status != "succeeded":
        assert ended["last_payment_error"]["code"] == FAILED
    assert request("GET", back)[1] == location, "whoever comes back again is told the same"


def test_a_return_that_was_made_up_is_not_believed(server: RunningServer) -> None:
    intent = net_banking(server)
    back = decide(intent, "decline")
    forged = back.replace("piggybank_status=declined", "piggybank_status=approved")
    assert forged != back
    code, location, page = request("GET", forged)
    assert (code, location) == (400, None) and "client_secret" not in page
    elsewhere = back.replace("/returns/piggybank/", "/returns/otherbank/")
    assert request("GET", elsewhere)[0] == 404
    assert request("POST", back, {"x": "y"})[0] == 405


def test_a_bank_that_has_not_answered_yet_is_waited_for(server: RunningServer) -> None:
    intent = net_banking(server, "LATE")
    _, location, _ = request("GET", decide(intent, "approve"))
    assert told(location)["redirect_status"] == "pending"
    assert look(server, intent)["status"] == "processing"
    until(lambda: look(server, intent)["status"] == "succeeded", "a late authorisation")


def test_an_approval_that_comes_after_the_cancellation_is_given_back(server: RunningServer) -> None:
    intent = net_banking(server, "LATE")
    bank = named_bank(server.data_directory, None, None, None)
    waiting = call(bank, "GET", "/v1/waiting?method=net_banking")["waiting"]
    [known] = [one for one in waiting if one["id"] in at_bank(intent)]
    decide(intent, "approve")
    status, canceled = send(server, f"{INTENTS}/{intent['id']}/cancel", {})
    assert (status, canceled["status"]) == (200, "canceled")
    query = urlencode({"merchant": known["merchant"], "reference": known["reference"]})

    def returned() -> bool:
        operation = call(bank, "GET", f"/v1/operations?{query}")
        return bool(operation["status"] == "approved" and operation["reversed"])

    until(returned, "the late money going back")
    assert look(server, intent)["status"] == "canceled"
    assert look(server, intent)["amount_received"] == 0


def test_the_messages_of_the_bank_suffice_where_the_customer_never_comes_back(server: RunningServer) -> None:
    intent = net_banking(server)
    decide(intent, "approve")
    until(lambda: look(server, intent)["status"] == "succeeded", "the bank's own message")


def test_a_bank_of_another_currency(server: RunningServer) -> None:
    wanted = {"currency": "eur", "automatic_payment_methods": {"enabled": True}}
    intent = net_banking(server, "DEMO", **wanted)
    assert intent["payment_method_types"] == ["card", "net_banking"]


NO_BANK = {"type": "net_banking", "net_banking": {"bank_code": "NOPE"}}


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"currency": "eur"}, "currency"),
        ({"capture_method": "manual"}, "capture_method"),
        ({"payment_method_data": {"type": "net_banking"}}, "net_banking[bank_code]"),
        ({"payment_method_data": NO_BANK}, "net_banking[bank_code]"),
        ({"payment_method_data": {"type": "wallet", "wallet": {"wallet_id": "?"}}}, "wallet[wallet_id]"),
        ({"automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}},
         "automatic_payment_methods[allow_redirects]"),
    ],
)  # fmt: skip
def test_what_is_impossible_is_refused_with_its_name(server: RunningServer, changes: Json, param: str) -> None:
    method = {"type": "net_banking", "net_banking": {"bank_code": "HDFC"}}
    wanted = {"amount": 49900, "currency": "inr", "confirm": True, "payment_method_data": method}
    status, answer = send(server, INTENTS, wanted | changes)
    assert (status, answer["error"]["param"]) == (400, param)


def test_an_account_is_shown_by_its_end_only(server: RunningServer) -> None:
    account = "501000441234"
    data = {"type": "net_banking", "net_banking": {"bank_code": "HDFC", "account": account}}
    status, method = send(server, "/v1/payment_methods", data)
    assert status == 200
    assert method["net_banking"] == {"account_last4": "1234", "bank_code": "HDFC"}
    assert account not in json.dumps(server.raw("GET", f"/v1/payment_methods/{method['id']}").json)


def wallet(server: RunningServer, wallet_id: str, amount: int = 5000) -> tuple[int, Json]:
    method = {"type": "wallet", "wallet": {"wallet_id": wallet_id}}
    return send(server, INTENTS, {"amount": amount, "currency": "inr", "confirm": True, "payment_method_data": method})


def test_a_wallet_pays_until_it_is_empty_and_gets_refunds_back(server: RunningServer) -> None:
    made = json.loads(server.command("sim", "wallet", "create", "--balance", "7000", "--json"))
    status, paid = wallet(server, made["id"])
    assert (status, paid["status"], paid["amount_received"]) == (200, "succeeded", 5000)
    status, answer = wallet(server, made["id"])
    assert (status, answer["error"]["code"], answer["error"].get("decline_code")) == (402, FAILED, None)
    assert "card" not in answer["error"]["message"]
    status, refund = send(server, "/v1/refunds", {"payment_intent": paid["id"]})
    assert status == 200
    until(lambda: server.raw("GET", f"/v1/refunds/{refund['id']}").json["status"] == "succeeded", "a refund")
    assert wallet(server, made["id"])[0] == 200


@pytest.mark.parametrize("wallet_id", ["pw_empty", "pw_closed", "pw_unknown"])
def test_a_wallet_that_cannot_pay_says_so_at_once(server: RunningServer, wallet_id: str) -> None:
    status, answer = wallet(server, wallet_id)
    assert (status, answer["error"]["code"]) == (402, FAILED)
    assert answer["error"]["payment_intent"]["status"] == "requires_payment_method"
