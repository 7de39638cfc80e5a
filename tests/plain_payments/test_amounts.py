"""Amounts in major units: taken exactly, or not at all."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bursar.http.params import Params
from bursar.http.shape import DecimalText
from bursar.http.validation import Parser
from bursar.kit.errors import InvalidRequest
from bursar.kit.money import CURRENCIES, Currency
from bursar.plain_payments.amounts import major_units, minor_units

currencies = st.sampled_from(list(CURRENCIES.values()))


class Amount(Params):
    amount: DecimalText


PARSER = Parser(Amount)


def parsed(body: str) -> str:
    return PARSER.from_json(body.encode()).amount


@given(st.integers(min_value=0, max_value=10**14), currencies)
def test_every_amount_survives_the_way_to_major_units_and_back(amount_minor: int, currency: Currency) -> None:
    text = major_units(amount_minor, currency)
    assert minor_units(text, currency) == amount_minor
    assert minor_units(parsed(f'{{"amount":"{text}"}}'), currency) == amount_minor
    if amount_minor >= 1:
        assert minor_units(parsed(f'{{"amount":{text}}}'), currency) == amount_minor


@pytest.mark.parametrize(
    ("given_text", "code", "amount_minor"),
    [
        ("10.50", "usd", 1050),
        ('"10.50"', "usd", 1050),
        ("10.5", "usd", 1050),
        ("10", "usd", 1000),
        ("1e1", "usd", 1000),
        ("0.1", "usd", 10),
        ("1.10", "usd", 110),
        ("4.35", "usd", 435),
        ("500", "jpy", 500),
        ("1.230", "kwd", 1230),
        ("90071992547409.93", "usd", 9007199254740993),
    ],
)
def test_numbers_and_texts_mean_the_same_to_the_last_digit(given_text: str, code: str, amount_minor: int) -> None:
    assert minor_units(parsed(f'{{"amount":{given_text}}}'), CURRENCIES[code]) == amount_minor


@pytest.mark.parametrize(
    ("given_text", "code"),
    [
        ("10.505", "usd"),
        ("10.500", "usd"),
        ("10.0", "jpy"),
        ("1.2345", "kwd"),
        ("-10.50", "usd"),
        ("-0.0", "usd"),
        ('"+10.50"', "usd"),
        ('"-10.50"', "usd"),
        ('" 10.50"', "usd"),
        ('"1e1"', "usd"),
        ('"1,050.00"', "usd"),
        ('"10,50"', "usd"),
        ('"NaN"', "usd"),
        ('"Infinity"', "usd"),
        ('""', "usd"),
        ('".5"', "usd"),
        ('"5."', "usd"),
        ('"１０"', "usd"),
        ("1e300", "usd"),
        ("1e-300", "usd"),
        ("1e16", "usd"),
        ("9999999999999999999", "usd"),
        ("0.1000000000000000055511151231257827", "usd"),
    ],
)
def test_what_is_no_amount_of_the_currency_is_refused(given_text: str, code: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        minor_units(parsed(f'{{"amount":{given_text}}}'), CURRENCIES[code])
    assert (refusal.value.param, refusal.value.code) == ("amount", "amount_invalid")


@pytest.mark.parametrize(
    "body", ["NaN", "Infinity", "-Infinity", "1e400", "1e99999999999999999999", "01", "+1", ".5", "1_0", "0x10"]
)
def test_what_is_no_number_of_json_is_refused_before(body: str) -> None:
    with pytest.raises(InvalidRequest):
        parsed(f'{{"amount":{body}}}')


@pytest.mark.parametrize("body", ["true", "null", "[]", "{}"])
def test_what_is_neither_number_nor_text_is_refused_by_its_name(body: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        parsed(f'{{"amount":{body}}}')
    assert refusal.value.param == "amount"


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=0, max_value=10**12, places=2))
@example(Decimal("0.07"))
def test_no_number_of_two_places_passes_through_a_float(number: Decimal) -> None:
    body = msgspec.json.encode({"amount": msgspec.Raw(format(number, "f").encode())}).decode()
    assert minor_units(parsed(body), CURRENCIES["eur"]) == int(number * 100)


@given(st.text(max_size=12) | st.floats().map(str) | st.decimals().map(str), currencies)
def test_any_text_is_an_amount_of_plain_digits_or_refused(text: str, currency: Currency) -> None:
    try:
        amount = minor_units(text, currency)
    except InvalidRequest:
        return
    assert text.isascii() and Decimal(text) * 10**currency.exponent == amount
