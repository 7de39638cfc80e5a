"""The address that the bank knows, on a server."""

import http.client
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import stripe

from bursar.accounts.service import DEVELOPMENT_ORG_ID
from bursar.connectors.signatures import sign
from bursar.hooks.endpoints import BODY_BYTES_MAX
from tests.refunds.waiting import wait_until
from tests.wire.harness import HOST, Answer, RunningServer
from tests.wire.payments import pay
from tests.wire.sdk import body_of_subject

PATH = "/hooks/piggybank"
ACCOUNT = f"{DEVELOPMENT_ORG_ID}:test"
INBOX = "/api/v1/incoming-webhooks"
EVENT: dict[str, Any] = {
    "id": "bev_wire", "type": "dispute.opened", "merchant": "acct_nobody:test", "created": 1_800_000_000,
    "data": {"dispute": {
        "id": "dp_wire_1", "authorization": "auth_wire_1", "reference": "att_wire", "amount": 1000, "currency": "usd",
        "reason": "fraudulent", "fee": 1500, "status": "open", "inquiry": False, "evidence_due": 1_900_000_000,
    }},
}  # fmt: skip


def post(server: RunningServer, body: bytes, signature: str | None, path: str = PATH) -> Answer:
    headers = {"Content-Type": "application/json"}
    if signature is not None:
        headers["PiggyBank-Signature"] = signature
    return server.raw("POST", path, body=body, headers=headers, key=None)


@pytest.fixture
def secret(server: RunningServer) -> str:
    return (server._data_directory / "piggybank" / "webhook_secret").read_text().strip()


def test_the_bank_of_the_server_finds_its_way_here(stripe_client: stripe.StripeClient) -> None:
    intent = pay(stripe_client, {"payment_method": "pm_card_createIssuerFraudRecord"})

    def warnings() -> list[stripe.Event]:
        found = stripe_client.v1.events.list({"limit": 100, "type": "radar.early_fraud_warning.created"}).data
        return [event for event in found if body_of_subject(event)["payment_intent"] == intent.id]

    (event,) = wait_until(warnings, bool)
    assert body_of_subject(event)["charge"] == intent.latest_charge


def test_only_what_the_bank_signed_is_taken(server: RunningServer, secret: str) -> None:
    body = json.dumps(EVENT).encode()
    now = int(time.time())
    good = sign(secret, body, now)
    for signature in (None, "", "t=1", "v1=00", sign("another secret", body, now), sign(secret, body, now - 301)):
        answer = post(server, body, signature)
        assert (answer.status, answer.json["error"]["code"]) == (400, "signature_invalid")
    assert post(server, body + b" ", good).status == 400
    answer = post(server, body, good)
    assert (answer.status, answer.json) == (200, {"received": True})
    assert post(server, body, good).status == 200


def test_twenty_senders_at_once_are_all_answered(server: RunningServer, secret: str) -> None:
    body = json.dumps(EVENT | {"id": "bev_wire_twenty"}).encode()
    signature = sign(secret, body, int(time.time()))
    with ThreadPoolExecutor(20) as senders:
        answers = list(senders.map(lambda _: post(server, body, signature), range(20)))
    assert {answer.status for answer in answers} == {200}


def test_what_cannot_be_a_message_is_refused(server: RunningServer, secret: str) -> None:
    now = int(time.time())
    for body in (b"", b"[]", b"null", b'{"id":"bev_x"}', b"\xff\xfe", b"[" * 100_000):
        assert post(server, body, sign(secret, body, now)).status == 400
    assert server.raw("GET", PATH, key=None).status == 405
    assert server.raw("POST", "/hooks/nobody", body=b"{}", key=None).status == 404
    assert server.raw("POST", f"/hooks/nobody/{ACCOUNT}", body=b"{}", key=None).status == 404
    assert server.raw("POST", f"{PATH}/nobody", body=b"{}", key=None).status == 404
    # Announced, not sent: the answer comes before anything of it is read.
    connection = http.client.HTTPConnection(HOST, server.port, timeout=10)
    connection.putrequest("POST", PATH)
    connection.putheader("Content-Length", str(BODY_BYTES_MAX + 1))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


def test_what_came_is_shown_and_may_be_processed_again(server: RunningServer, secret: str) -> None:
    body = json.dumps(EVENT | {"id": "bev_wire_shown", "merchant": ACCOUNT}).encode()
    signature = sign(secret, body, int(time.time()))
    assert post(server, body, signature, f"{PATH}/acct_other:test").json["error"]["code"] == "signature_invalid"
    assert post(server, body, signature, f"{PATH}/{ACCOUNT}").status == 200

    def shown() -> list[dict[str, Any]]:
        page = server.raw("GET", f"{INBOX}?connector=piggybank&state=received&limit=100").json
        return [one for one in page["data"] if one["operations"] == ["att_wire"] and one["tries"]]

    (one,) = wait_until(shown, bool)
    assert (one["account"], one["event_type"], one["object"]) == (ACCOUNT, "dispute_opened", "incoming_webhook")
    assert one["reason"] == "no operation of ours has this reference"
    details = server.raw("GET", f"{INBOX}/{one['id']}").json
    assert (details["body"], details["body_exact"]) == (body.decode(), True)
    assert details["headers"]["piggybank-signature"] == signature
    again = server.raw("POST", f"{INBOX}/{one['id']}/process")
    assert (again.status, again.json["error"]["code"]) == (400, "incoming_webhook_in_process")


def test_what_nobody_signed_is_shown_and_rests(server: RunningServer, secret: str) -> None:
    body = json.dumps(EVENT | {"id": "bev_wire_forged", "merchant": ACCOUNT}).encode()
    assert post(server, body, sign("another secret", body, int(time.time())), f"{PATH}/{ACCOUNT}").status == 400
    page = server.raw("GET", f"{INBOX}?state=unverified").json
    assert page["data"][0]["reason"] == "No signature holds."
    again = server.raw("POST", f"{INBOX}/{page['data'][0]['id']}/process")
    assert (again.status, again.json["error"]["code"]) == (400, "signature_invalid")
    figures = server.raw("GET", "/metrics", key=None).body.decode()
    assert 'bursar_incoming_webhooks_refused_total{connector="piggybank",reason="forged"}' in figures


def test_the_bank_announces_what_it_settles(server: RunningServer, stripe_client: stripe.StripeClient) -> None:
    pay(stripe_client, {"payment_method": "pm_card_visa"})
    made = json.loads(server.command("sim", "settle", ACCOUNT, "--json"))["settlements"]
    assert made[0]["gross"] > 0

    def announced() -> list[dict[str, Any]]:
        page = server.raw("GET", f"{INBOX}?state=processed&limit=100").json
        return [one for one in page["data"] if one["event_type"] == "settlement_ready"]

    assert wait_until(announced, bool)[0]["account"] == ACCOUNT
