"""Bookings as changes, and the reading of balance transactions."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, bindparam, select

from bursar.http.endpoint import encode
from bursar.http.paging import Window
from bursar.kit.clock import MICROSECONDS_PER_SECOND
from bursar.kit.ids import lowest_id_at
from bursar.ledger.rules import Booking, HoldChange, Stamp, check_postings
from bursar.ledger.schemas import BalanceTransaction, decode_transaction
from bursar.ledger.tables import balance_transactions, ledger_holds, ledger_postings
from bursar.store.unit import Change

# Of every group of postings, so that ids of one account sort by time.
PREFIX = "txn"

INSERT_POSTING = ledger_postings.insert()
INSERT_TRANSACTION = balance_transactions.insert()
INSERT_HOLD = ledger_holds.insert()
CHANGE_HOLD = (
    ledger_holds.update()
    .where(
        ledger_holds.c.org_id == bindparam("o"),
        ledger_holds.c.livemode == bindparam("m"),
        ledger_holds.c.id == bindparam("i"),
        ledger_holds.c.amount_minor == bindparam("expected_amount"),
        ledger_holds.c.resolution.is_(None),
    )
    .values(amount_minor=bindparam("new_amount"), resolution=bindparam("new_resolution"))
)
_FIND = select(balance_transactions.c.document).where(
    balance_transactions.c.org_id == bindparam("o"),
    balance_transactions.c.livemode == bindparam("m"),
    balance_transactions.c.id == bindparam("i"),
)
_FIND_MANY = select(balance_transactions.c.document).where(
    balance_transactions.c.org_id == bindparam("o"),
    balance_transactions.c.livemode == bindparam("m"),
    balance_transactions.c.id.in_(bindparam("ids", expanding=True)),
)


def changes_of(
    org_id: str, livemode: int, operation_id: str | None, currency: str, stamp: Stamp, booking: Booking
) -> list[Change]:
    """The rows of one group. What does not add up to zero is refused here, whoever made it."""
    check_postings(booking.postings, currency)
    changes = [
        Change(
            INSERT_POSTING,
            {
                "org_id": org_id,
                "livemode": livemode,
                "account": account,
                "transaction_id": stamp.transaction_id,
                "amount_minor": amount_minor,
                "currency": currency,
                "created": stamp.created,
                "operation_id": operation_id,
                "hold_id": hold_id,
            },
        )
        for account, amount_minor, hold_id in booking.postings
    ]
    if booking.transaction is not None:
        changes.append(_insertion(org_id, livemode, stamp, booking.transaction))
    if booking.hold is not None:
        changes.append(_hold_change(org_id, livemode, operation_id, currency, booking.hold))
    return changes


def _insertion(org_id: str, livemode: int, stamp: Stamp, transaction: BalanceTransaction) -> Change:
    return Change(
        INSERT_TRANSACTION,
        {
            "org_id": org_id,
            "livemode": livemode,
            "id": transaction.id,
            "source_id": transaction.source,
            "transaction_type": transaction.type,
            "currency": transaction.currency,
            "amount_minor": transaction.amount,
            "fee_minor": transaction.fee,
            "net_minor": transaction.net,
            "available_on": transaction.available_on * MICROSECONDS_PER_SECOND,
            "created": stamp.created,
            "payout_id": None,
            "document": encode(transaction).decode(),
        },
    )


def _hold_change(org_id: str, livemode: int, operation_id: str | None, currency: str, hold: HoldChange) -> Change:
    if hold.before_minor == 0:
        return Change(
            INSERT_HOLD,
            {
                "org_id": org_id,
                "livemode": livemode,
                "id": hold.hold_id,
                "operation_id": operation_id,
                "currency": currency,
                "amount_minor": hold.after_minor,
                "resolution": None,
            },
        )
    row = {
        "o": org_id,
        "m": livemode,
        "i": hold.hold_id,
        "expected_amount": hold.before_minor,
        "new_amount": hold.after_minor,
        "new_resolution": hold.resolution,
    }
    return Change(CHANGE_HOLD, row, rows_expected=1)


def find(connection: Connection, org_id: str, livemode: int, transaction_id: str) -> BalanceTransaction | None:
    document = connection.execute(_FIND, {"o": org_id, "m": livemode, "i": transaction_id}).scalar()
    return decode_transaction(document) if document is not None else None


def find_many(connection: Connection, org_id: str, livemode: int, ids: Sequence[str]) -> list[BalanceTransaction]:
    rows = connection.execute(_FIND_MANY, {"o": org_id, "m": livemode, "ids": list(ids)})
    return [decode_transaction(row.document) for row in rows]


def page(
    connection: Connection,
    org_id: str,
    livemode: int,
    window: Window,
    *,
    created: tuple[int | None, int | None],
    currency: str | None,
    source_id: str | None,
    transaction_type: str | None,
) -> list[BalanceTransaction]:
    """One row more than the page shows, in the window's order."""
    table = balance_transactions.c
    equal = {table.currency: currency, table.source_id: source_id, table.transaction_type: transaction_type}
    conditions: list[ColumnElement[bool]] = [column == value for column, value in equal.items() if value is not None]
    low, high = created
    if low is not None:
        conditions.append(table.id >= lowest_id_at(PREFIX, low))
    if high is not None:
        conditions.append(table.id < lowest_id_at(PREFIX, high))
    if window.after_id is not None:
        conditions.append(table.id < window.after_id)
    if window.before_id is not None:
        conditions.append(table.id > window.before_id)
    found = connection.execute(
        select(table.document)
        .where(table.org_id == org_id, table.livemode == livemode, *conditions)
        .order_by(table.id.desc() if window.newest_first else table.id.asc())
        .limit(window.rows_to_read)
    )
    return [decode_transaction(row.document) for row in found]
