"""What is read of a form, whatever is sent."""

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.checkout import forms
from bursar.checkout.words import of_decline, of_refusal
from bursar.kit.errors import InvalidRequest

NOW = 1_760_000_000  # October 2025
KEY = "a" * 24
METHODS = ("card", "upi", "net_banking", "wallet", "wallet_code")
NAMES = ("number", "expiry", "cvc", "name", "vpa", "bank_code", "wallet_id", "wallet_code", "pin")


def read(**fields: str) -> forms.Sent:
    return forms.read(urlencode({"key": KEY} | fields).encode(), NOW)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_form_or_refused(raw: bytes) -> None:
    try:
        forms.read(raw, NOW)
    except InvalidRequest as problem:
        assert "Open the page again" in problem.message


@given(st.sampled_from(METHODS), st.dictionaries(st.sampled_from(NAMES), st.text(max_size=60)))
def test_any_values_are_read_and_secrets_are_never_kept(method: str, fields: dict[str, str]) -> None:
    try:
        sent = read(method=method, **fields)
    except InvalidRequest:
        return
    assert not {"number", "cvc", "pin"} & set(sent.kept)
    assert repr(sent) == f"Sent({method})"


@given(st.integers(1, 12), st.integers(26, 99), st.sampled_from(["/", " / ", "-", "", ".", "/ "]))
def test_every_expiry_to_come_is_read(month: int, year: int, between: str) -> None:
    sent = read(method="card", number="4242424242424242", expiry=f"{month:02}{between}{year}", cvc="123")
    assert sent.problems == []
    assert (sent.body["card"]["exp_month"], sent.body["card"]["exp_year"]) == (month, 2000 + year)


@pytest.mark.parametrize(("expiry", "good"), [("10/25", True), ("09/25", False), ("9/2025", False), ("10/2025", True)])
def test_a_card_is_good_to_the_end_of_its_month(expiry: str, good: bool) -> None:
    sent = read(method="card", number="4242424242424242", expiry=expiry, cvc="123")
    assert (sent.problems == []) is good


def test_the_code_has_the_length_of_the_cards_brand() -> None:
    for number, code, good in (("378282246310005", "1234", True), ("378282246310005", "123", False)):
        assert (read(method="card", number=number, expiry="1130", cvc=code).problems == []) is good


def test_a_decline_names_what_to_do_and_where() -> None:
    assert of_decline("incorrect_cvc", None, "card").field == "cvc"
    assert "another card" in of_decline("stolen_card", "The card was declined", "card").message
    assert "stolen" not in of_decline("stolen_card", "The card was declined", "card").message
    assert of_refusal(429, "rate_limit", "pin").field == "pin"
    assert of_refusal(400, "limit_exceeded", None).field is None
