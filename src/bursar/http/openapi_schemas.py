"""The declared types as JSON schemas: for JSON bodies, for forms and queries, and for answers.

One type has up to three schemas, because the three say "nothing" differently: JSON has null, a form has
only the empty value, and an answer has every member always there.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Union, get_args, get_origin

import msgspec

from bursar.http.params import METADATA_KEY_LENGTH_MAX, METADATA_KEYS_MAX, METADATA_VALUE_LENGTH_MAX

Schema = dict[str, Any]

REFERENCE = "#/components/schemas/"
EMPTY: Schema = {"const": ""}
NULL: Schema = {"type": "null"}

# What every declaration with such a member means by it; a description of its own goes first.
_DESCRIPTIONS_OF_PARAMETERS = {
    "expand": "Members of the answer whose objects are wanted in full; inside lists they begin with data.",
    "limit": "How many objects a page has at most.",
    "starting_after": "The id of the last object of the page before: the next page begins behind it.",
    "ending_before": "The id of the first object of the page behind: the page before ends with it.",
    "created": "Only what was created at this second, or within these bounds.",
    "query": "The search, such as email:'ada@example.com' AND created>1735689600. A minus excludes, ~ finds parts.",
    "page": "The next_page of the page before.",
    "metadata": "Your own keys and texts. An empty value removes its key; an empty whole removes them all.",
    "gt": "Later than this second.",
    "gte": "At this second or later.",
    "lt": "Earlier than this second.",
    "lte": "At this second or earlier.",
}
_DESCRIPTIONS_OF_ANSWERS = {
    "id": "Identifies the object.",
    "object": "What kind of object this is.",
    "created": "When it was created, in seconds since 1970.",
    "livemode": "False for objects of the test mode.",
    "metadata": "Your own keys and texts.",
    "has_more": "Whether there are more behind this page.",
    "next_page": "To be sent as page, for the page behind; null on the last.",
    "url": "Where the list is.",
}
_ANY_JSON = "As it was stored: any JSON, or null."
# What is stored as JSON and passed on unread has no type of its own; what an event tells has a shape all the same.
_STORED_DOCUMENT: Schema = {
    "type": "object",
    "properties": {
        "object": {"type": "object", "description": "The object as it was right after the event."},
        "previous_attributes": {
            "type": "object",
            "description": "For an update: the members that it changed, as they were before.",
        },
    },
    "required": ["object"],
}

_METADATA_VALUE: Schema = {"type": "string", "maxLength": METADATA_VALUE_LENGTH_MAX}


class Schemas:
    """Collects the components that the document needs, and no others."""

    def __init__(self, params: Iterable[Any], returns: Iterable[Any]) -> None:
        self.components: dict[str, Schema] = {}
        self._input_references, self._inputs = _declared(params)
        self._output_references, self._outputs = _declared(
            option for declared in returns for option in alternatives(declared)
        )

    def json_body(self, params: Any) -> Schema:
        return self._use(self._input_references[params], self._inputs, self._input_name, _json_member)

    def form(self, params: Any) -> Schema:
        return self._use(self._input_references[params], self._inputs, self._form_name, _form_member)

    def form_members(self, params: Any) -> tuple[dict[str, Schema], list[str]]:
        """A form's members one by one, and which of them must be given: for queries."""
        name = self._input_references[params]["$ref"].removeprefix(REFERENCE)
        schema = self._transformed(self._inputs[name], self._inputs, self._form_name, _form_member)
        return schema["properties"], schema["required"]

    def answer(self, returns: Any) -> Schema:
        references = [
            self._use(self._output_references[option], self._outputs, _output_name, _output_member)
            for option in alternatives(returns)
        ]
        return references[0] if len(references) == 1 else {"anyOf": references}

    def resolve(self, schema: Schema) -> Schema:
        reference = schema.get("$ref")
        return self.components[reference.removeprefix(REFERENCE)] if reference else schema

    def _input_name(self, name: str) -> str:
        return f"{_plain(name)}Params" if name in self._outputs else _plain(name)

    def _form_name(self, name: str) -> str:
        return f"{self._input_name(name)}Form"

    def _use(
        self, reference: Schema, source: dict[str, Schema], rename: Callable[[str], str], member: Callable[..., Schema]
    ) -> Schema:
        name = reference["$ref"].removeprefix(REFERENCE)
        new_name = rename(name)
        if new_name not in self.components:
            self.components[new_name] = {}  # stands here while its members are made: a type may hold itself
            schema = self._transformed(source[name], source, rename, member)
            self.components[new_name] = _complete(schema) if member is _output_member else schema
            self.components[new_name]["title"] = new_name
        return {"$ref": REFERENCE + new_name}

    def _transformed(
        self, schema: Any, source: dict[str, Schema], rename: Callable[[str], str], member: Callable[..., Schema]
    ) -> Any:
        if isinstance(schema, list):
            return [self._transformed(item, source, rename, member) for item in schema]
        if not isinstance(schema, dict):
            return schema
        if "$ref" in schema:
            return {**schema, **self._use(schema, source, rename, member)}
        result = {
            key: value if key in ("properties", "default", "enum") else self._transformed(value, source, rename, member)
            for key, value in schema.items()
        }
        if "properties" in schema:
            result["properties"] = {
                name: self._transformed(member(name, value), source, rename, member)
                for name, value in schema["properties"].items()
            }
        return result


def alternatives(declared: Any) -> Sequence[Any]:
    """An endpoint may return one of several objects."""
    if get_origin(declared) is Union or isinstance(declared, types.UnionType):
        return get_args(declared)
    return (declared,)


def _declared(wanted: Iterable[Any]) -> tuple[dict[Any, Schema], dict[str, Schema]]:
    """Where each type is found, and what is there."""
    declared = list(dict.fromkeys(wanted))
    references, schemas = msgspec.json.schema_components(declared, ref_template=REFERENCE + "{name}")
    return dict(zip(declared, references, strict=True)), schemas


def _plain(name: str) -> str:
    """Two types of one name are told apart by their modules: `bursar.people.schemas.View` is a `PeopleView`."""
    modules, _, own = name.rpartition(".")
    feature = modules.split(".")[1] if modules else ""
    return "".join(word.capitalize() for word in feature.split("_")) + own


def _output_name(name: str) -> str:
    """`Page_Customer_` is `PageOfCustomer` to readers."""
    return _plain(name).rstrip("_").replace("_", "Of")


def _complete(schema: Schema) -> Schema:
    """An answer's members are null where empty, but always there; and a newer version may tell more."""
    kept = {key: value for key, value in schema.items() if key != "additionalProperties"}
    return {**kept, "required": list(schema["properties"])}


def _json_member(name: str, schema: Schema) -> Schema:
    """Null clears, and so does the empty value wherever it could not be meant as a text."""
    schema = _input_member(name, schema, {"anyOf": [_METADATA_VALUE, NULL]})
    options = schema.get("anyOf", [])
    if NULL in options and not _takes_text(options):
        return {**schema, "anyOf": [*options, EMPTY]}
    return schema


def _form_member(name: str, schema: Schema) -> Schema:
    """A form has no null: the empty value stands for it."""
    schema = _input_member(name, schema, _METADATA_VALUE)
    options = schema.get("anyOf", [])
    if NULL not in options:
        return schema
    left = [option for option in options if option != NULL]
    if not _takes_text(left):
        left.append(EMPTY)
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    return {**left[0], **rest} if len(left) == 1 else {**rest, "anyOf": left}


def _input_member(name: str, schema: Schema, metadata_value: Schema) -> Schema:
    schema = _without_null_default(_described(name, schema, _DESCRIPTIONS_OF_PARAMETERS))
    if name != "metadata":
        return schema
    shape = _metadata(metadata_value)
    return {**schema, "anyOf": [shape, NULL]} if "anyOf" in schema else {**schema, **shape}


def _output_member(name: str, schema: Schema) -> Schema:
    if not schema:
        return _STORED_DOCUMENT if name == "data" else {"description": _DESCRIPTIONS_OF_ANSWERS.get(name, _ANY_JSON)}
    kept = {key: value for key, value in schema.items() if key != "default"}
    kept = _described(name, kept, _DESCRIPTIONS_OF_ANSWERS)
    return {**kept, **_metadata(_METADATA_VALUE)} if name == "metadata" else kept


def _metadata(value: Schema) -> Schema:
    """The limits that `params.changed_metadata` holds metadata to."""
    return {
        "type": "object",
        "propertyNames": {"minLength": 1, "maxLength": METADATA_KEY_LENGTH_MAX, "pattern": "^[^\\[\\]]+$"},
        "additionalProperties": value,
        "maxProperties": METADATA_KEYS_MAX,
    }


def _described(name: str, schema: Schema, descriptions: dict[str, str]) -> Schema:
    own = [option["description"] for option in (schema, *schema.get("anyOf", [])) if "description" in option]
    described = own[0] if own else descriptions.get(name)
    return {**schema, "description": described} if described else schema


def _without_null_default(schema: Schema) -> Schema:
    """That a parameter is not given is no value of it."""
    if schema.get("default", EMPTY) is None:
        return {key: value for key, value in schema.items() if key != "default"}
    return schema


def _takes_text(options: Sequence[Schema]) -> bool:
    return any(option.get("type") == "string" for option in options)
