"""The one tree of errors that a client may see.

Each class fixes the HTTP status and the wire's error type, because clients choose their exception
class by the status (Python, Node) or by the type (Go), so the two must always agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class BursarError(Exception):
    """Root of everything that Bursar raises on purpose."""


class RequestError(BursarError):
    """An answer that is not a success: what went wrong, where, and what to do about it."""

    status = 400
    type = "invalid_request_error"
    retry_after_seconds: int | None = None

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        extras: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.code = code
        # Further members of the error, such as the payment intent that it is about.
        self.extras = extras or {}


class InvalidRequest(RequestError):
    """The request cannot be understood or breaks a rule that its sender can mend."""


class IdempotencyMismatch(RequestError):
    """A known idempotency key came with other parameters."""

    type = "idempotency_error"


class AuthenticationFailed(RequestError):
    """No key, or none that we know."""

    status = 401


class CardError(RequestError):
    """The card's bank, or its data, says no."""

    status = 402
    type = "card_error"

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        decline_code: str | None = None,
        extras: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message, param=param, code=code, extras=extras)
        self.decline_code = decline_code


class PermissionMissing(RequestError):
    """The key is good, but not for this."""

    status = 403
    # Who was refused, for the log and not for the answer: http knows what it is.
    principal: Any = None


class NotFound(RequestError):
    """No such object for this organisation and mode. Another organisation's object is the same to it."""

    status = 404


class MethodNotAllowed(RequestError):
    """The path exists, the method on it does not."""

    status = 405


class Conflict(RequestError):
    """Somebody else is at it right now; the same request may succeed later."""

    status = 409


class BodyTooLarge(RequestError):
    """More bytes than any legitimate request needs."""

    status = 413


class UnsupportedContentType(RequestError):
    """A body in a format that is neither a form nor JSON."""

    status = 415


class TooManyRequests(RequestError):
    """More requests than are allowed in a while."""

    status = 429

    def __init__(self, message: str, *, retry_after_seconds: int, param: str | None = None) -> None:
        super().__init__(message, param=param, code="rate_limit")
        self.retry_after_seconds = retry_after_seconds


class HeadersTooLarge(RequestError):
    """More header bytes than any legitimate request needs."""

    status = 431


class InternalError(RequestError):
    """A defect of ours. The message says nothing of its cause: the log does, under the request id."""

    status = 500
    type = "api_error"


class Unavailable(RequestError):
    """Nothing was done; come back later."""

    status = 503
    type = "api_error"

    def __init__(self, message: str, *, retry_after_seconds: int = 1) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds
