"""What a charge says after each thing that the bank may say."""

import json
from typing import Any

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from bursar.connectors import declines
from bursar.connectors.contract import Checks, Decline, Outcome, Risk
from bursar.http.endpoint import encode
from bursar.payments import charge_rules
from bursar.payments.charge_rules import CAPTURE_WITHIN_SECONDS
from bursar.payments.charge_schemas import Charge, ChargeCard
from bursar.payments.schemas import CardOptions, IntentMethodOptions
from tests.payments.objects import approved, attempt, intent, method
from tests.wire.annotations import assert_conforms


def charged(
    *, capture: bool = True, amount: int = 2000, options: CardOptions | None = None, **outcome: object
) -> Charge:
    about = intent(payment_method_options=IntentMethodOptions(card=options or CardOptions()))
    asked = attempt(capture=capture)
    return charge_rules.succeeded(about, method(), asked, approved(**outcome), "ch_1", 1_800_000_000)


def card_on(charge: Charge) -> ChargeCard:
    details = charge.payment_method_details
    assert details is not None and details.card
    return details.card


def test_a_sale_is_paid_and_captured() -> None:
    charge = charged(risk=Risk(level="normal", score=12), checks=Checks(cvc="pass"))
    assert (charge.status, charge.paid, charge.captured, charge.amount_captured) == ("succeeded", True, True, 2000)
    assert charge.outcome is not None and (charge.outcome.type, charge.outcome.risk_score) == ("authorized", 12)
    card = card_on(charge)
    assert card.checks is not None and card.checks.cvc_check == "pass"
    assert card.capture_before is None
    assert_conforms(on_the_wire(charge), stripe.Charge)


def test_an_authorisation_names_by_when_it_must_be_captured() -> None:
    charge = charged(capture=False)
    assert (charge.paid, charge.captured, charge.amount_captured) == (True, False, 0)
    assert card_on(charge).capture_before == 1_800_000_000 + CAPTURE_WITHIN_SECONDS
    assert_conforms(on_the_wire(charge), stripe.Charge)


def test_what_an_authorisation_allows_is_what_was_asked_for_and_only_where_it_waits() -> None:
    options = CardOptions(request_multicapture="if_available", request_incremental_authorization="if_available")
    for capture, expected in ((False, "available"), (True, "unavailable")):
        details = charged(capture=capture, options=options).payment_method_details
        assert details is not None and details.card and details.card.multicapture is not None
        assert details.card.incremental_authorization is not None
        assert (details.card.multicapture.status, details.card.incremental_authorization.status) == (expected, expected)


@pytest.mark.parametrize("row", declines.DECLINES.values(), ids=declines.DECLINES.keys())
def test_every_decline_makes_a_charge_that_failed_for_its_reason(row: declines.DeclineRow) -> None:
    outcome = Outcome(kind="declined", decline=Decline(code=row.code, raw_code="05", advice_code="03"))
    charge = charge_rules.failed(intent(), method(), attempt(), outcome, row, "ch_1", 1)
    assert (charge.status, charge.paid, charge.captured) == ("failed", False, False)
    assert (charge.amount, charge.amount_captured) == (2000, 0)
    assert (charge.failure_code, charge.failure_message) == (row.error_code, row.message)
    assert charge.outcome is not None and charge.outcome.type == row.outcome_type
    # What the card network advises counts more than what the table says.
    assert charge.outcome.advice_code == "do_not_try_again"
    by_network = row.network_status == "declined_by_network"
    assert charge.outcome.network_decline_code == ("05" if by_network else None)
    assert_conforms(on_the_wire(charge), stripe.Charge)


@given(st.lists(st.integers(1, 400), min_size=1, max_size=5))
def test_parts_add_up_and_the_last_one_gives_the_rest_back(parts: list[int]) -> None:
    charge = charged(capture=False)
    for part in parts[:-1]:
        charge = charge_rules.captured(charge, part, "txn_1", final=False)
        assert (charge.captured, charge.amount_refunded) == (False, 0)
    charge = charge_rules.captured(charge, parts[-1], "txn_2", final=True)
    assert charge.captured
    assert charge.amount_captured == sum(parts)
    assert charge.amount_captured + charge.amount_refunded == charge.amount
    assert charge.balance_transaction == ("txn_1" if len(parts) > 1 else "txn_2")


def test_a_release_gives_everything_back() -> None:
    released = charge_rules.released(charged(capture=False))
    assert (released.amount_refunded, released.refunded, released.amount_captured) == (2000, True, 0)


def test_a_release_after_a_part_was_captured_gives_the_rest_back() -> None:
    part = charge_rules.captured(charged(capture=False), 1200, "txn_1", final=False)
    released = charge_rules.released(part)
    assert (released.amount_refunded, released.refunded, released.amount_captured) == (800, False, 1200)
    assert released.captured, "nothing of it can be captured any more"


def test_more_than_there_is_cannot_go_back() -> None:
    with pytest.raises(AssertionError):
        charge_rules.refunded(charged(), 2001)
    with pytest.raises(AssertionError):
        charge_rules.refund_failed(charge_rules.refunded(charged(), 500), 501)


def test_a_raised_authorisation_is_of_its_new_total() -> None:
    before = charged(capture=False)
    after = charge_rules.incremented(before, 3000)
    assert (after.amount, card_on(after).amount_authorized) == (3000, 3000)
    assert (before.amount, card_on(before).amount_authorized) == (2000, 2000)


@pytest.mark.parametrize("authentication", ["passed", "frictionless", "attempted", "failed"])
def test_how_the_cardholder_authenticated_is_told(authentication: str) -> None:
    details = charged(authentication=authentication).payment_method_details
    assert details is not None and details.card and details.card.three_d_secure is not None
    assert details.card.three_d_secure.version == "2.2.0"


@pytest.mark.parametrize(
    ("own", "suffix", "expected"),
    [
        (None, None, "BURSAR"),
        ("Books", None, "BOOKS"),
        (None, "order 1", "BURSAR* ORDER 1"),
        ("Books", "order 1", "BOOKS* ORDER 1"),
        ("A very long name of a shop", "x", "A VERY LONG NAME OF A "),
    ],
)
def test_the_cardholder_reads_a_descriptor_that_fits_a_statement(
    own: str | None, suffix: str | None, expected: str
) -> None:
    about = intent(statement_descriptor=own, statement_descriptor_suffix=suffix)
    assert charge_rules.descriptor(about) == expected


def on_the_wire(charge: Charge) -> Any:
    return json.loads(encode(charge))
