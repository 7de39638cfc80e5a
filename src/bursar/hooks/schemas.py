"""What banks warn of, announce and send, on the wire."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from bursar.http.params import ListParams

# `received`: it will be processed, or processed again. The others are where a message rests: `processed` also where it
# told nothing new; `duplicate`: its events had counted already; `unmatched`: nobody here knows what it is about;
# `contradicted`: it does not go with what is known, and the bank says that what is known is right; `unverified`: nobody
# knows who sent it; `failed`: it could not be processed.
State = Literal["received", "processed", "duplicate", "unmatched", "contradicted", "unverified", "failed"]


class EarlyFraudWarning(msgspec.Struct, kw_only=True):
    id: str
    object: Literal["radar.early_fraud_warning"] = "radar.early_fraud_warning"
    actionable: bool
    charge: str
    created: int
    fraud_type: str
    livemode: bool
    payment_intent: str | None = None


class AnnouncedSettlement(msgspec.Struct, kw_only=True):
    """What a bank says it will pay out; whether it did is another matter."""

    id: str
    object: Literal["announced_settlement"] = "announced_settlement"
    account: str
    begins: int
    connector: str
    currency: str
    disputed_minor: int
    ends: int
    fee_minor: int
    gross_minor: int
    livemode: bool
    net_minor: int
    payments: int
    refunded_minor: int


class IncomingWebhook(msgspec.Struct, kw_only=True):
    """A bank's message. `reason` says why it is where it is."""

    id: str
    object: Literal["incoming_webhook"] = "incoming_webhook"
    account: str
    body_length: int
    body_sha256: str
    connector: str
    created: int
    event_type: str | None
    finished: int | None
    livemode: bool
    next_try: int | None
    operations: list[str]
    reason: str | None
    sender: str | None
    state: State
    tries: int


class IncomingWebhookDetails(IncomingWebhook, kw_only=True):
    """With what came. The body is null where nothing of it may be kept, or where its time is over."""

    body: str | None
    body_exact: bool
    events: list[dict[str, Any]]
    headers: dict[str, str] | None


class IncomingWebhookListParams(ListParams):
    connector: Annotated[str, Meta(max_length=40, pattern="^[!-~]+$")] | None = None
    state: State | None = None
