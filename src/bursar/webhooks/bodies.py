"""The bytes of a webhook: the wire's event, made of the log, the same each time.

Every member and its order are written here, and not left to the struct that `/v1/events` answers with: that may gain
a member between two tries, and a second try would have other bytes than the first.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from bursar.events.reader import LoggedEvent
from bursar.events.tables import events
from bursar.kit.clock import seconds

IDS_OF_A_QUERY_MAX = 200
CACHE_BYTES_MAX = 32 * 1024 * 1024

_columns: Sequence[Any] = tuple(events.c[name] for name in LoggedEvent._fields)
_encode = msgspec.json.Encoder().encode


def body_of(event: LoggedEvent, api_version: str | None, pending_webhooks: int) -> bytes:
    """`api_version` is the endpoint's, whose programs may refuse any other."""
    return b"".join(
        (
            b'{"id":',
            _encode(event.id),
            b',"object":"event","account":null,"api_version":',
            _encode(api_version or event.api_version),
            b',"context":null,"created":%d,"data":' % seconds(event.created),
            event.data.encode(),
            b',"livemode":true' if event.livemode else b',"livemode":false',
            b',"pending_webhooks":%d,"request":{"id":' % pending_webhooks,
            _encode(event.request_id),
            b',"idempotency_key":',
            _encode(event.idempotency_key),
            b'},"type":',
            _encode(event.event_type),
            b"}",
        )
    )


def find_events(connection: Connection, org_id: str, livemode: int, event_ids: Sequence[str]) -> dict[str, LoggedEvent]:
    found: dict[str, LoggedEvent] = {}
    for start in range(0, len(event_ids), IDS_OF_A_QUERY_MAX):
        some = list(event_ids[start : start + IDS_OF_A_QUERY_MAX])
        query = select(*_columns).where(events.c.org_id == org_id, events.c.livemode == livemode, events.c.id.in_(some))
        found |= {row.id: LoggedEvent._make(row) for row in connection.execute(query)}
    return found


class RecentBodies:
    """What was made lately, for other endpoints and for the first tries after a failure."""

    def __init__(self, bytes_max: int = CACHE_BYTES_MAX) -> None:
        self._bodies: OrderedDict[tuple[str, str | None, int], bytes] = OrderedDict()
        self._bytes = 0
        self._bytes_max = bytes_max
        # The threads that read the database use it, too.
        self._lock = threading.Lock()

    def find(self, event_id: str, api_version: str | None, pending_webhooks: int) -> bytes | None:
        return self._bodies.get((event_id, api_version, pending_webhooks))

    def of(self, event: LoggedEvent, api_version: str | None, pending_webhooks: int) -> bytes:
        key = (event.id, api_version, pending_webhooks)
        with self._lock:
            body = self._bodies.get(key)
            if body is None:
                body = self._bodies[key] = body_of(event, api_version, pending_webhooks)
                self._bytes += len(body)
                while self._bytes > self._bytes_max and len(self._bodies) > 1:
                    self._bytes -= len(self._bodies.popitem(last=False)[1])
            return body
