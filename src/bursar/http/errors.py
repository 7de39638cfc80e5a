"""Errors as the wire wants them."""

from __future__ import annotations

from typing import Any

import msgspec

from bursar.kit.errors import CardError, Conflict, InternalError, RequestError, Unavailable
from bursar.store.errors import (
    DuplicateKey,
    RowsExpected,
    StoreBusy,
    StoreContention,
    StoreUnavailable,
)

BUSY_RETRY_SECONDS = 1
UNAVAILABLE_RETRY_SECONDS = 5


def error_body(error: RequestError) -> bytes:
    detail: dict[str, Any] = {"type": error.type, "message": error.message}
    if error.code is not None:
        detail["code"] = error.code
    if error.param is not None:
        detail["param"] = error.param
    if isinstance(error, CardError) and error.decline_code is not None:
        detail["decline_code"] = error.decline_code
    detail.update(error.extras)
    return msgspec.json.encode({"error": detail})


def as_request_error(problem: Exception) -> RequestError:
    """What a client is told of a failure. Only a RequestError's own words ever reach it."""
    if isinstance(problem, RequestError):
        return problem
    if isinstance(problem, StoreBusy):
        return Unavailable(
            "The server is busy; nothing was done. Try again shortly.", retry_after_seconds=BUSY_RETRY_SECONDS
        )
    if isinstance(problem, StoreUnavailable):
        return Unavailable(
            "The database cannot be reached or cannot write. Try again with the same idempotency key.",
            retry_after_seconds=UNAVAILABLE_RETRY_SECONDS,
        )
    if isinstance(problem, RowsExpected | StoreContention | DuplicateKey):
        return Conflict("Another request is changing this object; try again.", code="lock_timeout")
    return InternalError("An error of ours prevented this request. Quote the Request-Id when you report it.")
