"""UPI through the official Python SDK, against a bank that runs beside the server."""

import http.client
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import stripe

from tests.wire.annotations import assert_conforms
from tests.wire.harness import REQUEST_SECONDS_MAX, RunningServer
from tests.wire.payments import RETURN_URL, event_types, latest_charge, until
from tests.wire.sdk import body_of, refused

Json = dict[str, Any]
FAILED, EXPIRED = "payment_intent_payment_attempt_failed", "payment_intent_payment_attempt_expired"


def pay(client: stripe.StripeClient, vpa: str | None = None, **more: Any) -> stripe.PaymentIntent:
    """499.00 INR; without an address by a code to scan."""
    method: Json = {"type": "upi"} | ({"upi": {"vpa": vpa}} if vpa else {})
    sent: Any = {"amount": 49900, "currency": "inr", "confirm": True, "payment_method_data": method, **more}
    return client.v1.payment_intents.create(sent)


def over(client: stripe.StripeClient, intent: stripe.PaymentIntent) -> stripe.PaymentIntent:
    """The intent once the customer has acted, and we know of it."""

    def look() -> stripe.PaymentIntent | None:
        found = client.v1.payment_intents.retrieve(intent.id)
        return found if found.status not in ("processing", "requires_action") else None

    return until(look, "the end of a UPI payment")


def fetch(url: str) -> tuple[int, dict[str, str], bytes]:
    parts = urlsplit(url)
    assert parts.hostname is not None
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=REQUEST_SECONDS_MAX)
    try:
        connection.request("GET", parts.path)
        response = connection.getresponse()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
    finally:
        connection.close()


def act(server: RunningServer, intent: stripe.PaymentIntent, what: str) -> None:
    """What the customer does in the app, found by the code that was shown."""
    waiting = json.loads(server.command("sim", "upi", "waiting", "--json"))
    page = shown(intent)["hosted_instructions_url"]
    reference = urlsplit(page).path.split("/")[2].rpartition(".")[2]
    assert reference in json.dumps(waiting)
    server.command("sim", "upi", what, reference)


def shown(intent: stripe.PaymentIntent) -> Json:
    action = body_of(intent)["next_action"]
    assert action["type"] == "upi_handle_redirect_or_display_qr_code"
    content: Json = action["upi_handle_redirect_or_display_qr_code"]
    return content


class TestByAddress:
    def test_it_is_processing_until_the_customer_approves(self, stripe_client: stripe.StripeClient) -> None:
        waiting = pay(stripe_client, "success@piggybank")
        assert (waiting.status, waiting.next_action, waiting.processing) == ("processing", None, None)
        paid = over(stripe_client, waiting)
        assert (paid.status, paid.amount_received) == ("succeeded", 49900)
        charge = latest_charge(stripe_client, paid)
        details = charge.payment_method_details
        assert details is not None and details.upi is not None and details.upi.vpa == "success@piggybank"
        transaction = stripe_client.v1.balance_transactions.retrieve(str(charge.balance_transaction))
        assert (transaction.amount, transaction.fee) == (49900, 0), "UPI costs a merchant nothing"
        told = event_types(stripe_client, {waiting.id})
        assert told == ["payment_intent.created", "payment_intent.processing", "payment_intent.succeeded"]

    @pytest.mark.parametrize("vpa", ["failure", "wrongpin", "pintries", "frequency", "limit", "funds", "risk"])
    def test_a_refusal_is_the_last_error_of_the_intent(self, stripe_client: stripe.StripeClient, vpa: str) -> None:
        ended = over(stripe_client, pay(stripe_client, f"{vpa}@piggybank"))
        assert ended.status == "requires_payment_method"
        error = ended.last_payment_error
        assert error is not None
        assert (error.code, error.decline_code, error.advice_code) == (FAILED, None, None)
        assert error.payment_method is not None and error.payment_method.type == "upi"
        assert error.message and "card" not in error.message
        assert "payment_intent.payment_failed" in event_types(stripe_client, {ended.id})

    def test_what_another_bank_decides_later_stays_processing_until_then(
        self, stripe_client: stripe.StripeClient
    ) -> None:
        approved, declined = pay(stripe_client, "deemed@piggybank"), pay(stripe_client, "deemedfail@piggybank")
        assert over(stripe_client, approved).status == "succeeded"
        assert over(stripe_client, declined).status == "requires_payment_method"

    def test_an_address_that_nobody_has_is_declined_at_once(self, stripe_client: stripe.StripeClient) -> None:
        with pytest.raises(stripe.CardError) as caught:
            pay(stripe_client, "unknown@piggybank")
        assert (caught.value.code, caught.value.param) == (FAILED, None)

    def test_a_refund_goes_back(self, stripe_client: stripe.StripeClient) -> None:
        paid = over(stripe_client, pay(stripe_client, "success@piggybank"))
        refund = stripe_client.v1.refunds.create({"payment_intent": paid.id, "amount": 900})
        assert refund.destination_details is None

        def look() -> bool:
            return stripe_client.v1.refunds.retrieve(refund.id).status == "succeeded"

        until(look, "a refund by UPI")
        assert latest_charge(stripe_client, paid).amount_refunded == 900


class TestByCode:
    @pytest.mark.parametrize(("what", "status"), [("approve", "succeeded"), ("decline", "requires_payment_method")])
    def test_the_customer_scans_and_decides(
        self, server: RunningServer, stripe_client: stripe.StripeClient, what: str, status: str
    ) -> None:
        waiting = pay(stripe_client, return_url=RETURN_URL, description="Tea & biscuits <3")
        assert waiting.status == "requires_action"
        page = shown(waiting)["hosted_instructions_url"]
        code, headers, body = fetch(page)
        text = body.decode()
        assert (
            code == 200
            and "₹499.00" in text
            and "Pay Development by UPI" in text
            and "Tea &amp; biscuits &lt;3" in text
        )
        assert "upi://pay?" in text and "<script" not in text
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; ") and "unsafe" not in policy
        assert headers["referrer-policy"] == "no-referrer" and headers["cache-control"] == "no-store"
        act(server, waiting, what)
        assert over(stripe_client, waiting).status == status
        code, headers, _ = fetch(page)
        told = parse_qs(urlsplit(headers["location"]).query)
        assert (code, told["payment_intent"], told["source_type"]) == (303, [waiting.id], ["upi"])
        assert told["redirect_status"] == ["succeeded" if what == "approve" else "failed"]

    def test_the_code_is_an_image(self, stripe_client: stripe.StripeClient) -> None:
        images = shown(pay(stripe_client))["qr_code"]
        code, headers, body = fetch(images["image_url_png"])
        assert (code, headers["content-type"], body[:8]) == (200, "image/png", b"\x89PNG\r\n\x1a\n")
        code, headers, body = fetch(images["image_url_svg"])
        assert (code, headers["content-type"]) == (200, "image/svg+xml") and b"<svg" in body
        assert headers["content-security-policy"] == "default-src 'none'; sandbox"

    def test_whoever_does_not_have_all_of_the_address_sees_nothing(self, stripe_client: stripe.StripeClient) -> None:
        page = shown(pay(stripe_client))["hosted_instructions_url"]
        for guess in (page[:-1], page[:-1] + "x", page.rpartition("/")[0] + "/x", page.replace(".0.att_", ".1.att_")):
            assert fetch(guess)[0] == 404
            assert fetch(f"{guess}/qr.svg")[0] == 404
        # The page of an authentication has nothing to do with it.
        _, _, text = fetch(page.replace("/upi/", "/authenticate/"))
        assert b"<form" not in text

    def test_what_is_canceled_cannot_be_paid_any_more(self, stripe_client: stripe.StripeClient) -> None:
        waiting = pay(stripe_client)
        canceled = stripe_client.v1.payment_intents.cancel(waiting.id)
        assert (canceled.status, canceled.next_action) == ("canceled", None)
        assert fetch(shown(waiting)["qr_code"]["image_url_svg"])[0] == 404

    def test_the_customers_browser_confirms_it(
        self, stripe_client: stripe.StripeClient, browser: stripe.StripeClient
    ) -> None:
        intent = stripe_client.v1.payment_intents.create({"amount": 49900, "currency": "inr"})
        assert "upi" in intent.payment_method_types
        sent: Any = {"client_secret": intent.client_secret, "payment_method_data": {"type": "upi"}}
        confirmed = browser.v1.payment_intents.confirm(intent.id, sent)
        assert confirmed.status == "requires_action" and "hosted_instructions_url" in shown(confirmed)


class TestMethods:
    def test_a_method_is_made_and_paid_with(self, stripe_client: stripe.StripeClient) -> None:
        sent: Any = {"type": "upi", "upi": {"vpa": "Success@PiggyBank"}}
        method = stripe_client.v1.payment_methods.create(sent)
        assert method.upi is not None and method.upi.vpa == "success@piggybank"
        assert "card" not in body_of(method)
        paid = pay_with(stripe_client, method.id)
        assert over(stripe_client, paid).status == "succeeded"

    def test_it_cannot_be_kept_for_a_customer(self, stripe_client: stripe.StripeClient) -> None:
        customer = stripe_client.v1.customers.create()
        method = stripe_client.v1.payment_methods.create({"type": "upi"})
        with refused(code="payment_method_unsupported_type", param="payment_method"):
            stripe_client.v1.payment_methods.attach(method.id, {"customer": customer.id})
        assert stripe_client.v1.payment_methods.list({"customer": customer.id, "type": "upi"}).data == []

    def test_it_cannot_be_set_up(self, stripe_client: stripe.StripeClient) -> None:
        method = stripe_client.v1.payment_methods.create({"type": "upi"})
        with refused(param="payment_method"):
            stripe_client.v1.setup_intents.create({"payment_method": method.id})
        with refused(param="payment_method_data[type]"):
            stripe_client.v1.setup_intents.create({"payment_method_data": {"type": "upi"}})
        types: Any = {"payment_method_types": ["upi"]}
        with refused(param="payment_method_types"):
            stripe_client.v1.setup_intents.create(types)


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"currency": "usd"}, "currency"),
        ({"capture_method": "manual"}, "capture_method"),
        ({"setup_future_usage": "off_session"}, "setup_future_usage"),
        ({"off_session": True}, "off_session"),
        ({"error_on_requires_action": True}, "error_on_requires_action"),
        ({"payment_method_types": ["card"]}, "payment_method"),
        ({"payment_method_data": {"type": "upi", "upi": {"vpa": "no address"}}}, "upi[vpa]"),
    ],
)
def test_what_upi_cannot_do_is_refused_before_the_bank_is_asked(
    stripe_client: stripe.StripeClient, changes: Json, param: str
) -> None:
    with refused(param=param):
        pay(stripe_client, **changes)


def test_a_list_of_types_is_kept_and_its_options_are_there(stripe_client: stripe.StripeClient) -> None:
    sent: Any = {"amount": 49900, "currency": "inr", "payment_method_types": ["upi"]}
    intent = stripe_client.v1.payment_intents.create(sent)
    assert_conforms(body_of(intent), stripe.PaymentIntent)
    assert (intent.payment_method_types, intent.automatic_payment_methods) == (["upi"], None)
    with refused(code="payment_intent_incompatible_payment_method"):
        stripe_client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})


def pay_with(client: stripe.StripeClient, method_id: str) -> stripe.PaymentIntent:
    sent: Any = {"amount": 49900, "currency": "inr", "confirm": True, "payment_method": method_id}
    return client.v1.payment_intents.create(sent)
