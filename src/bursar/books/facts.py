"""From rows of the tables to facts: what counts of each row. What somebody has made unreadable becomes None."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Row

from bursar.books.schemas import (
    PLACES,
    AttemptRow,
    ChargeRow,
    DisputeRow,
    Ending,
    EventRow,
    IntentRow,
    Order,
    PostingRow,
    RefundRow,
    Told,
    TransactionRow,
    TransferRow,
    WalletPaymentRow,
    WithdrawalRow,
    encode_fact,
)
from bursar.books.scratch import Keeping, Side
from bursar.ledger.accounts import MAIN_WALLET

DIGEST_BYTES = 8

Decoded = TypeVar("Decoded")


class _Data(msgspec.Struct):
    """Of what an event tells."""

    object: Told


_read_told = msgspec.json.Decoder(Told).decode
_read_data = msgspec.json.Decoder(_Data).decode
_read_order = msgspec.json.Decoder(Order).decode
_read_ending = msgspec.json.Decoder(Ending).decode


def intent(row: Row[Any]) -> IntentRow:
    told = _decoded(_read_told, row.document)
    wallet, service_fee = row.wallet or MAIN_WALLET, row.service_fee_minor or 0
    return IntentRow(row.id, row.status, row.amount_minor, row.currency, row.attempt_id, told, wallet, service_fee)


def setup(row: Row[Any]) -> IntentRow:
    return IntentRow(row.id, row.status, None, None, row.attempt_id, _decoded(_read_told, row.document))


def charge(row: Row[Any]) -> ChargeRow:
    return ChargeRow(
        id=row.id,
        payment_intent=row.payment_intent,
        status=row.status,
        amount_minor=row.amount_minor,
        captured_minor=row.captured_minor,
        refunded_minor=row.refunded_minor,
        disputed_minor=row.disputed_minor,
        currency=row.currency,
        bank_reference=row.bank_reference,
        attempt_id=row.attempt_id,
        told=_decoded(_read_told, row.document),
        wallet=row.wallet or MAIN_WALLET,
    )


def refund(row: Row[Any]) -> RefundRow:
    told = _decoded(_read_told, row.document)
    return RefundRow(row.id, row.charge, row.status, row.amount_minor, row.currency, row.attempt_id, told)


def dispute(row: Row[Any]) -> DisputeRow:
    return DisputeRow(
        id=row.id,
        charge=row.charge,
        status=row.status,
        amount_minor=row.amount_minor,
        currency=row.currency,
        withdrawn_minor=row.withdrawn_minor,
        fee_minor=row.fee_minor,
        bank_reference=row.bank_reference,
        told=_decoded(_read_told, row.document),
    )


def attempt(row: Row[Any]) -> AttemptRow:
    ending = None
    if row.outcome_document is not None:
        ending = _decoded(_read_ending, row.outcome_document) or Ending("unreadable")
    order = _decoded(_read_order, row.order_document) or Order()
    amount, currency = row.amount_minor, row.currency
    return AttemptRow(row.id, row.kind, row.subject_id, row.state, amount, currency, order, ending)


def transaction(row: Row[Any]) -> TransactionRow:
    return TransactionRow(
        id=row.id,
        source_id=row.source_id,
        type=row.transaction_type,
        currency=row.currency,
        amount_minor=row.amount_minor,
        fee_minor=row.fee_minor,
        wallet=row.wallet or MAIN_WALLET,
    )


def transfer(row: Row[Any], names: Mapping[str, str]) -> TransferRow:
    payer, payee = (names.get(wallet_id, wallet_id) for wallet_id in (row.from_wallet_id, row.to_wallet_id))
    return TransferRow(row.id, payer, payee, row.currency, row.amount_minor)


def withdrawal(row: Row[Any]) -> WithdrawalRow:
    return WithdrawalRow(row.id, row.ledger_name, row.status, row.currency, row.amount_minor)


def wallet_payment(row: Row[Any], names: Mapping[str, str]) -> WalletPaymentRow:
    return WalletPaymentRow(
        id=row.id,
        side=row.side,
        wallet=names.get(row.wallet_id, row.wallet_id),
        source_id=row.source_id,
        other_org_id=row.other_org_id,
        currency=row.currency,
        total_minor=row.total_minor,
        service_fee_minor=row.service_fee_minor,
        refunded_minor=row.refunded_minor,
    )


def side(row: Row[Any]) -> Side:
    told = (row.currency, row.total_minor, row.service_fee_minor, row.refunded_minor)
    return Side(row.id, row.livemode, row.side, row.org_id, row.other_org_id, *told)


def event(row: Row[Any]) -> EventRow:
    content = row.data.encode()
    data = _decoded(_read_data, content)
    digest = hashlib.blake2b(content, digest_size=DIGEST_BYTES).digest()
    return EventRow(row.id, row.event_type, row.object_id, digest, data.object if data is not None else None)


def kept_posting(row: Row[Any]) -> Keeping:
    fact = PostingRow(row.transaction_id, row.account, row.amount_minor, row.currency, row.operation_id, row.hold_id)
    # A group belongs to whoever's money it moved; one that moved none, to whoever's hold.
    owners = (row.transaction_id, row.hold_id, row.operation_id)
    return Keeping(*owners, PLACES[PostingRow], row.transaction_id, encode_fact(fact))


def _decoded(read: Callable[[Any], Decoded], document: str | bytes) -> Decoded | None:
    """None for what somebody has made unreadable: whoever looks at the case says so."""
    try:
        return read(document)
    except (msgspec.MsgspecError, UnicodeError, TypeError):
        return None
