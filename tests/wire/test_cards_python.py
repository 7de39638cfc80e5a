"""Every test card, by its number and by each of its names, behaves as its row of the table says."""

from typing import Any

import pytest
import stripe

import piggybank_cards
from bursar.connectors.declines import CARD_DECLINES, DECLINES, DeclineRow
from piggybank_cards import TestCard
from tests.wire.payments import VISA, card_data, challenge_url, declined, pay, visit
from tests.wire.sdk import body_of, refused

INVALID = "invalid_number"  # the one card that is no card: it is refused before any bank sees it
CHALLENGED = ("required", "required_unless_set_up", "required_on_session")
NAMED = [(suffix, card) for card in piggybank_cards.ALL for suffix in card.suffixes]
NUMBERED = [card for card in piggybank_cards.ALL if card.decline != INVALID]
ADDRESS = {"address": {"line1": "Am Hof 1", "postal_code": "50667"}}


def by_number(card: TestCard) -> str:
    return card.number


def row_of(card: TestCard) -> DeclineRow:
    return DECLINES[card.decline or card.decline_after_authentication or ""]


def pay_as_the_row_says(client: stripe.StripeClient, card: TestCard, params: Any) -> stripe.PaymentIntent | None:
    """Pays, or sees the decline that the row promises; a customer who is asked to authenticate does so."""
    if card.decline is not None:
        row = row_of(card)
        with declined(row.error_code, row.decline_code, param=row.param) as told:
            pay(client, params)
        outcome = body_of(client.v1.charges.retrieve(told.error["charge"]))["outcome"]
        assert (outcome["type"], outcome["reason"]) == (row.outcome_type, row.outcome_reason)
        return None
    intent = pay(client, params)
    if card.three_d_secure in CHALLENGED and not card.frictionless:
        assert intent.status == "requires_action"
        visit(challenge_url(intent), "passed")
        intent = client.v1.payment_intents.retrieve(intent.id)
    if card.decline_after_authentication is not None:
        assert intent.status == "requires_payment_method"
        assert intent.last_payment_error is not None
        assert intent.last_payment_error.decline_code == row_of(card).decline_code
        return None
    assert intent.status == "succeeded"
    return intent


@pytest.mark.parametrize("card", NUMBERED, ids=by_number)
def test_a_number_behaves_as_its_row_says(stripe_client: stripe.StripeClient, card: TestCard) -> None:
    intent = pay_as_the_row_says(
        stripe_client, card, {"payment_method_data": card_data(card.number) | {"billing_details": ADDRESS}}
    )
    if intent is None:
        return
    charge = body_of(stripe_client.v1.charges.retrieve(str(intent.latest_charge)))
    shown = charge["payment_method_details"]["card"]
    assert (shown["brand"], shown["funding"], shown["country"], shown["last4"]) == (
        card.brand,
        card.funding,
        card.country,
        card.number[-4:],
    )
    assert shown["checks"] == {
        "address_line1_check": card.line1_check or "pass",
        "address_postal_code_check": card.postal_check or "pass",
        "cvc_check": card.cvc_check or "pass",
    }
    assert charge["outcome"]["risk_level"] == card.risk
    was_authenticated = shown["three_d_secure"] is not None and shown["three_d_secure"]["result"] == "authenticated"
    assert was_authenticated == (card.three_d_secure in CHALLENGED)


@pytest.mark.parametrize(("suffix", "card"), NAMED, ids=[suffix for suffix, _ in NAMED])
def test_a_named_payment_method_behaves_as_its_row_says(
    stripe_client: stripe.StripeClient, suffix: str, card: TestCard
) -> None:
    pay_as_the_row_says(stripe_client, card, {"payment_method": f"pm_card_{suffix}"})


@pytest.mark.parametrize(("suffix", "card"), NAMED, ids=[suffix for suffix, _ in NAMED])
def test_a_named_token_is_the_same_card(stripe_client: stripe.StripeClient, suffix: str, card: TestCard) -> None:
    token: Any = {"type": "card", "card": {"token": f"tok_{suffix}"}}
    method = body_of(stripe_client.v1.payment_methods.create(token))
    assert (method["card"]["brand"], method["card"]["last4"]) == (card.brand, card.number[-4:])


@pytest.mark.parametrize("card", NUMBERED, ids=by_number)
def test_a_card_is_attached_where_its_row_lets_it(stripe_client: stripe.StripeClient, card: TestCard) -> None:
    customer = stripe_client.v1.customers.create()
    data: Any = card_data(card.number)
    method = stripe_client.v1.payment_methods.create(data)
    if card.attachable:
        attached = stripe_client.v1.payment_methods.attach(method.id, {"customer": customer.id})
        assert attached.customer == customer.id
        return
    row = row_of(card)
    with declined(row.error_code, row.decline_code, param=row.param):
        stripe_client.v1.payment_methods.attach(method.id, {"customer": customer.id})
    assert stripe_client.v1.customers.payment_methods.list(customer.id).data == []


@pytest.mark.parametrize("card", piggybank_cards.DECLINE_CARDS, ids=lambda card: str(card.decline))
def test_any_reason_for_a_decline_can_be_had(stripe_client: stripe.StripeClient, card: TestCard) -> None:
    row = row_of(card)
    with declined(row.error_code, row.decline_code, param=row.param) as told:
        pay(stripe_client, {"payment_method_data": card_data(card.number)})
    remembered = told.intent["last_payment_error"]
    assert (remembered["code"], remembered["decline_code"]) == (row.error_code, row.decline_code)
    assert remembered["message"] == told.error["message"]


def test_every_reason_that_the_table_of_declines_knows_has_its_card() -> None:
    assert {card.decline for card in piggybank_cards.DECLINE_CARDS} == set(CARD_DECLINES)


def test_a_number_that_is_none_is_refused_before_any_bank_sees_it(stripe_client: stripe.StripeClient) -> None:
    customer = stripe_client.v1.customers.create()
    with declined("incorrect_number", param="number"):
        pay(stripe_client, {"customer": customer.id, "payment_method_data": card_data("4242424242424241")})
    assert stripe_client.v1.payment_intents.list({"customer": customer.id}).data == []


@pytest.mark.parametrize(
    ("change", "code", "param"),
    [
        ({"exp_month": 13}, "invalid_expiry_month", "exp_month"),
        ({"exp_month": 0}, "invalid_expiry_month", "exp_month"),
        ({"exp_year": 2020}, "invalid_expiry_year", "exp_year"),
        ({"exp_year": 20}, "invalid_expiry_year", "exp_year"),
        ({"exp_year": 2120}, "invalid_expiry_year", "exp_year"),
        ({"cvc": "12"}, "invalid_cvc", "cvc"),
        ({"cvc": "12345"}, "invalid_cvc", "cvc"),
        ({"cvc": "1x3"}, "invalid_cvc", "cvc"),
        ({"number": "4242424242424241"}, "incorrect_number", "number"),
        ({"number": "42424242"}, "invalid_number", "number"),
        ({"number": "4242x42424242424"}, "invalid_number", "number"),
    ],
    ids=str,
)
def test_invalid_data_of_a_card_is_named(
    stripe_client: stripe.StripeClient, change: Any, code: str, param: str
) -> None:
    data: Any = card_data("4242424242424242", change)
    with declined(code, param=param):
        pay(stripe_client, {"payment_method_data": data})
    with declined(code, param=param):
        stripe_client.v1.payment_methods.create(data)
    with declined(code, param=param):
        stripe_client.v1.tokens.create({"card": data["card"]})


def test_the_name_of_no_card_is_missing(stripe_client: stripe.StripeClient) -> None:
    with refused(status=404, code="resource_missing", param="payment_method"):
        pay(stripe_client, {"payment_method": f"{VISA}_unheard_of"})
