"""No secret and no card number gets through to a log, however it is written and wherever it stands."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bursar.kit.scrub import CUT, MASK, TEXT_LENGTH_MAX, scrub, scrub_event, scrub_text

SEPARATORS = ("", " ", "-", ".", "  ", " - ", "\t", "\n", "/", "_", ",")


def passes_luhn(number: str) -> bool:
    """By the textbook: from the right, every second digit doubled, and its digits added."""
    doubled = [digit * (1 + position % 2) for position, digit in enumerate(map(int, reversed(number)))]
    return sum(value // 10 + value % 10 for value in doubled) % 10 == 0


def luhn_valid(length: int) -> st.SearchStrategy[str]:
    """A number of that length whose last digit makes its sum right."""

    def complete(body: str) -> str:
        return next(body + digit for digit in "0123456789" if passes_luhn(body + digit))

    return st.text("0123456789", min_size=length - 1, max_size=length - 1).map(complete)


card_numbers = st.integers(13, 19).flatmap(luhn_valid)


@st.composite
def written_cards(draw: st.DrawFn) -> tuple[str, str]:
    """A card's number, and how somebody writes it: in groups of any length with anything usual between."""
    number = draw(card_numbers)
    separator = draw(st.sampled_from(SEPARATORS))
    groups, rest = [], number
    while rest:
        length = draw(st.integers(1, len(rest)))
        groups.append(rest[:length])
        rest = rest[length:]
    return number, separator.join(groups)


words = st.text(st.characters(codec="utf-8", exclude_categories=["Nd"]), max_size=10)
api_keys = st.builds(
    "{}_{}_{}".format,
    st.sampled_from(["sk", "rk", "pk"]),
    st.sampled_from(["test", "live"]),
    st.text("0123456789abcdefXYZ", min_size=8, max_size=64),
)


def nested(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """The leaf somewhere inside: in lists, tuples, values and names."""
    return st.recursive(
        leaves,
        lambda inner: (
            inner.map(lambda value: [1, value, None])
            | inner.map(lambda value: (value, True))
            | st.tuples(words, inner).map(lambda pair: {pair[0]: pair[1], "other": 1.5})
            | inner.filter(lambda value: isinstance(value, str)).map(lambda value: {value: "named"})
        ),
        max_leaves=4,
    )


@settings(deadline=None, max_examples=60)
@given(card=written_cards(), before=words, after=words)
def test_a_card_number_in_any_spacing_is_masked(card: tuple[str, str], before: str, after: str) -> None:
    number, written = card
    scrubbed = scrub_text(before + written + after)
    assert written not in scrubbed
    assert number not in "".join(filter(str.isdecimal, scrubbed))
    assert MASK in scrubbed


@settings(deadline=None, max_examples=60)
@given(number=card_numbers, before=st.integers(0, 9_999), after=st.integers(0, 9_999), space=st.sampled_from(" -\t"))
def test_a_card_number_among_other_numbers_is_masked(number: str, before: int, after: int, space: str) -> None:
    assert number not in scrub_text(f"{before}{space}{number}{space}{after}")


@settings(deadline=None, max_examples=60)
@given(number=card_numbers)
def test_a_card_number_that_came_as_a_number_is_masked(number: str) -> None:
    value = int(number)
    assert str(value) not in repr(scrub({"amount": value, "list": [value]})) or len(str(value)) < 12


@settings(deadline=None, max_examples=60)
@given(value=nested(card_numbers | written_cards().map(lambda card: card[1])))
def test_a_card_number_is_masked_anywhere_inside(value: Any) -> None:
    text = json.dumps(scrub(value), ensure_ascii=False)
    assert MASK in text


@settings(deadline=None, max_examples=60)
@given(key=api_keys, value=st.data(), before=words)
def test_a_key_is_masked_anywhere_inside(key: str, value: st.DataObject, before: str) -> None:
    tree = value.draw(nested(st.just(before + key)))
    assert key not in json.dumps(scrub(tree), ensure_ascii=False)
    assert key not in str(scrub_event(None, "info", {"event": before + key, "more": tree}))


SECRETS = [
    ("my_sk_live_0123456789abcdef", "0123456789abcdef"),
    ("SK_LIVE_0123456789ABCDEF", "0123456789ABCDEF"),
    ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw=", "MfKQ9r8"),
    ("Authorization: Bearer abc.def", "abc.def"),
    ("authorization: bearer abc.def", "abc.def"),
    ("Authorization: Basic c2tfdGVzdDo=", "c2tfdGVzdDo"),
    ("postgresql://bursar:hunter2@db/bursar", "hunter2"),
    ("mysql+pymysql://bursar:hun%40ter2@db:3306/bursar", "hun%40ter2"),
    ("postgresql://bursar:hun@ter2@db/bursar", "ter2"),
    ("postgresql://bursar:hun/ter2@db/bursar", "ter2"),
    ("redis://:hunter2@cache", "hunter2"),
    ("cannot reach postgresql://bursar:hunter2@db, trying postgresql://bursar:hunter3@db", "hunter3"),
]


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_a_secret_in_a_text_is_masked(text: str, secret: str) -> None:
    assert secret not in scrub_text(text)
    assert MASK in scrub_text(text)
    assert secret not in str(scrub({"a": [{"b": text.encode()}]}))


@pytest.mark.parametrize("name", ["password", "Authorization", "CVC", "number", "client_secret", "api_key", "Cookie"])
def test_a_value_under_a_telling_name_is_masked_whatever_it_is(name: str) -> None:
    for value in ("x", 7, ["x"], {"a": "x"}):
        assert scrub({"outer": {name: value}}) == {"outer": {name: MASK}}
        assert scrub_event(None, "info", {name: value}) == {name: MASK}


def test_what_lies_too_deep_to_be_looked_at_is_masked_whole() -> None:
    value: Any = "harmless"
    for _ in range(100):
        value = [value]
    assert "harmless" not in str(scrub(value))


HARMLESS = [
    "customer.created cus_1k0qskgjjbk1r0xcpg5fmsgb",
    "2026-11-21T00:25:48Z took 12 ms",
    "4000 1234 5678 9010",
    "http://127.0.0.1:8420/v1/customers?limit=100",
    "Basically a bearer",
]


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_no_secret_stays_as_it_is(text: str) -> None:
    assert scrub_text(text) == text


@settings(deadline=None, max_examples=60)
@given(st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text() | st.binary(), st.lists))
def test_anything_can_be_scrubbed(value: Any) -> None:
    scrub(value)


def test_a_text_that_is_longer_than_any_log_line_of_ours_is_cut() -> None:
    """Looking closely costs time, and a million digits must not stop the server."""
    assert len(scrub_text("1 " * 1_000_000)) <= TEXT_LENGTH_MAX + len(CUT)
    assert scrub_text("x" * 1_000_000) == "x" * TEXT_LENGTH_MAX + CUT


@pytest.mark.parametrize("kept", range(20))
def test_no_part_of_a_card_number_is_left_where_a_text_is_cut(kept: int) -> None:
    assert "42" not in scrub_text("x" * (TEXT_LENGTH_MAX - kept) + "4242 4242 4242 4242" + "x" * 100)
