"""What can be refunded, and what a message of the bank is to a refund."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.connectors.contract import Decline, Outcome
from bursar.kit.errors import InvalidRequest
from bursar.methods.schemas import BillingDetails
from bursar.payments import charge_rules
from bursar.payments.charge_schemas import Charge
from bursar.refunds import rules
from bursar.refunds.schemas import Refund, RefundParams

AMOUNTS = st.integers(1, 10**12)


def charge(**fields: Any) -> Charge:
    known: dict[str, Any] = {
        "id": "ch_1", "amount": 1000, "amount_captured": 1000, "captured": True, "billing_details": BillingDetails(),
        "created": 0, "currency": "usd", "livemode": False, "payment_intent": "pi_1", "status": "succeeded",
    }  # fmt: skip
    return Charge(**known | fields)


def refund(**fields: Any) -> Refund:
    known: dict[str, Any] = {"id": "re_1", "amount": 10, "charge": "ch_1", "created": 0, "currency": "usd"}
    return Refund(**known | {"status": "pending"} | fields)


@given(left=AMOUNTS, asked=st.none() | AMOUNTS)
def test_never_more_than_is_left_is_refunded(left: int, asked: int | None) -> None:
    try:
        amount = rules.amount_to_refund(charge(), left, asked)
    except InvalidRequest as refusal:
        assert asked is not None and asked > left
        assert (refusal.code, refusal.param) == ("amount_too_large", "amount")
    else:
        assert 0 < amount <= left
        assert amount == (left if asked is None else asked)


@pytest.mark.parametrize("asked", [0, -1, -(10**15)])
def test_an_amount_is_positive(asked: int) -> None:
    with pytest.raises(InvalidRequest) as caught:
        rules.amount_to_refund(charge(), 1000, asked)
    assert (caught.value.code, caught.value.param) == ("parameter_invalid_integer", "amount")


def test_the_refusal_of_too_much_names_both_amounts() -> None:
    with pytest.raises(InvalidRequest, match=r"15\.00 USD is greater than the 10\.00 USD"):
        rules.amount_to_refund(charge(), 1000, 1500)


def test_where_nothing_is_left_it_has_been_refunded_already() -> None:
    with pytest.raises(InvalidRequest) as caught:
        rules.amount_to_refund(charge(), 0, 1)
    assert caught.value.code == "charge_already_refunded"


def test_parts_in_currencies_of_thousandths_are_whole_hundredths_but_the_rest_may_be_anything() -> None:
    with pytest.raises(InvalidRequest):
        rules.amount_to_refund(charge(currency="kwd"), 1000, 105)
    assert rules.amount_to_refund(charge(currency="kwd"), 1000, 110) == 110
    assert rules.amount_to_refund(charge(currency="kwd"), 895, None) == 895


@pytest.mark.parametrize(
    ("fields", "disputed", "code", "word"),
    [
        ({"status": "failed", "amount_captured": 0}, 0, "charge_not_refundable", "failed"),
        ({"amount_captured": 0, "captured": False}, 0, "charge_not_refundable", "Cancel the payment intent pi_1"),
        ({"amount_captured": 0, "refunded": True}, 0, "charge_not_refundable", "released"),
        ({}, 1, "charge_disputed", "disputed"),
    ],
)
def test_what_cannot_be_refunded_says_why(fields: dict[str, Any], disputed: int, code: str, word: str) -> None:
    with pytest.raises(InvalidRequest, match=word) as caught:
        rules.check_refundable(charge(**fields), disputed)
    assert caught.value.code == code


def test_a_refund_names_one_target() -> None:
    with pytest.raises(InvalidRequest) as missing:
        rules.check_target(RefundParams())
    with pytest.raises(InvalidRequest) as both:
        rules.check_target(RefundParams(charge="ch_1", payment_intent="pi_1"))
    assert (missing.value.code, both.value.code) == ("parameter_missing", "parameters_exclusive")


@pytest.mark.parametrize(
    ("status", "told_success", "news"),
    [
        ("pending", True, "new"),
        ("pending", False, "new"),
        ("succeeded", False, "new"),
        ("succeeded", True, "known"),
        ("failed", False, "known"),
        ("failed", True, "contradictory"),
    ],
)
def test_a_refund_may_fail_after_it_succeeded_and_never_the_reverse(status: Any, told_success: bool, news: str) -> None:
    assert rules.compare(refund(status=status), told_success=told_success) == news


@pytest.mark.parametrize(
    ("decline", "reason"),
    [
        (None, "unknown"),
        ("lost", "lost_or_stolen_card"),
        ("expired", "expired_or_canceled_card"),
        ("insufficient_funds", "insufficient_funds"),
        ("invalid_amount", "declined"),
    ],
)
def test_the_reason_of_a_failure_is_one_that_the_wire_knows(decline: str | None, reason: str) -> None:
    outcome = Outcome(kind="declined", decline=Decline(code=decline) if decline else None)
    assert rules.failure_reason(outcome) == reason


@given(st.lists(st.integers(1, 400), max_size=8), st.integers(0, 1000))
def test_a_charge_tells_what_went_back_and_whether_that_is_all(amounts: list[int], released: int) -> None:
    now, captured = charge(amount_captured=1000 - released, amount_refunded=released), 1000 - released
    for amount in amounts:
        left = captured - (now.amount_refunded - released)
        if amount > left:
            continue
        after = charge_rules.refunded(now, amount)
        assert after.refunded == (amount == left)
        assert charge_rules.refund_failed(after, amount).amount_refunded == now.amount_refunded
        now = after
    assert now.amount_refunded <= now.amount


def test_what_was_refunded_of_a_part_stays_refunded_when_the_rest_is_released() -> None:
    part = charge(amount_captured=400, captured=False, amount_refunded=100)
    assert charge_rules.captured(part, 200, None, final=True).amount_refunded == 500
    assert charge_rules.captured(part, 200, None, final=False).amount_refunded == 100
    released = charge_rules.released(part)
    assert (released.amount_refunded, released.refunded) == (700, False)
