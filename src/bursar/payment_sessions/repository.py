"""Payment sessions' SQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from bursar.http.endpoint import encode
from bursar.payment_sessions.schemas import Session, decode_session_details
from bursar.payment_sessions.tables import payment_sessions
from bursar.store.unit import Change

INSERT = payment_sessions.insert()
_SAME = (
    payment_sessions.c.org_id == bindparam("o"),
    payment_sessions.c.livemode == bindparam("m"),
    payment_sessions.c.id == bindparam("i"),
)
UPDATE = (
    payment_sessions.update()
    .where(*_SAME, payment_sessions.c.version == bindparam("expected_version"))
    .values(
        version=bindparam("new_version"),
        status=bindparam("new_status"),
        due=bindparam("new_due"),
        tries=bindparam("new_tries"),
        payment_intent=bindparam("new_intent"),
        paid_by=bindparam("new_payer"),
        answer=bindparam("new_answer"),
    )
)
# A try that failed counts, whatever else happens to the session meanwhile.
COUNT_TRY = (
    payment_sessions.update()
    .where(*_SAME)
    .values(tries=payment_sessions.c.tries + 1, version=payment_sessions.c.version + 1)
)
_FIND = select(payment_sessions).where(*_SAME)
_DUE = (
    select(payment_sessions)
    .where(payment_sessions.c.due <= bindparam("now"))
    .order_by(payment_sessions.c.due)
    .limit(bindparam("rows"))
)


def insertion(session: Session) -> Change:
    row = {
        "org_id": session.org_id,
        "livemode": session.livemode,
        "id": session.id,
        "version": session.version,
        "status": session.status,
        "secret_hash": session.secret_hash,
        "wallet_id": session.wallet_id,
        "amount_minor": session.amount_minor,
        "service_fee_minor": session.service_fee_minor,
        "currency": session.currency,
        "expires": session.expires,
        "due": session.due,
        "tries": session.tries,
        "payment_intent": session.payment_intent,
        "transaction_id": session.transaction_id,
        "paid_by": session.paid_by,
        "answer": session.answer,
        "document": encode(session.details).decode(),
    }
    return Change(INSERT, row)


def update(before: Session, after: Session) -> Change:
    """Moves the session on from the version that was read; whoever else changed it meanwhile wins."""
    row = _place(before) | {
        "expected_version": before.version,
        "new_version": before.version + 1,
        "new_status": after.status,
        "new_due": after.due,
        "new_tries": after.tries,
        "new_intent": after.payment_intent,
        "new_payer": after.paid_by,
        "new_answer": after.answer,
    }
    return Change(UPDATE, row, rows_expected=1)


def count_try(session: Session) -> Change:
    return Change(COUNT_TRY, _place(session), rows_expected=1)


def find(connection: Connection, org_id: str, livemode: int, session_id: str) -> Session | None:
    row = connection.execute(_FIND, {"o": org_id, "m": livemode, "i": session_id}).first()
    return _session(row) if row else None


def find_due(connection: Connection, now: int, rows: int) -> list[Session]:
    return [_session(row) for row in connection.execute(_DUE, {"now": now, "rows": rows})]


def _place(session: Session) -> dict[str, Any]:
    return {"o": session.org_id, "m": session.livemode, "i": session.id}


def _session(row: Row[Any]) -> Session:
    return Session(
        org_id=row.org_id,
        livemode=row.livemode,
        id=row.id,
        version=row.version,
        status=row.status,
        secret_hash=row.secret_hash,
        wallet_id=row.wallet_id,
        amount_minor=row.amount_minor,
        service_fee_minor=row.service_fee_minor,
        currency=row.currency,
        expires=row.expires,
        due=row.due,
        tries=row.tries,
        payment_intent=row.payment_intent,
        transaction_id=row.transaction_id,
        paid_by=row.paid_by,
        answer=row.answer,
        details=decode_session_details(row.document),
    )
