"""Contracts' SQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from bursar.contracts.rules import id_of
from bursar.contracts.schemas import Contract
from bursar.contracts.tables import contracts
from bursar.kit.clock import MICROSECONDS_PER_SECOND, seconds
from bursar.store.unit import Change

INSERT = contracts.insert()
UPDATE = (
    contracts.update()
    .where(
        contracts.c.org_id == bindparam("o"),
        contracts.c.livemode == bindparam("m"),
        contracts.c.acquirer == bindparam("a"),
        contracts.c.status == bindparam("expected_status"),
    )
    .values(status=bindparam("new_status"), ended=bindparam("new_ended"), version=contracts.c.version + 1)
)
_OF_ORGANISATION = (
    select(contracts)
    .where(contracts.c.org_id == bindparam("o"), contracts.c.livemode == bindparam("m"))
    .order_by(contracts.c.acquirer)
)


def insertion(org_id: str, contract: Contract) -> Change:
    assert contract.created is not None
    row = {
        "org_id": org_id,
        "livemode": int(contract.livemode),
        "acquirer": contract.acquirer,
        "version": 1,
        "status": contract.status,
        "created": contract.created * MICROSECONDS_PER_SECOND,
        "ended": _microseconds(contract.ended),
    }
    return Change(INSERT, row)


def update(org_id: str, before: Contract, after: Contract) -> Change:
    row = {
        "o": org_id,
        "m": int(after.livemode),
        "a": after.acquirer,
        "expected_status": before.status,
        "new_status": after.status,
        "new_ended": _microseconds(after.ended),
    }
    return Change(UPDATE, row, rows_expected=1)


def of_organisation(connection: Connection, org_id: str, livemode: int) -> list[Contract]:
    return [_contract(row) for row in connection.execute(_OF_ORGANISATION, {"o": org_id, "m": livemode})]


def _contract(row: Row[Any]) -> Contract:
    return Contract(
        id=id_of(row.acquirer),
        acquirer=row.acquirer,
        created=seconds(row.created),
        ended=None if row.ended is None else seconds(row.ended),
        livemode=bool(row.livemode),
        status=row.status,
    )


def _microseconds(at: int | None) -> int | None:
    return None if at is None else at * MICROSECONDS_PER_SECOND
