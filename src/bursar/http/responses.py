"""Sends an answer: status, the headers that every answer has, the body."""

from __future__ import annotations

from dataclasses import dataclass, field

from bursar.http.asgi import Send
from bursar.http.authentication import BEARER, WWW_AUTHENTICATE
from bursar.http.errors import error_body
from bursar.kit.errors import RequestError
from bursar.kit.wire import API_VERSION

Header = tuple[bytes, bytes]

RETRY_SECONDS_OF_SDKS = 1

_JSON: list[Header] = [
    (b"content-type", b"application/json"),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"stripe-version", API_VERSION.encode()),
]


@dataclass(slots=True)
class Answer:
    status: int
    body: bytes
    headers: list[Header] = field(default_factory=list)


# A page that signs people in must not make the browser ask for a password by itself, as the scheme Basic would.
BEARER_ONLY: Header = (b"www-authenticate", BEARER)


def without(headers: list[Header], name: bytes) -> list[Header]:
    return [header for header in headers if header[0] != name]


def error_answer(error: RequestError) -> Answer:
    return Answer(error.status, error_body(error), error_headers(error))


def error_headers(error: RequestError) -> list[Header]:
    headers: list[Header] = []
    if error.retry_after_seconds is not None:
        headers.append((b"retry-after", b"%d" % error.retry_after_seconds))
    if error.status == 401:
        headers.append((b"www-authenticate", WWW_AUTHENTICATE))
    if error.status in (413, 431):
        headers.append((b"connection", b"close"))
    headers.append((b"stripe-should-retry", b"true" if _may_pass_soon(error) else b"false"))
    return headers


def _may_pass_soon(error: RequestError) -> bool:
    """The SDKs retry 409 and 5xx by themselves; a defect of ours would only be hit again.

    They wait about a second, whatever Retry-After says: a limit that lasts longer would only be hit again, too.
    """
    if error.status == 429:
        return error.retry_after_seconds is not None and error.retry_after_seconds <= RETRY_SECONDS_OF_SDKS
    return error.status in (409, 503)


async def send_json(send: Send, answer: Answer, request_id: str) -> None:
    headers = [
        *_JSON,
        (b"content-length", b"%d" % len(answer.body)),
        (b"request-id", request_id.encode()),
        *answer.headers,
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body, "more_body": False})
