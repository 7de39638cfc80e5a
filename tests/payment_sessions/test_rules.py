"""Fees, trace ids, and what sessions are."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.kit.errors import NotFound
from bursar.kit.ids import IdFactory
from bursar.kit.money import CURRENCIES
from bursar.payment_sessions import rules

IDS = IdFactory()
amounts = st.integers(min_value=0, max_value=10**12)
percents = st.decimals(min_value=0, max_value=100, places=4).map(str)
currencies = st.sampled_from(["usd", "jpy", "kwd", "inr"])


@given(amounts, percents, st.integers(min_value=0, max_value=10**6), currencies)
def test_the_fee_is_rounded_half_up_once(amount: int, percent: str, fixed: int, code: str) -> None:
    currency = CURRENCIES[code]
    quantum = 10 if currency.exponent == 3 else 1
    fee = rules.service_fee(amount, percent, fixed, currency)
    exact = Fraction(amount) * Fraction(percent) / 100 + fixed
    assert fee % quantum == 0
    assert -Fraction(quantum, 2) < fee - exact <= Fraction(quantum, 2)


@pytest.mark.parametrize(
    ("amount", "percent", "fixed", "fee"),
    [
        (1050, "0", 0, 0),
        (1000, "2.5", 30, 55),
        (50, "1", 0, 1),
        (49, "1", 0, 0),
        (150, "1", 0, 2),
        (333, "100", 0, 333),
    ],
)
def test_halves_go_up(amount: int, percent: str, fixed: int, fee: int) -> None:
    assert rules.service_fee(amount, percent, fixed, CURRENCIES["usd"]) == fee


@given(
    st.integers(min_value=0, max_value=1), st.text(alphabet="abcdefghjkmnpqrstvwxyz0123456789", min_size=1, max_size=24)
)
def test_a_trace_id_says_where_its_session_is(livemode: int, organisation: str) -> None:
    session_id, secret = IDS.new(rules.SESSION_PREFIX), IDS.secret()
    trace = rules.trace_id(f"acct_{organisation}", livemode, session_id, secret)
    assert rules.read_trace(trace) == (f"acct_{organisation}", livemode, session_id, secret)


@given(st.text(max_size=100))
def test_whatever_is_no_trace_id_is_missing_in_the_same_words(text: str) -> None:
    with pytest.raises(NotFound) as refusal:
        rules.read_trace(text)
    assert str(refusal.value) == str(rules.no_session())
