"""One request as an endpoint sees it, and what it may answer with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import msgspec

from bursar.http.authentication import PUBLISHABLE, Principal
from bursar.kit.errors import RequestError
from bursar.store.log import Origin
from bursar.store.unit import Unit


@dataclass(slots=True)
class Call:
    principal: Principal
    request_id: str
    address: str | None = None
    idempotency_key: str | None = None
    path: dict[str, str] = field(default_factory=dict)
    # Documents that this request is about to write, by id: an answer is made before they can be read.
    pending: dict[str, str] = field(default_factory=dict)

    @property
    def org_id(self) -> str:
        return self.principal.org_id

    @property
    def livemode(self) -> int:
        return self.principal.livemode

    @property
    def is_public(self) -> bool:
        """Whether the caller holds nothing but a publishable key: somebody's browser."""
        return self.principal.kind == PUBLISHABLE

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

    `document` is the answer's JSON where the service has made it already. With `error` the answer is that error,
    and the unit is committed all the same: a declined payment is one that happened.
    """

    result: msgspec.Struct
    unit: Unit
    document: bytes | None = None
    error: RequestError | None = None
    # What is kept under the idempotency key instead of the answer, where that holds a secret; the endpoint's
    # `restored` makes the answer of it again.
    kept: bytes | None = None
    # Of the first answer only: what is kept for retries is status and body. Cookies, for example.
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)


@dataclass(slots=True)
class Staged:
    """A request that has to ask somebody outside, such as a bank.

    `unit` is durable before anybody is asked; `finish` asks, and its effect is a second commit. `attempt_id`
    stays with the idempotency key in between, so that a retry after a crash finds what became of it.
    """

    unit: Unit
    attempt_id: str
    finish: Callable[[], Awaitable[Effect]]


Result = msgspec.Struct | Effect | Staged
