"""What may be kept of a message: the body as it came where nothing in it is secret, and what its signature needs."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode

import msgspec

from bursar.kit.scrub import SECRET_NAMES, scrub

# Longer ones are kept by their length and digest, as nobody reads them.
KEPT_BYTES_MAX = 64 * 1024
UNVERIFIED_BYTES_MAX = 16 * 1024
HEADERS_MAX, HEADER_LENGTH_MAX = 16, 1_024
OPERATIONS_MAX = 3
FORM = "application/x-www-form-urlencoded"

# What signatures are made of has one of these in its name, at every bank; what lets somebody in has not.
_OF_SIGNATURES = re.compile(r"signature|hmac|digest|timestamp|transmission|webhook|cert|auth-algo|^content-type$")
# In what banks say, an authorisation is a payment.
_SECRET_NAMES = SECRET_NAMES - {"authorization"}
_NEVER = frozenset({"authorization", "cookie", "proxy-authorization"})
_OPERATION = re.compile(rb"(?<![A-Za-z0-9_])att_[0-9a-hjkmnp-tv-z]{24}(?![A-Za-z0-9_])")


class Kept(NamedTuple):
    headers: str
    body: str | None
    is_exact: bool
    length: int
    digest: str


def kept(headers: Mapping[str, str], body: bytes, bytes_max: int = KEPT_BYTES_MAX) -> Kept:
    wanted = {
        name.lower(): value
        for name, value in headers.items()
        if _OF_SIGNATURES.search(name.lower()) and name.lower() not in _NEVER and len(value) <= HEADER_LENGTH_MAX
    }
    bounded = dict(sorted(wanted.items())[:HEADERS_MAX])
    text = None
    is_exact = False
    if len(body) <= bytes_max:
        text, is_exact = _text(body, bounded.get("content-type", ""))
    document = msgspec.json.encode(bounded).decode()
    return Kept(document, text, is_exact, len(body), hashlib.sha256(body).hexdigest())


def operations_in(body: bytes) -> list[str]:
    """Operations of ours that a message names, whoever sent it: banks repeat the references that we gave them."""
    found = dict.fromkeys(match.decode() for match in _OPERATION.findall(body))
    return list(found)[:OPERATIONS_MAX]


def _text(body: bytes, content_type: str) -> tuple[str | None, bool]:
    """What cannot be looked through is not kept at all."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None, False
    if "\0" in text:  # some databases have no such character
        return None, False
    if content_type.startswith(FORM):
        given: Any = parse_qsl(text, keep_blank_values=True)
        clean: Any = [next(iter(scrub({name: value}, names=_SECRET_NAMES).items())) for name, value in given]
        return (text, True) if clean == given else (urlencode(clean), False)
    try:
        read = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return None, False
    clean = scrub(read, names=_SECRET_NAMES)
    return (text, True) if clean == read else (msgspec.json.encode(clean).decode(), False)
