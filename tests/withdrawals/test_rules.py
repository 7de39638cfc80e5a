"""Bank accounts that can be, and those that cannot."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.kit.errors import InvalidRequest
from bursar.withdrawals import rules
from bursar.withdrawals.schemas import Account, DestinationParams

IBANS = [
    "DE89370400440532013000",
    "GB82WEST12345698765432",
    "FR1420041010050500013M02606",
    "NL91ABNA0417164300",
    "NO9386011117947",
    "MT84MALT011000012345MTLCAST001S",
]


def read(**given_account: Any) -> Account:
    return rules.read_account(DestinationParams(account_holder=" Ada Example ", **given_account))


def refused(**given_account: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as refusal:
        read(**given_account)
    for value in given_account.values():
        assert value is None or len(value) < 8 or value not in refusal.value.message
    return refusal.value


@pytest.mark.parametrize("iban", IBANS)
def test_an_iban_is_read_as_people_write_it(iban: str) -> None:
    grouped = " ".join(iban[start : start + 4] for start in range(0, len(iban), 4)).lower()
    account = read(iban=grouped)
    assert (account.number, account.kind, account.bank_code, account.account_holder) == (
        iban,
        "iban",
        None,
        "Ada Example",
    )
    shown = rules.shown(account)
    assert (shown.country, shown.last4) == (iban[:2], iban[-4:])


@given(iban=st.sampled_from(IBANS), place=st.integers(0, 30), other=st.sampled_from("0123456789ABCXYZ"))
def test_an_iban_with_one_wrong_character_is_refused(iban: str, place: int, other: str) -> None:
    place %= len(iban)
    mistyped = iban[:place] + other + iban[place + 1 :]
    if mistyped == iban or place < 2:  # another country may have another length
        return
    assert refused(iban=mistyped).param == "destination[iban]"


@pytest.mark.parametrize("iban", ["", "DE", "XX00", IBANS[0][:-1], IBANS[0] + "0" * 20, "é" * 20])
def test_what_is_no_iban_is_refused(iban: str) -> None:
    assert refused(iban=iban).code == "iban_invalid"


def test_american_accounts_have_a_routing_number_that_checks_itself() -> None:
    account = read(account_number="000123456789", routing_number="021000021")
    assert (account.kind, account.bank_code, account.number) == ("routing_number", "021000021", "000123456789")
    assert rules.shown(account).country == "US"
    for wrong in ("021000022", "02100002", "000000000", "02100002a"):
        assert refused(account_number="000123456789", routing_number=wrong).code == "routing_number_invalid"


def test_indian_accounts_have_an_ifsc() -> None:
    account = read(account_number="50100012345678", ifsc="hdfc0000001", bank_name="HDFC Bank")
    assert (account.kind, account.bank_code) == ("ifsc", "HDFC0000001")
    assert (rules.shown(account).country, rules.shown(account).last4) == ("IN", "5678")
    for wrong in ("HDFC1000001", "HDFC000001", "1DFC0000001"):
        assert refused(account_number="50100012345678", ifsc=wrong).code == "ifsc_invalid"
    assert refused(account_number="12", ifsc="HDFC0000001").param == "destination[account_number]"


@pytest.mark.parametrize(
    "account",
    [
        {},
        {"account_number": "000123456789"},
        {"routing_number": "021000021"},
        {"iban": IBANS[0], "account_number": "000123456789"},
        {"iban": IBANS[0], "ifsc": "HDFC0000001"},
        {"account_number": "000123456789", "routing_number": "021000021", "ifsc": "HDFC0000001"},
    ],
)
def test_an_account_is_named_in_exactly_one_way(account: dict[str, str]) -> None:
    assert refused(**account).code == "destination_invalid"


@given(amount=st.integers(1, 10**12), limit=st.none() | st.integers(0, 10**12))
def test_more_than_the_limit_needs_a_second_person(amount: int, limit: int | None) -> None:
    limits = {} if limit is None else {"usd": limit}
    assert rules.needs_second_approval(amount, "usd", limits) == (limit is not None and amount > limit)
    assert not rules.needs_second_approval(amount, "eur", limits)
