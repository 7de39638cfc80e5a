"""Reads a request: the few headers that matter, and a body of bounded size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from bursar.http.asgi import Receive, Scope
from bursar.http.limits import BODY_BYTES_MAX
from bursar.http.paging import missing
from bursar.kit.errors import BodyTooLarge, InvalidRequest
from bursar.kit.ids import may_be_id

# Ignoring these would do to one account what was meant for another.
ACTING_FOR_OTHERS = frozenset({b"stripe-account", b"stripe-context"})
ADDRESS_LENGTH_MAX = 64  # an IPv6 address with a zone; a proxy may hand on anything


class ClientGone(Exception):
    """The client hung up before its request was complete: there is nobody to answer."""


@dataclass(slots=True)
class Headers:
    authorization: bytes | None = None
    content_type: bytes = b""
    content_length: bytes | None = None
    idempotency_key: bytes | None = None


def read_headers(scope: Scope) -> Headers:
    headers = Headers()
    for name, value in scope["headers"]:
        if name == b"authorization":
            headers.authorization = value
        elif name == b"content-type":
            headers.content_type = value
        elif name == b"content-length":
            headers.content_length = value
        elif name == b"idempotency-key":
            headers.idempotency_key = value
        elif name in ACTING_FOR_OTHERS:
            raise InvalidRequest(
                f"The header {name.decode()} would act for another account, which is not possible here; send that "
                "account's own key instead.",
                param=name.decode(),
            )
    return headers


def read_address(scope: Scope) -> str | None:
    client = scope.get("client")
    return str(client[0])[:ADDRESS_LENGTH_MAX] if client else None


def read_path(scope: Scope) -> dict[str, str]:
    """The objects that the address names, each by its kind. What can be no id is not asked of the database."""
    path: dict[str, str] = scope.get("path_params") or {}
    for kind, object_id in path.items():
        if not may_be_id(object_id):
            raise missing(kind, object_id)
    return path


async def read_body(receive: Receive, content_length: bytes | None, bytes_max: int = BODY_BYTES_MAX) -> bytes:
    """The whole body; refused by its announced length before a byte is kept, or as soon as it is too long."""
    if content_length is not None and (not content_length.isdigit() or int(content_length) > bytes_max):
        raise _too_large(bytes_max)
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        body += cast("bytes", message["body"])
        if len(body) > bytes_max:
            raise _too_large(bytes_max)
        if not message["more_body"]:
            return body


def read_content_type(raw: bytes) -> str:
    try:
        return raw.decode("ascii")
    except UnicodeDecodeError:
        raise InvalidRequest("The Content-Type header is not ASCII.") from None


def _too_large(bytes_max: int) -> BodyTooLarge:
    return BodyTooLarge(f"The body is larger than {bytes_max} bytes; send less.")
