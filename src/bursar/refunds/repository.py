"""Refunds' SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select

from bursar.http.endpoint import encode
from bursar.refunds.schemas import Refund, decode_refund
from bursar.refunds.tables import refunds
from bursar.store.unit import Change

PREFIX = "re"
KIND = "refund"

INSERT = refunds.insert()
_SAME = (
    refunds.c.org_id == bindparam("o"),
    refunds.c.livemode == bindparam("m"),
    refunds.c.id == bindparam("i"),
)
UPDATE = (
    refunds.update()
    .where(*_SAME, refunds.c.version == bindparam("expected_version"))
    .values(version=bindparam("new_version"), status=bindparam("new_status"), document=bindparam("new_document"))
)
_FIND = select(refunds).where(*_SAME)


@dataclass(frozen=True, slots=True)
class StoredRefund:
    refund: Refund
    version: int
    attempt_id: str


def insertion(org_id: str, livemode: int, refund: Refund, document: bytes, attempt_id: str) -> Change:
    return Change(
        INSERT,
        {
            "org_id": org_id,
            "livemode": livemode,
            "id": refund.id,
            "version": 1,
            "charge": refund.charge,
            "payment_intent": refund.payment_intent,
            "status": refund.status,
            "amount_minor": refund.amount,
            "currency": refund.currency,
            "attempt_id": attempt_id,
            "document": document.decode(),
        },
    )


def update(org_id: str, livemode: int, before: StoredRefund, after: Refund, document: bytes | None = None) -> Change:
    """Moves the refund on from the version that was read; whoever else changed it meanwhile wins."""
    row = {
        "o": org_id,
        "m": livemode,
        "i": after.id,
        "expected_version": before.version,
        "new_version": before.version + 1,
        "new_status": after.status,
        "new_document": (document or encode(after)).decode(),
    }
    return Change(UPDATE, row, rows_expected=1)


def find(connection: Connection, org_id: str, livemode: int, refund_id: str) -> StoredRefund | None:
    row = connection.execute(_FIND, {"o": org_id, "m": livemode, "i": refund_id}).first()
    return StoredRefund(decode_refund(row.document), row.version, row.attempt_id) if row else None


def newest_of_charges(
    connection: Connection, org_id: str, livemode: int, charge_ids: Sequence[str], rows_of_each: int
) -> dict[str, list[str]]:
    """The documents of each charge, newest first."""
    found: dict[str, list[str]] = {}
    for charge_id in charge_ids:
        query = (
            select(refunds.c.document)
            .where(refunds.c.org_id == org_id, refunds.c.livemode == livemode, refunds.c.charge == charge_id)
            .order_by(refunds.c.id.desc())
            .limit(rows_of_each)
        )
        found[charge_id] = [row.document for row in connection.execute(query)]
    return found
