"""Reads what is due for one endpoint, with what is to be sent."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection

from bursar.store.store import Store
from bursar.webhooks import delivery_repository as deliveries
from bursar.webhooks.bodies import RecentBodies, find_events
from bursar.webhooks.delivery_repository import StoredDelivery
from bursar.webhooks.queues import Job
from bursar.webhooks.repository import EndpointKey

ROWS_MAX = 200


class Found(NamedTuple):
    jobs: list[Job]
    # Nothing of the log can be found for them.
    unreadable: list[StoredDelivery]
    # When there is more; None when nothing else is pending.
    next_at: int | None


async def load(
    store: Store, bodies: RecentBodies, endpoint: EndpointKey, api_version: str | None, known: frozenset[str], now: int
) -> Found:
    """Without those that are known to be on their way already."""

    def query(connection: Connection) -> Found:
        rows_max = ROWS_MAX + len(known)
        rows = deliveries.due(connection, endpoint, now, rows_max)
        is_all = len(rows) < rows_max
        next_at = deliveries.next_due(connection, endpoint, now) if is_all else now
        # All of them: one that was left out here would be looked for by nobody.
        fresh = [row for row in rows if row.event_id not in known]
        cached = {row.event_id: bodies.find(row.event_id, api_version, row.pending_webhooks) for row in fresh}
        missing = [event_id for event_id, body in cached.items() if body is None]
        events = find_events(connection, endpoint.org_id, endpoint.livemode, missing)
        jobs, unreadable = [], []
        for row in fresh:
            body = cached[row.event_id]
            if body is None and row.event_id in events:
                body = bodies.of(events[row.event_id], api_version, row.pending_webhooks)
            if body is None:
                unreadable.append(row)
            else:
                jobs.append(Job(row, body))
        return Found(jobs, unreadable, next_at)

    return await store.read(query)
