"""What pays without a card: what is taken, and what the bank is sent."""

import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.connectors.contract import CustomerWallet, NetBanking, UpiCollect, UpiIntent
from bursar.http.endpoint import encode
from bursar.kit.errors import InvalidRequest
from bursar.methods import without_card
from bursar.methods.schemas import (
    CustomerWalletParams,
    NetBankingParams,
    PaymentMethod,
    PaymentMethodData,
    UpiParams,
    decode_method,
    public_method,
    stored_form,
)


def made(livemode: bool = False, **given_data: Any) -> PaymentMethod:
    return without_card.new_method(PaymentMethodData(**given_data), "pm_1", 1, livemode=livemode)


def upi(vpa: str | None) -> PaymentMethod:
    return made(type="upi", upi=UpiParams(vpa=vpa))


def at_bank(**given_data: Any) -> PaymentMethod:
    return made(type="net_banking", net_banking=NetBankingParams(**given_data))


@pytest.mark.parametrize("vpa", ["asha@okbank", "a.b-c_d@ybl", "9876543210@upi"])
def test_upi_addresses_are_taken(vpa: str) -> None:
    assert without_card.bank_method(upi(vpa), None) == UpiCollect(vpa=vpa)


@given(st.text(max_size=40))
def test_whatever_else_is_sent_is_an_address_or_refused(text: str) -> None:
    try:
        method = upi(text)
    except InvalidRequest as problem:
        assert problem.param == "upi[vpa]"
        return
    assert method.upi and (method.upi.vpa is None or re.fullmatch(r"[a-z0-9._-]+@[a-z0-9]+", method.upi.vpa))


def test_without_an_address_the_customer_scans() -> None:
    assert without_card.bank_method(upi(None), None) == UpiIntent()
    assert without_card.bank_method(made(type="upi"), None) == UpiIntent()


def test_an_account_goes_to_the_bank_and_is_shown_by_its_end() -> None:
    params = NetBankingParams(bank_code="hdfc", account="5010 0044-1234")
    data = PaymentMethodData(type="net_banking", net_banking=params)
    method = without_card.new_method(data, "pm_1", 1, livemode=False)
    account = without_card.given_account(data)
    assert without_card.bank_method(method, account) == NetBanking(bank_code="HDFC", account="501000441234")
    assert method.net_banking and method.net_banking.account_last4 == "1234"
    assert b"50100044" not in encode(method) and "5010" not in repr(params)


@pytest.mark.parametrize(
    ("given_data", "param"),
    [
        ({}, "net_banking[bank_code]"),
        ({"bank_code": "H"}, "net_banking[bank_code]"),
        ({"bank_code": "NOPE"}, "net_banking[bank_code]"),
        ({"bank_code": "HDFC", "account": "12"}, "net_banking[account]"),
        ({"bank_code": "HDFC", "account": "12;34"}, "net_banking[account]"),
    ],
)
def test_what_is_no_bank_or_account_is_refused(given_data: dict[str, str], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        at_bank(**given_data)
    assert caught.value.param == param


def test_banks_that_only_exist_in_reality_are_taken_there() -> None:
    method = made(livemode=True, type="net_banking", net_banking=NetBankingParams(bank_code="KKBK"))
    assert without_card.bank_method(method, None) == NetBanking(bank_code="KKBK")


@pytest.mark.parametrize("wallet_id", [None, "", "a b", "x", "pw_" + "a" * 80])
def test_what_is_no_wallet_is_refused(wallet_id: str | None) -> None:
    with pytest.raises(InvalidRequest) as caught:
        made(type="wallet", wallet=CustomerWalletParams(wallet_id=wallet_id))
    assert caught.value.param == "wallet[wallet_id]"


def test_a_method_is_read_as_it_was_stored_and_has_its_own_member_only() -> None:
    for method in (upi("asha@okbank"), at_bank(bank_code="SBIN"), wallet()):
        assert decode_method(encode(stored_form(method)).decode()) == method
        shown = msgspec.to_builtins(method)
        assert method.type in shown
        assert not {"card", "upi", "net_banking", "wallet"} - {method.type} & shown.keys()
        with pytest.raises(InvalidRequest):
            without_card.refuse_keeping(method)


def test_a_wallet_is_named_to_the_bank() -> None:
    assert without_card.bank_method(wallet(), None) == CustomerWallet(wallet_id="pw_1")


def test_whoever_has_a_publishable_key_sees_the_kind_and_not_whose_it_is() -> None:
    for method, hidden in ((upi("asha@okbank"), "asha"), (wallet(), "pw_1")):
        shown = public_method(msgspec.to_builtins(method))
        assert shown["type"] == method.type and hidden not in str(shown)


def wallet() -> PaymentMethod:
    return made(type="wallet", wallet=CustomerWalletParams(wallet_id="pw_1"))
