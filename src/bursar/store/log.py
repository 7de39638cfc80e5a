"""What a feature hands to the log."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from bursar.kit.wire import API_VERSION

SYSTEM_ACTOR = "system"


@dataclass(frozen=True, slots=True)
class Origin:
    """Who caused it, from where, by which request."""

    actor: str = SYSTEM_ACTOR
    address: str | None = None
    request_id: str | None = None
    idempotency_key: str | None = None
    api_version: str = API_VERSION


@dataclass(slots=True)
class Entry:
    """One thing that happened, with the object as it is afterwards, as JSON."""

    org_id: str
    livemode: int
    event_type: str
    object_id: str | None
    document: bytes
    previous_attributes: bytes | None = None
    origin: Origin = field(default_factory=Origin)

    def data(self) -> str:
        if self.previous_attributes is None:
            return '{"object":' + self.document.decode() + "}"
        before = self.previous_attributes.decode()
        return f'{{"object":{self.document.decode()},"previous_attributes":{before}}}'


def differences(before: bytes, after: bytes) -> bytes:
    """The members that changed, with the values they had: what `previous_attributes` tells.

    Objects are compared member by member, one level down; keys that are new say null.
    """
    old, new = msgspec.json.decode(before), msgspec.json.decode(after)
    return msgspec.json.encode(_changed(old, new))


def _changed(old: dict[str, object], new: dict[str, object]) -> dict[str, object]:
    changed: dict[str, object] = {}
    for name in sorted(old.keys() | new.keys()):
        was, now = old.get(name), new.get(name)
        if was == now:
            continue
        both_objects = isinstance(was, dict) and isinstance(now, dict)
        changed[name] = _changed(was, now) if both_objects else was  # type: ignore[arg-type]
    return changed
