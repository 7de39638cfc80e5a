"""Webhook endpoints on `/v1`; with their deliveries on `/api/v1`."""

from __future__ import annotations

from functools import partial

from bursar.http.call import Call, Effect
from bursar.http.endpoint import Endpoint
from bursar.http.paging import Page
from bursar.http.params import ListParams, Params
from bursar.webhooks.delivery_service import URL as DELIVERIES_URL
from bursar.webhooks.delivery_service import DeliveryService
from bursar.webhooks.schemas import (
    DeletedWebhookEndpoint,
    DeliveryListParams,
    ManagedWebhookEndpoint,
    Replay,
    ReplayParams,
    RotationParams,
    WebhookDelivery,
    WebhookDeliveryDetails,
    WebhookEndpoint,
    WebhookEndpointChangeParams,
    WebhookEndpointParams,
)
from bursar.webhooks.service import CONTROL_URL, URL, WebhookService

READ, WRITE = "webhooks.read", "webhooks.write"
ONE_URL = f"{URL}/{{webhook_endpoint}}"
ONE_CONTROL_URL = f"{CONTROL_URL}/{{webhook_endpoint}}"
ONE_DELIVERY_URL = f"{DELIVERIES_URL}/{{webhook_delivery}}"

Control = partial(Endpoint, surface="control")


def endpoints(service: WebhookService) -> list[Endpoint]:
    async def create_webhook_endpoint(call: Call, params: WebhookEndpointParams) -> Effect:
        return await service.create(call, params)

    async def list_webhook_endpoints(call: Call, params: ListParams) -> Page[WebhookEndpoint]:
        return await service.page(call, params)

    async def retrieve_webhook_endpoint(call: Call, _params: Params) -> WebhookEndpoint:
        return await service.retrieve(call)

    async def update_webhook_endpoint(call: Call, params: WebhookEndpointChangeParams) -> Effect:
        return await service.update(call, params)

    async def delete_webhook_endpoint(call: Call, _params: Params) -> Effect:
        return await service.delete(call)

    page, change = Page[WebhookEndpoint], WebhookEndpointChangeParams
    return [
        Endpoint(
            "POST",
            URL,
            create_webhook_endpoint,
            "Create a webhook endpoint",
            WRITE,
            WebhookEndpoint,
            WebhookEndpointParams,
            restored=service.secrets.restored,
        ),
        Endpoint("GET", URL, list_webhook_endpoints, "List webhook endpoints", READ, page, ListParams),
        Endpoint("GET", ONE_URL, retrieve_webhook_endpoint, "Retrieve a webhook endpoint", READ, WebhookEndpoint),
        Endpoint("POST", ONE_URL, update_webhook_endpoint, "Update a webhook endpoint", WRITE, WebhookEndpoint, change),
        Endpoint(
            "DELETE", ONE_URL, delete_webhook_endpoint, "Delete a webhook endpoint", WRITE, DeletedWebhookEndpoint
        ),
    ]


def control_endpoints(service: WebhookService, delivery_service: DeliveryService) -> list[Endpoint]:
    return [*_managing(service), *_deliveries(delivery_service)]


def _managing(service: WebhookService) -> list[Endpoint]:
    async def create_managed_webhook_endpoint(call: Call, params: WebhookEndpointParams) -> Effect:
        return await service.create_managed(call, params)

    async def list_managed_webhook_endpoints(call: Call, params: ListParams) -> Page[ManagedWebhookEndpoint]:
        return await service.page_managed(call, params)

    async def retrieve_managed_webhook_endpoint(call: Call, _params: Params) -> ManagedWebhookEndpoint:
        return await service.retrieve_managed(call)

    async def update_managed_webhook_endpoint(call: Call, params: WebhookEndpointChangeParams) -> Effect:
        return await service.update_managed(call, params)

    async def delete_managed_webhook_endpoint(call: Call, _params: Params) -> Effect:
        return await service.delete(call)

    async def rotate_webhook_secret(call: Call, params: RotationParams) -> Effect:
        return await service.rotate(call, params)

    async def pause_webhook_endpoint(call: Call, _params: Params) -> Effect:
        return await service.pause(call)

    async def resume_webhook_endpoint(call: Call, _params: Params) -> Effect:
        return await service.resume(call)

    async def test_webhook_endpoint(call: Call, _params: Params) -> Effect:
        return await service.test(call)

    one, shown = ONE_CONTROL_URL, ManagedWebhookEndpoint
    page, change = Page[ManagedWebhookEndpoint], WebhookEndpointChangeParams
    return [
        Control("GET", CONTROL_URL, list_managed_webhook_endpoints, "List webhook endpoints", READ, page, ListParams),
        Control(
            "POST",
            CONTROL_URL,
            create_managed_webhook_endpoint,
            "Create a webhook endpoint",
            WRITE,
            shown,
            WebhookEndpointParams,
            restored=service.secrets.restored,
        ),
        Control("GET", one, retrieve_managed_webhook_endpoint, "Retrieve a webhook endpoint", READ, shown),
        Control("PUT", one, update_managed_webhook_endpoint, "Change a webhook endpoint", WRITE, shown, change),
        Control(
            "DELETE",
            one,
            delete_managed_webhook_endpoint,
            "Delete a webhook endpoint",
            WRITE,
            DeletedWebhookEndpoint,
        ),
        Control(
            "POST",
            f"{one}/rotate",
            rotate_webhook_secret,
            "Rotate a webhook endpoint's secret",
            WRITE,
            shown,
            RotationParams,
            needs_proof=True,
            restored=service.secrets.restored,
        ),
        Control("POST", f"{one}/pause", pause_webhook_endpoint, "Pause a webhook endpoint", WRITE, shown),
        Control("POST", f"{one}/resume", resume_webhook_endpoint, "Resume a webhook endpoint", WRITE, shown),
        Control("POST", f"{one}/test", test_webhook_endpoint, "Send a test event to a webhook endpoint", WRITE, shown),
    ]


def _deliveries(service: DeliveryService) -> list[Endpoint]:
    async def list_webhook_deliveries(call: Call, params: DeliveryListParams) -> Page[WebhookDelivery]:
        return await service.page(call, params)

    async def retrieve_webhook_delivery(call: Call, _params: Params) -> WebhookDeliveryDetails:
        return await service.retrieve(call)

    async def resend_webhook_delivery(call: Call, _params: Params) -> Effect:
        return await service.resend(call)

    async def replay_webhook_events(call: Call, params: ReplayParams) -> Effect:
        return await service.replay(call, params)

    page, one = Page[WebhookDelivery], ONE_DELIVERY_URL
    return [
        Control(
            "GET", DELIVERIES_URL, list_webhook_deliveries, "List webhook deliveries", READ, page, DeliveryListParams
        ),
        Control(
            "GET", one, retrieve_webhook_delivery, "Retrieve a delivery with its tries", READ, WebhookDeliveryDetails
        ),
        Control("POST", f"{one}/resend", resend_webhook_delivery, "Send a webhook again", WRITE, WebhookDelivery),
        Control(
            "POST",
            f"{ONE_CONTROL_URL}/replay",
            replay_webhook_events,
            "Send a range of events again",
            WRITE,
            Replay,
            ReplayParams,
        ),
    ]
