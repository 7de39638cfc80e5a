"""Bookings as changes, and the reading of balance transactions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, bindparam, func, select

from bursar.http.endpoint import encode
from bursar.http.paging import Window
from bursar.kit.clock import MICROSECONDS_PER_SECOND
from bursar.kit.ids import lowest_id_at
from bursar.ledger.accounts import MAIN_WALLET
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
        changes.append(_insertion(org_id, livemode, stamp, booking.transaction, booking.wallet))
    if booking.hold is not None:
        changes.append(_hold_change(org_id, livemode, operation_id, currency, booking.hold))
    return changes


def _insertion(org_id: str, livemode: int, stamp: Stamp, transaction: BalanceTransaction, wallet: str) -> Change:
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
            "wallet": None if wallet == MAIN_WALLET else wallet,
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


class OfWallet(NamedTuple):
    """A wallet's transactions in one currency. The ledger names the wallet."""

    org_id: str
    livemode: int
    wallet: str
    currency: str

    @property
    def conditions(self) -> list[ColumnElement[bool]]:
        table = balance_transactions.c
        is_main = self.wallet == MAIN_WALLET
        return [
            table.org_id == self.org_id,
            table.livemode == self.livemode,
            table.wallet.is_(None) if is_main else table.wallet == self.wallet,
            table.currency == self.currency,
        ]


def find_line(connection: Connection, of: OfWallet, transaction_id: str) -> str | None:
    table = balance_transactions.c
    found: str | None = connection.execute(select(table.id).where(*of.conditions, table.id == transaction_id)).scalar()
    return found


def page_of_wallet(
    connection: Connection, of: OfWallet, window: Window, low_id: str | None, high_id: str
) -> list[BalanceTransaction]:
    """One row more than the page shows, in the window's order, of ids from `low_id` up to before `high_id`."""
    table = balance_transactions.c
    conditions = [*of.conditions, table.id < high_id]
    if low_id is not None:
        conditions.append(table.id >= low_id)
    return _windowed(connection, conditions, window)


def sum_from(connection: Connection, of: OfWallet, transaction_id: str) -> int:
    """What the transactions of this id and all younger ones changed."""
    return _sum(connection, [*of.conditions, balance_transactions.c.id >= transaction_id])


def sum_behind(connection: Connection, of: OfWallet, transaction_id: str) -> int:
    return _sum(connection, [*of.conditions, balance_transactions.c.id > transaction_id])


def _sum(connection: Connection, conditions: Sequence[ColumnElement[bool]]) -> int:
    found = connection.execute(select(func.sum(balance_transactions.c.net_minor)).where(*conditions)).scalar()
    return int(found or 0)


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
    return _windowed(connection, [table.org_id == org_id, table.livemode == livemode, *conditions], window)


def _windowed(
    connection: Connection, conditions: Sequence[ColumnElement[bool]], window: Window
) -> list[BalanceTransaction]:
    table = balance_transactions.c
    bounds = []
    if window.after_id is not None:
        bounds.append(table.id < window.after_id)
    if window.before_id is not None:
        bounds.append(table.id > window.before_id)
    found = connection.execute(
        select(table.document)
        .where(*conditions, *bounds)
        .order_by(table.id.desc() if window.newest_first else table.id.asc())
        .limit(window.rows_to_read)
    )
    return [decode_transaction(row.document) for row in found]
