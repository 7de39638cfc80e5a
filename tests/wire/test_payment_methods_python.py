"""Payment methods, tokens, and the payment methods of customers, through the official Python SDK."""

from typing import Any

import pytest
import stripe

from tests.wire.payments import VISA, card_data, declined, event_types, pay
from tests.wire.sdk import body_of, header, refused

BILLING: Any = {
    "address": {"city": "Köln", "country": "DE", "line1": "Am Hof 1", "postal_code": "50667"},
    "email": "ada@example.com",
    "name": "Ada Lovelace",
    "phone": "+49 221 1234567",
}


def make(client: stripe.StripeClient, params: Any = None, number: str = "4242424242424242") -> stripe.PaymentMethod:
    sent: Any = {**card_data(number), **(params or {})}
    return client.v1.payment_methods.create(sent)


def saved(client: stripe.StripeClient, customer_id: str) -> list[str]:
    return [method.id for method in client.v1.customers.payment_methods.list(customer_id).data]


class TestMaking:
    def test_a_card_is_shown_without_its_number(self, stripe_client: stripe.StripeClient) -> None:
        method = make(stripe_client, {"billing_details": BILLING, "metadata": {"kind": "blue"}})
        sent = body_of(method)
        assert sent["type"] == "card"
        assert sent["card"]["last4"] == "4242"
        assert (sent["card"]["exp_month"], sent["card"]["exp_year"]) == (12, 2034)
        assert (sent["card"]["brand"], sent["card"]["display_brand"]) == ("visa", "visa")
        assert (sent["customer"], sent["metadata"]) == (None, {"kind": "blue"})
        assert sent["billing_details"]["address"]["city"] == "Köln"
        assert sent["billing_details"]["address"]["state"] is None
        retrieved = stripe_client.v1.payment_methods.retrieve(method.id)
        assert body_of(retrieved) == sent
        assert "4242424242424242" not in str(sent)

    def test_one_card_has_one_fingerprint(self, stripe_client: stripe.StripeClient) -> None:
        one, again = make(stripe_client), make(stripe_client)
        other = make(stripe_client, number="5555555555554444")
        prints = [body_of(method)["card"]["fingerprint"] for method in (one, again, other)]
        assert prints[0] == prints[1] != prints[2]
        assert one.id != again.id

    def test_spaces_and_short_years_are_as_people_write_them(self, stripe_client: stripe.StripeClient) -> None:
        card = {"number": "4242 4242-4242 4242", "exp_month": 1, "exp_year": 35}
        sent = body_of(make(stripe_client, {"card": card}))
        assert (sent["card"]["last4"], sent["card"]["exp_year"]) == ("4242", 2035)

    def test_a_name_is_made_into_a_method_when_it_is_paid_with(self, stripe_client: stripe.StripeClient) -> None:
        intent = pay(stripe_client)
        assert intent.payment_method != VISA
        assert body_of(stripe_client.v1.payment_methods.retrieve(str(intent.payment_method)))["card"]["last4"] == "4242"

    def test_a_repeated_request_makes_one(self, stripe_client: stripe.StripeClient, mark: str) -> None:
        data: Any = card_data("4242424242424242")
        first = stripe_client.v1.payment_methods.create(data, {"idempotency_key": mark})
        again = stripe_client.v1.payment_methods.create(data, {"idempotency_key": mark})
        assert (again.id, header(again, "Idempotent-Replayed")) == (first.id, "true")

    @pytest.mark.parametrize(
        ("params", "code", "param"),
        [
            ({"type": "sepa_debit"}, "payment_method_unsupported_type", "type"),
            ({"card": {"exp_month": 1, "exp_year": 2034}}, "parameter_missing", "card[number]"),
            ({"card": {"number": "4242424242424242", "exp_year": 2034}}, "parameter_missing", "card[exp_month]"),
            ({"card": {"number": "4242424242424242", "exp_month": 1}}, "parameter_missing", "card[exp_year]"),
            ({"card": {"pan": "4242424242424242"}}, "parameter_unknown", "card[pan]"),
            ({"allow_redisplay": "maybe"}, None, "allow_redisplay"),
            ({"billing_details": {"email": "nobody"}}, None, "billing_details[email]"),
        ],
        ids=str,
    )
    def test_what_is_no_card_is_refused(
        self, stripe_client: stripe.StripeClient, params: Any, code: str | None, param: str
    ) -> None:
        with refused(code=code, param=param):
            make(stripe_client, params)

    def test_an_unknown_one_is_missing(self, stripe_client: stripe.StripeClient) -> None:
        with refused(status=404, code="resource_missing", param="payment_method"):
            stripe_client.v1.payment_methods.retrieve("pm_doesnotexist")


class TestKeeping:
    def test_a_card_is_kept_for_its_customer(self, stripe_client: stripe.StripeClient) -> None:
        customer = stripe_client.v1.customers.create()
        method = make(stripe_client)
        attached = stripe_client.v1.payment_methods.attach(method.id, {"customer": customer.id})
        assert (attached.id, attached.customer) == (method.id, customer.id)
        assert saved(stripe_client, customer.id) == [method.id]
        nested = stripe_client.v1.customers.payment_methods.retrieve(customer.id, method.id)
        assert body_of(nested) == body_of(stripe_client.v1.payment_methods.retrieve(method.id))
        paid = pay(stripe_client, {"customer": customer.id, "payment_method": method.id})
        assert (paid.status, paid.payment_method) == ("succeeded", method.id)

    def test_a_kept_card_is_changed(self, stripe_client: stripe.StripeClient) -> None:
        customer = stripe_client.v1.customers.create()
        method = stripe_client.v1.payment_methods.attach(VISA, {"customer": customer.id})
        changed = body_of(
            stripe_client.v1.payment_methods.update(
                method.id,
                {
                    "allow_redisplay": "always",
                    "billing_details": BILLING,
                    "card": {"exp_month": 3, "exp_year": 2036},
                    "metadata": {"kind": "blue"},
                },
            )
        )
        assert (changed["allow_redisplay"], changed["metadata"]) == ("always", {"kind": "blue"})
        assert (changed["card"]["exp_month"], changed["card"]["exp_year"]) == (3, 2036)
        assert changed["billing_details"]["name"] == "Ada Lovelace"
        assert body_of(stripe_client.v1.payment_methods.retrieve(method.id)) == changed
        cleared = stripe_client.v1.payment_methods.update(method.id, {"billing_details": {"name": ""}, "metadata": ""})
        assert body_of(cleared)["billing_details"]["name"] is None
        assert body_of(cleared)["billing_details"]["email"] == "ada@example.com"
        assert body_of(cleared)["metadata"] == {}
        assert event_types(stripe_client, {method.id}) == [
            "payment_method.attached",
            "payment_method.updated",
            "payment_method.updated",
        ]

    def test_only_a_kept_card_is_changed(self, stripe_client: stripe.StripeClient) -> None:
        with refused():
            stripe_client.v1.payment_methods.update(make(stripe_client).id, {"metadata": {"a": "1"}})

    def test_a_card_is_let_go(self, stripe_client: stripe.StripeClient) -> None:
        customer = stripe_client.v1.customers.create()
        method = stripe_client.v1.payment_methods.attach(VISA, {"customer": customer.id})
        detached = stripe_client.v1.payment_methods.detach(method.id)
        assert detached.customer is None
        assert saved(stripe_client, customer.id) == []
        assert event_types(stripe_client, {method.id}) == ["payment_method.attached", "payment_method.detached"]
        with refused(status=404, code="resource_missing"):
            stripe_client.v1.customers.payment_methods.retrieve(customer.id, method.id)
        with refused(code="payment_method_unexpected_state"):
            pay(stripe_client, {"payment_method": method.id})
        with refused(code="payment_method_unexpected_state"):
            stripe_client.v1.payment_methods.attach(method.id, {"customer": customer.id})

    def test_a_deleted_customer_leaves_no_card(self, stripe_client: stripe.StripeClient) -> None:
        customer = stripe_client.v1.customers.create()
        method = stripe_client.v1.payment_methods.attach(VISA, {"customer": customer.id})
        stripe_client.v1.customers.delete(customer.id)
        assert stripe_client.v1.payment_methods.retrieve(method.id).customer is None
        with refused(status=404, code="resource_missing", param="customer"):
            stripe_client.v1.customers.payment_methods.list(customer.id)

    def test_a_card_belongs_to_one_customer(self, stripe_client: stripe.StripeClient) -> None:
        one, other = stripe_client.v1.customers.create(), stripe_client.v1.customers.create()
        method = stripe_client.v1.payment_methods.attach(VISA, {"customer": one.id})
        with refused(code="payment_method_unexpected_state"):
            stripe_client.v1.payment_methods.attach(method.id, {"customer": other.id})
        with refused(status=404, code="resource_missing"):
            stripe_client.v1.customers.payment_methods.retrieve(other.id, method.id)

    def test_a_card_that_its_bank_declines_is_not_kept(self, stripe_client: stripe.StripeClient) -> None:
        customer = stripe_client.v1.customers.create()
        with declined("card_declined", "generic_decline"):
            stripe_client.v1.payment_methods.attach("pm_card_visa_chargeDeclined", {"customer": customer.id})
        with declined("card_declined", "generic_decline"):
            method = stripe_client.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer.id})
            pay(stripe_client, {"customer": customer.id, "payment_method": method.id})
        assert saved(stripe_client, customer.id) == [method.id]

    @pytest.mark.parametrize("customer", ["cus_doesnotexist", None])
    def test_a_card_is_kept_for_somebody(self, stripe_client: stripe.StripeClient, customer: str | None) -> None:
        method = make(stripe_client)
        params: Any = {} if customer is None else {"customer": customer}
        with refused(status=(400, 404), param="customer"):
            stripe_client.v1.payment_methods.attach(method.id, params)


class TestListing:
    def test_the_newest_comes_first_in_pages(self, stripe_client: stripe.StripeClient) -> None:
        customer = stripe_client.v1.customers.create()
        kept = [stripe_client.v1.payment_methods.attach(VISA, {"customer": customer.id}).id for _ in range(3)][::-1]
        page = stripe_client.v1.payment_methods.list({"customer": customer.id, "type": "card", "limit": 2})
        assert (len(page.data), page.has_more) == (2, True)
        assert [method.id for method in page.auto_paging_iter()] == kept
        nested = stripe_client.v1.customers.payment_methods.list(customer.id, {"starting_after": kept[0]})
        assert [method.id for method in nested.data] == kept[1:]

    def test_it_is_filtered(self, stripe_client: stripe.StripeClient) -> None:
        customer = stripe_client.v1.customers.create()
        method = stripe_client.v1.payment_methods.attach(VISA, {"customer": customer.id})
        stripe_client.v1.payment_methods.update(method.id, {"allow_redisplay": "always"})
        stripe_client.v1.payment_methods.attach(VISA, {"customer": customer.id})
        shown = stripe_client.v1.customers.payment_methods.list(customer.id, {"allow_redisplay": "always"})
        assert [found.id for found in shown.data] == [method.id]
        others = stripe_client.v1.customers.payment_methods.list(customer.id, {"type": "sepa_debit"})
        assert others.data == []

    def test_its_customer_is_expanded(self, stripe_client: stripe.StripeClient) -> None:
        customer = stripe_client.v1.customers.create({"email": "ada@example.com"})
        stripe_client.v1.payment_methods.attach(VISA, {"customer": customer.id})
        page = stripe_client.v1.payment_methods.list({"customer": customer.id, "expand": ["data.customer"]})
        assert body_of(page)["data"][0]["customer"]["email"] == "ada@example.com"

    def test_an_unknown_customer_is_missing(self, stripe_client: stripe.StripeClient) -> None:
        with refused(status=404, code="resource_missing", param="customer"):
            stripe_client.v1.payment_methods.list({"customer": "cus_doesnotexist"})


class TestTokens:
    def test_a_token_stands_for_a_card_once(self, stripe_client: stripe.StripeClient) -> None:
        card: Any = card_data("4242424242424242")["card"] | {"name": "Ada", "address_zip": "50667"}
        token = stripe_client.v1.tokens.create({"card": card})
        sent = body_of(token)
        assert (sent["type"], sent["used"], sent["livemode"]) == ("card", False, False)
        assert (sent["card"]["last4"], sent["card"]["brand"], sent["card"]["name"]) == ("4242", "Visa", "Ada")
        assert body_of(stripe_client.v1.tokens.retrieve(token.id)) == sent
        by_token: Any = {"type": "card", "card": {"token": token.id}}
        method = body_of(stripe_client.v1.payment_methods.create(by_token))
        assert (method["card"]["last4"], method["billing_details"]["name"]) == ("4242", "Ada")
        assert stripe_client.v1.tokens.retrieve(token.id).used is True
        with refused(code="token_already_used", param="card[token]"):
            stripe_client.v1.payment_methods.create(by_token)

    def test_a_token_is_no_payment_method(self, stripe_client: stripe.StripeClient) -> None:
        with refused(param="payment_method"):
            pay(stripe_client, {"payment_method": "tok_visa"})

    def test_an_unknown_token_is_missing(self, stripe_client: stripe.StripeClient) -> None:
        with refused(status=404, code="resource_missing"):
            stripe_client.v1.tokens.retrieve("tok_doesnotexist")
        data: Any = {"type": "card", "card": {"token": "tok_doesnotexist"}}
        with refused(status=404, code="resource_missing", param="card[token]"):
            stripe_client.v1.payment_methods.create(data)
