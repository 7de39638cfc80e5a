"""The balance and its transactions on the wire, and what the ledger is told."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from bursar.http.params import Cursor, ListParams, Seconds, TimeRange
from bursar.ledger.accounts import MAIN_WALLET

# Those that are written here; the wire knows more, which simply do not occur.
TransactionType = Literal[
    "adjustment",
    "application_fee",
    "charge",
    "payment",
    "payment_refund",
    "payment_reversal",
    "payout",
    "payout_cancel",
    "refund",
    "refund_failure",
    "transfer",
    "transfer_refund",
]
Resolution = Literal["captured", "voided", "expired", "reversed"]


class Movement(msgspec.Struct, frozen=True, kw_only=True):
    """What moves, for whom and why. `operation_id` is the bank operation's; empty when the bank was not asked.

    `source_id` is the object that the movement belongs to. That of a hold is the charge, and names the hold too:
    whoever captures or releases it later passes the same one.
    """

    org_id: str
    livemode: int
    operation_id: str | None
    source_id: str
    amount_minor: int
    currency: str
    connector: str
    description: str | None = None
    wallet: str = MAIN_WALLET


class WalletMovement(msgspec.Struct, frozen=True, kw_only=True):
    """What moves in or out of a wallet without an acquirer. `source_id` is the object that it belongs to."""

    org_id: str
    livemode: int
    wallet: str
    source_id: str
    amount_minor: int
    currency: str
    description: str | None = None


class FeeDetail(msgspec.Struct, kw_only=True):
    amount: int
    application: None = None
    currency: str
    description: str | None = None
    type: str = "payment_method_passthrough_fee"


class BalanceTransaction(msgspec.Struct, kw_only=True):
    id: str
    object: Literal["balance_transaction"] = "balance_transaction"
    amount: int
    available_on: int
    balance_type: Literal["payments"] = "payments"
    created: int
    currency: str
    description: str | None = None
    exchange_rate: None = None
    fee: int
    fee_details: list[FeeDetail] = []
    net: int
    reporting_category: str
    source: str | None
    status: Literal["available", "pending"]
    type: TransactionType


class SourceTypes(msgspec.Struct, kw_only=True):
    bank_account: int | None = None
    card: int
    fpx: int | None = None


class BalanceAmount(msgspec.Struct, kw_only=True):
    amount: int
    currency: str
    source_types: SourceTypes


class Balance(msgspec.Struct, kw_only=True):
    object: Literal["balance"] = "balance"
    available: list[BalanceAmount]
    connect_reserved: None = None
    instant_available: None = None
    issuing: None = None
    livemode: bool
    pending: list[BalanceAmount]
    refund_and_dispute_prefunding: None = None


class BalanceTransactionListParams(ListParams):
    created: Seconds | TimeRange | None = None
    currency: Annotated[str, Meta(pattern="^[A-Za-z]{3}$")] | None = None
    payout: Cursor | None = None
    source: Cursor | None = None
    type: Annotated[str, Meta(max_length=60, pattern="^[a-z_]+$")] | None = None


_decoder = msgspec.json.Decoder(BalanceTransaction)


def decode_transaction(document: str) -> BalanceTransaction:
    return _decoder.decode(document)
