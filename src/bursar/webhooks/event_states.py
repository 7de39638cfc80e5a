"""What `/v1/events` says of deliveries: how many are still to come, and which events somebody has not got.

All of it is read from what the worker keeps anyway, so that no payment pays for it.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, exists, select

from bursar.events.reader import read_cursors
from bursar.events.repository import Listed, Undelivered
from bursar.events.tables import events
from bursar.webhooks import delivery_repository as deliveries
from bursar.webhooks import repository
from bursar.webhooks.delivery_repository import DEAD, PENDING
from bursar.webhooks.repository import ENABLED
from bursar.webhooks.rules import Filter
from bursar.webhooks.tables import webhook_deliveries
from bursar.webhooks.taking_in import READER

_table = webhook_deliveries.c


class EventDeliveries:
    def pending(self, connection: Connection, org_id: str, livemode: int, listed: Sequence[Listed]) -> dict[str, int]:
        """With those that are to be made: of an event that the worker has not come to yet."""
        endpoints = [
            stored
            for stored in repository.of_organisations(connection, [org_id])
            if stored.key.livemode == livemode and stored.status == ENABLED
        ]
        if not endpoints:
            return {}
        ends = read_cursors(connection, READER, org_id, livemode)
        known = deliveries.states(
            connection,
            org_id,
            livemode,
            [stored.key.id for stored in endpoints],
            [one.event.id for one in listed],
        )
        filters = [(stored, Filter(stored.endpoint.enabled_events)) for stored in endpoints]
        counts: dict[str, int] = {}
        for event, lane in listed:
            is_new = event.id > ends.get(lane, "")
            for stored, wanted in filters:
                status = known.get((stored.key.id, event.id))
                if status is None and is_new and stored.hears(lane, event.id) and wanted.wants(event.type):
                    status = PENDING
                if status == PENDING:
                    counts[event.id] = counts.get(event.id, 0) + 1
        return counts

    def undelivered(self, connection: Connection, org_id: str, livemode: int) -> Undelivered | None:
        """Those that the worker has come to: it is behind by a fraction of a second."""
        endpoint_ids = repository.ids_of(connection, org_id, livemode)
        if not endpoint_ids:
            return None
        queries = [
            select(_table.event_id, _table.event_type).where(
                _table.org_id == org_id,
                _table.livemode == livemode,
                _table.endpoint_id == endpoint_id,
                _table.status == status,
            )
            for endpoint_id in endpoint_ids
            for status in (PENDING, DEAD)
        ]
        is_one = exists().where(
            _table.org_id == org_id,
            _table.livemode == livemode,
            _table.endpoint_id.in_(endpoint_ids),
            _table.event_id == events.c.id,
            _table.status.in_((PENDING, DEAD)),
        )
        return Undelivered(queries, ~is_one)
