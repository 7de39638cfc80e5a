"""Messages', their events' and settlements' SQL."""

from __future__ import annotations

from typing import Any, NamedTuple, cast

import msgspec
from sqlalchemy import Connection, bindparam, select

from bursar.connectors.contract import BankDispute, BankEvent
from bursar.hooks.rules import Ending, VerdictState
from bursar.hooks.schemas import AnnouncedSettlement, State
from bursar.hooks.tables import announced_settlements, incoming_webhook_events, incoming_webhooks
from bursar.http.endpoint import encode
from bursar.http.paging import Window
from bursar.store.unit import Change, Row

PREFIX = "iwh"

INSERT = incoming_webhooks.insert()
INSERT_EVENT = incoming_webhook_events.insert()
INSERT_SETTLEMENT = announced_settlements.insert()
_table = incoming_webhooks.c
_SAME = (_table.org_id == bindparam("o"), _table.livemode == bindparam("m"), _table.id == bindparam("i"))
# Only for whoever holds it: others have another time in mind, at which it was due.
_HELD = (*_SAME, _table.next_at == bindparam("held_until"))
CLAIM = incoming_webhooks.update().where(*_HELD).values(next_at=bindparam("new_next_at"))
END = (
    incoming_webhooks.update()
    .where(*_HELD)
    .values(
        state=bindparam("new_state"),
        next_at=bindparam("new_next_at"),
        tries=_table.tries + 1,
        finished=bindparam("new_finished"),
        reason=bindparam("new_reason"),
    )
)
PROCESS_AGAIN = (
    incoming_webhooks.update()
    .where(*_SAME, _table.state == bindparam("expected_state"), _table.tries == bindparam("expected_tries"))
    .values(
        state="received",
        next_at=bindparam("new_next_at"),
        tries=0,
        finished=None,
        kind=bindparam("new_kind"),
        events_document=bindparam("new_events"),
    )
)
FORGET_BODY = incoming_webhooks.update().where(*_SAME).values(headers_document=None, body_text=None, is_exact=0)
DELETE = incoming_webhooks.delete().where(*_SAME)
_FIND = select(incoming_webhooks).where(*_SAME)
_DUE = (
    select(incoming_webhooks)
    .where(_table.state == bindparam("s"), _table.next_at <= bindparam("now"))
    .order_by(_table.next_at)
    .limit(bindparam("rows"))
)
_FIND_EVENT = select(incoming_webhook_events).where(
    incoming_webhook_events.c.org_id == bindparam("o"),
    incoming_webhook_events.c.livemode == bindparam("m"),
    incoming_webhook_events.c.connector == bindparam("c"),
    incoming_webhook_events.c.account == bindparam("a"),
    incoming_webhook_events.c.event_id == bindparam("e"),
)
FORGET_CONTRADICTED = incoming_webhook_events.delete().where(
    incoming_webhook_events.c.org_id == bindparam("o"),
    incoming_webhook_events.c.livemode == bindparam("m"),
    incoming_webhook_events.c.connector == bindparam("c"),
    incoming_webhook_events.c.account == bindparam("a"),
    incoming_webhook_events.c.event_id == bindparam("e"),
    incoming_webhook_events.c.webhook_id == bindparam("i"),
    incoming_webhook_events.c.state == "contradicted",
)
_FIND_SETTLEMENT = select(announced_settlements.c.document).where(
    announced_settlements.c.org_id == bindparam("o"),
    announced_settlements.c.livemode == bindparam("m"),
    announced_settlements.c.connector == bindparam("c"),
    announced_settlements.c.account == bindparam("a"),
    announced_settlements.c.settlement_id == bindparam("s"),
)
_WAITING = select(_table.named, _table.events_document).where(
    _table.org_id == bindparam("o"), _table.livemode == bindparam("m"), _table.state == "received"
)
_IN_TIME = (
    _table.org_id == bindparam("o"),
    _table.livemode == bindparam("m"),
    _table.id < bindparam("before"),
    _table.next_at.is_(None),
)
_WITH_BODIES = (
    select(_table.id)
    .where(*_IN_TIME, _table.headers_document.is_not(None))
    .order_by(_table.id)
    .limit(bindparam("rows"))
)
_OLD = select(_table.id).where(*_IN_TIME).order_by(_table.id).limit(bindparam("rows"))
_OLD_OF_STATE = (
    select(_table.id).where(*_IN_TIME, _table.state == bindparam("s")).order_by(_table.id).limit(bindparam("rows"))
)


class StoredMessage(NamedTuple):
    org_id: str
    livemode: int
    id: str
    connector: str
    account: str
    state: State
    kind: str | None
    received: int
    next_at: int | None
    tries: int
    finished: int | None
    reason: str | None
    sender: str | None
    request_id: str | None
    named: str | None
    body_length: int
    body_digest: str
    is_exact: int
    headers_document: str | None
    body_text: str | None
    events_document: str

    @property
    def operations(self) -> list[str]:
        return self.named.split(",") if self.named else []


class _Disputed(msgspec.Struct):
    """Of an event, only what it is about."""

    dispute: BankDispute | None = None


class KnownEvent(NamedTuple):
    """One that has counted, by which message."""

    webhook_id: str | None
    state: VerdictState
    note: str | None


def insertion(message: StoredMessage) -> Change:
    return Change(INSERT, message._asdict())


def claiming(message: StoredMessage, until: int) -> Change:
    return Change(CLAIM, _held(message) | {"new_next_at": until}, rows_expected=1)


def ending(held: StoredMessage, end: Ending, now: int) -> Change:
    row = _held(held) | {
        "new_state": end.state,
        "new_next_at": end.next_at,
        "new_finished": now if end.next_at is None else None,
        "new_reason": end.reason,
    }
    return Change(END, row, rows_expected=1)


def processing_again(before: StoredMessage, after: StoredMessage) -> Change:
    row = _same(before) | {
        "expected_state": before.state,
        "expected_tries": before.tries,
        "new_next_at": after.next_at,
        "new_kind": after.kind,
        "new_events": after.events_document,
    }
    return Change(PROCESS_AGAIN, row, rows_expected=1)


def forgetting_contradicted(message: StoredMessage, event_id: str) -> Change:
    """It has changed nothing, so it may be judged anew."""
    return Change(FORGET_CONTRADICTED, _of_account(message) | {"e": event_id, "i": message.id})


def forgetting_body(org_id: str, livemode: int, message_id: str) -> Change:
    return Change(FORGET_BODY, {"o": org_id, "m": livemode, "i": message_id})


def deletion(org_id: str, livemode: int, message_id: str) -> Change:
    return Change(DELETE, {"o": org_id, "m": livemode, "i": message_id})


def event_insertion(
    message: StoredMessage, event: BankEvent, state: VerdictState, now: int, note: str | None
) -> Change:
    row = {
        "org_id": message.org_id,
        "livemode": message.livemode,
        "connector": message.connector,
        "account": message.account,
        "event_id": event.event_id,
        "webhook_id": message.id,
        "kind": event.kind,
        "state": state,
        "received": now,
        "note": note,
    }
    return Change(INSERT_EVENT, row)


def settlement_insertion(org_id: str, settlement: AnnouncedSettlement, now: int) -> Change:
    row = {
        "org_id": org_id,
        "livemode": int(settlement.livemode),
        "connector": settlement.connector,
        "account": settlement.account,
        "settlement_id": settlement.id,
        "announced": now,
        "document": encode(settlement).decode(),
    }
    return Change(INSERT_SETTLEMENT, row)


def find(connection: Connection, org_id: str, livemode: int, message_id: str) -> StoredMessage | None:
    row = connection.execute(_FIND, {"o": org_id, "m": livemode, "i": message_id}).first()
    return StoredMessage._make(row) if row else None


def find_due(connection: Connection, state: State, now: int, rows: int) -> list[StoredMessage]:
    found = connection.execute(_DUE, {"s": state, "now": now, "rows": rows})
    return [StoredMessage._make(row) for row in found]


def find_event(connection: Connection, message: StoredMessage, event_id: str) -> KnownEvent | None:
    row = connection.execute(_FIND_EVENT, _of_account(message) | {"e": event_id}).first()
    return KnownEvent(row.webhook_id, cast("VerdictState", row.state), row.note) if row else None


def find_settlement(connection: Connection, message: StoredMessage, settlement_id: str) -> AnnouncedSettlement | None:
    document = connection.execute(_FIND_SETTLEMENT, _of_account(message) | {"s": settlement_id}).scalar()
    return _read_settlement(document) if document is not None else None


def page(
    connection: Connection, org_id: str, livemode: int, window: Window, state: State | None, connector: str | None
) -> list[StoredMessage]:
    """One row more than the page shows, in the window's order."""
    conditions = [_table.org_id == org_id, _table.livemode == livemode]
    if state is not None:
        conditions.append(_table.state == state)
    if connector is not None:
        conditions.append(_table.connector == connector)
    if window.after_id is not None:
        conditions.append(_table.id < window.after_id)
    if window.before_id is not None:
        conditions.append(_table.id > window.before_id)
    order = _table.id.desc() if window.newest_first else _table.id.asc()
    query = select(incoming_webhooks).where(*conditions).order_by(order).limit(window.rows_to_read)
    return [StoredMessage._make(row) for row in connection.execute(query)]


def find_waiting(connection: Connection, org_id: str, livemode: int) -> set[str]:
    """Operations, and banks' disputes, of which something has come in that is not processed yet."""
    names: set[str] = set()
    for named, document in connection.execute(_WAITING, {"o": org_id, "m": livemode}):
        names.update(named.split(",") if named else ())
        names.update(one.dispute.dispute_id for one in _read_disputes(document) if one.dispute is not None)
    return names


def with_old_bodies(connection: Connection, org_id: str, livemode: int, before: str, rows: int) -> list[str]:
    given = {"o": org_id, "m": livemode, "before": before, "rows": rows}
    return list(connection.execute(_WITH_BODIES, given).scalars())


def old(
    connection: Connection, org_id: str, livemode: int, before: str, rows: int, state: State | None = None
) -> list[str]:
    given: dict[str, Any] = {"o": org_id, "m": livemode, "before": before, "rows": rows}
    if state is not None:
        return list(connection.execute(_OLD_OF_STATE, given | {"s": state}).scalars())
    return list(connection.execute(_OLD, given).scalars())


def _same(message: StoredMessage) -> Row:
    return {"o": message.org_id, "m": message.livemode, "i": message.id}


def _held(message: StoredMessage) -> Row:
    return _same(message) | {"held_until": message.next_at}


def _of_account(message: StoredMessage) -> Row:
    return {"o": message.org_id, "m": message.livemode, "c": message.connector, "a": message.account}


_read_settlement = msgspec.json.Decoder(AnnouncedSettlement).decode
_read_disputes = msgspec.json.Decoder(list[_Disputed]).decode
