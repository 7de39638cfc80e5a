"""Refunds through the official Python SDK."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import stripe

from tests.wire.conftest import Connect, Keys
from tests.wire.payments import Json, authorise, event_types, latest_charge, pay, until
from tests.wire.sdk import body_of, header, refused


def refund(client: stripe.StripeClient, intent: stripe.PaymentIntent, **params: Any) -> stripe.Refund:
    sent: Any = {"payment_intent": intent.id, **params}
    return client.v1.refunds.create(sent)


def charge_of(client: stripe.StripeClient, intent: stripe.PaymentIntent) -> Json:
    return body_of(latest_charge(client, intent))


class TestRefunding:
    def test_all_of_a_payment_goes_back(self, stripe_client: stripe.StripeClient) -> None:
        intent = pay(stripe_client)
        made = refund(stripe_client, intent, reason="requested_by_customer", metadata={"ticket": "7"})
        sent = body_of(made)
        assert (sent["amount"], sent["currency"], sent["status"]) == (2000, "usd", "succeeded")
        assert (sent["payment_intent"], sent["charge"]) == (intent.id, intent.latest_charge)
        assert (sent["reason"], sent["metadata"]) == ("requested_by_customer", {"ticket": "7"})
        charge = charge_of(stripe_client, intent)
        assert (charge["amount_refunded"], charge["refunded"], charge["amount_captured"]) == (2000, True, 2000)
        transaction = stripe_client.v1.balance_transactions.retrieve(sent["balance_transaction"])
        assert (transaction.amount, transaction.type, transaction.source) == (-2000, "refund", made.id)
        assert stripe_client.v1.payment_intents.retrieve(intent.id).status == "succeeded"
        told = event_types(stripe_client, {made.id, charge["id"]})
        assert {"refund.created", "charge.refunded"} <= set(told)

    def test_parts_go_back_until_nothing_is_left(self, stripe_client: stripe.StripeClient) -> None:
        intent = pay(stripe_client)
        assert refund(stripe_client, intent, amount=700).amount == 700
        charge = charge_of(stripe_client, intent)
        assert (charge["amount_refunded"], charge["refunded"]) == (700, False)
        with refused(code="amount_too_large", param="amount"):
            refund(stripe_client, intent, amount=1301)
        assert refund(stripe_client, intent).amount == 1300
        assert charge_of(stripe_client, intent)["refunded"] is True
        with refused(code="charge_already_refunded"):
            refund(stripe_client, intent)

    def test_a_charge_may_be_named_instead(self, stripe_client: stripe.StripeClient) -> None:
        intent = pay(stripe_client)
        made = stripe_client.v1.refunds.create({"charge": str(intent.latest_charge), "amount": 500})
        assert (made.payment_intent, made.amount) == (intent.id, 500)

    def test_of_a_partly_captured_payment_no_more_goes_back_than_was_captured(
        self, stripe_client: stripe.StripeClient
    ) -> None:
        held = authorise(stripe_client)
        stripe_client.v1.payment_intents.capture(held.id, {"amount_to_capture": 1500})
        with refused(code="amount_too_large", param="amount"):
            refund(stripe_client, held, amount=1501)
        assert refund(stripe_client, held).amount == 1500
        charge = charge_of(stripe_client, held)
        assert (charge["amount_refunded"], charge["refunded"]) == (2000, True)

    @pytest.mark.parametrize("currency", ["jpy", "eur", "kwd"])
    def test_it_goes_back_in_its_currency(self, stripe_client: stripe.StripeClient, currency: str) -> None:
        made = refund(stripe_client, pay(stripe_client, {"amount": 5000, "currency": currency}), amount=2000)
        assert (made.currency, made.amount, made.status) == (currency, 2000, "succeeded")

    def test_of_fifty_at_once_one_is_carried_out(self, stripe_client: stripe.StripeClient) -> None:
        intent = pay(stripe_client)

        def attempt(_: int) -> bool:
            try:
                refund(stripe_client, intent)
            except stripe.StripeError as error:
                assert error.http_status in (400, 409), error
                return False
            return True

        with ThreadPoolExecutor(50) as clients:
            assert sum(clients.map(attempt, range(50))) == 1
        assert charge_of(stripe_client, intent)["amount_refunded"] == 2000
        assert len(stripe_client.v1.refunds.list({"payment_intent": intent.id}).data) == 1

    def test_fifty_parts_at_once_come_to_no_more_than_the_whole(self, stripe_client: stripe.StripeClient) -> None:
        intent = pay(stripe_client)

        def attempt(_: int) -> int:
            try:
                return refund(stripe_client, intent, amount=300).amount
            except stripe.StripeError as error:
                assert error.http_status in (400, 409), error
                return 0

        with ThreadPoolExecutor(50) as clients:
            refunded = sum(clients.map(attempt, range(50)))
        charge = charge_of(stripe_client, intent)
        assert 300 <= refunded == charge["amount_refunded"] <= 1800

    def test_a_repeated_request_refunds_once(self, stripe_client: stripe.StripeClient, mark: str) -> None:
        intent = pay(stripe_client)
        params: Any = {"payment_intent": intent.id, "amount": 500}
        first = stripe_client.v1.refunds.create(params, {"idempotency_key": mark})
        again = stripe_client.v1.refunds.create(params, {"idempotency_key": mark})
        assert (again.id, header(again, "Idempotent-Replayed")) == (first.id, "true")
        assert charge_of(stripe_client, intent)["amount_refunded"] == 500


class TestLater:
    def test_a_pending_refund_succeeds_later(self, stripe_client: stripe.StripeClient) -> None:
        intent = pay(stripe_client, {"payment_method": "pm_card_pendingRefund"})
        made = refund(stripe_client, intent)
        assert (made.status, made.pending_reason) == ("pending", "processing")

        def ended() -> bool:
            return stripe_client.v1.refunds.retrieve(made.id).status == "succeeded"

        until(ended, "the refund")
        assert "refund.updated" in event_types(stripe_client, {made.id})
        assert charge_of(stripe_client, intent)["refunded"] is True

    def test_a_refund_that_fails_brings_the_money_back(self, stripe_client: stripe.StripeClient) -> None:
        intent = pay(stripe_client, {"payment_method": "pm_card_refundFail"})
        made = refund(stripe_client, intent)
        assert made.status == "succeeded"

        def failed() -> stripe.Refund | None:
            now = stripe_client.v1.refunds.retrieve(made.id)
            return now if now.status == "failed" else None

        after = until(failed, "the failure")
        assert after.failure_reason is not None
        back = stripe_client.v1.balance_transactions.retrieve(str(after.failure_balance_transaction))
        assert (back.amount, back.type) == (2000, "refund_failure")
        charge = charge_of(stripe_client, intent)
        assert (charge["amount_refunded"], charge["refunded"]) == (0, False)
        assert "refund.failed" in event_types(stripe_client, {made.id})


class TestKeeping:
    def test_only_its_metadata_can_change(self, stripe_client: stripe.StripeClient) -> None:
        made = refund(stripe_client, pay(stripe_client), metadata={"kept": "1", "gone": "1"})
        changed = stripe_client.v1.refunds.update(made.id, {"metadata": {"gone": "", "new": "1"}})
        assert body_of(changed)["metadata"] == {"kept": "1", "new": "1"}
        assert body_of(stripe_client.v1.refunds.retrieve(made.id)) == body_of(changed)
        wrong: Any = {"amount": 1}
        with refused(code="parameter_unknown", param="amount"):
            stripe_client.v1.refunds.update(made.id, wrong)

    def test_a_refund_to_a_card_cannot_be_canceled(self, stripe_client: stripe.StripeClient) -> None:
        made = refund(stripe_client, pay(stripe_client))
        with refused():
            stripe_client.v1.refunds.cancel(made.id)

    def test_they_are_listed_by_what_they_belong_to(self, stripe_client: stripe.StripeClient) -> None:
        intent = pay(stripe_client)
        made = [refund(stripe_client, intent, amount=100).id for _ in range(3)][::-1]
        page = stripe_client.v1.refunds.list({"payment_intent": intent.id, "limit": 2})
        assert page.has_more
        assert [found.id for found in page.auto_paging_iter()] == made
        of_charge = stripe_client.v1.refunds.list({"charge": str(intent.latest_charge)})
        assert [found.id for found in of_charge.data] == made

    def test_what_belongs_to_it_comes_with_it(self, stripe_client: stripe.StripeClient) -> None:
        intent = pay(stripe_client)
        made = body_of(refund(stripe_client, intent, expand=["charge", "payment_intent", "balance_transaction"]))
        assert made["charge"]["amount_refunded"] == 2000
        assert made["payment_intent"]["id"] == intent.id
        assert made["balance_transaction"]["amount"] == -2000
        of_charge = stripe_client.v1.charges.retrieve(str(intent.latest_charge), {"expand": ["refunds"]})
        assert [found["id"] for found in body_of(of_charge)["refunds"]["data"]] == [made["id"]]


class TestRefusing:
    @pytest.mark.parametrize(
        ("params", "code", "param"),
        [
            ({"amount": 0}, "parameter_invalid_integer", "amount"),
            ({"amount": -1}, "parameter_invalid_integer", "amount"),
            ({"amount": 2001}, "amount_too_large", "amount"),
            ({"amount": 10.5}, "parameter_invalid_integer", "amount"),
            ({"reason": "bored"}, None, "reason"),
            ({"currency": "usd"}, "parameter_unknown", "currency"),
            ({"charge": "ch_1"}, None, None),
        ],
        ids=str,
    )
    def test_a_wrong_refund_is_not_made(
        self, stripe_client: stripe.StripeClient, params: Any, code: str | None, param: str | None
    ) -> None:
        intent = pay(stripe_client)
        with refused(code=code, param=param):
            refund(stripe_client, intent, **params)
        assert charge_of(stripe_client, intent)["amount_refunded"] == 0

    def test_nothing_to_refund_is_named(self, stripe_client: stripe.StripeClient) -> None:
        with refused(code="parameter_missing"):
            stripe_client.v1.refunds.create({})
        with refused(status=404, code="resource_missing", param="payment_intent"):
            stripe_client.v1.refunds.create({"payment_intent": "pi_doesnotexist"})
        with refused(status=404, code="resource_missing", param="charge"):
            stripe_client.v1.refunds.create({"charge": "ch_doesnotexist"})
        with refused(status=404, code="resource_missing"):
            stripe_client.v1.refunds.retrieve("re_doesnotexist")

    def test_what_is_not_captured_cannot_go_back(self, stripe_client: stripe.StripeClient) -> None:
        held = authorise(stripe_client)
        with refused():
            refund(stripe_client, held)
        stripe_client.v1.payment_intents.cancel(held.id)
        with refused():
            refund(stripe_client, held)

    @pytest.mark.parametrize("stranger", ["live_secret", "other_organisation"])
    def test_strangers_cannot_refund(
        self, stripe_client: stripe.StripeClient, connect: Connect, keys: Keys, stranger: str
    ) -> None:
        intent = pay(stripe_client)
        other = connect(getattr(keys, stranger))
        with refused(status=404, code="resource_missing"):
            refund(other, intent)
        made = refund(stripe_client, intent)
        with refused(status=404, code="resource_missing"):
            other.v1.refunds.retrieve(made.id)

    def test_a_browser_cannot_refund(self, stripe_client: stripe.StripeClient, browser: stripe.StripeClient) -> None:
        with refused(stripe.PermissionError, 403):
            refund(browser, pay(stripe_client))
