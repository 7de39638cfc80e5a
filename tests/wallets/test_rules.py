"""PINs that nobody guesses first, and tries that get slower."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.kit.clock import MICROSECONDS_PER_SECOND
from bursar.kit.errors import InvalidRequest
from bursar.wallets import rules
from bursar.wallets.rules import PAUSE_SECONDS, PAUSE_SECONDS_MAX, TRIES_MAX, Tries

HOUR = 3_600 * MICROSECONDS_PER_SECOND


@pytest.mark.parametrize("pin", ["123456", "654321", "012345", "987654", "890123", "135791", "246802", "000000"])
def test_rows_are_too_simple(pin: str) -> None:
    assert_too_simple(pin)


@pytest.mark.parametrize("pin", ["111111", "121212", "123123", "112233", "111222", "123321", "777776", "990099"])
def test_repetitions_are_too_simple(pin: str) -> None:
    assert_too_simple(pin)


@given(day=st.dates(datetime.date(1900, 1, 1), datetime.date(2099, 12, 31)))
def test_dates_are_too_simple(day: datetime.date) -> None:
    for written in ("%d%m%y", "%m%d%y", "%y%m%d", "%Y%m", "%m%Y"):
        assert_too_simple(day.strftime(written))


@pytest.mark.parametrize("pin", ["", "12345", "1234567", "12345a", "１２３４５６", "48 391", "-48391"])
def test_what_has_not_six_digits_is_no_pin(pin: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        rules.check_new_pin(pin)
    assert refusal.value.code == "pin_invalid"


def test_most_pins_are_left() -> None:
    """What is refused must not make guessing easier than it makes the first guesses harder."""
    left = sum(is_allowed(f"{number:06}") for number in range(0, 1_000_000, 37))
    assert left > 0.85 * 1_000_000 / 37


def test_the_fifth_try_begins_a_pause_that_doubles_up_to_a_day() -> None:
    tries, now, pauses = Tries(), 0, []
    for _ in range(12):
        for number in range(1, TRIES_MAX + 1):
            tries = rules.begin_try(tries, now)
            assert tries.tries == number
        pauses.append((tries.paused_until - now) // MICROSECONDS_PER_SECOND)
        now = tries.paused_until
    assert pauses[:4] == [PAUSE_SECONDS, 2 * PAUSE_SECONDS, 4 * PAUSE_SECONDS, 8 * PAUSE_SECONDS]
    assert pauses[-1] == PAUSE_SECONDS_MAX == max(pauses)
    assert sorted(pauses) == pauses


def is_allowed(pin: str) -> bool:
    try:
        rules.check_new_pin(pin)
    except InvalidRequest:
        return False
    return True


def assert_too_simple(pin: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        rules.check_new_pin(pin, "current_pin")
    assert (refusal.value.code, refusal.value.param) == ("pin_too_simple", "current_pin")
    assert pin not in refusal.value.message
