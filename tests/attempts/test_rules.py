"""When an attempt is looked at, and when it must not stand any more."""

from itertools import pairwise
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.attempts import rules
from bursar.attempts.schemas import OPEN_STATES, Attempt, Kind, State, decode_order, decode_outcome
from bursar.connectors.contract import Decline, Outcome, QrCode, Redirect
from bursar.kit.clock import MICROSECONDS_PER_SECOND
from bursar.kit.ids import created_microseconds
from tests.payments.objects import NOW, approved, attempt

KINDS: tuple[Kind, ...] = get_args(Kind)
OUTCOMES = ("succeeded", "pending", "action_required", "declined", "not_sent", "absent")


def seconds(count: float) -> int:
    return int(count * MICROSECONDS_PER_SECOND)


@given(tries=st.integers(0, 100_000))
def test_looks_come_soon_at_first_and_never_far_apart(tries: int) -> None:
    wait = rules.next_look(NOW, tries) - NOW
    assert seconds(rules.FIRST_LOOK_SECONDS) <= wait <= seconds(rules.LOOK_SECONDS_MAX)
    assert wait <= rules.next_look(NOW, tries + 1) - NOW


def test_the_first_looks_come_within_ten_seconds() -> None:
    assert rules.next_look(NOW, 0) - NOW + rules.next_look(NOW, 1) - NOW < seconds(10)


def test_a_lost_answer_is_asked_for_within_ten_seconds() -> None:
    """Of a process that died just after it had sent the order."""
    assert rules.leased_until(NOW) - NOW < seconds(10)


def test_a_resolver_holds_on_for_longer_than_its_calls_take() -> None:
    lease = rules.leased_until(NOW, rules.RESOLVER_LEASE_SECONDS) - NOW
    assert lease > rules.leased_until(NOW) - NOW


@pytest.mark.parametrize("kind", KINDS)
@given(age=st.integers(0, 3_600))
def test_only_what_a_customer_waits_for_is_reversed_and_only_when_it_is_old(kind: Kind, age: int) -> None:
    asked = attempt(kind)
    now = created_microseconds(asked.id) + seconds(age)
    expected = kind in ("authorize", "complete") and age > rules.REVERSE_AFTER_SECONDS
    assert rules.must_be_reversed(asked, now) == expected


@pytest.mark.parametrize("kind", KINDS)
def test_a_reversal_that_was_begun_goes_on(kind: Kind) -> None:
    asked = attempt(kind, state="reversing")
    assert rules.must_be_reversed(asked, created_microseconds(asked.id))


@pytest.mark.parametrize("kind", OUTCOMES)
def test_every_known_outcome_ends_an_attempt(kind: str) -> None:
    outcome = Outcome(kind=kind)  # type: ignore[arg-type]
    assert rules.is_known(outcome)
    state = rules.end_state(outcome)
    assert state in get_args(State)
    assert state not in OPEN_STATES


def test_what_is_unknown_ends_nothing() -> None:
    assert not rules.is_known(Outcome(kind="unknown"))
    with pytest.raises(KeyError):
        rules.end_state(Outcome(kind="unknown"))


def test_what_was_reversed_has_not_succeeded() -> None:
    assert rules.end_state(Outcome(kind="succeeded", reversed=True)) == "reversed"


def test_what_may_still_change_is_looked_at_again() -> None:
    reversal = Outcome(kind="declined", reversed=True)
    first, second = attempt(), attempt(outcome=reversal)
    refund = attempt("refund")
    assert rules.looked_at_again(refund, Outcome(kind="pending"), NOW) == NOW + seconds(rules.CHECK_PENDING_SECONDS)
    assert rules.looked_at_again(first, reversal, NOW) == NOW + seconds(rules.CHECK_REVERSAL_SECONDS)
    assert rules.looked_at_again(second, reversal, NOW) is None
    assert rules.looked_at_again(first, approved(), NOW) is None


def waiting(expires_in_seconds: int = 300) -> Outcome:
    expires_at = created_microseconds(attempt().id) // 1_000_000 + expires_in_seconds
    return Outcome(kind="action_required", action=QrCode(text="upi://pay", expires_at=expires_at))


def looks(method: str, outcome: Outcome, within_seconds: int) -> list[int]:
    """When the bank is asked, in seconds after it was asked for the money, where it answers the same each time."""
    made = attempt(method=method)
    created = created_microseconds(made.id)
    found: list[int] = []
    now = created
    while True:
        look = rules.looked_at_again(made, outcome, now)
        assert look is not None and look > now
        now = look
        if now - created > seconds(within_seconds):
            return found
        found.append((now - created) // 1_000_000)


def test_of_upi_a_bank_is_asked_three_times_in_two_hours_at_most() -> None:
    first, over, last = looks("upi", waiting(), 7200)
    assert (first, last) == (90, 7200)
    assert abs(over - (300 + rules.EXPIRY_GRACE_SECONDS)) <= 1
    assert looks("upi", Outcome(kind="pending"), 7200) == [90, 7200]
    assert len(looks("upi", Outcome(kind="pending"), 30 * 86_400)) < 40


def test_of_net_banking_it_is_asked_ever_more_seldom() -> None:
    found = looks("net_banking", Outcome(kind="pending"), 86_400)
    assert found[:5] == [60, 120, 240, 480, 960]
    assert max(later - earlier for earlier, later in pairwise(found)) <= rules.LOOK_AT_BANK_SECONDS_MAX


@pytest.mark.parametrize(
    ("outcome", "waits"),
    [
        (Outcome(kind="action_required", action=Redirect()), False),
        (Outcome(kind="action_required"), False),
        (Outcome(kind="action_required", action=Redirect(url="https://bank.example")), True),
        (waiting(), True),
        (Outcome(kind="pending"), True),
        (Outcome(kind="succeeded"), False),
    ],
)
def test_only_what_happens_at_the_bank_is_waited_for(outcome: Outcome, waits: bool) -> None:
    assert rules.waits_at_bank(outcome) is waits
    if outcome.kind == "action_required":
        assert rules.end_state(outcome) == ("pending" if waits else "succeeded")


def test_what_waits_for_its_customer_is_not_reversed_for_its_age() -> None:
    made = attempt(state="pending", outcome=waiting())
    assert not rules.must_be_reversed(made, NOW + seconds(10 * rules.REVERSE_AFTER_SECONDS))


def test_a_customer_acts_once_and_never_goes_back_to_waiting() -> None:
    made = attempt(state="pending", outcome=Outcome(kind="pending"))
    assert not rules.tells_something_new(made, waiting())
    assert rules.tells_something_new(attempt(state="pending", outcome=waiting()), Outcome(kind="pending"))
    assert not rules.tells_something_new(attempt(state="pending", outcome=waiting()), waiting())


def test_a_subject_hears_of_each_end_once() -> None:
    pending = Outcome(kind="pending")
    assert not rules.tells_something_new(attempt(), Outcome(kind="unknown"))
    assert rules.tells_something_new(attempt(), approved())
    assert not rules.tells_something_new(attempt(state="reversing", outcome=approved()), approved())
    assert rules.tells_something_new(attempt("refund", state="pending", outcome=pending), approved())
    assert not rules.tells_something_new(attempt("refund", state="pending", outcome=pending), pending)


def test_an_order_and_an_outcome_are_read_as_they_were_written() -> None:
    order = attempt(token_id="pm_1", exp_month=12, notes={"return_url": "https://example.com"}, capture=False).order
    assert decode_order(msgspec.json.encode(order).decode()) == order
    outcome = approved(decline=Decline(code="lost", raw_code="41"), fee_minor=30, reversed=True)
    assert decode_outcome(msgspec.json.encode(outcome).decode()) == outcome


def test_an_order_keeps_nothing_that_is_secret() -> None:
    """No member for a number or a code: who adds one has to think of where it is written."""
    members = {*Attempt.__struct_fields__, *type(attempt().order).__struct_fields__}
    assert not members & {"number", "cvc", "card", "pan", "code"}
