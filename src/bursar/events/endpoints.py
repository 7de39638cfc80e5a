"""Events on `/v1`."""

from __future__ import annotations

from bursar.events.schemas import Event, EventListParams
from bursar.events.service import URL, EventService
from bursar.http.call import Call
from bursar.http.endpoint import Endpoint
from bursar.http.paging import Page
from bursar.http.params import Params

READ = "events.read"


def endpoints(service: EventService) -> list[Endpoint]:
    async def list_events(call: Call, params: EventListParams) -> Page[Event]:
        return await service.page(call, params)

    async def retrieve_event(call: Call, _params: Params) -> Event:
        return await service.retrieve(call)

    return [
        Endpoint("GET", URL, list_events, "List events", READ, Page[Event], EventListParams),
        Endpoint("GET", f"{URL}/{{event}}", retrieve_event, "Retrieve an event", READ, Event),
    ]
