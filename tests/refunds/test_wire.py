"""Refunds by the official SDK, against a server with its bank."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import stripe

from tests.refunds.waiting import wait_until
from tests.wire.annotations import assert_conforms
from tests.wire.harness import RunningServer
from tests.wire.payments import pay as pay_with
from tests.wire.sdk import body_of, body_of_subject, refused

CLIENTS = 50


def pay(client: stripe.StripeClient, method: str = "pm_card_visa", **fields: Any) -> stripe.PaymentIntent:
    return pay_with(client, {"amount": 1000, "payment_method": method, **fields})


def checked(refund: stripe.Refund) -> stripe.Refund:
    assert_conforms(body_of(refund), stripe.Refund)
    return refund


def test_a_refund_conforms_and_can_be_described(stripe_client: stripe.StripeClient) -> None:
    refunds = stripe_client.v1.refunds
    made = checked(refunds.create({"payment_intent": pay(stripe_client).id, "amount": 300, "reason": "duplicate"}))
    assert (made.status, made.amount, made.reason) == ("succeeded", 300, "duplicate")
    assert body_of(checked(refunds.update(made.id, {"metadata": {"a": "b"}})))["metadata"] == {"a": "b"}
    assert body_of(checked(refunds.retrieve(made.id)))["metadata"] == {"a": "b"}


@pytest.mark.parametrize(
    ("method", "first", "last"),
    [("pm_card_pendingRefund", "pending", "succeeded"), ("pm_card_refundFail", "succeeded", "failed")],
)
def test_a_refund_becomes_what_the_bank_says_later(
    stripe_client: stripe.StripeClient, method: str, first: str, last: str
) -> None:
    refunds = stripe_client.v1.refunds
    refund = checked(refunds.create({"payment_intent": pay(stripe_client, method).id}))
    assert refund.status == first
    checked(wait_until(lambda: refunds.retrieve(refund.id), lambda now: now.status == last))


def test_a_charge_and_its_intent_show_their_refunds_where_asked(stripe_client: stripe.StripeClient) -> None:
    intent = pay(stripe_client)
    wishes = [
        "balance_transaction",
        "charge.refunds",
        "customer",
        "failure_balance_transaction",
        "payment_intent.latest_charge.refunds",
        "payment_method",
    ]
    refund = body_of(stripe_client.v1.refunds.create({"payment_intent": intent.id, "amount": 400, "expand": wishes}))
    assert refund["balance_transaction"]["source"] == refund["id"]
    assert refund["balance_transaction"]["amount"] == -400
    charge = refund["charge"]
    assert (charge["amount_refunded"], charge["refunded"]) == (400, False)
    listed = charge["refunds"]
    assert_conforms(listed, stripe.ListObject[stripe.Refund])
    assert [one["id"] for one in listed["data"]] == [refund["id"]]
    assert refund["payment_intent"]["latest_charge"]["refunds"] == listed
    assert refund["payment_intent"]["amount_received"] == 1000
    assert refund["payment_method"]["object"] == "payment_method"
    assert "refunds" not in body_of(stripe_client.v1.charges.retrieve(charge["id"]))


def test_refunds_are_listed_by_charge_and_by_intent(stripe_client: stripe.StripeClient, server: RunningServer) -> None:
    intent = pay(stripe_client)
    charge_id = str(intent.latest_charge)
    made = [stripe_client.v1.refunds.create({"charge": charge_id, "amount": 10}).id for _ in range(12)]
    wishes: list[Any] = [{"charge": charge_id, "limit": 5}, {"payment_intent": intent.id, "limit": 5}]
    for wish in wishes:
        page = stripe_client.v1.refunds.list(wish)
        assert_conforms(body_of(page), stripe.ListObject[stripe.Refund])
        assert [refund.id for refund in page.auto_paging_iter()] == made[::-1]
    assert len(stripe_client.v1.refunds.list({"charge": charge_id, "created": {"gt": 4_000_000_000}}).data) == 0
    expanded = stripe_client.v1.charges.retrieve(charge_id, {"expand": ["refunds"]})
    assert expanded.refunds is not None and expanded.refunds.has_more
    assert [refund.id for refund in expanded.refunds.data] == made[:1:-1]
    nested = server.raw("GET", f"{expanded.refunds.url}/{made[0]}")
    assert nested.json["id"] == made[0]
    assert server.raw("GET", f"/v1/charges/{charge_id}/refunds?limit=100").json["has_more"] is False


def test_refusals_are_those_that_users_of_the_sdk_expect(stripe_client: stripe.StripeClient) -> None:
    refunds = stripe_client.v1.refunds
    intent = pay(stripe_client)
    held = pay(stripe_client, capture_method="manual")
    with refused(code="parameter_missing", param="payment_intent"):
        refunds.create({})
    with refused(code="amount_too_large", param="amount"):
        refunds.create({"payment_intent": intent.id, "amount": 1001})
    with refused(code="parameter_invalid_integer", param="amount"):
        refunds.create({"payment_intent": intent.id, "amount": 0})
    with refused(code="charge_not_refundable", param="charge"):
        refunds.create({"payment_intent": held.id})
    with refused(status=404, code="resource_missing", param="payment_intent"):
        refunds.create({"payment_intent": "pi_nobody"})
    with refused(status=404, code="resource_missing", param="id"):
        refunds.retrieve("re_nobody")
    with refused(code="parameter_unknown", param="reverse_transfer"):
        refunds.create({"payment_intent": intent.id, "reverse_transfer": True})
    with refused(code="parameter_unknown", param="refund_application_fee"):
        refunds.create({"payment_intent": intent.id, "refund_application_fee": True})
    refund = refunds.create({"payment_intent": intent.id, "instructions_email": "jenny@example.com"})
    assert refund.instructions_email == "jenny@example.com"
    with refused(code="charge_already_refunded"):
        refunds.create({"payment_intent": intent.id})
    with refused(param="id"):
        refunds.cancel(refund.id)


def test_another_organisation_does_not_see_a_refund(
    stripe_client: stripe.StripeClient, stranger: stripe.StripeClient
) -> None:
    intent = pay(stripe_client)
    refunds = stranger.v1.refunds
    refund = stripe_client.v1.refunds.create({"payment_intent": intent.id, "amount": 1})
    with refused(status=404, code="resource_missing", param="id"):
        refunds.retrieve(refund.id)
    with refused(status=404, code="resource_missing", param="id"):
        refunds.update(refund.id, {"metadata": {"a": "b"}})
    with refused(status=404, code="resource_missing", param="payment_intent"):
        refunds.create({"payment_intent": intent.id})
    with refused(status=404, code="resource_missing", param="charge"):
        refunds.create({"charge": str(intent.latest_charge)})
    assert refunds.list({"charge": str(intent.latest_charge)}).data == []


def _at_once(server: RunningServer, bodies: list[bytes], keys: list[str]) -> list[Any]:
    start = threading.Barrier(len(bodies))

    def ask(body: bytes, key: str) -> Any:
        start.wait()
        return server.raw("POST", "/v1/refunds", body=body, headers={"Idempotency-Key": key})

    with ThreadPoolExecutor(len(bodies)) as clients:
        return list(clients.map(ask, bodies, keys))


def test_fifty_clients_at_once_never_refund_more_than_was_captured(
    stripe_client: stripe.StripeClient, server: RunningServer, mark: str
) -> None:
    charge_id = str(pay(stripe_client).latest_charge)
    bodies = [f"charge={charge_id}&amount=90".encode()] * CLIENTS
    answers = _at_once(server, bodies, [f"{mark}-{number}" for number in range(CLIENTS)])
    ends = Counter((answer.status, answer.json.get("error", {}).get("code")) for answer in answers)
    assert ends == {(200, None): 11, (400, "amount_too_large"): 39}
    charge = stripe_client.v1.charges.retrieve(charge_id)
    assert charge.amount_refunded == 990
    assert stripe_client.v1.refunds.create({"charge": charge_id}).amount == 10


def test_one_key_of_fifty_clients_refunds_once(
    stripe_client: stripe.StripeClient, server: RunningServer, mark: str
) -> None:
    charge_id = str(pay(stripe_client).latest_charge)
    bodies = [f"charge={charge_id}&amount=90".encode()] * CLIENTS
    answers = _at_once(server, bodies, [mark] * CLIENTS)
    assert {answer.status for answer in answers} <= {200, 409}
    assert len({answer.json["id"] for answer in answers if answer.status == 200}) == 1
    again = server.raw("POST", "/v1/refunds", body=bodies[0], headers={"Idempotency-Key": mark})
    assert again.headers["Idempotent-Replayed"] == "true"
    assert stripe_client.v1.charges.retrieve(charge_id).amount_refunded == 90


@pytest.mark.parametrize(
    ("method", "more"), [("pm_card_visa", []), ("pm_card_refundFail", ["charge.updated", "refund.failed"])]
)
def test_what_happened_is_told_in_events(stripe_client: stripe.StripeClient, method: str, more: list[str]) -> None:
    refund = stripe_client.v1.refunds.create({"payment_intent": pay(stripe_client, method).id})
    expected = ["refund.created", "charge.refunded", "refund.updated", *more]

    def told() -> list[stripe.Event]:
        events = stripe_client.v1.events.list({"limit": 100}).data[::-1]
        own = [event for event in events if body_of_subject(event)["id"] in (refund.id, refund.charge)]
        kinds = [event.type for event in own]
        return own[kinds.index("refund.created") :]

    assert [event.type for event in wait_until(told, lambda events: len(events) >= len(expected))] == expected
