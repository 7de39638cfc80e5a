"""Who may see and do what: publishable keys with a secret, test and live, one organisation and another."""

from collections.abc import Callable
from typing import Any

import pytest
import stripe

from tests.wire.conftest import Connect, Keys
from tests.wire.payments import VISA, authorise, card_data, challenge_url, declined, pay, prepare, visit
from tests.wire.sdk import body_of, refused

PUBLIC = {
    "amount",
    "amount_details",
    "automatic_payment_methods",
    "canceled_at",
    "cancellation_reason",
    "capture_method",
    "client_secret",
    "confirmation_method",
    "created",
    "currency",
    "description",
    "id",
    "last_payment_error",
    "livemode",
    "next_action",
    "object",
    "payment_method",
    "payment_method_configuration_details",
    "payment_method_types",
    "processing",
    "receipt_email",
    "setup_future_usage",
    "shipping",
    "source",
    "status",
}
"""What the customer's browser sees of an intent: never its metadata, its customer or its charge."""


def with_secret(intent: stripe.PaymentIntent, params: Any = None) -> Any:
    return {"client_secret": intent.client_secret, **(params or {})}


class TestBrowser:
    def test_it_pays_with_the_secret_of_one_intent(
        self, stripe_client: stripe.StripeClient, browser: stripe.StripeClient
    ) -> None:
        created = prepare(stripe_client, {"metadata": {"margin": "80 %"}})
        seen = browser.v1.payment_intents.retrieve(created.id, with_secret(created))
        assert body_of(seen).keys() == PUBLIC
        card = with_secret(created, {"payment_method_data": card_data("4242424242424242")})
        paid = browser.v1.payment_intents.confirm(created.id, card)
        assert body_of(paid).keys() == PUBLIC
        assert paid.status == "succeeded"
        assert stripe_client.v1.payment_intents.retrieve(created.id).amount_received == 2000

    def test_it_makes_the_payment_method_itself(
        self, stripe_client: stripe.StripeClient, browser: stripe.StripeClient
    ) -> None:
        data: Any = card_data("4242424242424242")
        method = browser.v1.payment_methods.create(data)
        assert pay(stripe_client, {"payment_method": method.id}).status == "succeeded"
        token = browser.v1.tokens.create({"card": data["card"]})
        by_token = {"type": "card", "card": {"token": token.id}}
        assert pay(stripe_client, {"payment_method_data": by_token}).status == "succeeded"

    def test_it_sends_its_customer_to_authenticate(
        self, stripe_client: stripe.StripeClient, browser: stripe.StripeClient
    ) -> None:
        created = prepare(stripe_client)
        asked = browser.v1.payment_intents.confirm(
            created.id, with_secret(created, {"payment_method": "pm_card_authenticationRequired"})
        )
        assert asked.status == "requires_action"
        visit(challenge_url(asked), "passed")
        assert browser.v1.payment_intents.retrieve(created.id, with_secret(created)).status == "succeeded"

    def test_it_is_told_of_a_decline_no_more_than_of_a_success(
        self, stripe_client: stripe.StripeClient, browser: stripe.StripeClient
    ) -> None:
        created = prepare(stripe_client, {"metadata": {"margin": "80 %"}})
        with declined("card_declined", "generic_decline") as told:
            browser.v1.payment_intents.confirm(
                created.id, with_secret(created, {"payment_method": "pm_card_visa_chargeDeclined"})
            )
        assert told.intent.keys() == PUBLIC
        assert told.error["payment_method"].keys() == {"id", "object", "created", "livemode", "type"}
        shown = told.intent["last_payment_error"]["payment_method"]
        assert (shown["card"]["last4"], shown["card"]["fingerprint"], shown["metadata"]) == ("0002", None, {})
        seen = browser.v1.payment_intents.retrieve(created.id, with_secret(created))
        assert body_of(seen)["last_payment_error"]["payment_method"]["card"]["fingerprint"] is None

    def test_the_secret_of_another_intent_opens_nothing(
        self, stripe_client: stripe.StripeClient, browser: stripe.StripeClient
    ) -> None:
        one, other = prepare(stripe_client), prepare(stripe_client)
        with refused(status=404, code="resource_missing"):
            browser.v1.payment_intents.retrieve(one.id, with_secret(other))
        with refused(status=404, code="resource_missing"):
            browser.v1.payment_intents.confirm(one.id, with_secret(other, {"payment_method": VISA}))
        assert stripe_client.v1.payment_intents.retrieve(one.id).status == "requires_payment_method"

    def test_without_a_secret_it_sees_nothing(
        self, stripe_client: stripe.StripeClient, browser: stripe.StripeClient
    ) -> None:
        with refused(code="parameter_missing", param="client_secret"):
            browser.v1.payment_intents.retrieve(prepare(stripe_client).id)

    def test_manual_confirmation_is_the_servers_alone(
        self, stripe_client: stripe.StripeClient, browser: stripe.StripeClient
    ) -> None:
        created = prepare(stripe_client, {"confirmation_method": "manual"})
        with refused():
            browser.v1.payment_intents.confirm(created.id, with_secret(created, {"payment_method": VISA}))

    @pytest.mark.parametrize(
        "call",
        [
            lambda v1, intent: v1.payment_intents.create({"amount": 2000, "currency": "usd"}),
            lambda v1, intent: v1.payment_intents.update(intent.id, {"amount": 1}),
            lambda v1, intent: v1.payment_intents.capture(intent.id),
            lambda v1, intent: v1.payment_intents.cancel(intent.id),
            lambda v1, intent: v1.payment_intents.increment_authorization(intent.id, {"amount": 3000}),
            lambda v1, intent: v1.payment_intents.list(),
            lambda v1, intent: v1.payment_intents.search({"query": "status:'succeeded'"}),
            lambda v1, intent: v1.charges.retrieve(intent.latest_charge),
            lambda v1, intent: v1.charges.list(),
            lambda v1, intent: v1.payment_methods.retrieve(intent.payment_method),
            lambda v1, intent: v1.payment_methods.attach(intent.payment_method, {"customer": "cus_1"}),
            lambda v1, intent: v1.balance.retrieve(),
            lambda v1, intent: v1.balance_transactions.list(),
            lambda v1, intent: v1.events.list(),
        ],
    )
    def test_all_else_is_closed_to_it(
        self,
        stripe_client: stripe.StripeClient,
        browser: stripe.StripeClient,
        call: Callable[[Any, stripe.PaymentIntent], object],
    ) -> None:
        intent = authorise(stripe_client)
        with refused(stripe.PermissionError, 403):
            call(browser.v1, intent)
        assert stripe_client.v1.payment_intents.retrieve(intent.id).status == "requires_capture"


class TestStrangers:
    @pytest.mark.parametrize("stranger", ["live_secret", "other_organisation"])
    def test_they_find_nothing(
        self, stripe_client: stripe.StripeClient, connect: Connect, keys: Keys, stranger: str
    ) -> None:
        """The other mode, and another organisation: what is not theirs does not exist for them."""
        customer = stripe_client.v1.customers.create()
        intent = authorise(stripe_client, {"customer": customer.id})
        charge_id, method_id = str(intent.latest_charge), str(intent.payment_method)
        transaction_id = body_of(pay(stripe_client, {"expand": ["latest_charge"]}))["latest_charge"][
            "balance_transaction"
        ]
        other = connect(getattr(keys, stranger)).v1
        attempts: list[Callable[[], object]] = [
            lambda: other.payment_intents.retrieve(intent.id),
            lambda: other.payment_intents.update(intent.id, {"description": "x"}),
            lambda: other.payment_intents.confirm(intent.id),
            lambda: other.payment_intents.capture(intent.id),
            lambda: other.payment_intents.cancel(intent.id),
            lambda: other.payment_intents.increment_authorization(intent.id, {"amount": 3000}),
            lambda: other.payment_intents.list({"starting_after": intent.id}),
            lambda: other.charges.retrieve(charge_id),
            lambda: other.charges.update(charge_id, {"description": "x"}),
            lambda: other.charges.capture(charge_id),
            lambda: other.payment_methods.retrieve(method_id),
            lambda: other.payment_methods.list({"customer": customer.id}),
            lambda: other.customers.payment_methods.list(customer.id),
            lambda: other.balance_transactions.retrieve(transaction_id),
            lambda: other.payment_intents.create({"amount": 2000, "currency": "usd", "customer": customer.id}),
            lambda: other.payment_intents.create({"amount": 2000, "currency": "usd", "payment_method": method_id}),
        ]
        for attempt in attempts:
            with refused(status=404, code="resource_missing"):
                attempt()
        assert stripe_client.v1.payment_intents.retrieve(intent.id).status == "requires_capture"
        assert other.payment_intents.list({"customer": customer.id}).data == []
        assert other.charges.list({"payment_intent": intent.id}).data == []

    def test_one_idempotency_key_is_not_another_organisations(
        self, stripe_client: stripe.StripeClient, connect: Connect, keys: Keys, mark: str
    ) -> None:
        mine = pay(stripe_client, key=mark)
        theirs = pay(connect(keys.other_organisation), key=mark)
        assert theirs.id != mine.id


class TestModes:
    def test_a_test_card_is_no_card_in_live_mode(self, connect: Connect, keys: Keys) -> None:
        live = connect(keys.live_secret)
        with declined("card_declined", "live_mode_test_card"):
            pay(live, {"payment_method_data": card_data("4242424242424242")})
        data: Any = card_data("4242424242424242")
        with declined("card_declined", "live_mode_test_card"):
            connect(keys.live_publishable).v1.payment_methods.create(data)

    def test_a_live_card_is_no_card_in_test_mode(self, stripe_client: stripe.StripeClient) -> None:
        with declined("card_declined", "test_mode_live_card"):
            pay(stripe_client, {"payment_method_data": card_data("4539578763621486")})

    def test_the_names_of_test_cards_mean_nothing_in_live_mode(self, connect: Connect, keys: Keys) -> None:
        live = connect(keys.live_secret)
        with refused(status=404, code="resource_missing", param="payment_method"):
            pay(live)
        token: Any = {"type": "card", "card": {"token": "tok_visa"}}
        with refused(status=404, code="resource_missing", param="card[token]"):
            live.v1.payment_methods.create(token)

    def test_a_live_object_says_so(self, connect: Connect, keys: Keys) -> None:
        live = connect(keys.live_secret)
        created = prepare(live)
        assert created.livemode is True
        assert live.v1.balance.retrieve().livemode is True
        (event,) = [
            event
            for event in live.v1.events.list({"type": "payment_intent.created"}).data
            if event.to_dict()["data"]["object"]["id"] == created.id
        ]
        assert event.livemode is True
