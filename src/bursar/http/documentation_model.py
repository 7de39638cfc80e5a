"""The OpenAPI document as readers of the documentation see it: resources, operations, objects, members."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bursar.http import documentation_examples as examples
from bursar.http.documentation_calls import Calls

Schema = Mapping[str, Any]

DEPTH_SHOWN_MAX = 4  # deeper members are found in the OpenAPI document
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
_IDEMPOTENCY_KEY = {"$ref": "#/components/parameters/IdempotencyKey"}
# Read last: they mean the same wherever they occur.
_LAST = ("expand",)


@dataclass(frozen=True)
class Member:
    """A parameter, or a member of an answer."""

    name: str
    kind: str
    description: str = ""
    required: bool = False
    limits: Sequence[str] = ()
    options: Sequence[str] = ()
    members: Sequence[Member] = ()


@dataclass(frozen=True)
class Operation:
    anchor: str
    method: str
    path: str
    summary: str
    permission: str | None
    # The kinds of keys that may use it, and on the control plane the roles; None where there are only keys.
    keys: Sequence[str]
    roles: Sequence[str] | None
    needs_proof: bool
    path_members: Sequence[Member]
    members: Sequence[Member]
    members_title: str
    returns: Sequence[tuple[str, str]]
    is_page: bool
    # The types of an answer that is a stream of such objects.
    streams: Sequence[str]
    expandable: Sequence[str]
    failures: Sequence[int]
    idempotent: bool
    curl: str
    python: str
    sample: str


@dataclass(frozen=True)
class DocumentedObject:
    anchor: str
    name: str
    members: Sequence[Member]
    sample: str


@dataclass
class Resource:
    anchor: str
    name: str
    operations: list[Operation] = field(default_factory=list)
    objects: list[DocumentedObject] = field(default_factory=list)


@dataclass(frozen=True)
class Failure:
    status: int
    types: Sequence[str]
    meaning: str


class Reader:
    """Reads one document."""

    def __init__(self, document: dict[str, Any], calls: Calls) -> None:
        self._document = document
        self._calls = calls
        self._schemas: Mapping[str, Schema] = document["components"]["schemas"]

    def resources(self) -> list[Resource]:
        resources = {tag["name"]: Resource(_anchor(tag["name"]), tag["name"]) for tag in self._document["tags"]}
        seen: set[str] = set()
        for path, method, operation in self._operations():
            resource = resources[operation["tags"][0]]
            resource.operations.append(self._operation(method, path, operation))
            for name in self._returned(operation):
                if name not in seen:
                    seen.add(name)
                    resource.objects.append(self._object(name))
        return list(resources.values())

    def failures(self) -> list[Failure]:
        """Each status that any operation may end with."""
        found: dict[int, Failure] = {}
        for _, _, operation in self._operations():
            for status, response in operation["responses"].items():
                if "$ref" in response:
                    shared = self._document["components"]["responses"][_last_part(response["$ref"])]
                    types = shared.get("x-error-types", [])
                    found[int(status)] = Failure(int(status), types, shared["description"])
        return [found[status] for status in sorted(found)]

    def _operations(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        for path, methods in self._document["paths"].items():
            for method, operation in methods.items():
                yield path, method.upper(), operation

    def _operation(self, method: str, path: str, operation: dict[str, Any]) -> Operation:
        members, required = self._taken(operation)
        sampled = examples.parameters(members, required, self._schemas)
        answer, streams = _answer(operation)
        placed = [self._parameter(given) for given in operation["parameters"] if given.get("in") == "path"]
        return Operation(
            anchor=operation["operationId"].replace("_", "-"),
            method=method,
            path=path,
            summary=operation["summary"],
            permission=operation["x-permission"],
            keys=_keys(operation),
            roles=operation.get("x-roles"),
            needs_proof=operation.get("x-needs-proof", False),
            path_members=placed,
            members=self._members(members, required),
            members_title="Body parameters" if "requestBody" in operation else "Query parameters",
            returns=[(spaced(name), _object_anchor(name)) for name in self._returned(operation)],
            is_page=self._page_items(answer) is not None,
            streams=streams,
            expandable=operation["x-expandable"],
            failures=[int(status) for status in operation["responses"] if status != "200"],
            idempotent=_IDEMPOTENCY_KEY in operation["parameters"],
            curl=self._calls.curl(method, path, sampled, public=operation.get("x-public", False)),
            python=self._calls.python(method, path, sampled, public=operation.get("x-public", False)),
            sample=examples.answer(_first(answer), self._schemas),
        )

    def _taken(self, operation: dict[str, Any]) -> tuple[dict[str, Schema], list[str]]:
        """What can be sent, by the body or by the query, and which of it must be."""
        if "requestBody" in operation:
            content = operation["requestBody"]["content"]
            schema = self._resolved(content.get(FORM, content[JSON])["schema"])
            return dict(schema["properties"]), list(schema["required"])
        query = [given for given in operation["parameters"] if given.get("in") == "query"]
        members = {given["name"]: given["schema"] | _description(given) for given in query}
        return members, [given["name"] for given in query if given["required"]]

    def _returned(self, operation: dict[str, Any]) -> list[str]:
        """The objects in an answer; a page stands for what is on it."""
        answer, _ = _answer(operation)
        return [_last_part((self._page_items(option) or option)["$ref"]) for option in answer.get("anyOf", [answer])]

    def _page_items(self, answer: Schema) -> Schema | None:
        members = self._resolved(answer).get("properties", {})
        kind = members.get("object", {}).get("enum")
        return members["data"]["items"] if kind in (["list"], ["search_result"]) else None

    def _object(self, name: str) -> DocumentedObject:
        schema = self._schemas[name]
        return DocumentedObject(
            anchor=_object_anchor(name),
            name=spaced(name),
            members=self._members(schema["properties"], None),
            sample=examples.answer({"$ref": f"/{name}"}, self._schemas),
        )

    def _parameter(self, given: dict[str, Any]) -> Member:
        schema = {"type": given["schema"]["type"], **_description(given)}
        return self._member(given["name"], schema, [given["name"]])

    def _members(self, members: Mapping[str, Schema], required: Sequence[str] | None, depth: int = 1) -> list[Member]:
        """`required` is None in answers, whose members are all there."""
        order = sorted(members, key=lambda name: (name not in (required or ()), name in _LAST))
        return [self._member(name, members[name], required, depth) for name in order]

    def _member(self, name: str, schema: Schema, required: Sequence[str] | None, depth: int = 1) -> Member:
        given = schema.get("anyOf", [schema])
        kinds = [self._resolved(option) for option in given if option not in ({"type": "null"}, {"const": ""})]
        limits = [limit for kind in kinds for limit in _limits(kind)]
        # Where there is null, that says it better.
        is_form = {"type": "null"} not in given
        if is_form and {"const": ""} in given and kinds and "integer" not in {kind.get("type") for kind in kinds}:
            limits.append("empty clears it")
        if schema.get("default") not in (None, [], ""):
            limits.append(f"{schema['default']} by default")
        nested = next((found for kind in kinds if (found := self._nested(kind))), None)
        return Member(
            name=name,
            kind=" or ".join([*map(self._kind, kinds), *(["null"] if {"type": "null"} in given else [])]),
            description=schema.get("description", ""),
            required=required is not None and name in required,
            limits=limits,
            options=[str(option) for kind in kinds for option in kind.get("enum", [])],
            members=self._nested_members(nested, required, depth),
        )

    def _nested_members(self, nested: Schema | None, required: Sequence[str] | None, depth: int) -> list[Member]:
        if nested is None or depth >= DEPTH_SHOWN_MAX:
            return []
        return self._members(nested["properties"], None if required is None else nested.get("required", []), depth + 1)

    def _nested(self, schema: Schema) -> Schema | None:
        """The object whose members are worth showing: the schema's own, or its items'."""
        if schema.get("type") == "array":
            schema = self._resolved(schema["items"])
        return schema if schema.get("properties") else None

    def _kind(self, schema: Schema) -> str:
        if "enum" in schema:
            return "true" if schema["enum"] == [True] else "string"
        if schema.get("type") == "array":
            return f"list of {self._kind(self._resolved(schema['items']))}s"
        if schema.get("type") == "object" and not schema.get("properties") and "additionalProperties" in schema:
            return f"object of {self._kind(self._resolved(schema['additionalProperties']))}s"
        return str(schema.get("type", "any"))

    def _resolved(self, schema: Schema) -> Schema:
        return self._schemas[_last_part(schema["$ref"])] if "$ref" in schema else schema


def _limits(schema: Schema) -> Iterator[str]:
    shortest, longest = schema.get("minLength"), schema.get("maxLength")
    if longest is not None:
        yield f"{shortest} to {longest:,} characters" if shortest else f"up to {longest:,} characters"
    lowest, highest = schema.get("minimum"), schema.get("maximum")
    if highest is not None:
        yield f"{lowest:,} to {highest:,}".replace("-", "−")
    if schema.get("maxItems") is not None:
        yield f"up to {schema['maxItems']} items"
    if schema.get("maxProperties") is not None:
        longest_name = schema.get("propertyNames", {}).get("maxLength")
        yield f"up to {schema['maxProperties']} keys" + (f" of {longest_name} characters" if longest_name else "")
        if "maxLength" in schema["additionalProperties"]:
            yield f"values up to {schema['additionalProperties']['maxLength']} characters"
    if schema.get("pattern"):
        yield f"matches {schema['pattern']}"


def _answer(operation: dict[str, Any]) -> tuple[Schema, list[str]]:
    """What an answer is, and the types as which many of it are streamed."""
    content = operation["responses"]["200"]["content"]
    if JSON in content:
        return content[JSON]["schema"], []
    return next(iter(content.values()))["x-each"], list(content)


def _keys(operation: Mapping[str, Any]) -> list[str]:
    """Which kinds of keys may use it, in the words of the document."""
    kinds = list(operation.get("x-keys", ["secret", "restricted"]))
    return [*kinds, "publishable"] if operation["x-publishable"] else kinds


def spaced(name: str) -> str:
    """`DeletedCustomer` as `deleted customer`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()


def _anchor(name: str) -> str:
    return name.lower().replace(" ", "-")


def _object_anchor(name: str) -> str:
    return "object-" + spaced(name).replace(" ", "-")


def _last_part(reference: str) -> str:
    return reference.rpartition("/")[2]


def _first(schema: Schema) -> Schema:
    first: Schema = schema.get("anyOf", [schema])[0]
    return first


def _description(given: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": given["description"]} if "description" in given else {}
