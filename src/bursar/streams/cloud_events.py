"""Events as CloudEvents 1.0 in JSON, structured mode. Pure: made of the log alone, so they come out the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from bursar.events.reader import LoggedEvent
from bursar.streams.port import Message

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Where the official API shows what has ids of this kind.
ADDRESSES = {
    "charge": "/v1/charges/",
    "customer": "/v1/customers/",
    "dispute": "/v1/disputes/",
    "payment_intent": "/v1/payment_intents/",
    "payment_method": "/v1/payment_methods/",
    "refund": "/v1/refunds/",
    "setup_intent": "/v1/setup_intents/",
}


class _Object(msgspec.Struct):
    object: str | None = None
    payment_intent: msgspec.Raw = msgspec.Raw(b"null")


class _Data(msgspec.Struct):
    object: _Object


_decoder = msgspec.json.Decoder(_Data)
_encode = msgspec.json.Encoder().encode


def message_of(event: LoggedEvent, bytes_max: int) -> Message:
    """The event whole, or where to find it if that would be too much for the broker."""
    key, kind = _key_and_kind(event)
    body = _body(event, key, f'"data":{event.data}')
    if len(body) > bytes_max:
        return Message(event.id, event.event_type, key, _reference(event, key, kind), is_reference=True)
    return Message(event.id, event.event_type, key, body)


def reference_of(event: LoggedEvent) -> Message:
    """Where to find the event, for a broker that found it too large."""
    key, kind = _key_and_kind(event)
    return Message(event.id, event.event_type, key, _reference(event, key, kind), is_reference=True)


def key_of(event: LoggedEvent) -> str:
    """What is told in order: everything of one payment, else of one object."""
    return _key_and_kind(event)[0]


def _key_and_kind(event: LoggedEvent) -> tuple[str, str | None]:
    own = event.object_id or event.org_id
    if own.startswith("pi_"):
        return own, "payment_intent"
    try:
        found = _decoder.decode(event.data).object
    except msgspec.DecodeError:  # an object of another shape belongs to no payment
        return own, None
    payment = bytes(found.payment_intent)
    if payment.startswith(b'"pi_'):
        own = payment[1:-1].decode("ascii")
    return own, found.object


def _body(event: LoggedEvent, key: str, data: str) -> bytes:
    subject = "" if event.object_id is None else f'"subject":{_text(event.object_id)},'
    return (
        f'{{"specversion":"1.0","id":{_text(event.id)},"source":"urn:bursar:organisation:{event.org_id}",'
        f'"type":{_text(event.event_type)},{subject}"time":"{_time(event.created)}",'
        f'"datacontenttype":"application/json","bursarorganisation":{_text(event.org_id)},'
        f'"bursarlivemode":{"true" if event.livemode else "false"},"partitionkey":{_text(key)},{data}}}'
    ).encode()


def _reference(event: LoggedEvent, key: str, kind: str | None) -> bytes:
    place = ADDRESSES.get(kind or "")
    url = place + event.object_id if place and event.object_id else None
    data = _encode({"reference": {"id": event.object_id, "object": kind, "url": url}}).decode()
    return _body(event, key, f'"dataref":"/v1/events/{event.id}","data":{data}')


def _text(value: str) -> str:
    return _encode(value).decode()


def _time(microseconds: int) -> str:
    return (EPOCH + timedelta(microseconds=microseconds)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
