"""What the dispatcher tells of requests, and asks before it carries them out."""

from __future__ import annotations

from typing import Protocol

from bursar.http.authentication import Principal
from bursar.http.call import Call
from bursar.http.endpoint import Endpoint
from bursar.http.responses import Header
from bursar.kit.errors import RequestError


class Limiter(Protocol):
    async def admit(self, endpoint: Endpoint, principal: Principal | None, address: str | None) -> list[Header]:
        """Counts the request, and tells what is left. Raises TooManyRequests.

        Asked once the caller is known. Whoever could not be let in is counted, too, with no principal: then only
        the address is known.
        """


class Recorder(Protocol):
    """For the audit trail. Never waits, never fails a request."""

    def looked_at(self, call: Call, endpoint: Endpoint) -> None: ...

    def refused(
        self, endpoint: Endpoint, principal: Principal | None, error: RequestError, address: str | None, request_id: str
    ) -> None: ...


class NoLimits:
    async def admit(self, endpoint: Endpoint, principal: Principal | None, address: str | None) -> list[Header]:
        return []


class NoRecord:
    def looked_at(self, call: Call, endpoint: Endpoint) -> None:
        return

    def refused(
        self, endpoint: Endpoint, principal: Principal | None, error: RequestError, address: str | None, request_id: str
    ) -> None:
        return
