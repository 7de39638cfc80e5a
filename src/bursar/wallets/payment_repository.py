"""Payments between wallets: a row on each side, under the same id."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, bindparam, select

from bursar.store.unit import Change
from bursar.wallets.tables import wallet_payments

PREFIX = "wpay"
PAYER, PAYEE = "payer", "payee"

INSERT = wallet_payments.insert()
_SAME = (
    wallet_payments.c.org_id == bindparam("o"),
    wallet_payments.c.livemode == bindparam("m"),
    wallet_payments.c.id == bindparam("i"),
    wallet_payments.c.side == bindparam("s"),
)
REFUND = (
    wallet_payments.update()
    .where(*_SAME, wallet_payments.c.refunded_minor == bindparam("expected_refunded"))
    .values(refunded_minor=bindparam("new_refunded"))
)
_FIND = select(wallet_payments).where(*_SAME)


class StoredPayment(NamedTuple):
    org_id: str
    livemode: int
    id: str
    side: str
    wallet_id: str
    source_id: str
    other_org_id: str
    other_wallet_id: str
    currency: str
    total_minor: int
    service_fee_minor: int
    refunded_minor: int


def insertion(side: StoredPayment) -> Change:
    return Change(INSERT, side._asdict())


def refund(side: StoredPayment, other_org_id: str, amount_minor: int) -> list[Change]:
    """On both sides; of two refunds that have seen the same one is lost."""
    return [
        Change(
            REFUND,
            {
                "o": org_id,
                "m": side.livemode,
                "i": side.id,
                "s": name,
                "expected_refunded": side.refunded_minor,
                "new_refunded": side.refunded_minor + amount_minor,
            },
            rows_expected=1,
        )
        for org_id, name in ((side.org_id, PAYEE), (other_org_id, PAYER))
    ]


def find(connection: Connection, org_id: str, livemode: int, payment_id: str, side: str) -> StoredPayment | None:
    row = connection.execute(_FIND, {"o": org_id, "m": livemode, "i": payment_id, "s": side}).first()
    return StoredPayment(*(getattr(row, name) for name in StoredPayment._fields)) if row else None
