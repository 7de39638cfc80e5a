"""Payment methods and tokens by the official Python SDK, each answer held against its annotations."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import stripe

from tests.wire.harness import PUBLISHABLE_KEY, RunningServer
from tests.wire.sdk import ADDRESS, body_of, body_of_subject, checked, create, events_about, refused

METHOD = stripe.PaymentMethod
METHODS = stripe.ListObject[stripe.PaymentMethod]
NUMBER = "4242424242424242"
CARD: Any = {"number": NUMBER, "exp_month": 12, "exp_year": 2034, "cvc": "314"}
BILLING: Any = {"address": ADDRESS, "email": "ada@example.com", "name": "Ada", "phone": "+49 221 1"}


@pytest.fixture
def browser(server: RunningServer) -> Iterator[stripe.StripeClient]:
    """A client that has nothing but the publishable key."""
    with closing(stripe.new_default_http_client()) as http_client:
        yield stripe.StripeClient(
            PUBLISHABLE_KEY, base_addresses={"api": server.base_url}, http_client=http_client, max_network_retries=0
        )


def new_method(client: stripe.StripeClient, **params: Any) -> stripe.PaymentMethod:
    given: Any = {"type": "card", "card": CARD, **params}
    return checked(client.v1.payment_methods.create(given), METHOD)


def attached(client: stripe.StripeClient, customer_id: str, name: str = "pm_card_visa") -> stripe.PaymentMethod:
    return checked(client.v1.payment_methods.attach(name, {"customer": customer_id}), METHOD)


def test_a_payment_method_is_created_with_all_that_was_given(stripe_client: stripe.StripeClient) -> None:
    method = new_method(stripe_client, billing_details=BILLING, metadata={"order": "6735"}, allow_redisplay="always")
    assert method.id.startswith("pm_")
    assert method.card is not None
    assert (method.card.brand, method.card.display_brand, method.card.last4) == ("visa", "visa", "4242")
    assert (method.card.exp_month, method.card.exp_year, method.card.funding) == (12, 2034, "credit")
    assert body_of(method)["card"]["checks"] == {
        "address_line1_check": "unchecked",
        "address_postal_code_check": "unchecked",
        "cvc_check": "unchecked",
    }
    assert body_of(method)["billing_details"] == BILLING | {"tax_id": None}
    assert body_of(method)["metadata"] == {"order": "6735"}
    assert (method.allow_redisplay, method.customer) == ("always", None)
    again = checked(stripe_client.v1.payment_methods.retrieve(method.id), METHOD)
    assert body_of(again) == body_of(method)


def test_a_browser_makes_methods_and_tokens_and_reads_none(
    stripe_client: stripe.StripeClient, browser: stripe.StripeClient
) -> None:
    method = new_method(browser)
    card: Any = {**CARD, "exp_month": "12", "exp_year": "34"}
    token = checked(browser.v1.tokens.create({"card": card}), stripe.Token)
    for read in (lambda: browser.v1.payment_methods.retrieve(method.id), lambda: browser.v1.tokens.retrieve(token.id)):
        with refused(stripe.PermissionError, 403, code="secret_key_required"):
            read()
    assert checked(stripe_client.v1.payment_methods.retrieve(method.id), METHOD).id == method.id


def test_a_token_makes_one_payment_method(stripe_client: stripe.StripeClient) -> None:
    card: Any = {**CARD, "exp_month": "12", "exp_year": "2034", "name": "Ada", "address_zip": "50667"}
    token = checked(stripe_client.v1.tokens.create({"card": card}), stripe.Token)
    assert token.card is not None
    assert (token.type, token.used, token.card.brand, token.card.last4) == ("card", False, "Visa", "4242")
    method = new_method(stripe_client, card={"token": token.id})
    assert method.card is not None
    assert method.card.fingerprint == token.card.fingerprint
    assert method.billing_details.name == "Ada"
    assert checked(stripe_client.v1.tokens.retrieve(token.id), stripe.Token).used
    with refused(code="token_already_used", param="card[token]"):
        new_method(stripe_client, card={"token": token.id})
    with refused(status=404, code="resource_missing", param="card[token]"):
        new_method(stripe_client, card={"token": "tok_none"})


@pytest.mark.parametrize(
    ("change", "code", "param"),
    [
        ({"number": "4242424242424241"}, "incorrect_number", "number"),
        ({"number": "4242"}, "invalid_number", "number"),
        ({"exp_month": 13}, "invalid_expiry_month", "exp_month"),
        ({"exp_year": 2020}, "invalid_expiry_year", "exp_year"),
        ({"cvc": "99"}, "invalid_cvc", "cvc"),
        ({"number": "4539578763621486"}, "card_declined", None),
    ],
)
def test_a_wrong_card_is_a_card_error_wherever_it_is_given(
    stripe_client: stripe.StripeClient, change: dict[str, Any], code: str, param: str | None
) -> None:
    with refused(stripe.CardError, 402, code=code, param=param, error_type="card_error"):
        new_method(stripe_client, card=CARD | change)
    with refused(stripe.CardError, 402, code=code, param=param, error_type="card_error"):
        stripe_client.v1.tokens.create({"card": CARD | change})


def test_what_cannot_be_understood_is_refused_by_name(stripe_client: stripe.StripeClient) -> None:
    with refused(code="parameter_missing", param="card"):
        stripe_client.v1.payment_methods.create({"type": "card"})
    with refused(code="parameter_missing", param="type"):
        stripe_client.v1.payment_methods.create({"card": CARD})
    with refused(code="parameter_missing", param="card[number]"):
        new_method(stripe_client, card={"exp_month": 12, "exp_year": 2034})
    with refused(code="parameter_invalid_integer", param="card[exp_month]"):
        new_method(stripe_client, card=CARD | {"exp_month": "May"})
    with refused(param="type"):
        stripe_client.v1.payment_methods.create({"type": "oxxo"})
    with refused(code="parameter_unknown", param="card[status]"):
        new_method(stripe_client, card=CARD | {"status": "x"})
    with refused(param="billing_details[email]"):
        new_method(stripe_client, billing_details={"email": "nobody"})


def test_a_method_is_attached_used_updated_and_detached(stripe_client: stripe.StripeClient) -> None:
    customer = create(stripe_client)
    method = new_method(stripe_client)
    assert attached(stripe_client, customer.id, method.id).customer == customer.id
    updated = checked(
        stripe_client.v1.payment_methods.update(
            method.id,
            {
                "billing_details": {"name": "Charles"},
                "card": {"exp_month": 1, "exp_year": 2035},
                "metadata": {"a": "b"},
                "allow_redisplay": "limited",
            },
        ),
        METHOD,
    )
    assert updated.card is not None
    assert (updated.card.exp_month, updated.card.exp_year) == (1, 2035)
    assert (updated.billing_details.name, updated.allow_redisplay) == ("Charles", "limited")
    assert body_of(updated)["metadata"] == {"a": "b"}
    detached = checked(stripe_client.v1.payment_methods.detach(method.id), METHOD)
    assert detached.customer is None
    with refused(code="payment_method_unexpected_state"):
        stripe_client.v1.payment_methods.attach(method.id, {"customer": customer.id})
    with refused(code="payment_method_unexpected_state"):
        stripe_client.v1.payment_methods.detach(method.id)
    for kind in ("attached", "updated", "detached"):
        (event,) = events_about(stripe_client, method.id, f"payment_method.{kind}")
        assert body_of_subject(event)["customer"] == (None if kind == "detached" else customer.id)


def test_a_method_of_nobody_cannot_be_updated(stripe_client: stripe.StripeClient) -> None:
    method = new_method(stripe_client)
    with refused(code="payment_method_unexpected_state"):
        stripe_client.v1.payment_methods.update(method.id, {"metadata": {"a": "b"}})


def test_attaching_needs_a_customer_that_exists(stripe_client: stripe.StripeClient) -> None:
    method = new_method(stripe_client)
    with refused(code="parameter_missing", param="customer"):
        stripe_client.v1.payment_methods.attach(method.id)
    with refused(status=404, code="resource_missing", param="customer"):
        stripe_client.v1.payment_methods.attach(method.id, {"customer": "cus_none"})
    with refused(status=404, code="resource_missing", param="payment_method"):
        stripe_client.v1.payment_methods.attach("pm_none", {"customer": create(stripe_client).id})


def test_a_card_that_the_bank_refuses_is_declined_when_it_is_attached(stripe_client: stripe.StripeClient) -> None:
    customer = create(stripe_client)
    with refused(stripe.CardError, 402, code="card_declined", error_type="card_error"):
        stripe_client.v1.payment_methods.attach("pm_card_visa_chargeDeclined", {"customer": customer.id})
    assert attached(stripe_client, customer.id, "pm_card_chargeCustomerFail").customer == customer.id


def test_a_customer_s_methods_are_listed_newest_first_in_pages(stripe_client: stripe.StripeClient) -> None:
    customer, other = create(stripe_client), create(stripe_client)
    ids = [attached(stripe_client, customer.id).id for _ in range(5)]
    attached(stripe_client, other.id)
    newest_first = list(reversed(ids))
    page = checked(stripe_client.v1.payment_methods.list({"customer": customer.id, "type": "card"}), METHODS)
    assert [method.id for method in page.data] == newest_first
    assert not page.has_more
    walked = stripe_client.v1.customers.payment_methods.list(customer.id, {"limit": 2})
    assert [method.id for method in checked(walked, METHODS).auto_paging_iter()] == newest_first
    before = stripe_client.v1.payment_methods.list({"customer": customer.id, "limit": 2, "ending_before": ids[1]})
    assert [method.id for method in checked(before, METHODS).data] == [ids[3], ids[2]]
    none = stripe_client.v1.payment_methods.list({"customer": customer.id, "type": "sepa_debit"})
    assert checked(none, METHODS).data == []
    with refused(code="parameter_missing", param="customer"):
        stripe_client.v1.payment_methods.list()
    with refused(status=404, code="resource_missing", param="customer"):
        stripe_client.v1.payment_methods.list({"customer": "cus_none"})
    with refused(status=404, code="resource_missing", param="starting_after"):
        stripe_client.v1.payment_methods.list({"customer": customer.id, "starting_after": "pm_none"})


def test_a_list_can_ask_for_what_may_be_shown_again(stripe_client: stripe.StripeClient) -> None:
    customer = create(stripe_client)
    shown = attached(stripe_client, customer.id, new_method(stripe_client, allow_redisplay="always").id)
    attached(stripe_client, customer.id)
    page = stripe_client.v1.customers.payment_methods.list(customer.id, {"allow_redisplay": "always"})
    assert [method.id for method in checked(page, METHODS).data] == [shown.id]


def test_a_customer_s_method_is_found_under_its_owner_only(stripe_client: stripe.StripeClient) -> None:
    customer, other = create(stripe_client), create(stripe_client)
    method = attached(stripe_client, customer.id)
    found = stripe_client.v1.customers.payment_methods.retrieve(customer.id, method.id)
    assert checked(found, METHOD).id == method.id
    with refused(status=404, code="resource_missing", param="payment_method"):
        stripe_client.v1.customers.payment_methods.retrieve(other.id, method.id)


def test_the_customer_can_be_expanded(stripe_client: stripe.StripeClient) -> None:
    customer = create(stripe_client, {"email": "ada@example.com"})
    method = attached(stripe_client, customer.id)
    expanded = stripe_client.v1.payment_methods.retrieve(method.id, {"expand": ["customer"]})
    assert isinstance(checked(expanded, METHOD).customer, stripe.Customer)
    page = stripe_client.v1.payment_methods.list({"customer": customer.id, "expand": ["data.customer"]})
    assert body_of(checked(page, METHODS))["data"][0]["customer"]["email"] == "ada@example.com"


def test_a_repeated_request_makes_no_second_method(stripe_client: stripe.StripeClient, mark: str) -> None:
    params: Any = {"type": "card", "card": CARD}
    first = stripe_client.v1.payment_methods.create(params, {"idempotency_key": mark})
    again = stripe_client.v1.payment_methods.create(params, {"idempotency_key": mark})
    assert body_of(first) == body_of(again)
    with refused(stripe.IdempotencyError, error_type="idempotency_error"):
        stripe_client.v1.payment_methods.create(
            {"type": "card", "card": CARD | {"cvc": "999"}}, {"idempotency_key": mark}
        )
