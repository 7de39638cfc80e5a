"""Payment intents through the official Python SDK: made, changed, confirmed, found."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import stripe

from bursar.kit.money import CURRENCIES, Currency
from tests.wire.payments import (
    VISA,
    card_data,
    declined,
    event_types,
    latest_charge,
    pay,
    prepare,
)
from tests.wire.sdk import body_of, header, refused

SHIPPING: Any = {"address": {"city": "Köln", "country": "DE", "line1": "Am Hof 1"}, "name": "Zoë", "phone": "+49 1"}


class TestPaying:
    def test_a_card_is_charged_in_one_request(self, stripe_client: stripe.StripeClient) -> None:
        intent = pay(stripe_client, {"description": "Order 6735", "metadata": {"order": "6735"}})
        sent = body_of(intent)
        assert sent["status"] == "succeeded"
        assert (sent["amount"], sent["amount_received"], sent["amount_capturable"]) == (2000, 2000, 0)
        assert (sent["currency"], sent["livemode"], sent["capture_method"]) == ("usd", False, "automatic_async")
        assert sent["payment_method"].startswith("pm_")
        assert sent["client_secret"].startswith(f"{intent.id}_secret_")
        assert abs(sent["created"] - time.time()) < 60
        charge = body_of(latest_charge(stripe_client, intent))
        assert (charge["amount"], charge["amount_captured"], charge["captured"], charge["paid"]) == (
            2000,
            2000,
            True,
            True,
        )
        assert (charge["payment_intent"], charge["payment_method"]) == (intent.id, sent["payment_method"])
        assert charge["payment_method_details"]["card"]["last4"] == "4242"
        assert charge["outcome"]["type"] == "authorized"
        assert (charge["description"], charge["metadata"]) == ("Order 6735", {"order": "6735"})

    def test_a_card_may_come_with_the_request(self, stripe_client: stripe.StripeClient) -> None:
        data = card_data("5555555555554444") | {"billing_details": {"name": "Ada", "address": {"postal_code": "50667"}}}
        intent = pay(stripe_client, {"payment_method_data": data, "expand": ["payment_method"]})
        method = body_of(intent)["payment_method"]
        assert intent.status == "succeeded"
        assert (method["card"]["brand"], method["card"]["last4"]) == ("mastercard", "4444")
        assert method["billing_details"]["name"] == "Ada"
        charge = body_of(stripe_client.v1.charges.retrieve(str(intent.latest_charge)))
        checks = charge["payment_method_details"]["card"]["checks"]
        assert checks == {"address_line1_check": None, "address_postal_code_check": "pass", "cvc_check": "pass"}

    def test_a_payment_is_told_of(self, stripe_client: stripe.StripeClient) -> None:
        intent = pay(stripe_client)
        told = event_types(stripe_client, {intent.id, str(intent.latest_charge)})
        assert sorted(told) == [
            "charge.succeeded",
            "charge.updated",
            "payment_intent.created",
            "payment_intent.succeeded",
        ]

    def test_an_intent_goes_its_way_step_by_step(self, stripe_client: stripe.StripeClient) -> None:
        intents = stripe_client.v1.payment_intents
        created = prepare(stripe_client, {"automatic_payment_methods": {"enabled": True}})
        assert (created.status, created.payment_method) == ("requires_payment_method", None)
        assert body_of(created)["automatic_payment_methods"] == {"enabled": True, "allow_redirects": "always"}
        updated = intents.update(created.id, {"payment_method": VISA, "amount": 2500})
        assert (updated.status, updated.amount) == ("requires_confirmation", 2500)
        confirmed = intents.confirm(created.id)
        assert (confirmed.status, confirmed.amount_received) == ("succeeded", 2500)
        assert body_of(intents.retrieve(created.id)) == body_of(confirmed)

    def test_a_payment_method_may_come_with_the_confirmation(self, stripe_client: stripe.StripeClient) -> None:
        created = prepare(stripe_client)
        confirmed = stripe_client.v1.payment_intents.confirm(created.id, {"payment_method": "pm_card_mastercard"})
        assert confirmed.status == "succeeded"

    def test_another_card_may_follow_a_declined_one(self, stripe_client: stripe.StripeClient) -> None:
        intents = stripe_client.v1.payment_intents
        created = prepare(stripe_client)
        with declined("card_declined", "generic_decline") as told:
            intents.confirm(created.id, {"payment_method": "pm_card_visa_chargeDeclined"})
        after = intents.retrieve(created.id)
        assert body_of(after) == told.intent
        assert (after.status, after.payment_method) == ("requires_payment_method", None)
        assert after.last_payment_error is not None
        assert after.last_payment_error.charge == after.latest_charge
        paid = intents.confirm(created.id, {"payment_method": VISA})
        assert (paid.status, paid.last_payment_error) == ("succeeded", None)
        charges = stripe_client.v1.charges.list({"payment_intent": created.id}).data
        assert [charge.status for charge in charges] == ["succeeded", "failed"]

    def test_a_decline_at_creation_keeps_the_intent(self, stripe_client: stripe.StripeClient) -> None:
        with declined("card_declined", "insufficient_funds") as told:
            pay(stripe_client, {"payment_method": "pm_card_visa_chargeDeclinedInsufficientFunds"})
        charge = body_of(stripe_client.v1.charges.retrieve(told.error["charge"]))
        assert told.intent["latest_charge"] == charge["id"]
        assert told.intent["last_payment_error"]["payment_method"]["id"] == told.error["payment_method"]["id"]
        assert (charge["status"], charge["paid"], charge["captured"]) == ("failed", False, False)
        assert charge["failure_code"] == "card_declined"
        assert charge["outcome"]["reason"] == "insufficient_funds"
        types = event_types(stripe_client, {told.intent["id"], charge["id"]})
        assert sorted(types) == ["charge.failed", "payment_intent.created", "payment_intent.payment_failed"]

    def test_what_describes_a_payment_is_kept(self, stripe_client: stripe.StripeClient) -> None:
        described: Any = {
            "description": "Two tickets",
            "metadata": {"order": "6735"},
            "receipt_email": "ada@example.com",
            "shipping": SHIPPING,
            "statement_descriptor_suffix": "TICKETS",
            "transfer_group": "group",
        }
        sent = body_of(pay(stripe_client, described))
        assert sent["shipping"]["address"]["city"] == "Köln"
        assert sent["shipping"]["tracking_number"] is None
        for name in ("description", "metadata", "receipt_email", "statement_descriptor_suffix", "transfer_group"):
            assert sent[name] == described[name]
        charge = body_of(stripe_client.v1.charges.retrieve(sent["latest_charge"]))
        for name in ("description", "metadata", "receipt_email", "shipping", "transfer_group"):
            assert charge[name] == sent[name]
        assert "TICKETS" in charge["calculated_statement_descriptor"]


class TestChanging:
    def test_everything_can_be_changed_before_the_payment(self, stripe_client: stripe.StripeClient) -> None:
        created = prepare(stripe_client, {"metadata": {"kept": "1", "gone": "1"}, "description": "old"})
        customer = stripe_client.v1.customers.create()
        changed = stripe_client.v1.payment_intents.update(
            created.id,
            {
                "amount": 3000,
                "currency": "eur",
                "customer": customer.id,
                "description": "",
                "metadata": {"gone": "", "new": "1"},
                "receipt_email": "ada@example.com",
                "setup_future_usage": "off_session",
                "shipping": SHIPPING,
            },
        )
        sent = body_of(changed)
        assert (sent["amount"], sent["currency"], sent["customer"]) == (3000, "eur", customer.id)
        assert (sent["description"], sent["metadata"]) == (None, {"kept": "1", "new": "1"})
        assert (sent["setup_future_usage"], sent["shipping"]["name"]) == ("off_session", "Zoë")
        cleared = stripe_client.v1.payment_intents.update(
            created.id, {"metadata": "", "setup_future_usage": "", "shipping": ""}
        )
        assert body_of(cleared)["metadata"] == {}
        assert (cleared.setup_future_usage, cleared.shipping) == (None, None)

    def test_after_the_payment_only_its_description_can_change(self, stripe_client: stripe.StripeClient) -> None:
        intent = pay(stripe_client)
        changed = stripe_client.v1.payment_intents.update(intent.id, {"description": "late", "metadata": {"a": "1"}})
        assert (changed.description, body_of(changed)["metadata"]) == ("late", {"a": "1"})
        with refused(code="payment_intent_unexpected_state"):
            stripe_client.v1.payment_intents.update(intent.id, {"amount": 1})
        assert stripe_client.v1.payment_intents.retrieve(intent.id).amount == 2000

    @pytest.mark.parametrize("reason", [None, "abandoned", "duplicate", "fraudulent", "requested_by_customer"])
    def test_an_intent_is_canceled_before_its_payment(
        self, stripe_client: stripe.StripeClient, reason: str | None
    ) -> None:
        created = prepare(stripe_client)
        params: Any = {"cancellation_reason": reason} if reason else {}
        canceled = stripe_client.v1.payment_intents.cancel(created.id, params)
        assert (canceled.status, canceled.cancellation_reason) == ("canceled", reason)
        assert canceled.canceled_at is not None
        assert event_types(stripe_client, {created.id}) == ["payment_intent.created", "payment_intent.canceled"]
        with refused(code="payment_intent_unexpected_state"):
            stripe_client.v1.payment_intents.confirm(created.id, {"payment_method": VISA})
        with refused(code="payment_intent_unexpected_state"):
            stripe_client.v1.payment_intents.cancel(created.id)


class TestSaving:
    def test_a_card_that_is_saved_can_be_charged_again_without_its_owner(
        self, stripe_client: stripe.StripeClient
    ) -> None:
        customer = stripe_client.v1.customers.create()
        first = pay(stripe_client, {"customer": customer.id, "setup_future_usage": "off_session"})
        (saved,) = stripe_client.v1.customers.payment_methods.list(customer.id).data
        assert saved.id == first.payment_method
        again = pay(stripe_client, {"customer": customer.id, "payment_method": saved.id, "off_session": True})
        assert (again.status, again.payment_method) == ("succeeded", saved.id)

    def test_a_card_that_is_not_saved_belongs_to_nobody(self, stripe_client: stripe.StripeClient) -> None:
        customer = stripe_client.v1.customers.create()
        pay(stripe_client, {"customer": customer.id})
        assert stripe_client.v1.customers.payment_methods.list(customer.id).data == []

    def test_a_customers_card_needs_its_customer(self, stripe_client: stripe.StripeClient) -> None:
        customer = stripe_client.v1.customers.create()
        method = stripe_client.v1.payment_methods.attach(VISA, {"customer": customer.id})
        with refused(param="payment_method"):
            pay(stripe_client, {"payment_method": method.id})

    def test_a_card_that_always_asks_its_owner_is_declined_without(self, stripe_client: stripe.StripeClient) -> None:
        with declined("authentication_required", "authentication_required") as told:
            pay(stripe_client, {"payment_method": "pm_card_authenticationRequired", "off_session": True})
        assert told.intent["status"] == "requires_payment_method"
        assert told.error["payment_method"]["card"]["last4"] == "3184"


class TestExpanding:
    def test_what_belongs_to_a_payment_comes_with_it(self, stripe_client: stripe.StripeClient) -> None:
        customer = stripe_client.v1.customers.create({"email": "ada@example.com"})
        expand = ["latest_charge.balance_transaction", "payment_method", "customer"]
        sent = body_of(pay(stripe_client, {"customer": customer.id, "expand": expand}))
        transaction = sent["latest_charge"]["balance_transaction"]
        assert (transaction["amount"], transaction["type"]) == (2000, "charge")
        assert transaction["net"] == transaction["amount"] - transaction["fee"]
        assert transaction["source"] == sent["latest_charge"]["id"]
        assert sent["payment_method"]["card"]["last4"] == "4242"
        assert sent["customer"]["email"] == "ada@example.com"
        retrieved: Any = {"expand": expand}
        assert body_of(stripe_client.v1.payment_intents.retrieve(sent["id"], retrieved)) == sent

    def test_members_of_a_list_are_expanded(self, stripe_client: stripe.StripeClient) -> None:
        customer = stripe_client.v1.customers.create()
        pay(stripe_client, {"customer": customer.id})
        page = stripe_client.v1.payment_intents.list(
            {"customer": customer.id, "expand": ["data.latest_charge.balance_transaction", "data.payment_method"]}
        )
        (found,) = body_of(page)["data"]
        assert found["latest_charge"]["balance_transaction"]["amount"] == 2000
        assert found["payment_method"]["object"] == "payment_method"

    def test_a_declined_payment_is_expanded_too(self, stripe_client: stripe.StripeClient) -> None:
        with declined("card_declined", "generic_decline") as told:
            pay(stripe_client, {"payment_method": "pm_card_chargeDeclined", "expand": ["latest_charge"]})
        retrieved = stripe_client.v1.payment_intents.retrieve(told.intent["id"], {"expand": ["latest_charge"]})
        assert body_of(retrieved)["latest_charge"]["status"] == "failed"

    def test_what_cannot_be_expanded_is_refused(self, stripe_client: stripe.StripeClient) -> None:
        with refused(param="expand"):
            prepare(stripe_client, {"expand": ["amount"]})


class TestFinding:
    def test_a_list_has_the_newest_first_in_pages(self, stripe_client: stripe.StripeClient) -> None:
        customer = stripe_client.v1.customers.create()
        made = [prepare(stripe_client, {"customer": customer.id}).id for _ in range(5)][::-1]
        intents = stripe_client.v1.payment_intents
        paged = intents.list({"customer": customer.id, "limit": 2})
        assert (len(paged.data), paged.has_more) == (2, True)
        assert [intent.id for intent in paged.auto_paging_iter()] == made
        after = intents.list({"customer": customer.id, "starting_after": made[2]})
        assert [intent.id for intent in after.data] == made[3:]
        before = intents.list({"customer": customer.id, "ending_before": made[2]})
        assert [intent.id for intent in before.data] == made[:2]

    def test_a_list_is_filtered_by_time(self, stripe_client: stripe.StripeClient) -> None:
        customer = stripe_client.v1.customers.create()
        intent = prepare(stripe_client, {"customer": customer.id})

        def found(created: Any) -> int:
            page = stripe_client.v1.payment_intents.list({"customer": customer.id, "created": created})
            return len(page.data)

        assert found(intent.created) == found({"gte": intent.created}) == 1
        assert found({"lt": intent.created}) == found({"gt": intent.created}) == 0

    @pytest.mark.parametrize(
        "clause",
        [
            "status:'succeeded'",
            "amount:2317",
            "amount>2316 AND amount<2318",
            "currency:'EUR'",
            "customer:'{customer}'",
            "-status:'canceled'",
        ],
    )
    def test_a_payment_is_searched_for(self, stripe_client: stripe.StripeClient, mark: str, clause: str) -> None:
        customer = stripe_client.v1.customers.create()
        described: Any = {"metadata": {"mark": mark}, "currency": "eur", "customer": customer.id}
        wanted = pay(stripe_client, {**described, "amount": 2317})
        other = prepare(stripe_client, {"metadata": {"mark": mark}})
        stripe_client.v1.payment_intents.cancel(other.id)
        query = f"metadata['mark']:'{mark}' AND {clause.format(customer=customer.id)}"
        found = stripe_client.v1.payment_intents.search({"query": query})
        assert [intent.id for intent in found.data] == [wanted.id]

    def test_a_search_goes_on_page_by_page(self, stripe_client: stripe.StripeClient, mark: str) -> None:
        made = {prepare(stripe_client, {"metadata": {"mark": mark}}).id for _ in range(3)}
        page = stripe_client.v1.payment_intents.search({"query": f"metadata['mark']:'{mark}'", "limit": 2})
        assert (len(page.data), page.has_more) == (2, True)
        assert {intent.id for intent in page.auto_paging_iter()} == made


class TestRepeating:
    def test_a_repeated_request_pays_once(self, stripe_client: stripe.StripeClient, mark: str) -> None:
        customer = stripe_client.v1.customers.create()
        first = pay(stripe_client, {"customer": customer.id}, key=mark)
        again = pay(stripe_client, {"customer": customer.id}, key=mark)
        assert body_of(again) == body_of(first)
        assert (header(first, "Idempotent-Replayed"), header(again, "Idempotent-Replayed")) == (None, "true")
        assert len(stripe_client.v1.charges.list({"customer": customer.id}).data) == 1

    def test_of_fifty_clients_with_one_key_one_pays(self, stripe_client: stripe.StripeClient, mark: str) -> None:
        customer = stripe_client.v1.customers.create()

        def attempt(_: int) -> str:
            try:
                return pay(stripe_client, {"customer": customer.id}, key=mark).id
            except stripe.StripeError as error:
                body: Any = error.json_body  # of a 409 the SDK itself reads no code
                assert error.http_status == 409, body
                return str(body["error"]["code"])

        with ThreadPoolExecutor(50) as clients:
            answers = set(clients.map(attempt, range(50)))
        (charge,) = stripe_client.v1.charges.list({"customer": customer.id}).data
        assert answers - {"idempotency_key_in_use"} == {charge.payment_intent}

    def test_a_repeated_decline_is_the_same_decline(self, stripe_client: stripe.StripeClient, mark: str) -> None:
        customer = stripe_client.v1.customers.create()
        told = []
        for _ in range(2):
            with declined("card_declined", "generic_decline") as decline:
                pay(
                    stripe_client,
                    {"customer": customer.id, "payment_method": "pm_card_visa_chargeDeclined"},
                    key=mark,
                )
            told.append(decline.error)
        assert told[0] == told[1]
        assert len(stripe_client.v1.charges.list({"customer": customer.id}).data) == 1

    def test_a_key_belongs_to_its_parameters(self, stripe_client: stripe.StripeClient, mark: str) -> None:
        pay(stripe_client, key=mark)
        with refused(stripe.IdempotencyError, 400, error_type="idempotency_error"):
            pay(stripe_client, {"amount": 2001}, key=mark)

    def test_a_key_belongs_to_its_path(self, stripe_client: stripe.StripeClient, mark: str) -> None:
        created = prepare(stripe_client)
        stripe_client.v1.payment_intents.confirm(created.id, {"payment_method": VISA}, {"idempotency_key": mark})
        with refused(stripe.IdempotencyError, 400, error_type="idempotency_error"):
            stripe_client.v1.payment_intents.cancel(created.id, {}, {"idempotency_key": mark})


def as_named(currency: Currency) -> str:
    return f"{currency.code}-{currency.exponent}"


class TestCurrencies:
    @pytest.mark.parametrize("currency", CURRENCIES.values(), ids=as_named)
    def test_the_least_and_the_most_can_be_paid_and_no_less_or_more(
        self, stripe_client: stripe.StripeClient, currency: Currency
    ) -> None:
        step = 10 if currency.exponent == 3 else 1  # card networks know no thousandths
        least = -(-currency.amount_min // step) * step
        most = currency.amount_max // step * step
        for amount in (least, most):
            assert prepare(stripe_client, {"amount": amount, "currency": currency.code}).amount == amount
        with refused(code="amount_too_large", param="amount"):
            prepare(stripe_client, {"amount": currency.amount_max + step, "currency": currency.code})
        if currency.amount_min > 1:
            with refused(code="amount_too_small", param="amount"):
                prepare(stripe_client, {"amount": currency.amount_min - 1, "currency": currency.code})

    @pytest.mark.parametrize("code", ["jpy", "eur", "kwd", "KWD", "Usd"])
    def test_a_payment_ends_in_its_own_currency(self, stripe_client: stripe.StripeClient, code: str) -> None:
        expand: Any = ["latest_charge.balance_transaction"]
        sent = body_of(pay(stripe_client, {"amount": 5000, "currency": code, "expand": expand}))
        transaction = sent["latest_charge"]["balance_transaction"]
        assert sent["currency"] == sent["latest_charge"]["currency"] == transaction["currency"] == code.lower()
        assert (sent["amount_received"], transaction["amount"]) == (5000, 5000)
        assert transaction["net"] == 5000 - transaction["fee"]

    def test_thousandths_that_no_network_takes_are_refused(self, stripe_client: stripe.StripeClient) -> None:
        with refused(param="amount"):
            prepare(stripe_client, {"amount": 5001, "currency": "kwd"})
