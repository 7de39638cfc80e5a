"""Bytes that stand for a row in exactly one way, so that a hash over them proves the row."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

Value = str | int | None


def canonical_bytes(values: Iterable[Value]) -> bytes:
    """Each value as its kind, its length and its bytes: no two different rows give the same bytes."""
    parts: list[bytes] = []
    for value in values:
        if value is None:
            parts.append(b"n")
            continue
        kind, raw = (b"i", b"%d" % value) if isinstance(value, int) else (b"s", value.encode())
        parts.append(b"%b%d:%b" % (kind, len(raw), raw))
    return b"".join(parts)


def chained_hash(previous_hash: str, values: Iterable[Value]) -> str:
    return hashlib.sha256(previous_hash.encode() + canonical_bytes(values)).hexdigest()
