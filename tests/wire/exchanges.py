"""What the SDKs of other languages have received, held against the Python SDK's annotations."""

from typing import Any
from urllib.parse import unquote

from tests.wire.checking import error_complaints, object_complaints

Exchange = dict[str, Any]
"""method, path, status and body of one answer, as it was sent."""

REDUCED = "reduced"
"""Set in an exchange of a publishable key, which sees some members only."""


def complaints(exchanges: list[Exchange]) -> list[str]:
    found: list[str] = []
    for exchange in exchanges:
        body, status, reduced = exchange["body"], exchange["status"], bool(exchange.get(REDUCED))
        about = object_complaints(body, reduced=reduced) if status == 200 else None
        if about is None:
            about = error_complaints(body, status, reduced=reduced)
        elif "url" in body and body.get("object") in ("list", "search_result"):
            path = unquote(exchange["path"].partition("?")[0])
            about += [] if body["url"] == path else [f"$.url: {body['url']!r} is not {path}"]
        found += [f"{exchange['method']} {exchange['path']}: {complaint}" for complaint in about]
    return found


def kinds(exchanges: list[Exchange]) -> set[str]:
    """What was received: the names of the objects, and of what lists hold."""
    found = set()
    for exchange in exchanges:
        body = exchange["body"]
        if exchange["status"] != 200:
            continue
        members = body["data"] if body["object"] in ("list", "search_result") else None
        if members is None:
            found.add(body["object"])
        found |= {f"{body['object']} of {member['object']}" for member in members or ()}
    return found
