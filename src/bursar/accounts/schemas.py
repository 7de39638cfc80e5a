"""API keys as operators see them: never the key, only what it may do."""

from __future__ import annotations

from typing import Literal

import msgspec

Kind = Literal["secret", "publishable", "restricted"]


class Organisation(msgspec.Struct, kw_only=True):
    id: str
    name: str
    created: int


class ApiKey(msgspec.Struct, kw_only=True):
    id: str
    organisation: str
    livemode: bool
    kind: Kind
    name: str
    hint: str
    permissions: list[str]
    created: int
    expires: int | None
    revoked: int | None
