"""PINs' SQL."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, bindparam, select

from bursar.store.unit import Change
from bursar.wallets.rules import Tries
from bursar.wallets.schemas import Wallet
from bursar.wallets.tables import wallet_pins

INSERT = wallet_pins.insert()
_SAME = (
    wallet_pins.c.org_id == bindparam("o"),
    wallet_pins.c.livemode == bindparam("m"),
    wallet_pins.c.wallet_id == bindparam("i"),
)
CHANGE = (
    wallet_pins.update()
    .where(*_SAME, wallet_pins.c.version == bindparam("expected_version"))
    .values(
        version=bindparam("new_version"),
        pin_hash=bindparam("new_hash"),
        tries=bindparam("new_tries"),
        pauses=bindparam("new_pauses"),
        paused_until=bindparam("new_paused_until"),
    )
)
_FIND = select(wallet_pins).where(*_SAME)


class StoredPin(NamedTuple):
    pin_hash: str
    tries: Tries
    version: int


def find(connection: Connection, wallet: Wallet) -> StoredPin | None:
    row = connection.execute(_FIND, {"o": wallet.org_id, "m": wallet.livemode, "i": wallet.id}).first()
    return StoredPin(row.pin_hash, Tries(row.tries, row.pauses, row.paused_until), row.version) if row else None


def insertion(org_id: str, livemode: int, wallet_id: str, pin_hash: str) -> Change:
    row = {"org_id": org_id, "livemode": livemode, "wallet_id": wallet_id, "pin_hash": pin_hash}
    return Change(INSERT, row | Tries()._asdict() | {"version": 1})


def change(wallet: Wallet, before: StoredPin, pin_hash: str, tries: Tries) -> Change:
    row = {
        "o": wallet.org_id,
        "m": wallet.livemode,
        "i": wallet.id,
        "expected_version": before.version,
        "new_version": before.version + 1,
        "new_hash": pin_hash,
        "new_tries": tries.tries,
        "new_pauses": tries.pauses,
        "new_paused_until": tries.paused_until,
    }
    return Change(CHANGE, row, rows_expected=1)
