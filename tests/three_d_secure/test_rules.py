"""The merchant's address with what its page needs to know."""

from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.three_d_secure.rules import return_address

TOLD = {"setup_intent": "seti_1", "redirect_status": "succeeded"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("https://shop.example", "https://shop.example?setup_intent=seti_1&redirect_status=succeeded"),
        ("https://shop.example/?a=1", "https://shop.example/?a=1&setup_intent=seti_1&redirect_status=succeeded"),
        ("https://shop.example/#/paid", "https://shop.example/?setup_intent=seti_1&redirect_status=succeeded#/paid"),
        ("shopapp://paid", "shopapp://paid?setup_intent=seti_1&redirect_status=succeeded"),
    ],
)
def test_what_the_address_had_already_stays(given: str, expected: str) -> None:
    assert return_address(given, TOLD) == expected


@given(st.dictionaries(st.sampled_from(("a", "b", "c")), st.text(max_size=20)), st.text("abc/=?&", max_size=20))
def test_what_is_told_can_be_read_again_whatever_it_holds(told: dict[str, str], rest: str) -> None:
    before = dict(parse_qsl(urlsplit(f"https://shop.example/{rest}").query, keep_blank_values=True))
    address = return_address(f"https://shop.example/{rest}", told)
    after = dict(parse_qsl(urlsplit(address).query, keep_blank_values=True))
    assert after == before | told
