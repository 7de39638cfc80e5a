"""Setup intents' SQL."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select

from bursar.setup_intents.schemas import SetupIntent, decode_setup
from bursar.setup_intents.tables import setup_intents
from bursar.store.unit import Change

PREFIX = "seti"

INSERT = setup_intents.insert()
_SAME = (
    setup_intents.c.org_id == bindparam("o"),
    setup_intents.c.livemode == bindparam("m"),
    setup_intents.c.id == bindparam("i"),
)
UPDATE = (
    setup_intents.update()
    .where(*_SAME, setup_intents.c.version == bindparam("expected_version"))
    .values(
        version=bindparam("new_version"),
        status=bindparam("new_status"),
        customer=bindparam("new_customer"),
        payment_method=bindparam("new_payment_method"),
        attempt_id=bindparam("new_attempt"),
        authentication_id=bindparam("new_authentication"),
        document=bindparam("new_document"),
    )
)
_FIND = select(
    setup_intents.c.version,
    setup_intents.c.attempt_id,
    setup_intents.c.authentication_id,
    setup_intents.c.document,
).where(*_SAME)


@dataclass(frozen=True, slots=True)
class StoredSetup:
    setup: SetupIntent
    version: int  # 0 when new
    attempt_id: str | None = None
    authentication_id: str | None = None


def insertion(org_id: str, livemode: int, setup: SetupIntent, document: bytes, attempt_id: str | None = None) -> Change:
    row = {
        "org_id": org_id,
        "livemode": livemode,
        "id": setup.id,
        "version": 1,
        "status": setup.status,
        "customer": setup.customer,
        "payment_method": setup.payment_method,
        "attempt_id": attempt_id,
        "authentication_id": None,
        "document": document.decode(),
    }
    return Change(INSERT, row)


def update(
    org_id: str,
    livemode: int,
    stored: StoredSetup,
    after: SetupIntent,
    document: bytes,
    *,
    attempt_id: str | None = None,
    authentication_id: str | None = None,
) -> Change:
    """Moves the setup on from the version that was read; whoever else changed it meanwhile wins."""
    row = {
        "o": org_id,
        "m": livemode,
        "i": after.id,
        "expected_version": stored.version,
        "new_version": stored.version + 1,
        "new_status": after.status,
        "new_customer": after.customer,
        "new_payment_method": after.payment_method,
        "new_attempt": attempt_id,
        "new_authentication": authentication_id,
        "new_document": document.decode(),
    }
    return Change(UPDATE, row, rows_expected=1)


def find(connection: Connection, org_id: str, livemode: int, setup_id: str) -> StoredSetup | None:
    row = connection.execute(_FIND, {"o": org_id, "m": livemode, "i": setup_id}).first()
    if row is None:
        return None
    return StoredSetup(decode_setup(row.document), row.version, row.attempt_id, row.authentication_id)
