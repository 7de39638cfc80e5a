"""Setup intents through the official Python SDK: cards saved without a payment."""

from typing import Any

import pytest
import stripe

from tests.wire.conftest import Connect, Keys
from tests.wire.payments import (
    RETURN_URL,
    VISA,
    card_data,
    challenge_url,
    declined,
    event_types,
    pay,
    visit,
)
from tests.wire.sdk import body_of, header, refused

ALWAYS = "pm_card_authenticationRequired"
PUBLIC = {
    "automatic_payment_methods",
    "cancellation_reason",
    "client_secret",
    "created",
    "description",
    "id",
    "last_setup_error",
    "livemode",
    "next_action",
    "object",
    "payment_method",
    "payment_method_configuration_details",
    "payment_method_types",
    "status",
    "usage",
}


def prepare(client: stripe.StripeClient, params: Any = None, key: str | None = None) -> stripe.SetupIntent:
    sent: Any = params or {}
    return client.v1.setup_intents.create(sent, {"idempotency_key": key} if key else None)


def confirm(client: stripe.StripeClient, params: Any = None, key: str | None = None) -> stripe.SetupIntent:
    return prepare(client, {"payment_method": VISA, "confirm": True, **(params or {})}, key)


def with_secret(setup: stripe.SetupIntent, params: Any = None) -> Any:
    return {"client_secret": setup.client_secret, **(params or {})}


class TestSaving:
    def test_a_card_is_saved_in_one_request_and_charged_later(self, stripe_client: stripe.StripeClient) -> None:
        customer = stripe_client.v1.customers.create()
        setup = confirm(stripe_client, {"customer": customer.id, "metadata": {"plan": "gold"}})
        sent = body_of(setup)
        assert (sent["status"], sent["usage"], sent["customer"]) == ("succeeded", "off_session", customer.id)
        assert (sent["metadata"], sent["next_action"]) == ({"plan": "gold"}, None)
        (saved,) = stripe_client.v1.customers.payment_methods.list(customer.id).data
        assert saved.id == setup.payment_method
        paid = pay(stripe_client, {"customer": customer.id, "payment_method": saved.id, "off_session": True})
        assert paid.status == "succeeded"
        assert sorted(event_types(stripe_client, {setup.id, saved.id})) == [
            "payment_method.attached",
            "setup_intent.created",
            "setup_intent.succeeded",
        ]

    def test_it_goes_its_way_step_by_step(self, stripe_client: stripe.StripeClient) -> None:
        setups = stripe_client.v1.setup_intents
        created = prepare(stripe_client, {"usage": "on_session"})
        assert (created.status, created.usage) == ("requires_payment_method", "on_session")
        updated = setups.update(
            created.id, {"payment_method": VISA, "description": "Gold plan", "metadata": {"a": "1"}}
        )
        assert (updated.status, updated.description) == ("requires_confirmation", "Gold plan")
        confirmed = setups.confirm(created.id)
        assert confirmed.status == "succeeded"
        assert body_of(setups.retrieve(created.id)) == body_of(confirmed)
        with refused(code="setup_intent_unexpected_state"):
            setups.confirm(created.id)
        with refused(code="setup_intent_unexpected_state"):
            setups.cancel(created.id)

    def test_a_card_may_come_with_the_request(self, stripe_client: stripe.StripeClient) -> None:
        data = card_data("5555555555554444")
        setup = prepare(stripe_client, {"payment_method_data": data, "confirm": True, "expand": ["payment_method"]})
        assert body_of(setup)["payment_method"]["card"]["last4"] == "4444"

    def test_no_money_moves(self, stripe_client: stripe.StripeClient) -> None:
        customer = stripe_client.v1.customers.create()
        confirm(stripe_client, {"customer": customer.id})
        assert stripe_client.v1.charges.list({"customer": customer.id}).data == []

    def test_a_repeated_request_saves_once(self, stripe_client: stripe.StripeClient, mark: str) -> None:
        customer = stripe_client.v1.customers.create()
        first = confirm(stripe_client, {"customer": customer.id}, mark)
        again = confirm(stripe_client, {"customer": customer.id}, mark)
        assert (again.id, header(again, "Idempotent-Replayed")) == (first.id, "true")
        assert len(stripe_client.v1.customers.payment_methods.list(customer.id).data) == 1
        with refused(stripe.IdempotencyError, 400, error_type="idempotency_error"):
            confirm(stripe_client, {}, mark)

    @pytest.mark.parametrize("reason", [None, "abandoned", "duplicate", "requested_by_customer"])
    def test_it_is_canceled(self, stripe_client: stripe.StripeClient, reason: str | None) -> None:
        created = prepare(stripe_client)
        params: Any = {"cancellation_reason": reason} if reason else {}
        canceled = stripe_client.v1.setup_intents.cancel(created.id, params)
        assert (canceled.status, canceled.cancellation_reason) == ("canceled", reason)
        with refused(code="setup_intent_unexpected_state"):
            stripe_client.v1.setup_intents.confirm(created.id, {"payment_method": VISA})
        assert event_types(stripe_client, {created.id}) == ["setup_intent.created", "setup_intent.canceled"]


class TestDeclines:
    def test_a_card_that_cannot_be_saved_is_declined(self, stripe_client: stripe.StripeClient) -> None:
        customer = stripe_client.v1.customers.create()
        with declined("card_declined", "generic_decline") as told:
            confirm(stripe_client, {"customer": customer.id, "payment_method": "pm_card_visa_chargeDeclined"})
        setup = told.error["setup_intent"]
        assert (setup["status"], setup["payment_method"]) == ("requires_payment_method", None)
        assert setup["last_setup_error"]["decline_code"] == "generic_decline"
        assert setup["last_setup_error"]["payment_method"]["id"] == told.error["payment_method"]["id"]
        assert body_of(stripe_client.v1.setup_intents.retrieve(setup["id"])) == setup
        assert stripe_client.v1.customers.payment_methods.list(customer.id).data == []
        assert "setup_intent.setup_failed" in event_types(stripe_client, {setup["id"]})
        again = stripe_client.v1.setup_intents.confirm(setup["id"], {"payment_method": VISA})
        assert (again.status, again.last_setup_error) == ("succeeded", None)

    def test_a_card_whose_charge_fails_is_saved(self, stripe_client: stripe.StripeClient) -> None:
        customer = stripe_client.v1.customers.create()
        setup = confirm(stripe_client, {"customer": customer.id, "payment_method": "pm_card_chargeCustomerFail"})
        with declined("card_declined", "generic_decline"):
            pay(stripe_client, {"customer": customer.id, "payment_method": setup.payment_method, "off_session": True})

    @pytest.mark.parametrize(
        ("params", "code", "param", "status"),
        [
            ({"customer": "cus_doesnotexist"}, "resource_missing", "customer", 404),
            ({"payment_method": "pm_doesnotexist"}, "resource_missing", "payment_method", 404),
            ({"payment_method": ""}, "setup_intent_unexpected_state", "payment_method", 400),
            ({"usage": "sometimes"}, None, "usage", 400),
            ({"amount": 5}, "parameter_unknown", "amount", 400),
            ({"return_url": "javascript:alert(1)"}, "url_invalid", "return_url", 400),
            ({"payment_method_types": ["sepa_debit"]}, None, "payment_method_types", 400),
        ],
        ids=str,
    )
    def test_a_mistake_is_named(
        self, stripe_client: stripe.StripeClient, params: Any, code: str | None, param: str, status: int
    ) -> None:
        with refused(status=status, code=code, param=param):
            confirm(stripe_client, params)


class TestAuthenticating:
    def test_a_customer_authenticates_and_comes_back(self, stripe_client: stripe.StripeClient) -> None:
        customer = stripe_client.v1.customers.create()
        setup = confirm(stripe_client, {"customer": customer.id, "payment_method": ALWAYS, "return_url": RETURN_URL})
        assert setup.status == "requires_action"
        assert stripe_client.v1.customers.payment_methods.list(customer.id).data == []
        assert visit(challenge_url(setup)).status == 200
        back = visit(challenge_url(setup), "passed")
        assert back.told["setup_intent"] == setup.id
        assert (back.told["redirect_status"], back.told["order"]) == ("succeeded", "6735")
        after = stripe_client.v1.setup_intents.retrieve(setup.id)
        assert (after.status, after.next_action) == ("succeeded", None)
        (saved,) = stripe_client.v1.customers.payment_methods.list(customer.id).data
        assert saved.id == after.payment_method

    def test_a_customer_who_fails_saves_nothing(self, stripe_client: stripe.StripeClient) -> None:
        customer = stripe_client.v1.customers.create()
        setup = confirm(stripe_client, {"customer": customer.id, "payment_method": ALWAYS})
        visit(challenge_url(setup), "failed")
        after = stripe_client.v1.setup_intents.retrieve(setup.id)
        assert (after.status, after.payment_method) == ("requires_payment_method", None)
        assert after.last_setup_error is not None
        assert after.last_setup_error.code == "setup_intent_authentication_failure"
        assert stripe_client.v1.customers.payment_methods.list(customer.id).data == []

    def test_a_card_set_up_is_charged_without_its_owner(self, stripe_client: stripe.StripeClient) -> None:
        customer = stripe_client.v1.customers.create()
        setup = confirm(
            stripe_client,
            {"customer": customer.id, "payment_method": "pm_card_authenticationRequiredOnSetup"},
        )
        visit(challenge_url(setup), "passed")
        method = stripe_client.v1.setup_intents.retrieve(setup.id).payment_method
        paid = pay(stripe_client, {"customer": customer.id, "payment_method": method, "off_session": True})
        assert paid.status == "succeeded"

    def test_a_browser_sets_up_with_the_secret_of_one_setup(
        self, stripe_client: stripe.StripeClient, browser: stripe.StripeClient
    ) -> None:
        created, other = prepare(stripe_client, {"metadata": {"plan": "gold"}}), prepare(stripe_client)
        assert body_of(browser.v1.setup_intents.retrieve(created.id, with_secret(created))).keys() == PUBLIC
        data: Any = {"payment_method_data": card_data("4242424242424242")}
        with refused(status=404, code="resource_missing"):
            browser.v1.setup_intents.confirm(created.id, with_secret(other, data))
        with refused(code="parameter_missing", param="client_secret"):
            browser.v1.setup_intents.confirm(created.id, data)
        with refused(stripe.PermissionError, 403):
            browser.v1.setup_intents.cancel(created.id)
        confirmed = browser.v1.setup_intents.confirm(created.id, with_secret(created, data))
        assert body_of(confirmed).keys() == PUBLIC
        assert confirmed.status == "succeeded"


class TestFinding:
    def test_they_are_listed_by_what_they_belong_to(self, stripe_client: stripe.StripeClient) -> None:
        customer = stripe_client.v1.customers.create()
        made = [prepare(stripe_client, {"customer": customer.id}).id for _ in range(3)][::-1]
        page = stripe_client.v1.setup_intents.list({"customer": customer.id, "limit": 2})
        assert [found.id for found in page.auto_paging_iter()] == made
        setup = confirm(stripe_client, {"customer": customer.id})
        of_method = stripe_client.v1.setup_intents.list({"payment_method": str(setup.payment_method)})
        assert [found.id for found in of_method.data] == [setup.id]

    def test_what_belongs_to_it_comes_with_it(self, stripe_client: stripe.StripeClient) -> None:
        customer = stripe_client.v1.customers.create({"email": "ada@example.com"})
        setup = confirm(stripe_client, {"customer": customer.id, "expand": ["customer", "payment_method"]})
        sent = body_of(setup)
        assert sent["customer"]["email"] == "ada@example.com"
        assert sent["payment_method"]["customer"] == customer.id

    @pytest.mark.parametrize("stranger", ["live_secret", "other_organisation"])
    def test_strangers_find_nothing(
        self, stripe_client: stripe.StripeClient, connect: Connect, keys: Keys, stranger: str
    ) -> None:
        created, other = prepare(stripe_client), connect(getattr(keys, stranger)).v1.setup_intents
        for attempt in (other.retrieve, other.confirm, other.cancel, other.update):
            with refused(status=404, code="resource_missing"):
                attempt(created.id)
