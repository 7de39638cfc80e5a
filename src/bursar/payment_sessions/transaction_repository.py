"""Transactions' SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from bursar.http.endpoint import encode
from bursar.payment_sessions.rules import TRANSACTION_PREFIX as PREFIX
from bursar.payment_sessions.rules import told_of_transaction
from bursar.payment_sessions.schemas import Transaction, decode_transaction_details
from bursar.payment_sessions.tables import transactions
from bursar.store.log import Entry, Origin, differences
from bursar.store.unit import Change

__all__ = ["PREFIX", "entry", "find", "find_by_code", "find_many", "insertion", "read", "update"]

INSERT = transactions.insert()
_SAME = (
    transactions.c.org_id == bindparam("o"),
    transactions.c.livemode == bindparam("m"),
    transactions.c.id == bindparam("i"),
)
UPDATE = (
    transactions.update()
    .where(*_SAME, transactions.c.version == bindparam("expected_version"))
    .values(
        version=bindparam("new_version"),
        state=bindparam("new_state"),
        method=bindparam("new_method"),
        refunded_minor=bindparam("new_refunded"),
        payment_intent=bindparam("new_intent"),
        wallet_payment=bindparam("new_wallet_payment"),
        reason=bindparam("new_reason"),
        document=bindparam("new_document"),
    )
)
_FIND = select(transactions).where(*_SAME)
_FIND_BY_CODE = select(transactions).where(
    transactions.c.org_id == bindparam("o"),
    transactions.c.livemode == bindparam("m"),
    transactions.c.code == bindparam("c"),
)
_FIND_MANY = select(transactions).where(
    transactions.c.org_id == bindparam("o"),
    transactions.c.livemode == bindparam("m"),
    transactions.c.id.in_(bindparam("ids", expanding=True)),
)


def insertion(transaction: Transaction) -> Change:
    row = {
        "org_id": transaction.org_id,
        "livemode": transaction.livemode,
        "id": transaction.id,
        "version": transaction.version,
        "code": transaction.code,
        "direction": transaction.direction,
        "state": transaction.state,
        "method": transaction.method,
        "amount_minor": transaction.amount_minor,
        "service_fee_minor": transaction.service_fee_minor,
        "refunded_minor": transaction.refunded_minor,
        "currency": transaction.currency,
        "wallet_id": transaction.wallet_id,
        "session_id": transaction.session_id,
        "payment_intent": transaction.payment_intent,
        "wallet_payment": transaction.wallet_payment,
        "customer": transaction.customer,
        "reason": transaction.reason,
        "document": encode(transaction.details).decode(),
    }
    return Change(INSERT, row)


def update(before: Transaction, after: Transaction) -> Change:
    row = {
        "o": before.org_id,
        "m": before.livemode,
        "i": before.id,
        "expected_version": before.version,
        "new_version": before.version + 1,
        "new_state": after.state,
        "new_method": after.method,
        "new_refunded": after.refunded_minor,
        "new_intent": after.payment_intent,
        "new_wallet_payment": after.wallet_payment,
        "new_reason": after.reason,
        "new_document": encode(after.details).decode(),
    }
    return Change(UPDATE, row, rows_expected=1)


def entry(event_type: str, transaction: Transaction, origin: Origin, before: Transaction | None = None) -> Entry:
    document = encode(told_of_transaction(transaction))
    previous = differences(encode(told_of_transaction(before)), document) if before is not None else None
    place = (transaction.org_id, transaction.livemode)
    return Entry(*place, event_type, transaction.id, document, previous, origin)


def find(connection: Connection, org_id: str, livemode: int, transaction_id: str) -> Transaction | None:
    row = connection.execute(_FIND, {"o": org_id, "m": livemode, "i": transaction_id}).first()
    return read(row) if row else None


def find_by_code(connection: Connection, org_id: str, livemode: int, code: str) -> Transaction | None:
    row = connection.execute(_FIND_BY_CODE, {"o": org_id, "m": livemode, "c": code}).first()
    return read(row) if row else None


def find_many(connection: Connection, org_id: str, livemode: int, ids: Sequence[str]) -> dict[str, Transaction]:
    rows = connection.execute(_FIND_MANY, {"o": org_id, "m": livemode, "ids": list(ids)}) if ids else ()
    return {row.id: read(row) for row in rows}


def read(row: Row[Any]) -> Transaction:
    return Transaction(
        org_id=row.org_id,
        livemode=row.livemode,
        id=row.id,
        version=row.version,
        code=row.code,
        direction=row.direction,
        state=row.state,
        method=row.method,
        amount_minor=row.amount_minor,
        service_fee_minor=row.service_fee_minor,
        refunded_minor=row.refunded_minor,
        currency=row.currency,
        wallet_id=row.wallet_id,
        session_id=row.session_id,
        payment_intent=row.payment_intent,
        wallet_payment=row.wallet_payment,
        customer=row.customer,
        reason=row.reason,
        details=decode_transaction_details(row.document),
    )
