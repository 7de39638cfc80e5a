"""Events on the wire."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from bursar.http.params import ListParams, Seconds, TimeRange

EventType = Annotated[str, Meta(max_length=80, description="A type, or a group of types ending in .*")]
TYPES_MAX = 20


class EventRequest(msgspec.Struct, kw_only=True):
    id: str | None
    idempotency_key: str | None


class Event(msgspec.Struct, kw_only=True):
    id: str
    object: Literal["event"] = "event"
    account: str | None = None
    api_version: str | None
    context: str | None = None
    created: int
    data: msgspec.Raw
    livemode: bool
    pending_webhooks: int = 0
    request: EventRequest | None
    type: str


class EventListParams(ListParams):
    created: Seconds | TimeRange | None = None
    delivery_success: bool | None = None
    type: EventType | None = None
    types: Annotated[list[EventType], Meta(max_length=TYPES_MAX)] | None = None
