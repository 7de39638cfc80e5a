"""Reading the log as a merchant."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from bursar.events import repository
from bursar.events.repository import Deliveries, Listed
from bursar.events.rules import wanted_types
from bursar.events.schemas import Event, EventListParams
from bursar.http.call import Call
from bursar.http.paging import Page, missing, window
from bursar.http.params import created_bounds
from bursar.store.store import Store

URL = "/v1/events"


class EventService:
    def __init__(self, store: Store) -> None:
        self._store = store
        # Set by whoever delivers events; without it, nobody is told of any.
        self.deliveries: Deliveries | None = None

    async def retrieve(self, call: Call) -> Event:
        event_id = call.path["event"]

        def query(connection: Connection) -> list[Event]:
            found = repository.find(connection, call.org_id, call.livemode, event_id)
            return self._told(connection, call, [] if found is None else [found])

        for event in await self._store.read(query):
            return event
        raise missing("event", event_id)

    async def page(self, call: Call, params: EventListParams) -> Page[Event]:
        view = window(params)
        types = wanted_types(params)
        created = created_bounds(params.created)

        def query(connection: Connection) -> list[Event]:
            for param in ("starting_after", "ending_before"):
                cursor = getattr(params, param)
                if cursor is not None and repository.find(connection, call.org_id, call.livemode, cursor) is None:
                    raise missing("event", cursor, param)
            place = (connection, call.org_id, call.livemode)
            undelivered = None
            if params.delivery_success is not None and self.deliveries is not None:
                undelivered = self.deliveries.undelivered(*place)
            if params.delivery_success is False:
                if undelivered is None:
                    return []
                found = repository.page_of(*place, view, undelivered, types=types, created=created)
            else:
                without = None if undelivered is None else undelivered.is_none
                found = repository.page(*place, view, types=types, created=created, without=without)
            return self._told(connection, call, found)

        data, has_more = view.cut(await self._store.read(query))
        return Page(data=data, has_more=has_more, url=URL)

    def _told(self, connection: Connection, call: Call, found: Sequence[Listed]) -> list[Event]:
        """With the number of those who are still to be told."""
        if found and self.deliveries is not None:
            pending = self.deliveries.pending(connection, call.org_id, call.livemode, found)
            for event, _ in found:
                event.pending_webhooks = pending.get(event.id, 0)
        return [event for event, _ in found]
