"""What is answered over HTTP, before it is written to a socket."""

from __future__ import annotations

import msgspec

JSON = b"application/json"
HTML = b"text/html; charset=utf-8"


class Reply(msgspec.Struct, frozen=True):
    status: int
    body: bytes
    # The record that must be on the disk before this may be sent.
    durable: int = 0
    # Whether an operation was asked for, as crash points count those.
    operation: bool = False
    content_type: bytes = JSON
    # Further lines of the head, each with its end.
    headers: bytes = b""
