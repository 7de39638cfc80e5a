"""What a payment's document is, and what an event adds to it. Pure.

An event may come again, or after one that is newer: the document is the same in the end, whatever came how often.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from bursar.events.reader import LoggedEvent
from bursar.kit.clock import MICROSECONDS_PER_SECOND

PAYMENT_PREFIX = "pi_"
# An event's kind of object, and where in the document the latest one of each id stands.
PLACES = {"payment_intent": "intent", "charge": "charges", "refund": "refunds", "dispute": "disputes"}
# What MongoDB takes in no name of a field, or not in all versions; as in addresses, so that all names stay apart.
_ESCAPED = str.maketrans({"%": "%25", ".": "%2E", "$": "%24", "\0": "%00"})
TIMELINE_MAX = 5_000  # some 1.5 MB: far more than happens to a payment, far less than a document may have


class _Belongs(msgspec.Struct):
    id: str | None = None
    object: str | None = None
    payment_intent: Any = None


class _Data(msgspec.Struct):
    object: _Belongs


_decoder = msgspec.json.Decoder(_Data)


def payment_of(event: LoggedEvent) -> str | None:
    """The payment that the event is about, None if it is about something else."""
    try:
        found = _decoder.decode(event.data).object
    except msgspec.DecodeError:
        return None
    if found.object not in PLACES or not found.id:
        return None
    payment = found.id if found.object == "payment_intent" else found.payment_intent
    return payment if isinstance(payment, str) and payment.startswith(PAYMENT_PREFIX) else None


def key_of(org_id: str, livemode: int, payment: str) -> str:
    return f"{org_id}/{'live' if livemode else 'test'}/{payment}"


def empty(org_id: str, livemode: int, payment: str) -> dict[str, Any]:
    return {
        "_id": key_of(org_id, livemode, payment),
        "organisation": org_id,
        "livemode": bool(livemode),
        "payment": payment,
        "revision": 0,
        "intent": None,
        "charges": [],
        "refunds": [],
        "disputes": [],
        "timeline": [],
        "first_event": None,
        "last_event": None,
    }


def unreadable(document: Mapping[str, Any]) -> dict[str, Any]:
    """What stands for a document that MongoDB refuses; it stays until the collection is made anew."""
    stub = empty(document["organisation"], document["livemode"], document["payment"])
    return stub | {"revision": document["revision"], "unreadable": True}


def with_event(document: Mapping[str, Any], event: LoggedEvent) -> dict[str, Any]:
    """The document with what the event tells; the same document if it has been told that."""
    timeline: list[dict[str, Any]] = document["timeline"]
    if document.get("unreadable") or any(known["event"] == event.id for known in timeline):
        return dict(document)
    told = _escaped(msgspec.json.decode(event.data)["object"])
    kept = {"event": event.id, "object": told}
    changed = dict(document)
    place = PLACES[told["object"]]
    if place == "intent":
        changed["intent"] = _newer(document["intent"], kept)
    else:
        others = [known for known in document[place] if known["object"]["id"] != told["id"]]
        same = next((known for known in document[place] if known["object"]["id"] == told["id"]), None)
        changed[place] = sorted([*others, _newer(same, kept)], key=_id_of)
    step = {
        "event": event.id,
        "type": event.event_type,
        "object": told["id"],
        "status": told.get("status"),
        "amount": told.get("amount"),
        "actor": event.actor,
        "request": event.request_id,
        "at": event.created / MICROSECONDS_PER_SECOND,
    }
    changed["timeline"] = sorted([*timeline, step], key=_event_of)[-TIMELINE_MAX:]
    changed["first_event"] = changed["timeline"][0]["event"]
    changed["last_event"] = changed["timeline"][-1]["event"]
    return changed


def _escaped(value: Any) -> Any:
    """The same with names of fields that MongoDB takes; metadata may have any."""
    if isinstance(value, dict):
        return {name.translate(_ESCAPED): _escaped(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_escaped(inner) for inner in value]
    return value


def _newer(known: dict[str, Any] | None, told: dict[str, Any]) -> dict[str, Any]:
    return told if known is None or told["event"] > known["event"] else known


def _id_of(kept: dict[str, Any]) -> str:
    return str(kept["object"]["id"])


def _event_of(step: dict[str, Any]) -> str:
    return str(step["event"])
