"""How addresses and passwords may look."""

import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bursar.kit.errors import InvalidRequest
from bursar.people.rules import (
    PASSWORD_LENGTH_MAX,
    PASSWORD_LENGTH_MIN,
    canonical_email,
    check_password_length,
    check_password_strength,
    checked_email,
)


@settings(deadline=None)
@given(st.text(max_size=60))
def test_the_canonical_address_is_its_own_canonical_address(email: str) -> None:
    once = canonical_email(email)
    assert canonical_email(once) == once


@settings(deadline=None)
@given(st.emails())
def test_an_address_that_is_one_is_taken_in_any_case(email: str) -> None:
    assert checked_email(email) == checked_email(email.upper()) == checked_email(f" {email} ")


@pytest.mark.parametrize("email", ["", "@", "a@", "@b", "plain", "a b@c.test", "a@b\x00.test", "a@" + "x" * 253])
def test_what_can_be_no_address_is_refused(email: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        checked_email(email)
    assert (refusal.value.param, refusal.value.code) == ("email", "email_invalid")


@pytest.mark.parametrize("length", [PASSWORD_LENGTH_MIN, PASSWORD_LENGTH_MAX])
def test_ten_to_a_hundred_and_twenty_eight_characters_of_any_kind_are_taken(length: int) -> None:
    for character in ("x", "é", "漢", "😀", " "):
        check_password_length(character * length)
    check_password_length(unicodedata.normalize("NFD", "é" * length))
    with pytest.raises(InvalidRequest):
        check_password_length("x" * (PASSWORD_LENGTH_MIN - 1))
    with pytest.raises(InvalidRequest):
        check_password_length("x" * (PASSWORD_LENGTH_MAX + 1))


WEAK = [
    "password1234",
    "1234567890",
    "qwertyuiop",
    "iloveyou12",
    "letmein2024!",
    "aaaaaaaaaa",
    "0123456789",
    "trustno1trustno1",
]


@pytest.mark.parametrize("password", WEAK)
def test_known_and_weak_passwords_are_refused_with_advice(password: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        check_password_strength(password, [])
    assert refusal.value.code == "password_too_weak"
    assert len(refusal.value.message.split()) > 5
    assert password not in refusal.value.message


@pytest.mark.parametrize(
    "password", ["lovelace.ada", "ada@example.test", "example.test", "ADALOVELACE1", "Analytical Eng"]
)
def test_what_is_known_of_the_person_makes_a_bad_password(password: str) -> None:
    inputs = ["ada@example.test", "Ada Lovelace", "Analytical Eng"]
    with pytest.raises(InvalidRequest) as refusal:
        check_password_strength(password, inputs)
    assert refusal.value.code == "password_too_weak"


@pytest.mark.parametrize(
    "password", ["seven plums on a green roof", "x7Gk9pQ2vL4m", "пароль-мой-длинный", "q" + "ж4!Lm" * 25]
)
def test_a_good_password_is_taken_however_long(password: str) -> None:
    check_password_strength(password, ["ada@example.test"])


def test_the_longest_password_is_estimated_in_bounded_time() -> None:
    check_password_strength("seven plums on a green roof", [])  # loads the list
    for worst in ("a" * PASSWORD_LENGTH_MAX, "4@$1!0" * 21, "qwertyuiop" * 12, "20202020" * 16):
        started = time.process_time()
        with pytest.raises(InvalidRequest):
            check_password_strength(worst, ["x" * 254, "y " * 100])
        assert time.process_time() - started < 2.0
