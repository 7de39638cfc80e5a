"""Messages as they are shown to people. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from bursar.hooks.repository import StoredMessage
from bursar.hooks.schemas import IncomingWebhook, IncomingWebhookDetails
from bursar.http.endpoint import encode
from bursar.kit.clock import seconds

_read_headers = msgspec.json.Decoder(dict[str, str]).decode
_read_events = msgspec.json.Decoder(list[dict[str, Any]]).decode


def shown(message: StoredMessage) -> IncomingWebhook:
    return IncomingWebhook(
        id=message.id,
        account=message.account,
        body_length=message.body_length,
        body_sha256=message.body_digest,
        connector=message.connector,
        created=seconds(message.received),
        event_type=message.kind,
        finished=_seconds(message.finished),
        livemode=bool(message.livemode),
        next_try=_seconds(message.next_at),
        operations=message.operations,
        reason=message.reason,
        sender=message.sender,
        state=message.state,
        tries=message.tries,
    )


def with_details(message: StoredMessage) -> IncomingWebhookDetails:
    short = shown(message)
    return IncomingWebhookDetails(
        **{name: getattr(short, name) for name in short.__struct_fields__},
        body=message.body_text,
        body_exact=bool(message.is_exact),
        events=_read_events(message.events_document),
        headers=_read_headers(message.headers_document) if message.headers_document is not None else None,
    )


def document_of(message: StoredMessage) -> bytes:
    """For the log: without what came."""
    return encode(shown(message))


def _seconds(microseconds: int | None) -> int | None:
    return None if microseconds is None else seconds(microseconds)
