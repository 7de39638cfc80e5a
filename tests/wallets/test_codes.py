"""Codes survive being printed, read aloud and typed in; what was mistyped is told as such."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.kit.errors import InvalidRequest
from bursar.wallets.codes import ALPHABET, LENGTH, SHOWN_LENGTH, new_code, read_code
from bursar.wallets.service import DEVELOPMENT_CODE

codes = st.builds(new_code)


@given(code=codes)
def test_a_code_is_read_however_it_is_written(code: str) -> None:
    assert len(code) == SHOWN_LENGTH
    assert read_code(code) == code
    assert read_code(f" {code.lower().replace('-', ' ')} ") == code
    assert read_code(code.replace("-", "")) == code
    assert read_code(code.replace("0", "o").replace("1", "l")) == code
    assert read_code(code.replace("0", "O").replace("1", "I")) == code


@given(code=codes, place=st.integers(0, LENGTH - 1), other=st.sampled_from(ALPHABET))
def test_every_wrong_character_is_noticed(code: str, place: int, other: str) -> None:
    plain = code.replace("-", "")
    mistyped = plain[:place] + other + plain[place + 1 :]
    if mistyped == plain:
        assert read_code(mistyped) == code
        return
    with pytest.raises(InvalidRequest, match="Compare it") as refusal:
        read_code(mistyped, "to")
    assert (refusal.value.param, refusal.value.code) == ("to", "wallet_code_invalid")


@given(code=codes, first=st.integers(0, LENGTH - 1), second=st.integers(0, LENGTH - 1))
def test_every_two_that_changed_places_are_noticed(code: str, first: int, second: int) -> None:
    characters = list(code.replace("-", ""))
    characters[first], characters[second] = characters[second], characters[first]
    mistyped = "".join(characters)
    if mistyped == code.replace("-", ""):
        return
    with pytest.raises(InvalidRequest):
        read_code(mistyped)


@given(text=st.text(max_size=60))
def test_whatever_is_sent_is_a_code_or_a_typo(text: str) -> None:
    try:
        assert read_code(read_code(text)) == read_code(text)
    except InvalidRequest as refusal:
        assert refusal.code == "wallet_code_invalid"


def test_a_card_number_in_place_of_a_code_is_not_repeated() -> None:
    with pytest.raises(InvalidRequest) as refusal:
        read_code("4242 4242 4242 4242")
    assert "4242424242424242" not in refusal.value.message.replace(" ", "")


def test_the_code_of_development_is_one() -> None:
    assert read_code(DEVELOPMENT_CODE) == DEVELOPMENT_CODE


def test_codes_do_not_repeat() -> None:
    assert len({new_code() for _ in range(1_000)}) == 1_000
