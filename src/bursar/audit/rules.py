"""What of a read or of a refusal is kept. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from bursar.http.endpoint import Endpoint
from bursar.http.limits import FIELDS_MAX
from bursar.kit.errors import RequestError
from bursar.kit.scrub import MASK, scrub_text

PREFIX = "bursar."
VIEWED = ".viewed"
REFUSED = "bursar.access.refused"
COUNTED = "bursar.reads.counted"
EXPORTED = "bursar.audit.exported"
VERIFIED = "bursar.audit.verified"
DONE, FAILED, FOUND, WAS_REFUSED = "succeeded", "failed", "found", "refused"

QUERY_NAMES_MAX = 20
NAME_LENGTH_MAX = 60
VALUE_LENGTH_MAX = 200
OBJECT_ID_LENGTH_MAX = 40

# What tells of payments, and of whom they are from and to, by the permission that reading it needs.
_THINGS = {
    "audit": "audit",
    "balance": "balance",
    "charges": "charge",
    "customers": "customer",
    "disputes": "dispute",
    "events": "event",
    "payment_intents": "payment_intent",
    "payment_methods": "payment_method",
    "payment_sessions": "payment_session",
    "refunds": "refund",
    "setup_intents": "setup_intent",
    "tokens": "token",
    "transactions": "transaction",
    "wallets": "wallet",
    "webhooks": "webhook_delivery",
    "withdrawals": "withdrawal",
}
# Ids, codes, numbers, times: nothing that people write freely.
_PLAIN = re.compile(r"[A-Za-z0-9_.:\-]{1,64}")
_QUOTED = re.compile(r"\"(?:\\.|[^\"\\])*\"?|'(?:\\.|[^'\\])*'?")
# As long as a card's number, whatever stands between its digits and beside them; no id or time of ours looks like it.
_LONG_NUMBER = re.compile(r"\d(?:[\s._/,:-]{0,3}\d){11,}", re.ASCII)
_SECRET_NAME = re.compile(r"secret|token|password|number|cvc|cvv|\bpin\b", re.IGNORECASE)


def viewed_type(endpoint: Endpoint) -> str | None:
    """Under which type reads are told of, None for what holds no payment details."""
    group, _, kind = endpoint.permission.partition(".")
    thing = _THINGS.get(group)
    return f"{PREFIX}{thing}{VIEWED}" if thing is not None and kind == "read" else None


def view(
    endpoint: Endpoint, path: Mapping[str, str], query: bytes, error: RequestError | None, at: int
) -> dict[str, Any]:
    """What was looked at: the objects that the address names, or what was looked for."""
    return {
        "object": "view",
        "at": at,
        "operation": endpoint.operation_id,
        "path": {name: _clean(value) for name, value in path.items()},
        "query": reduced_query(query),
        "result": FOUND if error is None else error.code or str(error.status),
    }


def object_of(path: Mapping[str, str], error: RequestError | None) -> str | None:
    """The object that was seen. One that is not there, or not theirs, is told of in the view alone."""
    if error is not None or not path:
        return None
    last = list(path.values())[-1]
    return last if len(last) <= OBJECT_ID_LENGTH_MAX and _clean(last) == last else None


def reduced_query(query: bytes) -> dict[str, str]:
    """Names, and values that are ids, numbers or times; of anything else only how long it was."""
    if not query:
        return {}
    try:
        pairs = parse_qsl(query.decode(), keep_blank_values=True, max_num_fields=FIELDS_MAX)
    except ValueError:
        return {"unreadable": f"[{len(query)} bytes]"}
    return {_clean(_cut(name, NAME_LENGTH_MAX)): _reduced(name, value) for name, value in pairs[:QUERY_NAMES_MAX]}


def _reduced(name: str, value: str) -> str:
    if _SECRET_NAME.search(name):
        return MASK
    if name == "query":
        return _clean(_QUOTED.sub("[text]", _cut(value, VALUE_LENGTH_MAX)))
    if _PLAIN.fullmatch(value):
        return _clean(value)
    return f"[{len(value)} characters]"


def _cut(text: str, length_max: int) -> str:
    """Half a number at the cut could no longer be told from any other digits."""
    return text if len(text) <= length_max else text[:length_max].rstrip("0123456789 \t\n._/,:-")


def _clean(text: str) -> str:
    return scrub_text(_LONG_NUMBER.sub(MASK, text))


def result_of(event_type: str, document: Mapping[str, Any]) -> str:
    if event_type == REFUSED:
        return WAS_REFUSED
    if event_type.endswith(VIEWED) and isinstance(document.get("result"), str):
        return str(document["result"])
    return FAILED if event_type.endswith(("_failed", ".failed")) else DONE


def spreadsheet_safe(text: str) -> str:
    """Spreadsheets carry out what begins like a formula, whoever wrote it."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")) else text
