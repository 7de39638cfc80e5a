"""What a number tells of its card."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import piggybank_cards
from bursar.methods import cards

DIGITS = st.text("0123456789", min_size=12, max_size=19)


def luhn_by_the_book(number: str) -> bool:
    total = 0
    for position, digit in enumerate(reversed(number)):
        value = int(digit) * (2 if position % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


@given(DIGITS)
def test_the_check_digit_is_the_one_of_the_book(number: str) -> None:
    assert cards.passes_luhn(number) == luhn_by_the_book(number)


@given(DIGITS, st.integers(0, 18), st.integers(1, 9))
def test_a_single_wrong_digit_is_always_noticed(number: str, position: int, step: int) -> None:
    position %= len(number)
    wrong = str((int(number[position]) + step) % 10)
    changed = number[:position] + wrong + number[position + 1 :]
    assert not (cards.passes_luhn(number) and cards.passes_luhn(changed))


@pytest.mark.parametrize("card", [card for card in piggybank_cards.ALL if card.decline != "invalid_number"])
def test_every_test_card_is_of_the_brand_that_its_row_says(card: piggybank_cards.TestCard) -> None:
    assert cards.passes_luhn(card.number)
    assert cards.brand_of(card.number) == card.brand
    assert cards.has_lawful_length(card.number)


@pytest.mark.parametrize(
    ("number", "brand"),
    [
        ("4000000000000000", "visa"),
        ("2221000000000000", "mastercard"),
        ("2720990000000000", "mastercard"),
        ("2721000000000000", "unknown"),
        ("5600000000000000", "unknown"),
        ("6440000000000000", "discover"),
        ("6500000000000000", "discover"),
        ("6012000000000000", "rupay"),
        ("5081000000000000", "rupay"),
        ("8200000000000000", "rupay"),
        ("3527000000000000", "unknown"),
        ("3528000000000000", "jcb"),
        ("3589000000000000", "jcb"),
        ("30000000000000", "diners"),
        ("38000000000000", "diners"),
        ("0000000000000000", "unknown"),
    ],
)
def test_the_edges_of_the_brands(number: str, brand: str) -> None:
    assert cards.brand_of(number) == brand


@given(DIGITS)
def test_every_number_has_a_brand_that_the_wire_knows(number: str) -> None:
    known = {"amex", "diners", "discover", "jcb", "mastercard", "unionpay", "visa", "unknown"}
    assert cards.wire_brand(cards.brand_of(number)) in known
    assert cards.display_brand(cards.brand_of(number))
