"""Withdrawals' SQL."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, bindparam, select

from bursar.http.endpoint import encode
from bursar.http.paging import Window
from bursar.store.unit import Change
from bursar.wallets.schemas import Wallet
from bursar.withdrawals.schemas import Withdrawal, decode_withdrawal
from bursar.withdrawals.tables import withdrawals

PREFIX = "wd"

INSERT = withdrawals.insert()
_SAME = (
    withdrawals.c.org_id == bindparam("o"),
    withdrawals.c.livemode == bindparam("m"),
    withdrawals.c.id == bindparam("i"),
)
CHANGE = (
    withdrawals.update()
    .where(*_SAME, withdrawals.c.version == bindparam("expected_version"))
    .values(version=bindparam("new_version"), status=bindparam("new_status"), document=bindparam("new_document"))
)
_FIND = select(
    withdrawals.c.ledger_name, withdrawals.c.version, withdrawals.c.destination_sealed, withdrawals.c.document
).where(*_SAME)


class StoredWithdrawal(NamedTuple):
    withdrawal: Withdrawal
    ledger_name: str
    version: int
    destination_sealed: str


def insertion(wallet: Wallet, withdrawal: Withdrawal, destination_sealed: str) -> Change:
    return Change(
        INSERT,
        {
            "org_id": wallet.org_id,
            "livemode": wallet.livemode,
            "id": withdrawal.id,
            "wallet_id": wallet.id,
            "ledger_name": wallet.ledger_name,
            "status": withdrawal.status,
            "currency": withdrawal.currency,
            "amount_minor": withdrawal.amount,
            "version": 1,
            "destination_sealed": destination_sealed,
            "document": encode(withdrawal).decode(),
        },
    )


def change(org_id: str, livemode: int, before: StoredWithdrawal, after: Withdrawal) -> Change:
    """Of two decisions at once, one is lost."""
    row = {
        "o": org_id,
        "m": livemode,
        "i": after.id,
        "expected_version": before.version,
        "new_version": before.version + 1,
        "new_status": after.status,
        "new_document": encode(after).decode(),
    }
    return Change(CHANGE, row, rows_expected=1)


def find(connection: Connection, org_id: str, livemode: int, withdrawal_id: str) -> StoredWithdrawal | None:
    row = connection.execute(_FIND, {"o": org_id, "m": livemode, "i": withdrawal_id}).first()
    if row is None:
        return None
    return StoredWithdrawal(decode_withdrawal(row.document), row.ledger_name, row.version, row.destination_sealed)


def page(connection: Connection, org_id: str, livemode: int, window: Window, status: str | None) -> list[Withdrawal]:
    """One row more than the page shows, in the window's order."""
    table = withdrawals.c
    conditions: list[ColumnElement[bool]] = [table.org_id == org_id, table.livemode == livemode]
    if status is not None:
        conditions.append(table.status == status)
    if window.after_id is not None:
        conditions.append(table.id < window.after_id)
    if window.before_id is not None:
        conditions.append(table.id > window.before_id)
    order = table.id.desc() if window.newest_first else table.id.asc()
    rows = connection.execute(select(table.document).where(*conditions).order_by(order).limit(window.rows_to_read))
    return [decode_withdrawal(row.document) for row in rows]
