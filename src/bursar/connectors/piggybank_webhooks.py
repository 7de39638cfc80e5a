"""What PiggyBank tells by itself. Pure: the signature is checked, the message translated, nothing else."""

from __future__ import annotations

from typing import Literal, TypeVar

import msgspec

from bursar.connectors.contract import BankEvent, WebhookRefused
from bursar.connectors.piggybank_wire import Dispute, Event, FraudWarning, Operation, Settlement
from bursar.connectors.signatures import verify

SIGNATURE_HEADER = "piggybank-signature"
BODY_BYTES_MAX = 256 * 1024

T = TypeVar("T")
KindOfOperation = Literal[
    "authorization_approved",
    "authorization_declined",
    "authorization_expired",
    "refund_succeeded",
    "refund_failed",
]
KindOfDispute = Literal["dispute_opened", "dispute_updated", "dispute_won", "dispute_lost"]

_KINDS_OF_OPERATION: dict[str, KindOfOperation] = {
    "authorization.approved": "authorization_approved",
    "authorization.declined": "authorization_declined",
    "authorization.expired": "authorization_expired",
    "refund.succeeded": "refund_succeeded",
    "refund.failed": "refund_failed",
}
_KINDS_OF_DISPUTE: dict[str, KindOfDispute] = {
    "dispute.opened": "dispute_opened",
    "dispute.updated": "dispute_updated",
    "dispute.won": "dispute_won",
    "dispute.lost": "dispute_lost",
}
FRAUD_WARNING = "fraud_warning.opened"
SETTLEMENT = "settlement.ready"

_read_event = msgspec.json.Decoder(Event).decode


def read_webhook(secret: str, headers: dict[str, str], body: bytes, now_seconds: int) -> list[BankEvent]:
    """No events for a type that is not known: the bank may learn new ones, and would repeat a refused message."""
    if len(body) > BODY_BYTES_MAX:
        raise WebhookRefused("The message is too long.", "too_large")
    verify(secret, _header(headers), body, now_seconds)
    try:
        event = _read_event(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise WebhookRefused("The message cannot be read.") from None
    translated = _translate(event)
    return [translated] if translated is not None else []


def _header(headers: dict[str, str]) -> str:
    for name, value in headers.items():
        if name.lower() == SIGNATURE_HEADER:
            return value
    raise WebhookRefused("The message is not signed.", "unsigned")


def _translate(event: Event) -> BankEvent | None:
    data = event.data
    if event.type in _KINDS_OF_OPERATION:
        return _of_operation(event, _KINDS_OF_OPERATION[event.type], _present(data.operation))
    if event.type in _KINDS_OF_DISPUTE:
        return _of_dispute(event, _KINDS_OF_DISPUTE[event.type], _present(data.dispute))
    if event.type == FRAUD_WARNING:
        return _of_fraud_warning(event, _present(data.fraud_warning))
    if event.type == SETTLEMENT:
        return _of_settlement(event, _present(data.settlement))
    return None


def _of_operation(event: Event, kind: KindOfOperation, operation: Operation) -> BankEvent:
    is_refund = operation.kind == "refund"
    return BankEvent(
        event_id=event.id,
        kind=kind,
        merchant=event.merchant,
        created=event.created,
        operation_id=operation.reference,
        bank_reference=operation.id if is_refund else operation.authorization or operation.id,
        amount_minor=operation.amount,
        currency=operation.currency,
        fee_minor=operation.fee,
        reason=operation.decline,
        details=msgspec.to_builtins(operation),
    )


def _of_dispute(event: Event, kind: KindOfDispute, dispute: Dispute) -> BankEvent:
    """`operation_id` and `bank_reference` are the authorization's; the dispute's own id is among the details."""
    return BankEvent(
        event_id=event.id,
        kind=kind,
        merchant=event.merchant,
        created=event.created,
        operation_id=dispute.reference,
        bank_reference=dispute.authorization,
        amount_minor=dispute.amount,
        currency=dispute.currency,
        fee_minor=dispute.fee,
        reason=dispute.reason,
        dispute=dispute.translated(),
        details=msgspec.to_builtins(dispute),
    )


def _of_fraud_warning(event: Event, warning: FraudWarning) -> BankEvent:
    return BankEvent(
        event_id=event.id,
        kind="fraud_warning",
        merchant=event.merchant,
        created=event.created,
        operation_id=warning.reference,
        bank_reference=warning.authorization,
        reason=warning.reason,
        details=msgspec.to_builtins(warning),
    )


def _of_settlement(event: Event, settlement: Settlement) -> BankEvent:
    return BankEvent(
        event_id=event.id,
        kind="settlement_ready",
        merchant=event.merchant,
        created=event.created,
        bank_reference=settlement.id,
        amount_minor=settlement.net,
        currency=settlement.currency,
        fee_minor=settlement.fees,
        settlement=settlement.translated(),
        details=msgspec.to_builtins(settlement),
    )


def _present(subject: T | None) -> T:
    if subject is None:
        raise WebhookRefused("The message lacks what it tells of.")
    return subject
