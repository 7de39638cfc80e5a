"""Notifications on `/api/v1`."""

from __future__ import annotations

from bursar.http.call import Call, Effect
from bursar.http.endpoint import Endpoint
from bursar.http.paging import Page
from bursar.http.params import Params
from bursar.kit.permissions import SELF
from bursar.notifications.schemas import (
    Branding,
    BrandingParams,
    DeletedTarget,
    Message,
    MessageListParams,
    Preferences,
    PreferencesParams,
    Target,
    TargetParams,
    Unsubscribed,
    UnsubscribeParams,
)
from bursar.notifications.service import URL, NotificationService
from bursar.notifications.unsubscribing import PATH

READ, WRITE = "organisation.read", "organisation.write"
# The addresses of customers and colleagues are in it.
MESSAGES = "audit.read"


def endpoints(service: NotificationService) -> list[Endpoint]:
    return [*_settings(service), *_targets(service), *_messages(service)]


def _settings(service: NotificationService) -> list[Endpoint]:
    async def retrieve_notification_branding(call: Call, _params: Params) -> Branding:
        return await service.branding(call)

    async def change_notification_branding(call: Call, params: BrandingParams) -> Effect:
        return await service.change_branding(call, params)

    async def retrieve_notification_preferences(call: Call, _params: Params) -> Preferences:
        return await service.preferences(call)

    async def change_notification_preferences(call: Call, params: PreferencesParams) -> Effect:
        return await service.change_preferences(call, params)

    async def unsubscribe_from_notifications(call: Call, params: UnsubscribeParams) -> Effect | Unsubscribed:
        return await service.unsubscribe(call, params)

    branding, preferences = f"{URL}/branding", f"{URL}/preferences"
    return [
        Endpoint(
            "GET",
            branding,
            retrieve_notification_branding,
            "Retrieve how messages look",
            READ,
            Branding,
            surface="control",
        ),
        Endpoint(
            "PUT",
            branding,
            change_notification_branding,
            "Change how messages look, and which customers get",
            WRITE,
            Branding,
            BrandingParams,
            surface="control",
        ),
        Endpoint(
            "GET",
            preferences,
            retrieve_notification_preferences,
            "Retrieve what you are told of",
            SELF,
            Preferences,
            surface="control",
        ),
        Endpoint(
            "PUT",
            preferences,
            change_notification_preferences,
            "Choose what you are told of",
            SELF,
            Preferences,
            PreferencesParams,
            surface="control",
        ),
        Endpoint(
            "POST",
            f"{PATH}/{{token}}",
            unsubscribe_from_notifications,
            "End a kind of messages by the link in one of them",
            SELF,
            Unsubscribed,
            UnsubscribeParams,
            surface="control",
            public=True,
        ),
    ]


def _targets(service: NotificationService) -> list[Endpoint]:
    async def list_notification_targets(call: Call, _params: Params) -> Page[Target]:
        return await service.targets(call)

    async def add_notification_target(call: Call, params: TargetParams) -> Effect:
        return await service.add_target(call, params)

    async def remove_notification_target(call: Call, _params: Params) -> Effect:
        return await service.delete_target(call)

    url = f"{URL}/targets"
    return [
        Endpoint(
            "GET",
            url,
            list_notification_targets,
            "List where else notices go",
            READ,
            Page[Target],
            surface="control",
        ),
        Endpoint(
            "POST",
            url,
            add_notification_target,
            "Add a chat, a pager or a telephone",
            WRITE,
            Target,
            TargetParams,
            surface="control",
            needs_proof=True,
        ),
        Endpoint(
            "DELETE",
            f"{url}/{{target}}",
            remove_notification_target,
            "Take a target away",
            WRITE,
            DeletedTarget,
            surface="control",
        ),
    ]


def _messages(service: NotificationService) -> list[Endpoint]:
    async def list_notification_messages(call: Call, params: MessageListParams) -> Page[Message]:
        return await service.messages(call, params)

    async def retrieve_notification_message(call: Call, _params: Params) -> Message:
        return await service.message(call)

    url = f"{URL}/messages"
    return [
        Endpoint(
            "GET",
            url,
            list_notification_messages,
            "List messages and what became of them",
            MESSAGES,
            Page[Message],
            MessageListParams,
            surface="control",
        ),
        Endpoint(
            "GET",
            f"{url}/{{message}}",
            retrieve_notification_message,
            "Retrieve a message's state",
            MESSAGES,
            Message,
            surface="control",
        ),
    ]
