"""Notifications as they are kept and on the wire."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from bursar.http.params import ListParams, Params
from bursar.notifications.rules import Channel, Delivery

Language = Literal["en", "de", "es", "fr", "hi"]
State = Literal["waiting", "waiting_for_settings", "gathered", "digested", "sent", "failed"]
Topic = Literal["payments", "declines", "refunds", "failed_refunds", "disputes", "withdrawals", "webhooks", "api_keys"]
TargetKind = Literal["sms", "push"]

Name = Annotated[str, Meta(max_length=100)]
Color = Annotated[str, Meta(pattern="^#[0-9A-Fa-f]{6}$")]
LogoUrl = Annotated[str, Meta(max_length=500, pattern="^https://[!#-&(-;=?-~]+$")]
Footer = Annotated[str, Meta(max_length=1_000)]
Address = Annotated[str, Meta(max_length=254)]


class Branding(msgspec.Struct, kw_only=True, frozen=True):
    """How an organisation's messages look, and which its customers get."""

    object: Literal["notification_branding"] = "notification_branding"
    # The organisation's own name where there is none.
    name: str | None = None
    color: str = "#3f3f46"
    logo_url: str | None = None
    footer: str | None = None
    reply_to: str | None = None
    language: str = "en"
    receipts: bool = False
    decline_notices: bool = False
    refund_receipts: bool = False


class BrandingParams(Params):
    """What is left out stays as it is; null goes back to the default."""

    name: Name | UnsetType | None = UNSET
    color: Color | UnsetType | None = UNSET
    logo_url: LogoUrl | UnsetType | None = UNSET
    footer: Footer | UnsetType | None = UNSET
    reply_to: Address | UnsetType | None = UNSET
    language: Language | UnsetType | None = UNSET
    receipts: bool | UnsetType = UNSET
    decline_notices: bool | UnsetType = UNSET
    refund_receipts: bool | UnsetType = UNSET


class Preferences(msgspec.Struct, kw_only=True):
    """What somebody is told of an organisation: at once, once a day, or not at all."""

    object: Literal["notification_preferences"] = "notification_preferences"
    user: str
    topics: dict[str, Delivery]


class PreferencesParams(Params):
    topics: dict[Topic, Delivery]


class Message(msgspec.Struct, kw_only=True):
    """A message as operators see it: not what is in it, as that may let somebody in."""

    id: str
    object: Literal["notification_message"] = "notification_message"
    channel: Channel
    created: int
    event: str
    expires: int
    finished: int | None
    language: str
    livemode: bool
    next_try: int | None
    problem: str | None
    recipient: str
    state: State
    template: str
    tries: int
    user: str | None


class MessageListParams(ListParams):
    state: State | None = None


class Target(msgspec.Struct, kw_only=True):
    """Where else notices go. The address with its credentials is never shown again."""

    id: str
    object: Literal["notification_target"] = "notification_target"
    created: int
    kind: TargetKind
    language: str
    name: str
    service: str
    topics: list[str]


class TargetParams(Params):
    kind: TargetKind
    name: Annotated[str, Meta(min_length=1, max_length=100)]
    url: Annotated[str, Meta(min_length=4, max_length=2_000)]
    topics: Annotated[list[Topic], Meta(max_length=20)] = msgspec.field(default_factory=list)
    language: Language = "en"


class DeletedTarget(msgspec.Struct, kw_only=True):
    id: str
    object: Literal["notification_target"] = "notification_target"
    deleted: Literal[True] = True


class UnsubscribeParams(Params):
    """As mail programs post it, without asking."""

    one_click: Annotated[str, Meta(max_length=20)] | None = msgspec.field(name="List-Unsubscribe", default=None)


class Unsubscribed(msgspec.Struct, kw_only=True):
    object: Literal["notification_unsubscription"] = "notification_unsubscription"
    topic: str


class StoredMessage(msgspec.Struct, kw_only=True, frozen=True):
    """A row of the outbox. Times in microseconds."""

    org_id: str
    livemode: int
    id: str
    event_id: str
    channel: str
    template: str
    language: str
    recipient: str
    user_id: str | None
    data: dict[str, Any]
    sealed: str | None = None
    state: str = "waiting"
    tries: int = 0
    next_at: int
    problem: str | None = None
    created: int
    expires: int
    finished: int | None = None

    def __repr__(self) -> str:
        return f"StoredMessage({self.id}, {self.state})"
