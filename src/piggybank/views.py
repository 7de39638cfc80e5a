"""What callers get to see of the bank's records."""

from __future__ import annotations

import hashlib
from typing import Literal
from urllib.parse import quote, urlencode

import msgspec

from piggybank.authorization import Authorization
from piggybank.money import major_units
from piggybank.records import Authentication, Batch, Checks, DisputeChange, OperationKind, Payer, Record, Status

FEE_PER_MILLE = 15
PAGE_PATH = "/netbanking"
UPI_PAYEE = "bursar@piggybank"
UPI_CATEGORY = "5999"  # of merchants: other retail
NO_CHECKS = Checks()
_SCORES = {"normal": (0, 50), "elevated": (65, 10), "highest": (80, 20)}  # the lowest, and how many there are


class RiskView(msgspec.Struct, frozen=True):
    level: str
    score: int


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    kind: OperationKind
    reference: str
    merchant: str
    status: Status
    authorization: str | None
    amount: int
    currency: str | None
    code: str
    decline: str | None
    advice_code: str | None
    authorization_code: str | None
    network_transaction_id: str | None
    retrieval_reference: str
    checks: Checks
    risk: RiskView
    authentication: Authentication | None
    fee: int
    available_at_once: bool
    captured: int
    refunded: int
    reversed: bool
    voided: bool
    created: int
    method: Literal["card", "upi", "net_banking", "wallet"] = "card"


class OperationWithoutCard(Operation, frozen=True, kw_only=True):
    """What a customer is shown, and until when, while the authorisation waits for the customer."""

    upi_link: str | None = None
    # Below the bank's own address.
    page_url: str | None = None
    expires: int | None = None
    vpa: str | None = None


class DisputeView(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    authorization: str
    reference: str
    amount: int
    currency: str
    reason: str
    fee: int
    status: str
    inquiry: bool
    evidence_due: int


class SettlementView(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    merchant: str
    currency: str
    payments: int
    gross: int
    refunds: int
    disputes: int
    fees: int
    net: int
    begins: int
    ends: int


def fee_of(amount: int) -> int:
    """1.5 per cent, rounded half up, of what is captured; never nothing."""
    return max(1, (amount * FEE_PER_MILLE + 500) // 1000) if amount else 0


def operation(record: Record, about: Authorization | None) -> Operation:
    """As it is now: what became of its authorisation since is in it."""
    number = int.from_bytes(hashlib.blake2b(record.id.encode(), digest_size=16).digest())
    status = record.status or "approved"
    code, decline = record.code, record.decline
    if about is not None:
        status = about.operation_status(record)
        if record.kind == "authorization":
            code, decline = about.code, about.decline
    approved = status != "declined"
    is_reversed = about is not None and record.kind != "reversal" and (about.reversed or record.seq in about.undone)
    captures = record.kind in ("authorization", "completion", "capture")
    lowest, count = _SCORES[record.risk or "normal"]
    shown = Operation(
        id=record.id,
        kind=record.kind,  # type: ignore[arg-type]  # only operations are shown as such
        reference=record.reference,
        merchant=record.merchant,
        status=status,
        authorization=record.authorization or None,
        amount=record.amount,
        currency=record.currency or None,
        code=code,
        decline=decline,
        advice_code=record.advice_code,
        authorization_code=f"{number >> 90:06}"[-6:] if approved else None,
        network_transaction_id=str(number % 10**15).zfill(15) if approved else None,
        retrieval_reference=str(number // 10**15 % 10**12).zfill(12),
        checks=record.checks or NO_CHECKS,
        risk=RiskView(record.risk or "normal", lowest + number % count),
        authentication=record.authentication,
        fee=record.fee,
        available_at_once=bool(captures and record.fee and about and about.behaviour.available_at_once),
        captured=about.captured if about is not None else 0,
        refunded=about.refunded if about is not None else 0,
        reversed=is_reversed,
        voided=about is not None and (about.voided or about.expired),
        created=record.at // 1000,
    )
    payer = record.payer if about is None else about.payer
    return shown if payer is None else _without_card(shown, record, about, payer)


def _without_card(shown: Operation, record: Record, about: Authorization | None, payer: Payer) -> OperationWithoutCard:
    fields = {name: getattr(shown, name) for name in shown.__struct_fields__}
    fields |= {"method": payer.method, "vpa": payer.vpa or None}
    if record.kind == "authorization":
        fields["fee"] = about.fee if about is not None else 0
        if shown.status in ("waiting", "pending"):
            fields |= {"authorization_code": None, "network_transaction_id": None}
        if shown.status == "waiting":
            fields["expires"] = payer.until // 1000
            fields["upi_link"] = upi_link(record, payer) if payer.method == "upi" and not payer.vpa else None
            fields["page_url"] = f"{PAGE_PATH}/{record.id}/{payer.page}" if payer.page else None
    return OperationWithoutCard(**fields)


def upi_link(record: Record, payer: Payer) -> str:
    fields = {
        "pa": UPI_PAYEE,
        "pn": payer.payee,
        "mc": UPI_CATEGORY,
        "tr": record.id,
        "tn": f"Payment to {payer.payee}",
        "am": major_units(record.amount, record.currency),
        "cu": record.currency.upper(),
    }
    return "upi://pay?" + urlencode(fields, quote_via=quote, safe="@")


def dispute(change: DisputeChange, about: Authorization) -> DisputeView:
    return DisputeView(
        id=change.id,
        authorization=about.id,
        reference=about.reference,
        amount=change.amount,
        currency=change.currency,
        reason=change.reason,
        fee=change.fee,
        status=change.status,
        inquiry=change.inquiry,
        evidence_due=change.evidence_due,
    )


def settlement(batch_id: str, merchant: str, currency: str, batch: Batch) -> SettlementView:
    return SettlementView(
        id=batch_id,
        merchant=merchant,
        currency=currency,
        payments=batch.payments,
        gross=batch.gross,
        refunds=batch.refunds,
        disputes=batch.disputes,
        fees=batch.fees,
        net=batch.net,
        begins=batch.begins,
        ends=batch.ends,
    )
