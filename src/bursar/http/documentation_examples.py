"""Examples for the documentation, made from each operation: parameters, and a sample of the answer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from bursar.kit.clock import MICROSECONDS_PER_SECOND
from bursar.kit.ids import time_part
from bursar.kit.wire import API_VERSION

Schema = Mapping[str, Any]
Resolve = Mapping[str, Schema]

BASE_URL = "http://127.0.0.1:8420"  # what `bursar dev` prints; the page's script puts its own address in its place
API_KEY = "sk_test_bursar_dev"  # public by design; refused outside dev mode
PARAMETERS_SHOWN_MAX = 4
CREATED = 1_767_225_600  # the first second of 2026

_TIME = time_part(CREATED * MICROSECONDS_PER_SECOND)
_CHANCE = "3q5v8x2m9w4k7"
_PREFIXES = {"event": "evt", "payment_intent": "pi", "role": "role", "api_key": "key", "organisation": "acct"}
# What members of these names hold in examples. In the order in which they are most telling.
_VALUES: dict[str, Any] = {
    "query": "email:'jenny.rosen@example.com'",
    "email": "jenny.rosen@example.com",
    "name": "Jenny Rosen",
    "phone": "+14155550123",
    "metadata": {"order_id": "6735"},
    "created": CREATED,
    "limit": 3,
    "city": "San Francisco",
    "country": "US",
    "line1": "510 Townsend Street",
    "postal_code": "94103",
    "state": "CA",
    "preferred_locales": ["en-US"],
    "livemode": False,
    "has_more": False,
    "api_version": API_VERSION,
    "idempotency_key": "5f0c6e0e-6b1b-4f0e-9a55-0d6a3b7f3c11",
    "next_invoice_sequence": 1,
    "balance": 0,
    "pending_webhooks": 0,
}
# Worth showing in a request; everything else is shown only where it is required.
_TELLING = ("email", "name", "limit", "metadata")
_TOKEN = re.compile(
    r"(?P<base>" + re.escape(BASE_URL) + r")"
    r'|(?P<name>"[^"\n]*"(?=\s*:))'
    r"|(?P<string>\"[^\"\n]*\"|'[^'\n]*')"
    r"|(?P<keyword>\b(?:import|for|in|print|true|false|null|None|True|False|curl)\b)"
    r"|(?P<option>(?<=\s)-{1,2}[a-zA-Z][\w-]*)"
    r"|(?P<number>\b\d+\b)"
)


def object_id(kind: str) -> str:
    """Looks like a real one: its time is that of the examples."""
    return f"{_PREFIXES.get(kind, kind[:3])}_{_TIME}{_CHANCE}"


def parameters(members: Mapping[str, Schema], required: Sequence[str], schemas: Resolve) -> dict[str, Any]:
    """What must be given, and a few of what may be."""
    telling = [name for name in _TELLING if name in members and name not in required]
    names = [*required, *telling[: max(0, PARAMETERS_SHOWN_MAX - len(required))]]
    return {name: value(name, members[name], schemas) for name in names}


def value(name: str, schema: Schema, schemas: Resolve, *, whole: bool = False, kind: str = "") -> Any:
    """Something that the schema allows. `whole` gives objects all their members, as answers have them."""
    options = [option for option in schema.get("anyOf", [schema]) if option != {"const": ""}]
    if {"type": "null"} in options and name not in _VALUES and "$ref" not in options[0]:
        return None
    schema = options[0]
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    if "enum" in schema:
        return _of_enum(name, schema["enum"])
    if "const" in schema:
        return schema["const"]
    if name == "id":
        return object_id(kind)
    if name in _VALUES and (kind != "event" or name != "name"):
        return _VALUES[name]
    return _of_type(name, schema, schemas, whole=whole)


def _of_enum(name: str, options: Sequence[Any]) -> Any:
    return "none" if name == "tax_exempt" else options[0]


def _of_type(name: str, schema: Schema, schemas: Resolve, *, whole: bool) -> Any:
    kind = schema.get("type")
    if kind == "object":
        return _of_object(schema, schemas, whole=whole)
    if kind == "array":
        filled = name == "data" or (not whole and schema.get("minItems"))
        return [value("", schema["items"], schemas, whole=whole)] if filled else []
    if kind == "integer":
        return schema.get("default", schema.get("minimum", 0))
    if kind == "boolean":
        return False
    return {"url": "/v1/…", "type": "customer.created"}.get(name, "…") if kind == "string" else None


def _of_object(schema: Schema, schemas: Resolve, *, whole: bool) -> dict[str, Any]:
    members: Mapping[str, Schema] = schema.get("properties", {})
    kind = str(members.get("object", {}).get("enum", [schema.get("title", "").lower()])[0])
    if kind.endswith("request"):
        kind = "req"
    names = list(members) if whole else list(schema.get("required", []))
    if not names and not whole:
        names = [name for name in members if name in _VALUES]
    return {name: value(name, members[name], schemas, whole=whole, kind=kind) for name in names}


def answer(schema: Schema, schemas: Resolve) -> str:
    sample = value("", schema, schemas, whole=True)
    return msgspec.json.format(msgspec.json.encode(sample), indent=2).decode()


def filled_path(path: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda match: object_id(match[1]), path)


def tokens(code: str) -> Iterator[tuple[str, str]]:
    """Pieces of code with the kind of each, for colours."""
    position = 0
    for match in _TOKEN.finditer(code):
        if match.start() > position:
            yield "", code[position : match.start()]
        kind = match.lastgroup or ""
        if kind in ("string", "name") and BASE_URL in match.group():
            before, _, after = match.group().partition(BASE_URL)
            yield from (("string", before), ("base", BASE_URL), ("string", after))
        else:
            yield kind, match.group()
        position = match.end()
    yield "", code[position:]
