"""The states in merchants' words."""

from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from bursar.payments.schemas import IntentStatus
from bursar.plain_payments.states import STATES, state_of

statuses = st.sampled_from(get_args(IntentStatus))
amounts = st.integers(min_value=0, max_value=10**6)


@given(statuses, st.booleans(), amounts, amounts, amounts)
def test_every_payment_has_one_of_the_states(
    status: str, has_failed: bool, captured: int, refunded: int, disputed: int
) -> None:
    state = state_of(
        status, has_failed=has_failed, captured_minor=captured, refunded_minor=refunded, disputed_minor=disputed
    )
    assert state in STATES
    assert (state == "chargeback") == (disputed > 0)
    if state in ("captured", "refunded", "partially_refunded"):
        assert status == "succeeded"


@given(st.integers(min_value=1, max_value=10**6), amounts)
def test_what_was_given_back_decides_between_captured_and_refunded(captured: int, refunded: int) -> None:
    state = state_of("succeeded", captured_minor=captured, refunded_minor=refunded)
    expected = "captured" if refunded == 0 else "refunded" if refunded >= captured else "partially_refunded"
    assert state == expected


def test_a_payment_that_was_never_tried_is_initiated_and_one_that_was_declined_has_failed() -> None:
    assert state_of("requires_payment_method") == "initiated"
    assert state_of("requires_payment_method", has_failed=True) == "failed"
    assert state_of("requires_confirmation", has_failed=True) == "initiated"
    assert state_of("requires_capture") == "authorized"
    assert state_of("canceled", has_failed=True) == "canceled"
