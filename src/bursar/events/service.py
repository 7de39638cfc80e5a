"""Reading the log as a merchant."""

from __future__ import annotations

from sqlalchemy import Connection

from bursar.events import repository
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

    async def retrieve(self, call: Call) -> Event:
        event_id = call.path["event"]
        event = await self._store.read(
            lambda connection: repository.find(connection, call.org_id, call.livemode, event_id)
        )
        if event is None:
            raise missing("event", event_id)
        return event

    async def page(self, call: Call, params: EventListParams) -> Page[Event]:
        view = window(params)
        types = wanted_types(params)
        created = created_bounds(params.created)

        def query(connection: Connection) -> list[Event]:
            for param in ("starting_after", "ending_before"):
                cursor = getattr(params, param)
                if cursor is not None and repository.find(connection, call.org_id, call.livemode, cursor) is None:
                    raise missing("event", cursor, param)
            if params.delivery_success is False:
                return []  # no event has a webhook whose delivery could have failed
            return repository.page(connection, call.org_id, call.livemode, view, types=types, created=created)

        data, has_more = view.cut(await self._store.read(query))
        return Page(data=data, has_more=has_more, url=URL)
