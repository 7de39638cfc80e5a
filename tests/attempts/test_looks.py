"""When an attempt that has an end is looked at once more, and what its subject hears of it."""

import pytest

from bursar.attempts import rules
from bursar.attempts.schemas import Attempt, BankOrder, State
from bursar.connectors.contract import Outcome

NOW = 1_800_000_000_000_000
SUCCEEDED, PENDING, UNKNOWN = Outcome(kind="succeeded"), Outcome(kind="pending"), Outcome(kind="unknown")
REVERSED = Outcome(kind="declined", reversed=True)


def attempt(state: State, outcome: Outcome | None) -> Attempt:
    return Attempt(
        org_id="org_1",
        livemode=0,
        id="att_1",
        kind="refund",
        subject_id="re_1",
        state=state,
        amount_minor=100,
        currency="usd",
        fence=1,
        tries=0,
        next_look=NOW,
        bank_reference=None,
        order=BankOrder(connector="piggybank", merchant="org_1:test"),
        outcome=outcome,
    )


@pytest.mark.parametrize(
    ("outcome", "seconds"),
    [(SUCCEEDED, None), (PENDING, rules.CHECK_PENDING_SECONDS), (REVERSED, rules.CHECK_REVERSAL_SECONDS)],
)
def test_what_is_not_the_last_word_is_looked_at_again(outcome: Outcome, seconds: int | None) -> None:
    look = rules.looked_at_again(attempt("prepared", None), outcome, NOW)
    assert look == (None if seconds is None else NOW + seconds * 1_000_000)


def test_a_second_reversal_is_the_last_word() -> None:
    assert rules.looked_at_again(attempt("reversing", REVERSED), REVERSED, NOW) is None


@pytest.mark.parametrize(
    ("held", "outcome", "new"),
    [
        (attempt("prepared", None), SUCCEEDED, True),
        (attempt("prepared", None), UNKNOWN, False),
        (attempt("reversing", SUCCEEDED), REVERSED, False),
        (attempt("pending", PENDING), PENDING, False),
        (attempt("pending", PENDING), UNKNOWN, False),
        (attempt("pending", PENDING), SUCCEEDED, True),
    ],
)
def test_the_subject_hears_of_each_end_once(held: Attempt, outcome: Outcome, new: bool) -> None:
    assert rules.tells_something_new(held, outcome) is new
