"""Wallets' SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, bindparam, func, select

from bursar.http.endpoint import encode
from bursar.http.paging import Window
from bursar.kit.clock import seconds
from bursar.kit.ids import created_microseconds
from bursar.ledger.accounts import MAIN_WALLET
from bursar.store.columns import INSTALLATION
from bursar.store.unit import Change
from bursar.wallets.schemas import Wallet, WalletTransfer, decode_transfer
from bursar.wallets.tables import wallet_codes, wallet_pins, wallet_transfers, wallets

PREFIX = "wal"
TRANSFER_PREFIX = "wtr"

INSERT = wallets.insert()
INSERT_CODE = wallet_codes.insert()
INSERT_TRANSFER = wallet_transfers.insert()
_SAME = (wallets.c.org_id == bindparam("o"), wallets.c.livemode == bindparam("m"), wallets.c.id == bindparam("i"))
CHANGE = (
    wallets.update()
    .where(*_SAME, wallets.c.version == bindparam("expected_version"))
    .values(version=bindparam("new_version"), name=bindparam("new_name"), closed=bindparam("new_closed"))
)
# The fence of all debits that people ask for: of two that have seen the same balance, one gets past it.
DEBIT = (
    wallets.update()
    .where(*_SAME, wallets.c.version == bindparam("expected_version"), wallets.c.closed == 0)
    .values(version=bindparam("new_version"))
)
# The same where it does not matter whether the wallet is closed: what was paid may be given back.
FENCE = (
    wallets.update()
    .where(*_SAME, wallets.c.version == bindparam("expected_version"))
    .values(version=bindparam("new_version"))
)
_COUNT = (
    select(func.count())
    .select_from(wallets)
    .where(wallets.c.org_id == bindparam("o"), wallets.c.livemode == bindparam("m"))
)
_pin_of = and_(
    wallet_pins.c.org_id == wallets.c.org_id,
    wallet_pins.c.livemode == wallets.c.livemode,
    wallet_pins.c.wallet_id == wallets.c.id,
)
_WALLETS: Select[Any] = select(wallets, wallet_pins.c.wallet_id.label("pin_of")).select_from(
    wallets.outerjoin(wallet_pins, _pin_of)
)
_FIND = _WALLETS.where(*_SAME)
_FIND_BY_LEDGER_NAME = _WALLETS.where(
    wallets.c.org_id == bindparam("o"), wallets.c.livemode == bindparam("m"), wallets.c.ledger_name == bindparam("n")
)
_FIND_MANY = _WALLETS.where(
    wallets.c.org_id == bindparam("o"),
    wallets.c.livemode == bindparam("m"),
    wallets.c.id.in_(bindparam("ids", expanding=True)),
)
_WHOSE = select(wallet_codes.c.wallet_org_id, wallet_codes.c.wallet_livemode, wallet_codes.c.wallet_id).where(
    wallet_codes.c.org_id == INSTALLATION, wallet_codes.c.code == bindparam("c")
)
_FIND_TRANSFER = select(wallet_transfers.c.document).where(
    wallet_transfers.c.org_id == bindparam("o"),
    wallet_transfers.c.livemode == bindparam("m"),
    wallet_transfers.c.id == bindparam("i"),
)


def insertion(wallet: Wallet) -> list[Change]:
    row = {
        "org_id": wallet.org_id,
        "livemode": wallet.livemode,
        "id": wallet.id,
        "code": wallet.code,
        "name": wallet.name,
        "currency": wallet.currency,
        "ledger_name": wallet.ledger_name,
        "closed": int(wallet.closed),
        "version": wallet.version,
    }
    code = {
        "org_id": INSTALLATION,
        "code": wallet.code,
        "wallet_org_id": wallet.org_id,
        "wallet_livemode": wallet.livemode,
        "wallet_id": wallet.id,
    }
    return [Change(INSERT, row), Change(INSERT_CODE, code)]


def change(before: Wallet, after: Wallet) -> Change:
    row = _fenced(before) | {"new_name": after.name, "new_closed": int(after.closed)}
    return Change(CHANGE, row, rows_expected=1)


def debit(wallet: Wallet) -> Change:
    """Holds the wallet to what was seen of it: its version must be that which was read before its balance."""
    return Change(DEBIT, _fenced(wallet), rows_expected=1)


def fence(wallet: Wallet) -> Change:
    return Change(FENCE, _fenced(wallet), rows_expected=1)


def count(connection: Connection, org_id: str, livemode: int) -> int:
    number: int = connection.execute(_COUNT, {"o": org_id, "m": livemode}).scalar_one()
    return number


def find(connection: Connection, org_id: str, livemode: int, wallet_id: str) -> Wallet | None:
    row = connection.execute(_FIND, {"o": org_id, "m": livemode, "i": wallet_id}).first()
    return _wallet(row) if row else None


def find_primary(connection: Connection, org_id: str, livemode: int) -> Wallet | None:
    row = connection.execute(_FIND_BY_LEDGER_NAME, {"o": org_id, "m": livemode, "n": MAIN_WALLET}).first()
    return _wallet(row) if row else None


def find_many(connection: Connection, org_id: str, livemode: int, ids: Sequence[str]) -> list[Wallet]:
    rows = connection.execute(_FIND_MANY, {"o": org_id, "m": livemode, "ids": list(ids)})
    return [_wallet(row) for row in rows]


def find_by_code(connection: Connection, code: str) -> Wallet | None:
    """Whoever it belongs to."""
    whose = connection.execute(_WHOSE, {"c": code}).first()
    return find(connection, *whose) if whose else None


def page(connection: Connection, org_id: str, livemode: int, window: Window) -> list[Wallet]:
    """One row more than the page shows, in the window's order."""
    conditions: list[ColumnElement[bool]] = [wallets.c.org_id == org_id, wallets.c.livemode == livemode]
    if window.after_id is not None:
        conditions.append(wallets.c.id < window.after_id)
    if window.before_id is not None:
        conditions.append(wallets.c.id > window.before_id)
    order = wallets.c.id.desc() if window.newest_first else wallets.c.id.asc()
    rows = connection.execute(_WALLETS.where(*conditions).order_by(order).limit(window.rows_to_read))
    return [_wallet(row) for row in rows]


def insert_transfer(org_id: str, livemode: int, transfer: WalletTransfer, payer: Wallet, payee: Wallet) -> Change:
    return Change(
        INSERT_TRANSFER,
        {
            "org_id": org_id,
            "livemode": livemode,
            "id": transfer.id,
            "from_wallet_id": payer.id,
            "to_wallet_id": payee.id,
            "currency": transfer.currency,
            "amount_minor": transfer.amount,
            "document": encode(transfer).decode(),
        },
    )


def find_transfer(connection: Connection, org_id: str, livemode: int, transfer_id: str) -> WalletTransfer | None:
    document = connection.execute(_FIND_TRANSFER, {"o": org_id, "m": livemode, "i": transfer_id}).scalar()
    return decode_transfer(document) if document is not None else None


def page_of_transfers(connection: Connection, org_id: str, livemode: int, window: Window) -> list[WalletTransfer]:
    table = wallet_transfers.c
    conditions: list[ColumnElement[bool]] = [table.org_id == org_id, table.livemode == livemode]
    if window.after_id is not None:
        conditions.append(table.id < window.after_id)
    if window.before_id is not None:
        conditions.append(table.id > window.before_id)
    order = table.id.desc() if window.newest_first else table.id.asc()
    rows = connection.execute(select(table.document).where(*conditions).order_by(order).limit(window.rows_to_read))
    return [decode_transfer(row.document) for row in rows]


def _fenced(wallet: Wallet) -> dict[str, Any]:
    return {
        "o": wallet.org_id,
        "m": wallet.livemode,
        "i": wallet.id,
        "expected_version": wallet.version,
        "new_version": wallet.version + 1,
    }


def _wallet(row: Row[Any]) -> Wallet:
    return Wallet(
        id=row.id,
        org_id=row.org_id,
        livemode=row.livemode,
        code=row.code,
        name=row.name,
        is_primary=row.ledger_name == MAIN_WALLET,
        currency=row.currency,
        ledger_name=row.ledger_name,
        has_pin=row.pin_of is not None,
        closed=bool(row.closed),
        created=seconds(created_microseconds(row.id)),
        version=row.version,
    )
