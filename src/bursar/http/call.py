"""One request as an endpoint sees it, and what it may answer with."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from bursar.http.authentication import Principal
from bursar.store.log import Origin
from bursar.store.unit import Unit


@dataclass(slots=True)
class Call:
    principal: Principal
    request_id: str
    address: str | None = None
    idempotency_key: str | None = None
    path: dict[str, str] = field(default_factory=dict)

    @property
    def org_id(self) -> str:
        return self.principal.org_id

    @property
    def livemode(self) -> int:
        return self.principal.livemode

    def origin(self) -> Origin:
        return Origin(
            actor=self.principal.key_id,
            address=self.address,
            request_id=self.request_id,
            idempotency_key=self.idempotency_key,
        )


@dataclass(slots=True)
class Effect:
    """An answer with what must be durable before it is given: the unit and the answer are one commit.

    `document` is the answer's JSON where the service has made it already.
    """

    result: msgspec.Struct
    unit: Unit
    document: bytes | None = None


Result = msgspec.Struct | Effect
