"""Authentications' SQL."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select

from bursar.store.unit import Change
from bursar.three_d_secure.tables import authentications

PENDING, PASSED, FAILED = "pending", "passed", "failed"
# The bank asks the customer, and tells how that ended: nothing is decided on a page of ours.
AT_BANK = "at_bank"

INSERT = authentications.insert()
_ONE = (
    authentications.c.org_id == bindparam("o"),
    authentications.c.livemode == bindparam("m"),
    authentications.c.id == bindparam("i"),
)
DECIDE = authentications.update().where(*_ONE, authentications.c.state == PENDING).values(state=bindparam("new_state"))
_FIND = select(authentications).where(*_ONE)


@dataclass(frozen=True, slots=True)
class Authentication:
    org_id: str
    livemode: int
    id: str
    subject_id: str
    secret: str
    state: str
    bank_reference: str
    return_url: str | None


def insertion(authentication: Authentication) -> Change:
    return Change(
        INSERT,
        {
            "org_id": authentication.org_id,
            "livemode": authentication.livemode,
            "id": authentication.id,
            "subject_id": authentication.subject_id,
            "secret": authentication.secret,
            "state": authentication.state,
            "bank_reference": authentication.bank_reference,
            "return_url": authentication.return_url,
        },
    )


def decision(authentication: Authentication, *, passed: bool) -> Change:
    """Once: a second click, or a page that was left open, finds it decided."""
    row = {
        "o": authentication.org_id,
        "m": authentication.livemode,
        "i": authentication.id,
        "new_state": PASSED if passed else FAILED,
    }
    return Change(DECIDE, row, rows_expected=1)


def find(connection: Connection, org_id: str, livemode: int, authentication_id: str) -> Authentication | None:
    row = connection.execute(_FIND, {"o": org_id, "m": livemode, "i": authentication_id}).first()
    if row is None:
        return None
    return Authentication(
        row.org_id,
        row.livemode,
        row.id,
        row.subject_id,
        row.secret,
        row.state,
        row.bank_reference,
        row.return_url,
    )
