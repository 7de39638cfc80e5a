"""Transactions on the wire, and what can be asked of them."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from bursar.http.params import ListParams, Seconds, TimeRange
from bursar.payment_sessions.schemas import Counterparty, Direction
from bursar.payments.params import CurrencyCode, Id
from bursar.plain_payments.states import State
from bursar.wallets.schemas import Code

Bound = Annotated[int, Meta(ge=0, le=10**15)]
Words = Annotated[str, Meta(min_length=1, max_length=200)]
MethodName = Literal["card", "credit_card", "upi", "net_banking", "wallet", "wallet_code"]


class AmountRange(msgspec.Struct, forbid_unknown_fields=True):
    """Minor units, of the total, each bound included."""

    gte: Bound | None = None
    lte: Bound | None = None


class TransactionListParams(ListParams, kw_only=True):
    amount: AmountRange | None = None
    counterparty: Words | None = None
    created: Seconds | TimeRange | None = None
    currency: CurrencyCode | None = None
    customer: Id | None = None
    direction: Direction | None = None
    method: MethodName | None = None
    # In descriptions and e-mail addresses, or the last four digits of a card, or a transaction's code.
    query: Words | None = None
    status: State | None = None
    sums: bool = False
    wallet: Code | None = None


class TransactionView(msgspec.Struct, kw_only=True):
    """One line of the list. Amounts in minor units."""

    id: str
    object: Literal["transaction"] = "transaction"
    amount: int
    amount_refunded: int
    code: str | None
    counterparty: Counterparty
    created: int
    currency: str
    customer: str | None
    description: str | None
    direction: Direction
    email: str | None
    last4: str | None
    livemode: bool
    method: str | None
    payment_id: str | None
    reason: str | None
    serviceFee: int  # noqa: N815 - as the wire spells it
    session: str | None
    status: State
    totalAmount: int  # noqa: N815
    wallet: str | None


class Sum(msgspec.Struct, kw_only=True):
    """Of all transactions of one currency in one state."""

    currency: str
    status: State
    direction: Direction
    count: int
    amount: int


class Sums(msgspec.Struct, kw_only=True):
    """For a range of time: the last 31 days where none is named."""

    since: int
    until: int
    data: list[Sum]


class TransactionList(msgspec.Struct, kw_only=True):
    """A page may be short, even empty, where few match: then `next_page` goes on behind what was looked through."""

    object: Literal["list"] = "list"
    data: list[TransactionView]
    has_more: bool
    next_page: str | None
    sums: Sums | None
    url: str


class Happening(msgspec.Struct, kw_only=True):
    """One entry of the log about a transaction."""

    id: str
    time: int
    event: str
    about: str
    user: str
    address: str | None
    request_id: str | None
    status: str | None
    amount: int | None
    currency: str | None
    method: str | None
    counterparty: Counterparty
    fee: int | None


class LedgerLine(msgspec.Struct, kw_only=True):
    """What it moved in the wallet."""

    id: str
    type: str
    source: str | None
    amount: int
    fee: int
    net: int
    currency: str
    created: int
    available_on: int


class RefundLine(msgspec.Struct, kw_only=True):
    id: str
    amount: int
    currency: str
    created: int
    reason: str | None
    status: str


class DisputeLine(msgspec.Struct, kw_only=True):
    id: str
    amount: int
    currency: str
    created: int
    reason: str
    status: str


class TransactionDetail(TransactionView, kw_only=True):
    auth_id: str | None
    # What the acquirer kept, and gave back.
    fee: int
    net: int
    refunds: list[RefundLine]
    disputes: list[DisputeLine]
    ledger_entries: list[LedgerLine]
    timeline: list[Happening]
    # False where so much happened at the same time that not all of the log around it was looked through.
    timeline_complete: bool


class TransactionQuery(TransactionListParams, kw_only=True):
    """The same filters in a body."""
