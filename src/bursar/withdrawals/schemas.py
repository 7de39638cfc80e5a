"""Withdrawals, as they are kept and on the wire."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from bursar.http.params import ListParams, Params, ShortText
from bursar.wallets.schemas import AmountMinor, Code, CurrencyCode

Status = Literal["requested", "approved", "refused", "canceled"]
DestinationKind = Literal["iban", "routing_number", "ifsc"]

Holder = Annotated[str, Meta(min_length=1, max_length=140, pattern=r"\S")]
Bank = Annotated[str, Meta(min_length=1, max_length=140, pattern=r"\S")]
# Long enough for what people write with spaces; what it must be is for the rules to say.
Number = Annotated[str, Meta(min_length=1, max_length=50)]


class DestinationParams(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One of an IBAN, an account number with a routing number, or an account number with an IFSC."""

    account_holder: Holder
    bank_name: Bank | None = None
    iban: Number | None = None
    account_number: Number | None = None
    routing_number: Number | None = None
    ifsc: Number | None = None


class Account(msgspec.Struct, kw_only=True, frozen=True):
    """A bank account in full. Only ever kept sealed."""

    account_holder: str
    bank_name: str | None
    kind: DestinationKind
    number: str
    # The bank's code; an IBAN has it within.
    bank_code: str | None


class Destination(msgspec.Struct, kw_only=True):
    """What of a bank account is shown."""

    account_holder: str
    bank_name: str | None
    country: str
    kind: DestinationKind
    last4: str


class Withdrawal(msgspec.Struct, kw_only=True):
    id: str
    object: Literal["withdrawal"] = "withdrawal"
    amount: int
    asked_by: str
    balance_transaction: str
    created: int
    currency: str
    decided_at: int | None = None
    # Nobody where no second person was needed.
    decided_by: str | None = None
    description: str | None = None
    destination: Destination
    livemode: bool
    needs_second_approval: bool
    # Why it was refused or canceled.
    reason: str | None = None
    reversal_transaction: str | None = None
    status: Status
    wallet: str


class WithdrawalParams(Params, kw_only=True):
    amount: AmountMinor
    currency: CurrencyCode
    description: ShortText | None = None
    destination: DestinationParams
    # The primary one if none is named.
    wallet: Code | None = None


class DecisionParams(Params):
    reason: ShortText | None = None


class WithdrawalListParams(ListParams):
    status: Status | None = None


_decoder = msgspec.json.Decoder(Withdrawal)
_account_decoder = msgspec.json.Decoder(Account)


def decode_withdrawal(document: str) -> Withdrawal:
    return _decoder.decode(document)


def decode_account(content: bytes) -> Account:
    return _account_decoder.decode(content)
