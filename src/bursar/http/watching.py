"""What the dispatcher tells of requests, and asks before it carries them out."""

from __future__ import annotations

from typing import Protocol

from bursar.http.authentication import Principal
from bursar.http.call import Call
from bursar.http.endpoint import Endpoint
from bursar.http.responses import Header
from bursar.kit.errors import RequestError, TooManyRequests


class LimitReached(TooManyRequests):
    """With the headers that tell which limit it was, and how much of it is left."""

    def __init__(self, message: str, *, retry_after_seconds: int, headers: list[Header]) -> None:
        super().__init__(message, retry_after_seconds=retry_after_seconds)
        self.headers = headers


class Limiter(Protocol):
    async def admit(self, endpoint: Endpoint, principal: Principal | None, address: str | None) -> list[Header]:
        """Counts the request, and tells what is left. Raises LimitReached.

        Asked once the caller is known. Whoever was not recognised is counted, too, with no principal: then only
        the address is known.
        """


class Recorder(Protocol):
    """For the audit trail. Never waits, never fails a request."""

    def looked_at(self, call: Call, endpoint: Endpoint, query: bytes, error: RequestError | None = None) -> None:
        """Somebody has asked for it, and got it, or the error."""

    def refused(
        self, endpoint: Endpoint, principal: Principal | None, error: RequestError, address: str | None, request_id: str
    ) -> None: ...


class NoLimits:
    async def admit(self, endpoint: Endpoint, principal: Principal | None, address: str | None) -> list[Header]:
        return []


class NoRecord:
    def looked_at(self, call: Call, endpoint: Endpoint, query: bytes, error: RequestError | None = None) -> None:
        return

    def refused(
        self, endpoint: Endpoint, principal: Principal | None, error: RequestError, address: str | None, request_id: str
    ) -> None:
        return
