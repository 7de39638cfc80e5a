"""A contract on the wire, and what can be asked of contracts."""

from __future__ import annotations

from typing import Literal

import msgspec

Acquirer = Literal["piggybank"]
Status = Literal["active", "ended"]


class Contract(msgspec.Struct, kw_only=True):
    """One acquirer takes an organisation's payments in one mode."""

    id: str
    object: Literal["contract"] = "contract"
    acquirer: str
    # Nobody made it: it is what organisations have who were never asked.
    by_default: bool = False
    created: int | None
    ended: int | None = None
    livemode: bool
    status: Status
