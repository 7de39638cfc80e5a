"""What pays without a card: UPI, net banking, customers' wallets. What is taken, and what the bank is sent. Pure."""

from __future__ import annotations

import re

from bursar.connectors.contract import CustomerWallet, Method, NetBanking, UpiCollect, UpiIntent
from bursar.kit.errors import InvalidRequest
from bursar.methods.rules import billing_details, describe, missing_param
from bursar.methods.schemas import (
    BillingDetails,
    CustomerWalletDetails,
    NetBankingDetails,
    PaymentMethod,
    PaymentMethodCreateParams,
    PaymentMethodData,
    UpiDetails,
)
from piggybank_cards.methods import bank, table

# What comes before the @ is the customer's choice, what comes after it is the app's or the bank's handle.
_VPA = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,99}@[A-Za-z][A-Za-z0-9]{1,63}")
_BANK_CODE = re.compile(r"[A-Z0-9]{2,20}")
_ACCOUNT = re.compile(r"[A-Za-z0-9]{4,34}")
_WALLET_ID = re.compile(r"[A-Za-z0-9_-]{3,60}")
LAST_CHARACTERS = 4
# What each of them is called where people read it.
NAMES = {"net_banking": "Net banking", "upi": "UPI", "wallet": "A customer's wallet"}


def new_method(
    data: PaymentMethodData | PaymentMethodCreateParams, method_id: str, created: int, *, livemode: bool
) -> PaymentMethod:
    """Of the type that the data name; whether they are of one that exists was checked."""
    billing = billing_details(BillingDetails(), data.billing_details)
    method = PaymentMethod(id=method_id, billing_details=billing, created=created, livemode=livemode)
    if data.type == "upi":
        method.type = "upi"
        method.upi = UpiDetails(vpa=_checked_vpa(data.upi.vpa) if data.upi is not None else None)
    elif data.type == "net_banking":
        method.type = "net_banking"
        method.net_banking = _net_banking(data, livemode=livemode)
    else:
        method.type = "wallet"
        method.wallet = CustomerWalletDetails(wallet_id=_checked_wallet(data))
    describe(method, data)
    return method


def given_account(data: PaymentMethodData | PaymentMethodCreateParams) -> str | None:
    """The customer's account, which only the bank and the vault get to see."""
    if data.type != "net_banking" or data.net_banking is None or not data.net_banking.account:
        return None
    account = data.net_banking.account.replace(" ", "").replace("-", "")
    if not _ACCOUNT.fullmatch(account):
        raise InvalidRequest(
            "Invalid account: it has 4 to 34 letters and digits. Leave it away to let the customer choose at the bank.",
            param="net_banking[account]",
        )
    return account


def bank_method(method: PaymentMethod, account: str | None) -> Method:
    """What the bank is sent."""
    if method.upi:
        return UpiIntent() if method.upi.vpa is None else UpiCollect(vpa=method.upi.vpa)
    if method.net_banking:
        return NetBanking(bank_code=method.net_banking.bank_code, account=account)
    assert method.wallet, "a method without a card is one of these"
    return CustomerWallet(wallet_id=method.wallet.wallet_id)


def refuse_keeping(method: PaymentMethod) -> None:
    """A customer approves each of these payments at the bank, so there is nothing to keep for the next."""
    if method.type == "card":
        return
    raise InvalidRequest(
        f"{NAMES[method.type]} pays once and cannot be kept for a customer: the customer approves each payment. "
        "Make a new payment method for each payment.",
        param="payment_method",
        code="payment_method_unsupported_type",
    )


def _net_banking(data: PaymentMethodData | PaymentMethodCreateParams, *, livemode: bool) -> NetBankingDetails:
    given = data.net_banking
    if given is None or not given.bank_code:
        raise missing_param("net_banking[bank_code]")
    code = given.bank_code.upper()
    if not _BANK_CODE.fullmatch(code):
        raise InvalidRequest(
            "Invalid bank_code: it is the short name of a bank in letters and digits, such as HDFC.",
            param="net_banking[bank_code]",
        )
    if not livemode and bank(code) is None:
        known = ", ".join(each.code for each in table().banks)
        raise InvalidRequest(
            f"There is no bank {code} in test mode; there are {known}.", param="net_banking[bank_code]"
        )
    account = given_account(data)
    return NetBankingDetails(account_last4=account[-LAST_CHARACTERS:] if account else None, bank_code=code)


def _checked_vpa(vpa: str | None) -> str | None:
    if not vpa:
        return None
    if not _VPA.fullmatch(vpa):
        raise InvalidRequest(
            "Invalid vpa: a UPI address looks like name@bank. Leave it away to show the customer a QR code.",
            param="upi[vpa]",
        )
    return vpa.lower()


def _checked_wallet(data: PaymentMethodData | PaymentMethodCreateParams) -> str:
    if data.wallet is None or not data.wallet.wallet_id:
        raise missing_param("wallet[wallet_id]")
    if not _WALLET_ID.fullmatch(data.wallet.wallet_id):
        raise InvalidRequest(
            "Invalid wallet_id: it is the id that the bank has given to the customer's wallet.",
            param="wallet[wallet_id]",
        )
    return data.wallet.wallet_id
