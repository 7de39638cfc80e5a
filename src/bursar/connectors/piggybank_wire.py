"""What PiggyBank is sent, and what it answers.

Only the fields that stand here are read from an answer, and none of them is secret; so what is kept of an
answer is these fields and never the answer itself.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from bursar.connectors.contract import BankDispute, BankSettlement, Checks, Risk


class WireCard(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    number: str
    exp_month: int
    exp_year: int
    cvc: str | None = None
    name: str | None = None
    line1: str | None = None
    postal_code: str | None = None

    def __repr__(self) -> str:
        return f"WireCard(…{self.number[-4:]})"


class WireUpi(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    flow: Literal["intent", "collect"]
    vpa: str | None = None


class WireNetBanking(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    bank_code: str
    account: str | None = None

    def __repr__(self) -> str:
        return f"WireNetBanking({self.bank_code})"


class WireWallet(msgspec.Struct, frozen=True, kw_only=True):
    wallet_id: str


class WireAuthorization(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One of the four says what pays."""

    reference: str
    merchant: str
    amount: int
    currency: str
    capture: bool
    card: WireCard | None = None
    upi: WireUpi | None = None
    net_banking: WireNetBanking | None = None
    wallet: WireWallet | None = None
    off_session: bool = False
    authentication: Literal["automatic", "any", "challenge"] = "automatic"
    save_for_later: bool = False
    agreed_before: bool = False
    partial_captures: bool = False
    descriptor: str | None = None
    return_url: str | None = None
    expires_after_seconds: int | None = None


class Reversal(msgspec.Struct, frozen=True, kw_only=True):
    reference: str
    merchant: str
    reverses: str


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that the bank did or refused to do. A value outside these lists makes an answer unreadable, and so
    the order's fate unknown.
    """

    id: str
    kind: Literal["authorization", "completion", "capture", "void", "refund", "increment", "reversal"]
    reference: str
    merchant: str
    status: Literal["approved", "declined", "challenge", "waiting", "pending", "failed"]
    amount: int
    # None for the reversal of what the bank never saw.
    currency: str | None = None
    authorization: str | None = None
    code: str | None = None
    decline: str | None = None
    advice_code: str | None = None
    authorization_code: str | None = None
    network_transaction_id: str | None = None
    retrieval_reference: str | None = None
    checks: Checks | None = None
    risk: Risk | None = None
    authentication: Literal["not_needed", "frictionless", "attempted", "passed", "failed"] | None = None
    fee: int = 0
    available_at_once: bool = False
    captured: int = 0
    refunded: int = 0
    reversed: bool = False
    voided: bool = False
    created: int = 0
    method: Literal["card", "upi", "net_banking", "wallet"] = "card"
    # Of one that waits for the customer: what the customer is shown, and until when.
    upi_link: str | None = None
    page_url: str | None = None
    expires: int | None = None
    vpa: str | None = None


class Dispute(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    authorization: str
    reference: str
    amount: int
    currency: str
    reason: str
    status: Literal["open", "under_review", "won", "lost"]
    fee: int = 0
    inquiry: bool = False
    evidence_due: int | None = None

    def translated(self) -> BankDispute:
        return BankDispute(
            dispute_id=self.id,
            bank_reference=self.authorization,
            status=self.status,
            inquiry=self.inquiry,
            amount_minor=self.amount,
            currency=self.currency,
            reason=self.reason,
            fee_minor=self.fee,
            evidence_due=self.evidence_due,
        )


class FraudWarning(msgspec.Struct, frozen=True, kw_only=True):
    authorization: str
    reference: str
    reason: str = "fraudulent"
    id: str | None = None


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    currency: str
    payments: int
    gross: int
    refunds: int
    disputes: int
    fees: int
    net: int
    begins: int
    ends: int

    def translated(self) -> BankSettlement:
        return BankSettlement(
            settlement_id=self.id,
            currency=self.currency,
            payments=self.payments,
            gross_minor=self.gross,
            refunded_minor=self.refunds,
            disputed_minor=self.disputes,
            fee_minor=self.fees,
            net_minor=self.net,
            begins=self.begins,
            ends=self.ends,
        )


class EventData(msgspec.Struct, frozen=True, kw_only=True):
    operation: Operation | None = None
    dispute: Dispute | None = None
    fraud_warning: FraudWarning | None = None
    settlement: Settlement | None = None


class Event(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    type: str
    merchant: str
    created: int
    data: EventData
