"""Authorise now, capture later, through the official Python SDK: captures, increments, releases."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import stripe

from tests.wire.payments import Json, authorise, event_types, latest_charge, pay
from tests.wire.sdk import body_of, refused

MULTICAPTURE: Any = {"payment_method_options": {"card": {"request_multicapture": "if_available"}}}
SECONDS_OF_A_WEEK = 7 * 24 * 3600


def amounts(intent: Json) -> tuple[str, int, int]:
    return intent["status"], intent["amount_received"], intent["amount_capturable"]


def charge_amounts(charge: Json) -> tuple[int, int, int]:
    return charge["amount"], charge["amount_captured"], charge["amount_refunded"]


class TestCapturing:
    def test_an_authorisation_waits_for_a_week(self, stripe_client: stripe.StripeClient) -> None:
        held = authorise(stripe_client)
        assert amounts(body_of(held)) == ("requires_capture", 0, 2000)
        charge = body_of(latest_charge(stripe_client, held))
        assert (charge["captured"], charge["paid"], charge["balance_transaction"]) == (False, True, None)
        until = charge["payment_method_details"]["card"]["capture_before"]
        assert abs(until - charge["created"] - SECONDS_OF_A_WEEK) < 10

    def test_all_of_it_is_captured(self, stripe_client: stripe.StripeClient) -> None:
        held = authorise(stripe_client)
        captured = stripe_client.v1.payment_intents.capture(held.id)
        assert amounts(body_of(captured)) == ("succeeded", 2000, 0)
        assert captured.latest_charge == held.latest_charge
        charge = body_of(latest_charge(stripe_client, captured))
        assert (charge_amounts(charge), charge["captured"]) == ((2000, 2000, 0), True)
        transaction = stripe_client.v1.balance_transactions.retrieve(charge["balance_transaction"])
        assert (transaction.amount, transaction.source) == (2000, charge["id"])
        assert sorted(event_types(stripe_client, {held.id, charge["id"]})) == [
            "charge.captured",
            "charge.succeeded",
            "payment_intent.amount_capturable_updated",
            "payment_intent.created",
            "payment_intent.succeeded",
        ]

    def test_of_a_part_the_rest_is_released(self, stripe_client: stripe.StripeClient) -> None:
        held = authorise(stripe_client)
        captured = stripe_client.v1.payment_intents.capture(held.id, {"amount_to_capture": 1500})
        assert amounts(body_of(captured)) == ("succeeded", 1500, 0)
        charge = body_of(latest_charge(stripe_client, captured))
        assert (charge_amounts(charge), charge["refunded"]) == ((2000, 1500, 500), False)

    def test_it_is_captured_in_parts(self, stripe_client: stripe.StripeClient) -> None:
        intents = stripe_client.v1.payment_intents
        held = authorise(stripe_client, MULTICAPTURE)
        part: Any = {"amount_to_capture": 700, "final_capture": False}
        assert amounts(body_of(intents.capture(held.id, part))) == ("requires_capture", 700, 1300)
        assert amounts(body_of(intents.capture(held.id, part))) == ("requires_capture", 1400, 600)
        last = intents.capture(held.id, {"amount_to_capture": 500})
        assert amounts(body_of(last)) == ("succeeded", 1900, 0)
        charge = body_of(latest_charge(stripe_client, last))
        assert charge_amounts(charge) == (2000, 1900, 100)
        transactions = stripe_client.v1.balance_transactions.list({"source": charge["id"]}).data
        assert [transaction.amount for transaction in transactions] == [500, 700, 700]

    def test_parts_are_captured_only_where_that_was_asked_for(self, stripe_client: stripe.StripeClient) -> None:
        held = authorise(stripe_client)
        with refused(param="final_capture"):
            stripe_client.v1.payment_intents.capture(held.id, {"amount_to_capture": 1, "final_capture": False})
        assert stripe_client.v1.payment_intents.capture(held.id).status == "succeeded"

    def test_a_charge_is_captured_by_the_older_way(self, stripe_client: stripe.StripeClient) -> None:
        held = authorise(stripe_client)
        charge = stripe_client.v1.charges.capture(str(held.latest_charge), {"amount": 1200})
        assert charge_amounts(body_of(charge)) == (2000, 1200, 800)
        assert amounts(body_of(stripe_client.v1.payment_intents.retrieve(held.id))) == ("succeeded", 1200, 0)
        with refused(code="charge_already_captured"):
            stripe_client.v1.charges.capture(charge.id)

    @pytest.mark.parametrize(
        ("params", "code"),
        [
            ({"amount_to_capture": 2001}, "amount_too_large"),
            ({"amount_to_capture": 0}, "parameter_invalid_integer"),
            ({"amount_to_capture": -1}, "parameter_invalid_integer"),
        ],
        ids=["more", "nothing", "less"],
    )
    def test_a_wrong_amount_is_not_captured(self, stripe_client: stripe.StripeClient, params: Any, code: str) -> None:
        held = authorise(stripe_client)
        with refused(code=code, param="amount_to_capture"):
            stripe_client.v1.payment_intents.capture(held.id, params)
        assert stripe_client.v1.payment_intents.retrieve(held.id).amount_capturable == 2000

    def test_what_is_captured_cannot_be_captured_again(self, stripe_client: stripe.StripeClient) -> None:
        intent = pay(stripe_client)
        with refused(code="payment_intent_unexpected_state"):
            stripe_client.v1.payment_intents.capture(intent.id)

    def test_of_fifty_captures_at_once_one_is_carried_out(self, stripe_client: stripe.StripeClient) -> None:
        held = authorise(stripe_client)

        def capture(_: int) -> str:
            try:
                return stripe_client.v1.payment_intents.capture(held.id, {"amount_to_capture": 1100}).status
            except stripe.StripeError as error:
                assert error.http_status in (400, 409), error
                body: Any = error.json_body  # of a 409 the SDK itself reads no code
                return str(body["error"]["code"])

        with ThreadPoolExecutor(50) as clients:
            answers = list(clients.map(capture, range(50)))
        assert answers.count("succeeded") == 1
        assert set(answers) <= {"succeeded", "payment_intent_unexpected_state", "lock_timeout"}
        charge = body_of(latest_charge(stripe_client, held))
        assert charge_amounts(charge) == (2000, 1100, 900)
        assert len(stripe_client.v1.balance_transactions.list({"source": charge["id"]}).data) == 1

    def test_fifty_parts_at_once_come_to_no_more_than_the_whole(self, stripe_client: stripe.StripeClient) -> None:
        held = authorise(stripe_client, MULTICAPTURE)
        part: Any = {"amount_to_capture": 300, "final_capture": False}

        def capture(_: int) -> int:
            try:
                stripe_client.v1.payment_intents.capture(held.id, part)
            except stripe.StripeError as error:
                assert error.http_status in (400, 409), error
                return 0
            return 300

        with ThreadPoolExecutor(50) as clients:
            captured = sum(clients.map(capture, range(50)))
        after = body_of(stripe_client.v1.payment_intents.retrieve(held.id))
        assert 300 <= captured <= 1800
        assert amounts(after) == ("requires_capture", captured, 2000 - captured)


RAISABLE = {"payment_method_options": {"card": {"request_incremental_authorization": "if_available"}}}


class TestRaising:
    def test_an_authorisation_is_raised_and_captured(self, stripe_client: stripe.StripeClient) -> None:
        intents = stripe_client.v1.payment_intents
        held = authorise(stripe_client, RAISABLE)
        raised = intents.increment_authorization(held.id, {"amount": 2500, "metadata": {"nights": "3"}})
        assert (raised.amount, amounts(body_of(raised))) == (2500, ("requires_capture", 0, 2500))
        assert body_of(raised)["metadata"] == {"nights": "3"}
        charge = body_of(latest_charge(stripe_client, raised))
        assert charge["payment_method_details"]["card"]["amount_authorized"] == 2500
        assert amounts(body_of(intents.capture(held.id))) == ("succeeded", 2500, 0)

    def test_it_is_raised_ten_times_at_most(self, stripe_client: stripe.StripeClient) -> None:
        held = authorise(stripe_client, RAISABLE)
        for amount in range(2001, 2011):
            stripe_client.v1.payment_intents.increment_authorization(held.id, {"amount": amount})
        with refused():
            stripe_client.v1.payment_intents.increment_authorization(held.id, {"amount": 2011})
        assert stripe_client.v1.payment_intents.retrieve(held.id).amount_capturable == 2010

    @pytest.mark.parametrize("amount", [2000, 1999])
    def test_it_is_not_lowered(self, stripe_client: stripe.StripeClient, amount: int) -> None:
        held = authorise(stripe_client, RAISABLE)
        with refused(param="amount"):
            stripe_client.v1.payment_intents.increment_authorization(held.id, {"amount": amount})

    def test_only_what_was_asked_to_be_raisable_is_raised(self, stripe_client: stripe.StripeClient) -> None:
        held = authorise(stripe_client)
        with refused(code="payment_intent_unexpected_state"):
            stripe_client.v1.payment_intents.increment_authorization(held.id, {"amount": 3000})
        assert stripe_client.v1.payment_intents.retrieve(held.id).amount_capturable == 2000

    def test_only_what_waits_for_its_capture_is_raised(self, stripe_client: stripe.StripeClient) -> None:
        with refused(code="payment_intent_unexpected_state"):
            stripe_client.v1.payment_intents.increment_authorization(pay(stripe_client).id, {"amount": 3000})


class TestReleasing:
    def test_an_authorisation_is_released(self, stripe_client: stripe.StripeClient) -> None:
        held = authorise(stripe_client)
        canceled = stripe_client.v1.payment_intents.cancel(held.id, {"cancellation_reason": "requested_by_customer"})
        assert amounts(body_of(canceled)) == ("canceled", 0, 0)
        charge = body_of(latest_charge(stripe_client, held))
        assert (charge_amounts(charge), charge["captured"], charge["refunded"]) == ((2000, 0, 2000), False, True)
        assert "payment_intent.canceled" in event_types(stripe_client, {held.id})
        with refused(code="payment_intent_unexpected_state"):
            stripe_client.v1.payment_intents.capture(held.id)

    def test_what_was_captured_in_part_stays_when_the_rest_is_released(
        self, stripe_client: stripe.StripeClient
    ) -> None:
        held = authorise(stripe_client, MULTICAPTURE)
        stripe_client.v1.payment_intents.capture(held.id, {"amount_to_capture": 700, "final_capture": False})
        released = stripe_client.v1.payment_intents.cancel(held.id)
        assert amounts(body_of(released)) == ("succeeded", 700, 0)
        assert (body_of(released)["canceled_at"], body_of(released)["cancellation_reason"]) == (None, None)
        charge = body_of(latest_charge(stripe_client, held))
        assert (charge_amounts(charge), charge["captured"], charge["refunded"]) == ((2000, 700, 1300), True, False)
        assert "payment_intent.succeeded" in event_types(stripe_client, {held.id})

    def test_a_paid_intent_cannot_be_canceled(self, stripe_client: stripe.StripeClient) -> None:
        with refused(code="payment_intent_unexpected_state"):
            stripe_client.v1.payment_intents.cancel(pay(stripe_client).id)
