"""Endpoints and deliveries as they are shown to people. Pure."""

from __future__ import annotations

from typing import cast

from bursar.http.endpoint import encode
from bursar.kit.clock import seconds
from bursar.webhooks.delivery_repository import PENDING, StoredDelivery
from bursar.webhooks.repository import PREFIX as ENDPOINT_PREFIX
from bursar.webhooks.repository import StoredEndpoint
from bursar.webhooks.schemas import DeliveryStatus, ManagedWebhookEndpoint, WebhookDelivery

DELIVERY_PREFIX = "whd"
EVENT_PREFIX = "evt"
ID_LENGTH = 24  # behind the prefix, of ids of ours


def managed(stored: StoredEndpoint, secret: str | None = None) -> ManagedWebhookEndpoint:
    endpoint = stored.endpoint
    return ManagedWebhookEndpoint(
        id=endpoint.id,
        api_version=endpoint.api_version,
        created=endpoint.created,
        description=endpoint.description,
        disabled_at=_seconds(stored.disabled_at),
        disabled_reason=stored.disabled_reason,
        enabled_events=endpoint.enabled_events,
        failing_since=_seconds(stored.failing_since),
        livemode=endpoint.livemode,
        metadata=endpoint.metadata,
        paused=stored.is_paused,
        previous_secret_until=_seconds(stored.previous_secret_until),
        secret=secret,
        status=endpoint.status,
        url=endpoint.url,
    )


def document_of(stored: StoredEndpoint) -> bytes:
    """For the log. Without any secret."""
    return encode(managed(stored))


def delivery_id(endpoint_id: str, event_id: str) -> str:
    """A delivery is one event for one endpoint, so the two are its name."""
    return f"{DELIVERY_PREFIX}_{_own_part(event_id)}{_own_part(endpoint_id)}"


def read_delivery_id(text: str) -> tuple[str, str] | None:
    """The endpoint and the event; None for what is no delivery's id."""
    prefix, _, rest = text.partition("_")
    if prefix != DELIVERY_PREFIX or len(rest) != 2 * ID_LENGTH or not rest.isalnum() or not rest.isascii():
        return None
    return f"{ENDPOINT_PREFIX}_{rest[ID_LENGTH:]}", f"{EVENT_PREFIX}_{rest[:ID_LENGTH]}"


def shown_delivery(delivery: StoredDelivery) -> WebhookDelivery:
    return WebhookDelivery(
        id=delivery_id(delivery.endpoint_id, delivery.event_id),
        endpoint=delivery.endpoint_id,
        event=delivery.event_id,
        event_type=delivery.event_type,
        finished=_seconds(delivery.finished_at),
        last_error=delivery.last_error,
        last_status_code=delivery.last_status_code,
        livemode=bool(delivery.livemode),
        next_try=seconds(delivery.next_at) if delivery.status == PENDING else None,
        sequence=delivery.sequence_number,
        status=cast("DeliveryStatus", delivery.status),
        tries=delivery.tries,
    )


def _own_part(object_id: str) -> str:
    return object_id.rpartition("_")[2]


def _seconds(microseconds: int | None) -> int | None:
    return None if microseconds is None else seconds(microseconds)
