"""What second factors ask of the features above them; the runtime fills it in."""

from __future__ import annotations

from typing import Protocol

from bursar.kit.errors import Unavailable
from bursar.second_factors.schemas import Channel
from bursar.store.log import Origin
from bursar.store.unit import Unit

RETRY_SECONDS = 60


class CodePost(Protocol):
    """Brings codes to people."""

    def sending(
        self,
        origin: Origin,
        channel: Channel,
        recipient: str,
        code: str,
        *,
        lifetime_seconds: int = ...,
        user_id: str | None = None,
        locale: str | None = None,
    ) -> tuple[str, Unit]:
        """The message's id, and what has it sent: for the commit that keeps the code's hash."""


class NoPost:
    """Brings nothing."""

    def sending(
        self,
        origin: Origin,
        channel: Channel,
        recipient: str,
        code: str,
        *,
        lifetime_seconds: int = 0,
        user_id: str | None = None,
        locale: str | None = None,
    ) -> tuple[str, Unit]:
        raise Unavailable("Codes cannot be sent at this moment; try again.", retry_after_seconds=RETRY_SECONDS)
