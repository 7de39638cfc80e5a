"""What a customer brings back from the bank's page: whose signature is believed, and what it is taken for."""

import hashlib
import hmac
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.connectors.call import Caller
from bursar.connectors.contract import Returned, ReturnRefused
from bursar.connectors.piggybank import PiggyBank
from bursar.connectors.piggybank_returns import AGE_SECONDS_MAX, AHEAD_SECONDS_MAX, read_return

SECRET = "secret of the bank's messages"
NOW = 1_800_000_000
TOLD = {"operation": "auth_x_1", "reference": "op_1", "status": "approved", "time": str(NOW)}


def signed(secret: str = SECRET, **changes: str) -> dict[str, str]:
    told = TOLD | changes
    text = ".".join(told[name] for name in ("operation", "reference", "status", "time"))
    return told | {"signature": hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()}


def query(told: dict[str, str], **more: str) -> str:
    return urlencode({f"piggybank_{name}": value for name, value in told.items()} | more)


def test_the_signature_is_the_one_that_another_program_computes() -> None:
    """Computed elsewhere: `printf 'auth_x_1.op_1.approved.1800000000' | openssl dgst -sha256 -hmac Jefe`."""
    expected = "d3e02096859206d13151d442b211a172b155241614bfc15b9c40f39ceb8cb830"
    assert signed("Jefe")["signature"] == expected
    assert read_return("Jefe", query(TOLD | {"signature": expected}), NOW).operation_id == "op_1"


@pytest.mark.parametrize(
    ("status", "meaning"), [("approved", "succeeded"), ("declined", "failed"), ("pending", "pending")]
)
def test_it_names_the_operation_and_how_it_seemed_to_end(status: str, meaning: Any) -> None:
    expected = Returned(operation_id="op_1", bank_reference="auth_x_1", status=meaning, created=NOW)
    assert read_return(SECRET, query(signed(status=status)), NOW) == expected
    # What else stands in the address is somebody else's.
    assert read_return(SECRET, query(signed(status=status), place="7", signature="x"), NOW) == expected
    bank = PiggyBank(Caller(), "http://127.0.0.1:1", "key", SECRET)
    assert bank.read_return(query(signed(status=status)), NOW) == expected


@pytest.mark.parametrize("name", TOLD)
def test_nothing_can_be_altered_or_left_out(name: str) -> None:
    for other in ("", "x", TOLD[name] + "0", "declined", str(NOW - 1)):
        with pytest.raises(ReturnRefused):
            read_return(SECRET, query(signed() | {name: other}), NOW)
    with pytest.raises(ReturnRefused):
        read_return(SECRET, query({other: value for other, value in signed().items() if other != name}), NOW)


def test_the_status_of_another_payment_cannot_be_brought() -> None:
    """A customer who paid once signs nothing else by it, whichever parts are put together."""
    paid, failed = signed(), signed(reference="op_2", operation="auth_x_2", status="declined")
    for taken in ({"status"}, {"signature"}, {"status", "signature"}, {"status", "signature", "operation"}):
        mixed = failed | {name: paid[name] for name in taken}
        with pytest.raises(ReturnRefused):
            read_return(SECRET, query(mixed), NOW)


def test_each_of_the_banks_parameters_stands_once() -> None:
    for name in (*TOLD, "signature"):
        twice = query(signed()) + f"&piggybank_{name}={signed()[name]}"
        with pytest.raises(ReturnRefused):
            read_return(SECRET, twice, NOW)


def test_parts_that_are_moved_between_fields_do_not_hold() -> None:
    """The signed text is joined by dots; one that has them itself must not pass for another."""
    dotted = signed(reference="op_1.2")
    for moved in (dotted, dotted | {"operation": "auth_x_1.op_1", "reference": "2"}):
        with pytest.raises(ReturnRefused):
            read_return(SECRET, query(moved), NOW)


@pytest.mark.parametrize(
    "change",
    [
        {"signature": ""},
        {"signature": "0" * 64},
        {"signature": signed()["signature"].upper()},
        {"signature": "é"},
        signed("another secret"),
        signed(""),
        signed(status="waiting"),
        signed(time="soon"),
        signed(time="-1"),
        signed(time="٣"),
        signed(time="1" * 13),
    ],
    ids=str,
)
def test_what_the_bank_has_not_signed_so_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(ReturnRefused):
        read_return(SECRET, query(signed() | change), NOW)


def test_without_a_secret_nothing_is_believed() -> None:
    with pytest.raises(ReturnRefused):
        read_return("", query(signed("")), NOW)


def test_what_is_too_long_is_not_read() -> None:
    assert read_return(SECRET, query(signed(), x="y" * 5000), NOW)
    for more in ({"x": "y" * 9000}, {f"x{number}": "" for number in range(100)}):
        with pytest.raises(ReturnRefused):
            read_return(SECRET, query(signed(), **more), NOW)


@given(st.integers(-10_000, 10_000))
def test_it_holds_for_an_hour(seconds: int) -> None:
    try:
        believed = bool(read_return(SECRET, query(signed()), NOW + seconds))
    except ReturnRefused:
        believed = False
    assert believed == (-AHEAD_SECONDS_MAX <= seconds <= AGE_SECONDS_MAX)


@given(st.text() | st.dictionaries(st.sampled_from([f"piggybank_{name}" for name in TOLD]), st.text()).map(urlencode))
def test_whatever_comes_is_refused_and_nothing_breaks(text: str) -> None:
    with pytest.raises(ReturnRefused):
        read_return(SECRET, text, NOW)
