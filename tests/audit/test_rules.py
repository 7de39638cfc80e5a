"""What of a read is kept, and that no card number or secret is."""

from urllib.parse import quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.audit.rules import object_of, reduced_query, result_of, spreadsheet_safe, view, viewed_type
from bursar.http.endpoint import Endpoint
from bursar.http.params import Params
from bursar.kit.errors import NotFound
from bursar.kit.permissions import NAMES
from tests.audit.endpoints import LIST, ONE, ROLES, list_roles

CARDS = ("4242424242424242", "5555555555554444", "378282246310005", "6011000990139424")
SEEN = {
    "audit",
    "balance",
    "charge",
    "customer",
    "dispute",
    "event",
    "payment_intent",
    "payment_method",
    "payment_session",
    "refund",
    "setup_intent",
    "token",
    "transaction",
    "wallet",
    "webhook_delivery",
    "withdrawal",
}


def test_reads_of_payment_details_are_told_of_and_others_are_not() -> None:
    assert viewed_type(LIST) == "bursar.payment_intent.viewed"
    assert viewed_type(ROLES) is None
    endpoints = [Endpoint("GET", "/x", list_roles, "", name, Params) for name in NAMES]
    assert {viewed_type(endpoint) for endpoint in endpoints} - {None} == {f"bursar.{thing}.viewed" for thing in SEEN}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (b"", {}),
        (b"limit=3&created[gte]=17", {"limit": "3", "created[gte]": "17"}),
        (b"customer=cus_123&starting_after=pi_1", {"customer": "cus_123", "starting_after": "pi_1"}),
        (b"email=ada%40example.com", {"email": "[15 characters]"}),
        (b"client_secret=pi_1_secret_2", {"client_secret": "[scrubbed]"}),
        (b"card[number]=4242", {"card[number]": "[scrubbed]"}),
        (b"query=email%3A'ada%40example.com'+AND+created>17", {"query": "email:[text] AND created>17"}),
        (b"query=name~%22unclosed", {"query": "name~[text]"}),
        (b"\xff=\xff", {"unreadable": "[3 bytes]"}),
        (b"&".join(b"a=1" for _ in range(2_000)), {"unreadable": "[7999 bytes]"}),
    ],
)
def test_of_a_query_ids_numbers_and_names_are_kept_and_of_text_only_its_length(
    query: bytes, expected: dict[str, str]
) -> None:
    assert reduced_query(query) == expected


@given(
    st.sampled_from(CARDS),
    st.text(max_size=20),
    st.text(max_size=20),
    st.sampled_from(["", " ", "-", "."]),
    st.sampled_from(["customer", "query", "email", "starting_after", "limit"]),
)
def test_no_card_number_is_kept_wherever_somebody_puts_it(
    card: str, before: str, after: str, between: str, name: str
) -> None:
    spelled = between.join(card[start : start + 4] for start in range(0, len(card), 4))
    for query in (urlencode({name: before + spelled + after}, errors="replace"), f"{quote_plus(spelled)}=1"):
        kept = str(view(ONE, {"intent": spelled}, query.encode(), None, 1))
        assert card not in kept
        assert spelled not in kept
    assert object_of({"intent": card}, None) is None


def test_what_was_not_found_is_told_of_by_what_was_asked_for_but_is_no_objects_entry() -> None:
    error = NotFound("No such intent", code="resource_missing")
    assert view(ONE, {"intent": "pi_1"}, b"", error, 17) == {
        "object": "view",
        "at": 17,
        "operation": "retrieve_payment_intent",
        "path": {"intent": "pi_1"},
        "query": {},
        "result": "resource_missing",
    }
    assert object_of({"intent": "pi_1"}, error) is None
    assert object_of({"intent": "pi_1"}, None) == "pi_1"
    assert object_of({"charge": "ch_1", "refund": "re_1"}, None) == "re_1"
    assert object_of({}, None) is None
    assert object_of({"intent": "x" * 41}, None) is None


@pytest.mark.parametrize(
    ("event_type", "document", "expected"),
    [
        ("customer.created", {}, "succeeded"),
        ("payment_intent.payment_failed", {}, "failed"),
        ("refund.failed", {}, "failed"),
        ("bursar.access.refused", {}, "refused"),
        ("bursar.customer.viewed", {"result": "found"}, "found"),
        ("bursar.customer.viewed", {"result": "resource_missing"}, "resource_missing"),
    ],
)
def test_every_entry_says_how_it_ended(event_type: str, document: dict[str, str], expected: str) -> None:
    assert result_of(event_type, document) == expected


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "|calc", "%0A"])
def test_what_a_spreadsheet_would_carry_out_is_text(text: str) -> None:
    assert spreadsheet_safe(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "order-1", "1-1", "a=b", "{}"])
def test_other_text_stays_as_it_is(text: str) -> None:
    assert spreadsheet_safe(text) == text
