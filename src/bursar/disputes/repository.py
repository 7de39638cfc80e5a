"""Disputes' SQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from bursar.disputes.schemas import Dispute, decode_dispute
from bursar.disputes.tables import disputes
from bursar.store.unit import Change

PREFIX = "du"
KIND = "dispute"

INSERT = disputes.insert()
_PLACE = (disputes.c.org_id == bindparam("o"), disputes.c.livemode == bindparam("m"))
_SAME = (*_PLACE, disputes.c.id == bindparam("i"))
UPDATE = (
    disputes.update()
    .where(*_SAME, disputes.c.version == bindparam("expected_version"))
    .values(
        version=bindparam("new_version"),
        status=bindparam("new_status"),
        amount_minor=bindparam("new_amount"),
        withdrawn_minor=bindparam("new_withdrawn"),
        fee_minor=bindparam("new_fee"),
        document=bindparam("new_document"),
    )
)
_FIND = select(disputes).where(*_SAME)
_FIND_OF_BANK = select(disputes).where(
    *_PLACE, disputes.c.connector == bindparam("c"), disputes.c.bank_reference == bindparam("r")
)


@dataclass(frozen=True, slots=True)
class StoredDispute:
    """A dispute with what the wire does not show. One of version 0 is not stored yet."""

    dispute: Dispute
    version: int
    connector: str
    bank_reference: str
    withdrawn_minor: int = 0
    fee_minor: int = 0


def storing(org_id: str, livemode: int, before: StoredDispute, after: StoredDispute, document: bytes) -> Change:
    """Moves the dispute on from the version that was read, or inserts the first."""
    dispute = after.dispute
    if before.version == 0:
        row: dict[str, Any] = {
            "org_id": org_id,
            "livemode": livemode,
            "id": dispute.id,
            "version": 1,
            "charge": dispute.charge,
            "payment_intent": dispute.payment_intent,
            "status": dispute.status,
            "amount_minor": dispute.amount,
            "currency": dispute.currency,
            "withdrawn_minor": after.withdrawn_minor,
            "fee_minor": after.fee_minor,
            "connector": after.connector,
            "bank_reference": after.bank_reference,
            "document": document.decode(),
        }
        return Change(INSERT, row)
    row = {
        "o": org_id,
        "m": livemode,
        "i": dispute.id,
        "expected_version": before.version,
        "new_version": before.version + 1,
        "new_status": dispute.status,
        "new_amount": dispute.amount,
        "new_withdrawn": after.withdrawn_minor,
        "new_fee": after.fee_minor,
        "new_document": document.decode(),
    }
    return Change(UPDATE, row, rows_expected=1)


def find(connection: Connection, org_id: str, livemode: int, dispute_id: str) -> StoredDispute | None:
    row = connection.execute(_FIND, {"o": org_id, "m": livemode, "i": dispute_id}).first()
    return _stored(row) if row else None


def find_of_bank(
    connection: Connection, org_id: str, livemode: int, connector: str, bank_reference: str
) -> StoredDispute | None:
    place = {"o": org_id, "m": livemode, "c": connector, "r": bank_reference}
    row = connection.execute(_FIND_OF_BANK, place).first()
    return _stored(row) if row else None


def _stored(row: Row[Any]) -> StoredDispute:
    return StoredDispute(
        dispute=decode_dispute(row.document),
        version=row.version,
        connector=row.connector,
        bank_reference=row.bank_reference,
        withdrawn_minor=row.withdrawn_minor,
        fee_minor=row.fee_minor,
    )
