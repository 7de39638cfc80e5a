"""Payment sessions and transactions: as they are kept, and on the wire."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from bursar.http.params import Params, ShortText
from bursar.payments.params import Amount, CurrencyCode, Id, Url
from bursar.plain_payments.schemas import MethodParams, NextStep, Status
from bursar.plain_payments.states import State
from bursar.wallets.schemas import Code, Pin, WalletAmounts

Direction = Literal["credit", "debit"]
# What is stored; whether it is expired follows from the time, and how far a payment by a method is from that payment.
StoredStatus = Literal["open", "paid", "expired", "closed"]
SessionStatus = Literal["open", "processing", "requires_action", "paid", "expired", "closed"]


class ReturnUrls(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Where the payer is sent afterwards."""

    success: Url | None = None
    failure: Url | None = None
    cancel: Url | None = None


class SessionDetails(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What of a session is only shown."""

    wallet_code: str
    ledger_name: str
    customer: str | None = None
    description: str | None = None
    return_urls: ReturnUrls | None = None


class Session(msgspec.Struct, kw_only=True, frozen=True):
    """As it is kept. Times are microseconds."""

    org_id: str
    livemode: int
    id: str
    version: int
    status: StoredStatus
    secret_hash: str
    wallet_id: str
    amount_minor: int
    service_fee_minor: int
    currency: str
    expires: int
    due: int | None
    tries: int
    payment_intent: str | None
    transaction_id: str
    paid_by: str | None
    answer: str | None
    details: SessionDetails

    @property
    def total_minor(self) -> int:
        return self.amount_minor + self.service_fee_minor


class Counterparty(msgspec.Struct, kw_only=True):
    """The other side, as far as this side may know it."""

    name: str | None = None
    wallet: str | None = None


class TransactionDetails(msgspec.Struct, kw_only=True, omit_defaults=True):
    wallet_code: str
    counterparty: Counterparty = msgspec.field(default_factory=Counterparty)
    description: str | None = None


class Transaction(msgspec.Struct, kw_only=True, frozen=True):
    """As it is kept: one side of what a session came to."""

    org_id: str
    livemode: int
    id: str
    version: int
    code: str
    direction: Direction
    state: State
    method: str | None
    amount_minor: int
    service_fee_minor: int
    refunded_minor: int
    currency: str
    wallet_id: str
    session_id: str | None
    payment_intent: str | None
    wallet_payment: str | None
    customer: str | None
    reason: str | None
    details: TransactionDetails

    @property
    def total_minor(self) -> int:
        return self.amount_minor + self.service_fee_minor


class TransactionTold(msgspec.Struct, kw_only=True):
    """A transaction in the log."""

    id: str
    object: Literal["transaction"] = "transaction"
    code: str
    direction: Direction
    status: State
    method: str | None
    amount: int
    service_fee: int
    total_amount: int
    amount_refunded: int
    currency: str
    wallet: str
    session: str | None
    payment: str | None
    counterparty: Counterparty
    reason: str | None


class SessionTold(msgspec.Struct, kw_only=True):
    """A session in the log: without what could be paid with."""

    id: str
    object: Literal["payment_session"] = "payment_session"
    amount: int
    service_fee: int
    currency: str
    status: StoredStatus
    tries: int
    wallet: str
    transaction: str
    payment_intent: str | None
    expires: int


class Payee(msgspec.Struct, kw_only=True):
    name: str
    walletCode: str  # noqa: N815 - as the wire spells it


class Receipt(msgspec.Struct, kw_only=True):
    """A transaction as the payer may see it."""

    object: Literal["transaction"] = "transaction"
    code: str
    direction: Direction
    status: State
    method: str | None
    amount: int
    serviceFee: int  # noqa: N815
    totalAmount: int  # noqa: N815
    currency: str
    description: str | None
    created: int
    payee: Payee


class SessionView(msgspec.Struct, kw_only=True):
    """What a checkout page needs. Amounts in minor units."""

    object: Literal["payment_session"] = "payment_session"
    transactionTraceId: str  # noqa: N815
    status: SessionStatus
    amount: int
    serviceFee: int  # noqa: N815
    totalAmount: int  # noqa: N815
    currency: str
    description: str | None
    created: int
    expires_at: int
    expires_in: int
    livemode: bool
    methods: list[str]
    next_action: NextStep | None
    payee: Payee
    checkout_url: str
    return_urls: ReturnUrls
    transaction_code: str | None


class AcceptAnswer(msgspec.Struct, kw_only=True):
    """How paying a session went. The balance is the payer's wallet's, afterwards."""

    object: Literal["payment_session_result"] = "payment_session_result"
    status: Status
    reason: str | None
    message: str | None
    transaction: Receipt
    balance: WalletAmounts | None = None
    auth_id: str | None = None
    payment_id: str | None = None
    next_action: NextStep | None = None


class SessionParams(Params, kw_only=True):
    amount: Amount
    currency: CurrencyCode | None = None
    description: ShortText | None = None
    customer: Id | None = None
    return_urls: ReturnUrls | None = None


class AcceptParams(MethodParams, kw_only=True):
    """From another wallet, with its PIN; or by a method."""

    fromWalletCode: Code | None = None  # noqa: N815
    pin: Pin | None = None
    totalAmount: Amount | None = None  # noqa: N815
    currency: Annotated[str, Meta(min_length=3, max_length=3)] | None = None

    def __repr__(self) -> str:
        """Whatever prints parameters must not print a PIN or a card."""
        return "AcceptParams(…)"


_details_of_session = msgspec.json.Decoder(SessionDetails)
_details_of_transaction = msgspec.json.Decoder(TransactionDetails)
_answer = msgspec.json.Decoder(AcceptAnswer)


def decode_session_details(document: str) -> SessionDetails:
    return _details_of_session.decode(document)


def decode_transaction_details(document: str) -> TransactionDetails:
    return _details_of_transaction.decode(document)


def decode_answer(document: str) -> AcceptAnswer:
    return _answer.decode(document)
