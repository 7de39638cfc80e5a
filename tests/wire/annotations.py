"""Holds a JSON object, as it was sent on the wire, against the official Python SDK's own annotations.

The SDK never validates what it reads: a field of the wrong type travels on until a customer's code trips
over it. Its annotations are nevertheless the strictest published description of the wire, so they are the
oracle here. They are read more strictly than a type checker would read them:

* `Optional` means "null where empty", not "may be absent": a Python reader of an absent field gets an
  AttributeError. The exceptions stand in INCLUDABLE.
* `Union[Literal[...], str]` is a closed enum. The SDK adds `str` so that old clients survive new values;
  a server that sends a value outside the list has made it up.
* A key that the class does not annotate is a violation: it would be invisible to every typed client.
* A class whose `type` names one of its other members holds exactly that one: it must be there and not null.
  Its siblings, sixty at a payment method, may be absent or null. Whoever reads such an object looks at `type`
  first, in every language, so nobody touches what it does not name.
* A class of options by kind of payment method needs those kinds only that `payment_method_types` beside it lists.
"""

import ast
import importlib
import inspect
import re
import types
from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import cache
from typing import Any, ClassVar, ForwardRef, Literal, TypeVar, Union, get_args, get_origin

from stripe import Charge, Customer, Event, ListObject, PaymentMethod, SearchResultObject, StripeObject
from stripe._object_classes import OBJECT_CLASSES
from stripe._stripe_object import UntypedStripeObject

Annotation = Any
"""Whatever may stand behind a field's colon: a class, a generic alias, a forward reference."""

INCLUDABLE: dict[type, dict[str, str]] = {
    Customer: {
        "cash_balance": "a separate resource; sent only when expanded",
        "invoice_credit_balance": "added up over all credit grants; sent only when expanded",
        "sources": "a list of its own; sent only when expanded",
        "subscriptions": "a list of its own; sent only when expanded",
        "tax": "asks the tax engine for a location; sent only when expanded",
        "tax_ids": "a list of its own; sent only when expanded",
    },
    Charge: {"refunds": "a list of its own; sent only when expanded"},
    Event.Data: {"previous_attributes": "sent only where attributes have changed"},
}
"""Fields which may be absent from the wire, each with its reason."""

NEVER_NULL: dict[type, dict[str, str]] = {
    Customer: {
        "balance": "a number in every other SDK: zero where nothing is owed",
        "invoice_settings": "an object in every other SDK: its fields are null where empty",
        "metadata": "an object in every other SDK: {} where empty",
    },
}
"""Fields which Python calls Optional, but whose null would break the typed clients of other languages."""

OURS: dict[type, frozenset[str]] = {
    PaymentMethod: frozenset({"net_banking", "wallet"}),
    Charge.PaymentMethodDetails: frozenset({"net_banking", "wallet"}),
}
"""Kinds of payment methods that the SDK has no class for, by where they are named: its users read them as plain
objects. They are members of the same name, as the SDK's own kinds are.
"""

DECIMAL_PATTERN = re.compile(r"-?\d+(\.\d+)?")
SCALARS: dict[type, tuple[type, ...]] = {
    str: (str,),
    int: (int,),
    bool: (bool,),
    float: (int, float),
    Decimal: (str,),
}
"""The Python types in which the JSON parser delivers each scalar annotation."""


def violations(payload: object, expected: type) -> list[str]:
    """Every way in which the payload breaks the class's annotations, each led by its JSON path."""
    return list(_check(payload, expected, "$", __name__))


def assert_conforms(payload: object, expected: type) -> None:
    """Fail with every violation at once, so that one run of a test shows the whole distance."""
    found = violations(payload, expected)
    assert not found, f"{_name(expected)} breaks the SDK's annotations:\n  " + "\n  ".join(found)


def class_for(object_name: str) -> type[StripeObject]:
    """The SDK's class for a value of the `object` field; LookupError where the SDK knows none."""
    if object_name not in OBJECT_CLASSES:
        raise LookupError(f"the SDK knows no object named {object_name!r}")
    module_name, class_name = OBJECT_CLASSES[object_name]
    found: type[StripeObject] = getattr(importlib.import_module(module_name), class_name)
    return found


def _check(value: object, annotation: Annotation, path: str, module_name: str) -> Iterator[str]:
    """Dispatch on the annotation; `module_name` is where its forward references are to be looked up."""
    annotation = _resolved(annotation, module_name)
    origin: Annotation = get_origin(annotation)
    arguments = get_args(annotation)
    if annotation is Any or isinstance(annotation, TypeVar):
        return
    if origin in (Union, types.UnionType):
        yield from _check_union(value, arguments, path, module_name)
    elif origin is Literal:
        yield from _check_enum(value, arguments, path)
    elif origin is list:
        yield from _check_items(value, arguments[0], path, module_name)
    elif origin in (dict, UntypedStripeObject):
        yield from _check_mapping(value, arguments[-1], path, module_name)
    elif origin in (ListObject, SearchResultObject):
        yield from _check_page(value, origin, arguments[0], path, module_name)
    elif annotation in SCALARS:
        yield from _check_scalar(value, annotation, path)
    elif annotation in (ListObject, SearchResultObject):
        yield from _check_page(value, annotation, Any, path, module_name)
    elif inspect.isclass(annotation) and issubclass(annotation, StripeObject):
        yield from _check_object(value, annotation, path)
    else:
        raise TypeError(f"{path}: no rule for the annotation {annotation!r}")


def _check_scalar(value: object, annotation: type, path: str) -> Iterator[str]:
    # The exact type is compared because a JSON boolean passes for an int in Python, and only there.
    if type(value) not in SCALARS[annotation]:
        yield f"{path}: expected {_name(annotation)}, got {_kind(value)}"
    elif annotation is Decimal and not DECIMAL_PATTERN.fullmatch(str(value)):
        yield f"{path}: expected a decimal string, got {value!r}"


def _check_enum(value: object, members: Sequence[object], path: str) -> Iterator[str]:
    if not any(type(value) is type(member) and value == member for member in members):
        known = ", ".join(repr(member) for member in members[:6]) + (", …" if len(members) > 6 else "")
        yield f"{path}: {value!r} is not one of {known}"


def _check_items(value: object, item: Annotation, path: str, module_name: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{path}: expected a list, got {_kind(value)}"
        return
    for index, element in enumerate(value):
        yield from _check(element, item, f"{path}[{index}]", module_name)


def _check_mapping(value: object, item: Annotation, path: str, module_name: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path}: expected an object, got {_kind(value)}"
        return
    for key, element in value.items():
        yield from _check(element, item, f"{path}.{key}", module_name)


def _check_union(value: object, members: Sequence[Annotation], path: str, module_name: str) -> Iterator[str]:
    if value is None:
        if types.NoneType not in members:
            yield f"{path}: null where a value is required"
        return
    alternatives = [_resolved(member, module_name) for member in members if member is not types.NoneType]
    if any(get_origin(alternative) is Literal for alternative in alternatives):
        alternatives = [alternative for alternative in alternatives if alternative is not str]
    complaints = [list(_check(value, alternative, path, module_name)) for alternative in alternatives]
    if all(complaints):
        yield from _nearest_complaint(value, alternatives, complaints, path)
    elif len(alternatives) > 1 and value == "":
        yield f"{path}: an empty string is no id"


def _nearest_complaint(
    value: object, alternatives: Sequence[Annotation], complaints: Sequence[list[str]], path: str
) -> list[str]:
    """The complaints of the alternative that was meant, so that the message names the real defect."""
    if len(alternatives) == 1:
        return complaints[0]
    object_name = value.get("object") if isinstance(value, dict) else None
    candidates = [
        (getattr(alternative, "OBJECT_NAME", None) != object_name, len(complaint), complaint)
        for alternative, complaint in zip(alternatives, complaints, strict=True)
        if isinstance(value, dict) and alternative not in SCALARS
    ]
    if not candidates:
        expected = " or ".join(_name(alternative) for alternative in alternatives)
        return [f"{path}: expected {expected}, got {_kind(value)}"]
    return min(candidates)[-1]


def _check_page(value: object, page: type, item: Annotation, path: str, module_name: str) -> Iterator[str]:
    """A list or a search result; the SDK annotates neither `object` nor the null of a last page."""
    if not isinstance(value, dict):
        yield f"{path}: expected a {_name(page)}, got {_kind(value)}"
        return
    is_search = page is SearchResultObject
    fields: dict[str, Annotation] = {
        "object": Literal["search_result"] if is_search else Literal["list"],
        "data": list[item],
        "has_more": bool,
        "url": str,
    }
    if is_search:
        fields["next_page"] = str | None
    yield from _check_fields(value, fields, page, path, module_name)
    url = value.get("url")
    if isinstance(url, str) and not url.startswith("/"):
        yield f"{path}.url: {url!r} is not a relative path"
    if is_search and bool(value.get("has_more")) != bool(value.get("next_page")):
        yield f"{path}.next_page: must be given exactly where has_more is true"


def _check_object(value: object, expected: type, path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path}: expected {_name(expected)}, got {_kind(value)}"
        return
    fields = dict(_fields(expected))
    unnamed: frozenset[str] = frozenset()
    if value.get("type") in _nameable(expected):
        named = str(value["type"])
        unnamed = _nameable(expected) - {named}
        yield from _check_named(value, named, unnamed, path)
    elif _is_keyed_by_method(expected):
        unnamed = frozenset(fields)
    if "deleted" in fields:
        # A live object carries no marker at all; a deleted one carries nothing besides its identity.
        del fields["deleted"]
        if value.get("deleted") is True:
            fields = {"id": str, "object": fields["object"], "deleted": Literal[True]}
    yield from _check_fields(value, fields, expected, path, expected.__module__, unnamed)
    yield from _check_method_options(value, expected, path)
    if expected is Event:
        yield from _check_event_data(value, path)


def _check_named(value: dict[str, object], named: str, unnamed: frozenset[str], path: str) -> Iterator[str]:
    if named in value and value[named] is None:
        yield f"{path}.{named}: null, but type names it"
    for name in sorted(unnamed & value.keys()):
        if value[name] is not None:
            yield f"{path}.{name}: given, but type names {named}"


def _check_method_options(value: dict[str, object], owner: type, path: str) -> Iterator[str]:
    """Options for each kind of payment method that the object itself says is possible."""
    types, options = value.get("payment_method_types"), value.get("payment_method_options")
    if not isinstance(types, list) or not isinstance(options, dict):
        return
    for kind in types:
        if kind in _options_of(owner) and options.get(kind) is None:
            yield f"{path}.payment_method_options.{kind}: missing, but payment_method_types lists it"


def _check_fields(
    value: dict[str, object],
    fields: dict[str, Annotation],
    owner: type,
    path: str,
    module_name: str,
    may_be_absent: frozenset[str] = frozenset(),
) -> Iterator[str]:
    for name in value:
        if name not in fields:
            yield f"{path}.{name}: not a field of {_name(owner)}"
    for name, annotation in fields.items():
        if name not in value:
            if name not in may_be_absent and name not in INCLUDABLE.get(owner, {}):
                yield f"{path}.{name}: missing"
        elif name == "type" and value[name] in OURS.get(owner, ()):
            continue
        elif value[name] is None and name in NEVER_NULL.get(owner, {}):
            yield f"{path}.{name}: null, but it is {NEVER_NULL[owner][name]}"
        else:
            yield from _check(value[name], annotation, f"{path}.{name}", module_name)


def _check_event_data(event: dict[str, object], path: str) -> Iterator[str]:
    """The SDK leaves an event's payload untyped; its own `object` field says what it has to be."""
    data = event.get("data")
    subject = data.get("object") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(subject, dict):
        return  # Already reported against the annotations of Event.Data.
    try:
        expected: type = class_for(str(subject.get("object")))
    except LookupError as unknown:
        yield f"{path}.data.object.object: {unknown}"
        return
    yield from _check_object(subject, expected, f"{path}.data.object")
    previous = data.get("previous_attributes")
    if not previous and str(event.get("type")).endswith(".updated"):
        yield f"{path}.data.previous_attributes: an update has to say what it has changed"
    for name in previous if isinstance(previous, dict) else ():
        if name not in _fields(expected):
            yield f"{path}.data.previous_attributes.{name}: not a field of {_name(expected)}"


@cache
def _fields(owner: type) -> dict[str, Annotation]:
    """The annotated fields of a class and its bases, by the names they bear on the wire."""
    fields: dict[str, Annotation] = {}
    for base in reversed(owner.__mro__):
        if not issubclass(base, StripeObject) or base is StripeObject:
            continue
        for name, annotation in inspect.get_annotations(base).items():
            origin: Annotation = get_origin(annotation)
            if not name.startswith("_") and origin is not ClassVar:
                fields[base._field_remappings.get(name, name)] = annotation
    fields |= dict.fromkeys(OURS.get(owner, ()), dict[str, Any] | None)
    # APIResource declares its constant without ClassVar.
    fields.pop("OBJECT_NAME", None)
    return fields


@cache
def _nameable(owner: type) -> frozenset[str]:
    """The members that a class's `type` can name, one at a time.

    Where `type` is a closed enum, those are the values that are names of members as well. Where it is any text,
    they are the members that hold an optional structure of the class's own.
    """
    fields = _fields(owner)
    if "type" not in fields:
        return frozenset()
    optional = {name for name, annotation in fields.items() if types.NoneType in get_args(annotation)}
    listed = _literals(fields["type"], owner.__module__)
    if listed:
        return frozenset((listed | OURS.get(owner, frozenset())) & optional)
    return frozenset(name for name in optional if _is_own_structure(fields[name], owner))


@cache
def _is_keyed_by_method(owner: type) -> bool:
    """Whether the members are kinds of payment methods, and nothing else."""
    names = _fields(owner).keys()
    return bool(names) and names <= _literals(_fields(PaymentMethod)["type"], PaymentMethod.__module__)


@cache
def _options_of(owner: type) -> frozenset[str]:
    members = get_args(_fields(owner).get("payment_method_options")) or ()
    resolved = [_resolved(member, owner.__module__) for member in members if member is not types.NoneType]
    return frozenset(name for member in resolved if _is_keyed_by_method(member) for name in _fields(member))


def _literals(annotation: Annotation, module_name: str) -> frozenset[str]:
    annotation = _resolved(annotation, module_name)
    origin: Annotation = get_origin(annotation)
    if origin is Literal:
        return frozenset(get_args(annotation))
    if origin in (Union, types.UnionType):
        members = [_literals(member, module_name) for member in get_args(annotation) if member is not types.NoneType]
        return frozenset[str]().union(*members)
    return frozenset()


def _is_own_structure(annotation: Annotation, owner: type) -> bool:
    for member in get_args(annotation):
        if member is types.NoneType:
            continue
        structure = _resolved(member, owner.__module__)
        origin: Annotation = get_origin(structure)
        if origin in (dict, UntypedStripeObject):
            return True
        if inspect.isclass(structure) and structure.__qualname__.startswith(f"{owner.__qualname__}."):
            return issubclass(structure, StripeObject)
    return False


def _resolved(annotation: Annotation, module_name: str) -> Annotation:
    """Follow a forward reference as the SDK's own module would, had it run its TYPE_CHECKING imports."""
    name = annotation.__forward_arg__ if isinstance(annotation, ForwardRef) else annotation
    if not isinstance(name, str):
        return annotation
    imports = _type_checking_imports(module_name)
    origin_module, origin_name = imports.get(name, (module_name, name))
    return getattr(importlib.import_module(origin_module), origin_name)


@cache
def _type_checking_imports(module_name: str) -> dict[str, tuple[str, str]]:
    """Local name → module and name of everything that the module imports for its annotations only.

    Read from the source, because the names collide across the SDK (there are five classes `Session`): a
    single table of all class names would pick the wrong one without a sound.
    """
    source = inspect.getsource(importlib.import_module(module_name))
    guarded = [
        statement
        for block in ast.parse(source).body
        if isinstance(block, ast.If) and isinstance(block.test, ast.Name) and block.test.id == "TYPE_CHECKING"
        for statement in block.body
    ]
    return {
        alias.asname or alias.name: (statement.module, alias.name)
        for statement in guarded
        if isinstance(statement, ast.ImportFrom) and statement.module
        for alias in statement.names
    }


def _name(annotation: Annotation) -> str:
    return str(getattr(annotation, "__qualname__", annotation))


def _kind(value: object) -> str:
    """What a value is called in JSON, for messages."""
    names = {dict: "an object", list: "a list", bool: "a boolean", str: "a string", type(None): "null"}
    return names.get(type(value), type(value).__name__)
