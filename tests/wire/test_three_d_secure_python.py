"""The customer authenticates at the bank's page, as a browser would; the merchant uses the official Python SDK."""

from urllib.parse import urlsplit

import pytest
import stripe

from tests.wire.payments import (
    RETURN_URL,
    VISA,
    authorise,
    challenge_url,
    declined,
    event_types,
    latest_charge,
    pay,
    prepare,
    visit,
)
from tests.wire.sdk import body_of, refused

ALWAYS = "pm_card_authenticationRequired"


def ask(client: stripe.StripeClient, params: dict[str, object] | None = None) -> stripe.PaymentIntent:
    """A payment that waits for its customer."""
    intent = pay(client, {"payment_method": ALWAYS, "return_url": RETURN_URL, **(params or {})})
    assert intent.status == "requires_action"
    return intent


def test_a_customer_authenticates_and_comes_back(stripe_client: stripe.StripeClient) -> None:
    intent = ask(stripe_client)
    assert body_of(intent)["next_action"]["redirect_to_url"]["return_url"] == RETURN_URL
    page = visit(challenge_url(intent))
    assert (page.status, page.location) == (200, None)
    assert "20.00 USD" in page.text
    back = visit(challenge_url(intent), "passed")
    assert back.status == 303
    assert urlsplit(back.location or "")[:3] == ("https", "shop.example", "/done")
    assert back.told == {
        "order": "6735",
        "payment_intent": intent.id,
        "payment_intent_client_secret": str(intent.client_secret),
        "source_type": "card",
        "redirect_status": "succeeded",
    }
    after = stripe_client.v1.payment_intents.retrieve(intent.id)
    assert (after.status, after.next_action, after.amount_received) == ("succeeded", None, 2000)
    shown = body_of(latest_charge(stripe_client, after))["payment_method_details"]["card"]["three_d_secure"]
    assert (shown["result"], shown["authentication_flow"]) == ("authenticated", "challenge")
    assert sorted(event_types(stripe_client, {intent.id})) == [
        "payment_intent.created",
        "payment_intent.requires_action",
        "payment_intent.succeeded",
    ]


def test_a_customer_who_fails_has_not_paid(stripe_client: stripe.StripeClient) -> None:
    intent = ask(stripe_client)
    back = visit(challenge_url(intent), "failed")
    assert (back.status, back.told["redirect_status"]) == (303, "failed")
    after = stripe_client.v1.payment_intents.retrieve(intent.id)
    assert (after.status, after.latest_charge, after.payment_method) == ("requires_payment_method", None, None)
    assert after.last_payment_error is not None
    assert after.last_payment_error.code == "payment_intent_authentication_failure"
    assert "payment_intent.payment_failed" in event_types(stripe_client, {intent.id})
    assert stripe_client.v1.payment_intents.confirm(intent.id, {"payment_method": VISA}).status == "succeeded"


@pytest.mark.parametrize("first", ["passed", "failed"])
def test_a_second_click_changes_nothing(stripe_client: stripe.StripeClient, first: str) -> None:
    intent = ask(stripe_client)
    visit(challenge_url(intent), first)
    before = body_of(stripe_client.v1.payment_intents.retrieve(intent.id))
    second = visit(challenge_url(intent), "failed" if first == "passed" else "passed")
    assert second.told["redirect_status"] == ("succeeded" if first == "passed" else "failed")
    assert body_of(stripe_client.v1.payment_intents.retrieve(intent.id)) == before


def test_without_an_address_the_customer_stays(stripe_client: stripe.StripeClient) -> None:
    intent = pay(stripe_client, {"payment_method": ALWAYS})
    done = visit(challenge_url(intent), "passed")
    assert (done.status, done.location) == (200, None)
    assert stripe_client.v1.payment_intents.retrieve(intent.id).status == "succeeded"


def test_an_authentication_may_hold_instead_of_charge(stripe_client: stripe.StripeClient) -> None:
    intent = authorise(stripe_client, {"payment_method": ALWAYS})
    visit(challenge_url(intent), "passed")
    held = stripe_client.v1.payment_intents.retrieve(intent.id)
    assert (held.status, held.amount_capturable) == ("requires_capture", 2000)
    assert stripe_client.v1.payment_intents.capture(intent.id).status == "succeeded"


def test_with_manual_confirmation_the_server_confirms_again(stripe_client: stripe.StripeClient) -> None:
    intents = stripe_client.v1.payment_intents
    intent = ask(stripe_client, {"confirmation_method": "manual"})
    visit(challenge_url(intent), "passed")
    between = intents.retrieve(intent.id)
    assert (between.status, between.amount_received) == ("requires_confirmation", 0)
    assert intents.confirm(intent.id).status == "succeeded"


def test_manual_confirmation_without_authentication_is_one_request(stripe_client: stripe.StripeClient) -> None:
    assert pay(stripe_client, {"confirmation_method": "manual"}).status == "succeeded"


def test_a_changed_amount_needs_a_new_authentication(stripe_client: stripe.StripeClient) -> None:
    intent = ask(stripe_client)
    changed = stripe_client.v1.payment_intents.update(intent.id, {"amount": 900_000})
    assert (changed.status, changed.next_action) == ("requires_confirmation", None)
    assert "900" not in visit(challenge_url(intent)).text
    visit(challenge_url(intent), "passed")
    assert stripe_client.v1.payment_intents.retrieve(intent.id).amount_received == 0


def test_a_payment_that_waits_can_be_canceled(stripe_client: stripe.StripeClient) -> None:
    intent = ask(stripe_client)
    canceled = stripe_client.v1.payment_intents.cancel(intent.id)
    assert (canceled.status, canceled.next_action) == ("canceled", None)
    visit(challenge_url(intent), "passed")
    after = stripe_client.v1.payment_intents.retrieve(intent.id)
    assert (after.status, after.amount_received) == ("canceled", 0)


def test_a_merchant_may_refuse_to_let_customers_be_asked(stripe_client: stripe.StripeClient) -> None:
    with declined("authentication_required", "authentication_required") as told:
        pay(stripe_client, {"payment_method": ALWAYS, "error_on_requires_action": True})
    assert told.intent["status"] == "requires_payment_method"


@pytest.mark.parametrize(
    ("card", "wish", "status", "result"),
    [
        ("pm_card_threeDSecureOptional", "automatic", "succeeded", None),
        ("pm_card_threeDSecureOptional", "any", "requires_action", None),
        ("pm_card_threeDSecureOptional", "challenge", "requires_action", None),
        ("pm_card_visa", "any", "succeeded", "attempt_acknowledged"),
        ("pm_card_amex_threeDSecureNotSupported", "any", "succeeded", None),
        ("pm_card_frictionless", "automatic", "succeeded", "authenticated"),
    ],
)
def test_a_merchant_may_ask_for_an_authentication(
    stripe_client: stripe.StripeClient, card: str, wish: str, status: str, result: str | None
) -> None:
    options = {"card": {"request_three_d_secure": wish}}
    intent = pay(stripe_client, {"payment_method": card, "payment_method_options": options})
    assert intent.status == status
    if status == "succeeded":
        details = body_of(latest_charge(stripe_client, intent))["payment_method_details"]["card"]["three_d_secure"]
        assert (details and details["result"]) == result


def test_a_card_set_up_with_its_owner_is_charged_without(stripe_client: stripe.StripeClient) -> None:
    customer = stripe_client.v1.customers.create()
    card = "pm_card_authenticationRequiredOnSetup"
    first = pay(stripe_client, {"customer": customer.id, "payment_method": card, "setup_future_usage": "off_session"})
    visit(challenge_url(first), "passed")
    (saved,) = stripe_client.v1.customers.payment_methods.list(customer.id).data
    again = pay(stripe_client, {"customer": customer.id, "payment_method": saved.id, "off_session": True})
    assert again.status == "succeeded"


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "data:text/html,x", "https://", "shop.example/done", "//shop.example"]
)
def test_a_customer_is_never_sent_to_what_is_no_page(stripe_client: stripe.StripeClient, address: str) -> None:
    with refused(param="return_url", code="url_invalid"):
        pay(stripe_client, {"return_url": address})
    created = prepare(stripe_client)
    with refused(param="return_url", code="url_invalid"):
        stripe_client.v1.payment_intents.confirm(created.id, {"payment_method": VISA, "return_url": address})


def test_an_app_gets_its_customer_back(stripe_client: stripe.StripeClient) -> None:
    intent = ask(stripe_client, {"return_url": "shopapp://paid"})
    assert (visit(challenge_url(intent), "passed").location or "").startswith("shopapp://paid?payment_intent=")


def test_nobody_guesses_the_page(stripe_client: stripe.StripeClient) -> None:
    url = challenge_url(ask(stripe_client))
    assert visit(url[:-1] + ("a" if url[-1] != "a" else "b")).status == 404
    assert visit(url, "maybe").status == 400
