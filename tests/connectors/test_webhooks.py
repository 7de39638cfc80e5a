"""Messages of PiggyBank: which are believed, and what they are taken for."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.connectors import signatures
from bursar.connectors.contract import BankEvent, WebhookRefused
from bursar.connectors.piggybank_webhooks import read_webhook
from tests.connectors.test_fake_bank import DISPUTE, NOW, REFUND, SECRET, message, signed

HEADER = "PiggyBank-Signature"


def body_of(kind: str, data: dict[str, Any], **changes: Any) -> bytes:
    event = {"id": "bev_1", "type": kind, "merchant": "org_1:test", "created": NOW, "data": data}
    return json.dumps(event | changes).encode()


def read(body: bytes, headers: dict[str, str] | None = None, secret: str = SECRET) -> list[BankEvent]:
    return read_webhook(secret, signed(SECRET, body, NOW) if headers is None else headers, body, NOW)


def test_the_signature_is_the_one_that_another_program_computes() -> None:
    """Computed elsewhere: `printf '1.body' | openssl dgst -sha256 -hmac Jefe`."""
    expected = "25d254c27761adb1423727084ca395476858b2401387226230b6358cf07fad8b"
    assert signatures.sign("Jefe", b"body", 1) == f"t=1,v1={expected}"


def test_the_name_of_the_header_is_read_in_any_case() -> None:
    body = body_of("refund.succeeded", {"operation": REFUND})
    for name in (HEADER, HEADER.lower(), HEADER.upper()):
        assert read(body, {"Content-Type": "application/json", name: signed(SECRET, body, NOW)[HEADER]})


def test_one_good_signature_of_several_is_enough() -> None:
    body = body_of("refund.succeeded", {"operation": REFUND})
    old, new = signed("the secret before", body, NOW)[HEADER], signed(SECRET, body, NOW)[HEADER]
    both = f"{old},{new.partition(',')[2]}"
    assert len(read(body, {HEADER: both})) == 1
    assert len(read(body, {HEADER: both}, "the secret before")) == 1
    with pytest.raises(WebhookRefused):
        read(body, {HEADER: both}, "a third secret")


def test_without_a_secret_nothing_is_believed() -> None:
    body = body_of("refund.succeeded", {"operation": REFUND})
    with pytest.raises(WebhookRefused):
        read(body, signed("", body, NOW), "")


@pytest.mark.parametrize(
    "change",
    [
        lambda header: "",
        lambda header: "v1=" + "0" * 64,
        lambda header: header.replace("t=", "t=-"),
        lambda header: header.replace("t=", "t=0"),
        lambda header: header.replace("t=", "t=٣"),
        lambda header: f"t={NOW},{header}",
        lambda header: header.replace("v1=", "v0="),
        lambda header: header.upper(),
        lambda header: header + ",v1=" * 10,
        lambda header: header + "," * 5000,
        lambda header: header.partition(",")[0],
        lambda header: header.replace("v1=", "v1=é"),
    ],
)
def test_signatures_that_are_written_otherwise_are_refused(change: Any) -> None:
    body = body_of("refund.succeeded", {"operation": REFUND})
    with pytest.raises(WebhookRefused):
        read(body, {HEADER: change(signed(SECRET, body, NOW)[HEADER])})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"\xff",
        body_of("refund.succeeded", {}),
        body_of("refund.succeeded", {"operation": None}),
        body_of("refund.succeeded", {"dispute": DISPUTE}),
        body_of("refund.succeeded", {"operation": {**REFUND, "status": "perhaps"}}),
        body_of("refund.succeeded", {"operation": {**REFUND, "amount": "12"}}),
        body_of("dispute.opened", {"operation": REFUND}),
        body_of("dispute.opened", {"dispute": {**DISPUTE, "amount": None}}),
        body_of("fraud_warning.opened", {}),
        body_of("refund.succeeded", {"operation": REFUND}, id=7),
        body_of("refund.succeeded", {"operation": REFUND}, filler="x" * 300_000),
    ],
)
def test_a_signed_message_that_cannot_be_read_is_refused(body: bytes) -> None:
    with pytest.raises(WebhookRefused):
        read(body)


def test_a_type_that_nobody_knows_yet_is_taken_and_means_nothing() -> None:
    assert read(body_of("bank.closed_for_easter", {"until": "Tuesday"})) == []


def test_of_a_message_only_known_fields_are_kept() -> None:
    body = body_of("refund.succeeded", {"operation": {**REFUND, "card": {"number": "4242424242424242"}}})
    (event,) = read(body)
    assert "4242424242424242" not in repr(event)


def test_a_dispute_names_the_payment_and_itself() -> None:
    (event,) = read(body_of("dispute.opened", {"dispute": DISPUTE}))
    assert (event.operation_id, event.bank_reference) == ("op_1", "aut_1")
    assert event.details["id"] == "dp_1"
    assert event.details["evidence_due"] == 1_801_000_000


@given(st.dictionaries(st.sampled_from([HEADER, "other"]), st.text()), st.binary(), st.integers())
def test_whatever_comes_is_read_or_refused(headers: dict[str, str], body: bytes, now_seconds: int) -> None:
    with pytest.raises(WebhookRefused):
        read_webhook(SECRET, headers, body, now_seconds)


@given(st.binary())
def test_whatever_is_signed_is_read_or_refused(body: bytes) -> None:
    with contextlib.suppress(WebhookRefused):
        assert read(body) == []


@given(st.integers(-10_000, 10_000))
def test_a_signature_holds_for_five_minutes_both_ways(seconds: int) -> None:
    webhook = message("refund.succeeded", {"operation": REFUND}, SECRET, NOW, {})
    try:
        believed = bool(read_webhook(SECRET, webhook.headers, webhook.body, NOW + seconds))
    except WebhookRefused:
        believed = False
    assert believed == (abs(seconds) <= 300)
