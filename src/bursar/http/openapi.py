"""The OpenAPI 3.1 document: everything in it follows from the declared endpoints."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from inspect import getdoc
from typing import Any

from bursar import __version__
from bursar.http.endpoint import Endpoint, Surface
from bursar.http.expand import Expansion
from bursar.http.openapi_schemas import Schema, Schemas
from bursar.http.openapi_surfaces import (
    DESCRIPTIONS,
    FORM,
    JSON,
    Description,
    extensions,
    header_parameters,
    path_parameter,
    security,
    tag_of,
)
from bursar.kit import errors
from bursar.kit.wire import API_VERSION

Document = dict[str, Any]

OPENAPI_VERSION = "3.1.0"
_PARAMETER = re.compile(r"\{(\w+)\}")
# Every request may end like this, whatever it asks for.
_ALWAYS = (400, 401, 403, 429, 431, 500, 503)
_WRITES = (409, 413, 415)
# Parameters that name an object, or have one that does, which may not be there.
_NAMING = frozenset(
    {
        "starting_after",
        "ending_before",
        "charge",
        "customer",
        "payment_intent",
        "payment_method",
        "payment_method_data",
        "card",
    }
)


def document(endpoints: Sequence[Endpoint], surface: Surface = "data") -> Document:
    told = DESCRIPTIONS[surface]
    schemas = Schemas((endpoint.params for endpoint in endpoints), (endpoint.returns for endpoint in endpoints))
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, schemas, told)
    return {
        "openapi": OPENAPI_VERSION,
        "info": {
            "title": told.title,
            "version": __version__,
            "description": told.text,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "The server that gave this document."}],
        "security": [{"Bearer": []}, {"Basic": []}],
        "tags": [{"name": name} for name in dict.fromkeys(map(tag_of, endpoints))],
        "paths": paths,
        "components": {
            "schemas": {**schemas.components, "Error": _error_schema()},
            "responses": {_response_name(status): _error_response(status) for status in sorted(_statuses(endpoints))},
            "headers": _HEADERS,
            "parameters": told.parameters,
            "securitySchemes": told.security_schemes,
        },
    }


def _operation(endpoint: Endpoint, schemas: Schemas, told: Description) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "tags": [tag_of(endpoint)],
        "operationId": endpoint.operation_id,
        "summary": endpoint.summary,
        **extensions(endpoint),
        "x-expandable": list(_expandable(endpoint.expandable)),
        "parameters": [path_parameter(name, told.surface) for name in _PARAMETER.findall(endpoint.path)],
    }
    if told.surface == "control":
        operation["security"] = security(endpoint)
    operation["parameters"] += header_parameters(endpoint)
    if endpoint.writes:
        operation["requestBody"] = _request_body(endpoint, schemas, told)
    else:
        operation["parameters"] += _query_parameters(endpoint, schemas)
    operation["responses"] = {"200": _success(endpoint, schemas)} | {
        str(status): {"$ref": f"#/components/responses/{_response_name(status)}"} for status in _failures(endpoint)
    }
    return operation


def _query_parameters(endpoint: Endpoint, schemas: Schemas) -> Iterator[dict[str, Any]]:
    members, required = schemas.form_members(endpoint.params)
    for name, schema in members.items():
        shown = {key: value for key, value in schema.items() if key != "description"}
        parameter: dict[str, Any] = {"name": name, "in": "query", "required": name in required}
        if "description" in schema:
            parameter["description"] = schema["description"]
        yield {**parameter, **_style(shown, schemas), "schema": shown}


def _request_body(endpoint: Endpoint, schemas: Schemas, told: Description) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if FORM in told.body_types:
        form = schemas.form(endpoint.params)
        styles = {name: _style(schema, schemas) for name, schema in schemas.resolve(form)["properties"].items()}
        content[FORM] = {"schema": form, "encoding": {name: style for name, style in styles.items() if style}}
    content[JSON] = {"schema": schemas.json_body(endpoint.params)}
    required = schemas.resolve(schemas.json_body(endpoint.params))["required"]
    return {"required": bool(required), "content": content}


def _style(schema: Schema, schemas: Schemas) -> dict[str, Any]:
    """Objects and lists are spelt with brackets: `created[gte]=1`, `expand[0]=a`."""
    options = [schemas.resolve(option) for option in schema.get("anyOf", [schema])]
    nested = any(option.get("type") in ("object", "array") for option in options)
    return {"style": "deepObject", "explode": True} if nested else {}


def _success(endpoint: Endpoint, schemas: Schemas) -> dict[str, Any]:
    names = ["Request-Id", "Stripe-Version", *_LIMITS]
    if endpoint.writes and endpoint.keeps_answer and not endpoint.public:
        names += ["Idempotency-Key", "Idempotent-Replayed", "Original-Request"]
    answer = schemas.answer(endpoint.returns)
    streamed = {"schema": {"type": "string"}, "x-each": answer}
    return {
        "description": "Done.",
        "headers": _header_references(names),
        "content": dict.fromkeys(endpoint.streams, streamed) or {JSON: {"schema": answer}},
    }


def _expandable(expandable: dict[str, Expansion] | Any, prefix: str = "") -> Iterator[str]:
    for name, expansion in expandable.items():
        yield prefix + name
        if len(prefix) < 100:  # an expansion may hold itself; no real path is as long
            yield from _expandable(expansion.nested, f"{prefix}{name}.")


def _failures(endpoint: Endpoint) -> list[int]:
    found = set(_ALWAYS)
    if "{" in endpoint.path or not _NAMING.isdisjoint(endpoint.params.__struct_encode_fields__):
        found.add(404)
    if endpoint.refuses_cards:
        found.add(402)
    if endpoint.surface == "control":
        found.add(404)  # what a header, a code or a token names, if not the address
    if endpoint.writes:
        found.update(_WRITES)
    elif endpoint.method == "DELETE":
        found.add(409)
    return sorted(found)


def _statuses(endpoints: Sequence[Endpoint]) -> set[int]:
    return {status for endpoint in endpoints for status in _failures(endpoint)}


def _error_classes() -> list[type[errors.RequestError]]:
    return [error for error in errors.RequestError.__subclasses__() if error.__module__ == errors.__name__]


def _response_name(status: int) -> str:
    return next(error.__name__ for error in _error_classes() if error.status == status)


def _error_response(status: int) -> dict[str, Any]:
    classes = [error for error in _error_classes() if error.status == status]
    names = ["Request-Id", "Stripe-Version", "Stripe-Should-Retry"]
    if status == HTTPStatus.UNAUTHORIZED:
        names.append("WWW-Authenticate")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        names += _LIMITS
    if status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        names.append("Retry-After")
    if status == HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE:
        names = []  # refused before there is a request
    return {
        "description": " ".join(getdoc(error) or "" for error in classes),
        "x-error-types": list(dict.fromkeys(error.type for error in classes)),
        "headers": _header_references(names),
        "content": {JSON: {"schema": {"$ref": "#/components/schemas/Error"}}},
    }


def _error_schema() -> Schema:
    kinds = sorted({error.type for error in _error_classes()})
    detail = {
        "type": "object",
        "properties": {
            "type": {"enum": kinds, "description": "The kind of error, which decides the SDKs' exception class."},
            "message": {"type": "string", "description": "What went wrong, and what to do about it."},
            "code": {"type": "string", "description": "For programs: a short name of what went wrong."},
            "param": {"type": "string", "description": "The parameter that is at fault, such as address[city]."},
        },
        "required": ["type", "message"],
    }
    return {"title": "Error", "type": "object", "properties": {"error": detail}, "required": ["error"]}


def _header_references(names: Sequence[str]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _header(description: str, schema: Schema) -> dict[str, Any]:
    return {"description": description, "schema": schema}


_TEXT: Schema = {"type": "string"}
# Only where a limit is set for whoever asks.
_LIMITS = ("RateLimit", "RateLimit-Policy")
_HEADERS = {
    "Request-Id": _header("Names this request; quote it when you report an error.", _TEXT),
    "Stripe-Version": _header("The API version whose shapes the answer has.", {"const": API_VERSION}),
    "Stripe-Should-Retry": _header("Whether the same request may succeed later.", {"enum": ["true", "false"]}),
    "Idempotency-Key": _header("The key that was sent.", _TEXT),
    "Idempotent-Replayed": _header("Sent when this is the kept answer of an earlier request.", {"const": "true"}),
    "Original-Request": _header("The Request-Id of the request whose answer was kept.", _TEXT),
    "Retry-After": _header("After how many seconds to try again.", {"type": "integer", "minimum": 1}),
    "RateLimit": _header("What is left of the limits that count for this request.", _TEXT),
    "RateLimit-Policy": _header("The limits that count for this request.", _TEXT),
    "WWW-Authenticate": _header("The scheme to authenticate by.", _TEXT),
}
