"""Webhook endpoints and deliveries on the wire."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from bursar.http.params import Cursor, ListParams, Metadata, MetadataChange, Params, Seconds, Text

EVENTS_OF_ENDPOINT_MAX = 300
OVERLAP_HOURS_DEFAULT, OVERLAP_HOURS_MAX = 24, 7 * 24
REPLAYED_DEFAULT, REPLAYED_MAX = 100, 500

Status = Literal["enabled", "disabled"]
DeliveryStatus = Literal["pending", "delivered", "dead"]

Url = Annotated[str, Meta(min_length=1, max_length=5_000)]
EventName = Annotated[str, Meta(min_length=1, max_length=80)]
EventNames = Annotated[list[EventName], Meta(min_length=1, max_length=EVENTS_OF_ENDPOINT_MAX)]
ApiVersion = Annotated[str, Meta(pattern=r"^20[0-9]{2}-[0-9]{2}-[0-9]{2}(\.[a-z]{1,30})?$")]


class WebhookEndpoint(msgspec.Struct, kw_only=True):
    """As the official SDKs know it. The secret is there once, in the answer to its creation."""

    id: str
    object: Literal["webhook_endpoint"] = "webhook_endpoint"
    api_version: str | None = None
    application: str | None = None
    created: int
    description: str | None = None
    enabled_events: list[str]
    livemode: bool
    metadata: Metadata = {}
    secret: str | None = None
    status: Status = "enabled"
    url: str


class DeletedWebhookEndpoint(msgspec.Struct, kw_only=True):
    id: str
    object: Literal["webhook_endpoint"] = "webhook_endpoint"
    deleted: Literal[True] = True


class ManagedWebhookEndpoint(msgspec.Struct, kw_only=True):
    """With how it is doing."""

    id: str
    object: Literal["webhook_endpoint"] = "webhook_endpoint"
    api_version: str | None
    created: int
    description: str | None
    disabled_at: int | None
    # `requested`, `gone` (it answered 410) or `failing` (for days).
    disabled_reason: str | None
    enabled_events: list[str]
    failing_since: int | None
    livemode: bool
    metadata: Metadata
    paused: bool
    # Until then the previous secret signs, too.
    previous_secret_until: int | None
    secret: str | None = None
    status: Status
    url: str


class WebhookEndpointParams(Params, kw_only=True):
    url: Url
    enabled_events: EventNames
    api_version: ApiVersion | None = None
    description: Text | None = None
    metadata: MetadataChange = UNSET


class WebhookEndpointChangeParams(Params, kw_only=True):
    url: Url | UnsetType = UNSET
    enabled_events: EventNames | UnsetType = UNSET
    description: Text | UnsetType | None = UNSET
    disabled: bool | UnsetType = UNSET
    metadata: MetadataChange = UNSET


class RotationParams(Params):
    """For how long the previous secret signs beside the new one. At 0 it ends at once."""

    overlap_hours: Annotated[int, Meta(ge=0, le=OVERLAP_HOURS_MAX)] = OVERLAP_HOURS_DEFAULT


class Attempt(msgspec.Struct, kw_only=True):
    """One try. `error` is null when it arrived; `answer` is how the answer began."""

    number: int
    started: int
    latency_milliseconds: int
    status_code: int | None
    error: str | None
    answer: str | None


class WebhookDelivery(msgspec.Struct, kw_only=True):
    """One event for one endpoint."""

    id: str
    object: Literal["webhook_delivery"] = "webhook_delivery"
    endpoint: str
    event: str
    event_type: str
    finished: int | None
    last_error: str | None
    last_status_code: int | None
    livemode: bool
    next_try: int | None
    sequence: int | None
    status: DeliveryStatus
    tries: int


class WebhookDeliveryDetails(WebhookDelivery, kw_only=True):
    """With what is sent, byte by byte, and what came of each try."""

    attempts: list[Attempt]
    request_body: str | None


class DeliveryListParams(ListParams):
    endpoint: Cursor | None = None
    status: DeliveryStatus | None = None


class ReplayParams(Params, kw_only=True):
    """Which events are sent again. Without `status` all that the endpoint listens to, whether it had them or not."""

    created: ReplayRange
    status: Literal["dead", "delivered"] | None = None
    types: EventNames | None = None
    # Where the last answer left off.
    after: Cursor | None = None
    limit: Annotated[int, Meta(ge=1, le=REPLAYED_MAX)] = REPLAYED_DEFAULT


class ReplayRange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    gte: Seconds
    lt: Seconds | None = None


class Replay(msgspec.Struct, kw_only=True):
    """How many will be sent; `next` is where to go on if there is more."""

    object: Literal["webhook_replay"] = "webhook_replay"
    endpoint: str
    has_more: bool
    next: str | None
    replayed: int


_decoder = msgspec.json.Decoder(WebhookEndpoint)


def decode_endpoint(document: str) -> WebhookEndpoint:
    return _decoder.decode(document)
