"""Every currency, and how people read amounts."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.kit.money import CURRENCIES, Currency, display, find_currency

CODE = st.sampled_from(sorted(CURRENCIES))


@pytest.mark.parametrize("currency", CURRENCIES.values(), ids=CURRENCIES.keys())
def test_a_currency_can_be_paid_in(currency: Currency) -> None:
    assert CURRENCIES[currency.code] is currency
    assert currency.code.isascii() and currency.code.isalpha() and currency.code.islower() and len(currency.code) == 3
    assert currency.exponent in (0, 2, 3)
    assert 0 < currency.amount_min < currency.amount_max
    # Sums of very many of them still fit what databases count with.
    assert currency.amount_max * 1_000_000 < 2**62


@pytest.mark.parametrize(("code", "exponent"), [("jpy", 0), ("krw", 0), ("usd", 2), ("eur", 2), ("kwd", 3), ("bhd", 3)])
def test_currencies_have_their_minor_units(code: str, exponent: int) -> None:
    assert CURRENCIES[code].exponent == exponent


def test_no_currency_stands_in_two_lists() -> None:
    by_exponent = [{one.code for one in CURRENCIES.values() if one.exponent == exponent} for exponent in (0, 2, 3)]
    assert [len(codes) for codes in by_exponent] == [15, len(CURRENCIES) - 20, 5]


@given(CODE)
def test_a_currency_is_found_in_any_case(code: str) -> None:
    assert find_currency(code.upper()) is find_currency(code.title()) is CURRENCIES[code]


@given(st.text(max_size=4).filter(lambda text: text.lower() not in CURRENCIES))
def test_what_is_no_currency_is_not_found(text: str) -> None:
    assert find_currency(text) is None


@given(CODE, st.integers(-(10**18), 10**18))
def test_what_is_displayed_is_exactly_the_amount(code: str, amount: int) -> None:
    number, _, shown = display(amount, code).partition(" ")
    exponent = CURRENCIES[code].exponent
    assert shown == code.upper()
    assert Decimal(number).scaleb(exponent) == amount
    assert len(number.partition(".")[2]) == exponent


@pytest.mark.parametrize(
    ("amount", "code", "text"),
    [
        (1250, "usd", "12.50 USD"),
        (500, "jpy", "500 JPY"),
        (5, "eur", "0.05 EUR"),
        (0, "usd", "0.00 USD"),
        (-5, "eur", "-0.05 EUR"),
        (1230, "kwd", "1.230 KWD"),
        (1, "xyz", "0.01 XYZ"),
    ],
)
def test_people_read_amounts_in_whole_units(amount: int, code: str, text: str) -> None:
    assert display(amount, code) == text
