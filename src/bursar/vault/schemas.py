"""What the vault keeps, as it lies in the database."""

from __future__ import annotations

from typing import Literal

import msgspec

# A key is sealed with while it is the newest that is not retired. `leaving` is what a rotation has set out to replace.
KeyState = Literal["active", "leaving", "retired"]


class SealedCard(msgspec.Struct, frozen=True, kw_only=True):
    token_id: str
    key_version: int
    sealed: str


class DataKey(msgspec.Struct, frozen=True, kw_only=True):
    org_id: str
    livemode: int
    version: int
    wrapped: str
    kek_id: str
    created: int
    state: KeyState
