"""Webhook endpoints' SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Connection, bindparam, func, select

from bursar.events.reader import read_heads
from bursar.http.endpoint import encode
from bursar.http.paging import Window
from bursar.store.unit import Change, Row
from bursar.webhooks.schemas import WebhookEndpoint, decode_endpoint
from bursar.webhooks.tables import webhook_endpoints

PREFIX = "we"
ENABLED, DISABLED, DELETED = "enabled", "disabled", "deleted"
ORGANISATIONS_OF_A_QUERY_MAX = 500

INSERT = webhook_endpoints.insert()
_SAME = (
    webhook_endpoints.c.org_id == bindparam("o"),
    webhook_endpoints.c.livemode == bindparam("m"),
    webhook_endpoints.c.id == bindparam("i"),
)
CHANGE = (
    webhook_endpoints.update()
    .where(*_SAME, webhook_endpoints.c.version == bindparam("expected_version"))
    .values(
        version=bindparam("new_version"),
        status=bindparam("new_status"),
        is_paused=bindparam("new_is_paused"),
        wakes=webhook_endpoints.c.wakes + 1,
        failing_since=bindparam("new_failing_since"),
        disabled_reason=bindparam("new_disabled_reason"),
        disabled_at=bindparam("new_disabled_at"),
        secret_sealed=bindparam("new_secret"),
        previous_secret_sealed=bindparam("new_previous_secret"),
        previous_secret_until=bindparam("new_previous_until"),
        begins_behind=bindparam("new_begins_behind"),
        document=bindparam("new_document"),
    )
)
WAKE = webhook_endpoints.update().where(*_SAME).values(wakes=webhook_endpoints.c.wakes + 1)
BEGIN_FAILING = (
    webhook_endpoints.update()
    .where(*_SAME, webhook_endpoints.c.failing_since.is_(None))
    .values(failing_since=bindparam("new_failing_since"))
)
END_FAILING = webhook_endpoints.update().where(*_SAME).values(failing_since=None)
REMOVE = webhook_endpoints.delete().where(*_SAME, webhook_endpoints.c.status == DELETED)
_FIND = select(webhook_endpoints).where(*_SAME)
_COUNT = select(func.count()).where(
    webhook_endpoints.c.org_id == bindparam("o"),
    webhook_endpoints.c.livemode == bindparam("m"),
    webhook_endpoints.c.status != DELETED,
)


class EndpointKey(NamedTuple):
    org_id: str
    livemode: int
    id: str


class StoredEndpoint(NamedTuple):
    """A row. The status stands in its column; the document's is written over with it."""

    key: EndpointKey
    version: int
    status: str
    is_paused: bool
    wakes: int
    failing_since: int | None
    disabled_reason: str | None
    disabled_at: int | None
    secret_sealed: str
    previous_secret_sealed: str | None
    previous_secret_until: int | None
    # Of each lane, the last event that is not for it.
    begins_behind: dict[str, str]
    endpoint: WebhookEndpoint

    def hears(self, lane: int, event_id: str) -> bool:
        """Whether the event came after the endpoint began to listen."""
        return event_id > self.begins_behind.get(str(lane), "")


def insertion(stored: StoredEndpoint) -> Change:
    return Change(
        INSERT,
        {
            "org_id": stored.key.org_id,
            "livemode": stored.key.livemode,
            "id": stored.key.id,
            "version": stored.version,
            "status": stored.status,
            "is_paused": int(stored.is_paused),
            "wakes": stored.wakes,
            "failing_since": stored.failing_since,
            "disabled_reason": stored.disabled_reason,
            "disabled_at": stored.disabled_at,
            "secret_sealed": stored.secret_sealed,
            "previous_secret_sealed": stored.previous_secret_sealed,
            "previous_secret_until": stored.previous_secret_until,
            "begins_behind": msgspec.json.encode(stored.begins_behind).decode(),
            "document": encode(stored.endpoint).decode(),
        },
    )


def change(before: StoredEndpoint, after: StoredEndpoint) -> Change:
    """Of two changes at once, one is lost."""
    row = _same(before.key) | {
        "expected_version": before.version,
        "new_version": before.version + 1,
        "new_status": after.status,
        "new_is_paused": int(after.is_paused),
        "new_failing_since": after.failing_since,
        "new_disabled_reason": after.disabled_reason,
        "new_disabled_at": after.disabled_at,
        "new_secret": after.secret_sealed,
        "new_previous_secret": after.previous_secret_sealed,
        "new_previous_until": after.previous_secret_until,
        "new_begins_behind": msgspec.json.encode(after.begins_behind).decode(),
        "new_document": encode(after.endpoint).decode(),
    }
    return Change(CHANGE, row, rows_expected=1)


def waking(key: EndpointKey) -> Change:
    """Something is due for it that its worker does not know of."""
    return Change(WAKE, _same(key))


def begin_failing(key: EndpointKey, now: int) -> Change:
    return Change(BEGIN_FAILING, _same(key) | {"new_failing_since": now})


def end_failing(key: EndpointKey) -> Change:
    return Change(END_FAILING, _same(key))


def removal(key: EndpointKey) -> Change:
    return Change(REMOVE, _same(key))


def find(connection: Connection, key: EndpointKey) -> StoredEndpoint | None:
    row = connection.execute(_FIND, _same(key)).first()
    return None if row is None or row.status == DELETED else stored_endpoint(row)


def count(connection: Connection, org_id: str, livemode: int) -> int:
    return int(connection.execute(_COUNT, {"o": org_id, "m": livemode}).scalar_one())


def page(connection: Connection, org_id: str, livemode: int, window: Window) -> list[StoredEndpoint]:
    """One row more than the page shows, in the window's order."""
    table = webhook_endpoints.c
    conditions: list[ColumnElement[bool]] = [
        table.org_id == org_id,
        table.livemode == livemode,
        table.status != DELETED,
    ]
    if window.after_id is not None:
        conditions.append(table.id < window.after_id)
    if window.before_id is not None:
        conditions.append(table.id > window.before_id)
    order = table.id.desc() if window.newest_first else table.id.asc()
    rows = connection.execute(select(webhook_endpoints).where(*conditions).order_by(order).limit(window.rows_to_read))
    return [stored_endpoint(row) for row in rows]


def ids_of(connection: Connection, org_id: str, livemode: int) -> list[str]:
    table = webhook_endpoints.c
    query = select(table.id).where(table.org_id == org_id, table.livemode == livemode, table.status != DELETED)
    return list(connection.execute(query).scalars())


class Footprint(NamedTuple):
    """What tells whether an endpoint has changed."""

    version: int
    wakes: int


def footprints(connection: Connection) -> dict[EndpointKey, Footprint]:
    """Of all that there are, deleted ones too. There are few endpoints, and each row is short."""
    table = webhook_endpoints.c
    query = select(table.org_id, table.livemode, table.id, table.version, table.wakes)
    return {EndpointKey(row[0], row[1], row[2]): Footprint(row[3], row[4]) for row in connection.execute(query)}


def of_organisations(connection: Connection, org_ids: Sequence[str]) -> list[StoredEndpoint]:
    """Deleted ones, too."""
    found: list[StoredEndpoint] = []
    for start in range(0, len(org_ids), ORGANISATIONS_OF_A_QUERY_MAX):
        some = list(org_ids[start : start + ORGANISATIONS_OF_A_QUERY_MAX])
        rows = connection.execute(select(webhook_endpoints).where(webhook_endpoints.c.org_id.in_(some)))
        found += [stored_endpoint(row) for row in rows]
    return found


def ends_of_log(connection: Connection, org_id: str, livemode: int) -> dict[str, str]:
    """By lane. Read before an endpoint is committed, so that whatever happens behind that is for it."""
    heads = read_heads(connection, [org_id])
    return {str(chain.lane): head.event_id for chain, head in heads.items() if chain.livemode == livemode}


def stored_endpoint(row: Any) -> StoredEndpoint:
    endpoint = decode_endpoint(row.document)
    endpoint.status = "enabled" if row.status == ENABLED else "disabled"
    return StoredEndpoint(
        key=EndpointKey(row.org_id, row.livemode, row.id),
        version=row.version,
        status=row.status,
        is_paused=bool(row.is_paused),
        wakes=row.wakes,
        failing_since=row.failing_since,
        disabled_reason=row.disabled_reason,
        disabled_at=row.disabled_at,
        secret_sealed=row.secret_sealed,
        previous_secret_sealed=row.previous_secret_sealed,
        previous_secret_until=row.previous_secret_until,
        begins_behind=msgspec.json.decode(row.begins_behind, type=dict[str, str]),
        endpoint=endpoint,
    )


def _same(key: EndpointKey) -> Row:
    return {"o": key.org_id, "m": key.livemode, "i": key.id}
