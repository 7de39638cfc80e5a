"""What callers send: structs that refuse everything they do not know."""

from __future__ import annotations

import re
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

AMOUNT_MAX = 10**15

Reference = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[!-~]+$")]
Merchant = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[!-~]+$")]
Amount = Annotated[int, Meta(ge=1, le=AMOUNT_MAX)]
AmountOrNothing = Annotated[int, Meta(ge=0, le=AMOUNT_MAX)]
CurrencyCode = Annotated[str, Meta(pattern=r"^[a-z]{3}$")]
Month = Annotated[int, Meta(ge=1, le=12)]
Year = Annotated[int, Meta(ge=1970, le=2199)]
Cvc = Annotated[str, Meta(pattern=r"^[0-9]{3,4}$")]
Text = Annotated[str, Meta(max_length=500)]
Vpa = Annotated[str, Meta(max_length=320, pattern=r"^[A-Za-z0-9._-]{2,255}@[A-Za-z][A-Za-z0-9]{1,63}\Z")]
WebAddress = Annotated[str, Meta(max_length=2048, pattern=r"^https?://[!-~]+\Z")]


class Card(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    number: Annotated[str, Meta(pattern=r"^[0-9]{12,19}$")]
    exp_month: Month
    exp_year: Year
    cvc: Cvc | None = None
    name: Text | None = None
    line1: Text | None = None
    postal_code: Text | None = None

    def __repr__(self) -> str:
        return f"Card(…{self.number[-4:]})"


class Authorization(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    reference: Reference
    merchant: Merchant
    amount: AmountOrNothing
    currency: CurrencyCode
    capture: bool
    card: Card
    off_session: bool | None = None
    authentication: Literal["automatic", "any", "challenge"] | None = None
    save_for_later: bool | None = None
    agreed_before: bool | None = None
    partial_captures: bool | None = None
    descriptor: Text | None = None


class Upi(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    flow: Literal["intent", "collect"]
    vpa: Vpa | None = None


class NetBanking(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    bank_code: Annotated[str, Meta(pattern=r"^[A-Z]{3,8}\Z")]
    account: Annotated[str, Meta(pattern=r"^[A-Za-z0-9]{4,34}\Z")] | None = None


class WalletPayment(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    wallet_id: Annotated[str, Meta(max_length=64, pattern=r"^pw_[a-z0-9_]+\Z")]


class AuthorizationWithoutCard(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One of the three says what pays. What only cards know may be said, and means nothing."""

    reference: Reference
    merchant: Merchant
    amount: Amount
    currency: CurrencyCode
    capture: bool
    card: None = None
    upi: Upi | None = None
    net_banking: NetBanking | None = None
    wallet: WalletPayment | None = None
    off_session: bool | None = None
    authentication: Literal["automatic", "any", "challenge"] | None = None
    save_for_later: bool | None = None
    agreed_before: bool | None = None
    partial_captures: bool | None = None
    descriptor: Text | None = None
    # Where the customer is sent back to from the bank's page.
    return_url: WebAddress | None = None
    # How long the customer may take.
    expires_after_seconds: Annotated[int, Meta(ge=1, le=86_400)] | None = None


class WhatPays(msgspec.Struct, kw_only=True):
    """Only looked at to say what is wrong with a request that is not for a card alone."""

    card: msgspec.Raw = msgspec.Raw()
    upi: msgspec.Raw = msgspec.Raw()
    net_banking: msgspec.Raw = msgspec.Raw()
    wallet: msgspec.Raw = msgspec.Raw()

    def named(self) -> list[str]:
        return [name for name in self.__struct_fields__ if bytes(getattr(self, name)) not in (b"", b"null")]


class CustomerAct(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What the customer does in the UPI app or on the bank's page. `defer` approves what the bank decides later."""

    merchant: Merchant
    act: Literal["approve", "decline", "defer"]


class NewWallet(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    balance: AmountOrNothing
    currency: CurrencyCode


class Completion(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    reference: Reference
    merchant: Merchant
    authentication: Literal["passed", "failed"]


class Capture(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    reference: Reference
    merchant: Merchant
    amount: Amount
    final: bool = True


class Increment(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`amount` is the new total."""

    reference: Reference
    merchant: Merchant
    amount: Amount


class Void(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    reference: Reference
    merchant: Merchant


class Refund(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    reference: Reference
    merchant: Merchant
    amount: Amount


class Reversal(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`reverses` is the reference of an operation, whether or not the bank has seen it."""

    reference: Reference
    merchant: Merchant
    reverses: Reference


class NewAccount(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    balance: AmountOrNothing
    currency: CurrencyCode
    brand: Literal["visa", "mastercard", "amex", "discover", "diners", "jcb", "unionpay"] = "visa"
    # The most that one payment may be.
    limit: Amount | None = None
    exp_month: Month | None = None
    exp_year: Year | None = None
    cvc: Cvc | None = None


class NewDispute(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    merchant: Merchant
    authorization: Annotated[str, Meta(max_length=64)]
    reason: Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[a-z_]+$")] = "fraudulent"
    amount: Amount | None = None


class NewSettlement(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    merchant: Merchant


class Evidence(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    merchant: Merchant
    text: Annotated[str, Meta(max_length=200_000)]


class Acceptance(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    merchant: Merchant


Operation = Authorization | AuthorizationWithoutCard | Completion | Capture | Increment | Void | Refund | Reversal


class Refused(Exception):
    """An answer that carries no operation: nothing was done."""

    def __init__(self, status: int, code: str, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.field = field


_PLACE = re.compile(r" - at `\$\.?([^`]*)`$")
_DIGITS = re.compile(r"[0-9]{3,}")


def unreadable(problem: Exception) -> Refused:
    """Names the field. What was sent is not repeated: it may be a card number."""
    text = str(problem)
    place = _PLACE.search(text)
    reason = _DIGITS.sub("…", _PLACE.sub("", text))
    return Refused(400, "invalid", f"The request is not valid: {reason}.", place[1] if place else None)


def not_found(what: str) -> Refused:
    return Refused(404, "not_found", f"There is no such {what} for this merchant.")
