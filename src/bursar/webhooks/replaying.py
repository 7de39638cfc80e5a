"""A range of events, sent again to one endpoint: those whose deliveries ended in a way, or all that it listens to."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, select

from bursar.events.tables import events
from bursar.store.unit import Change
from bursar.webhooks import delivery_repository as deliveries
from bursar.webhooks import repository
from bursar.webhooks.delivery_repository import PENDING, StoredDelivery
from bursar.webhooks.repository import StoredEndpoint
from bursar.webhooks.rules import Filter

FAR_AWAY = "evt_~"  # behind every event's id


class Span(NamedTuple):
    """Events behind `low` and before `high`, at most so many."""

    low: str
    high: str
    types: Filter | None
    limit: int

    def wants(self, event_type: str) -> bool:
        return self.types is None or self.types.wants(event_type)


class Replayed(NamedTuple):
    changes: list[Change]
    # The last event that was looked at.
    last: str | None
    replayed: int
    has_more: bool


def of_deliveries(connection: Connection, stored: StoredEndpoint, status: str, span: Span, now: int) -> Replayed:
    rows = deliveries.between(connection, stored.key, status, span.low, span.high, span.limit + 1)
    looked_at = rows[: span.limit]
    wanted = [row for row in looked_at if span.wants(row.event_type)]
    changes = [deliveries.sending_again(stored.key, row.event_id, now) for row in wanted]
    return Replayed(changes, looked_at[-1].event_id if looked_at else None, len(wanted), len(rows) > span.limit)


def of_the_log(connection: Connection, stored: StoredEndpoint, span: Span, now: int) -> Replayed:
    """All that the endpoint listens to. What it never had is made due now; what it had is due again."""
    key = stored.key
    query = (
        select(events.c.id, events.c.event_type)
        .where(
            events.c.org_id == key.org_id,
            events.c.livemode == key.livemode,
            events.c.id > span.low,
            events.c.id < span.high,
        )
        .order_by(events.c.id)
        .limit(span.limit + 1)
    )
    rows = connection.execute(query).all()
    listens = Filter(stored.endpoint.enabled_events)
    looked_at = rows[: span.limit]
    wanted = [row for row in looked_at if listens.wants(row.event_type) and span.wants(row.event_type)]
    event_ids = [row.id for row in wanted]
    known = deliveries.known_events(connection, key, event_ids)
    endpoint_ids = repository.ids_of(connection, key.org_id, key.livemode)
    numbers = deliveries.sequence_numbers(connection, key.org_id, key.livemode, endpoint_ids, event_ids)
    changes = []
    for row in wanted:
        if row.id in known:
            changes.append(deliveries.sending_again(key, row.id, now))
            continue
        delivery = StoredDelivery(
            org_id=key.org_id,
            livemode=key.livemode,
            endpoint_id=key.id,
            event_id=row.id,
            status=PENDING,
            event_type=row.event_type,
            sequence_number=numbers.get(row.id),
            pending_webhooks=1,
            tries=0,
            tries_before=0,
            next_at=now,
        )
        changes.append(deliveries.insertion(delivery))
    return Replayed(changes, looked_at[-1].id if looked_at else None, len(wanted), len(rows) > span.limit)
