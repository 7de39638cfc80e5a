"""From bytes to a declared struct, and from msgspec's complaints to the wire's."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any, Generic, TypeVar

import msgspec

from bursar.http.forms import parse_form
from bursar.http.shape import shaper_for
from bursar.kit.errors import InvalidRequest, UnsupportedContentType

P = TypeVar("P", bound=msgspec.Struct)

_UNKNOWN = re.compile(r"Object contains unknown field `(?P<name>[^`]*)`")
_MISSING = re.compile(r"Object missing required field `(?P<name>[^`]*)`")
_EXPECTED = re.compile(r"Expected `(?P<type>[^`]*)`(?P<rest>.*)")
_ENUM = re.compile(r"Invalid enum value (?P<value>.*)")
_TOO_LARGE = "Integer value out of range"
_STEP = re.compile(r"\.([A-Za-z_][A-Za-z0-9_]*)|\[(\d+|\.\.\.)\]")
_SURROGATE = re.compile("[\ud800-\udfff\x00]")

VALUE_SHOWN_LENGTH_MAX = 60
NUMBER_SHOWN_LENGTH_MAX = 12  # shorter than any card's number
PARAM_SHOWN_LENGTH_MAX = 120
EXPONENT_MAX = 308  # what every other reader of JSON can still take


class Parser(Generic[P]):
    """Turns bodies and queries into one params type."""

    def __init__(self, params: type[P]) -> None:
        self._params = params
        self._shape = shaper_for(params)

    def from_form(self, raw: bytes) -> P:
        return self._convert(parse_form(raw), strict=False)

    def from_json(self, raw: bytes) -> P:
        if not raw:
            return self._convert({}, strict=True)
        try:
            tree = _decoder.decode(raw)
        except RecursionError:
            raise InvalidRequest("The JSON body is nested too deeply.") from None
        except (msgspec.DecodeError, UnicodeDecodeError) as problem:
            raise InvalidRequest(f"The body is not valid JSON: {problem}. Send one JSON object in UTF-8.") from None
        if not isinstance(tree, dict):
            raise InvalidRequest("The body must be a JSON object.")
        if b"\\u" in raw:
            _refuse_unstorable(tree)
        return self._convert(tree, strict=True)

    def from_body(self, raw: bytes, content_type: str) -> P:
        kind = content_type.partition(";")[0].strip().lower()
        if kind == "application/x-www-form-urlencoded" or (not kind and not raw):
            return self.from_form(raw)
        if kind == "application/json":
            return self.from_json(raw)
        raise UnsupportedContentType(
            "Send the body as application/x-www-form-urlencoded or application/json and say which in Content-Type."
        )

    def _convert(self, tree: Any, *, strict: bool) -> P:
        if self._shape is not None:
            tree = self._shape(tree, "")
        try:
            return msgspec.convert(tree, self._params, strict=strict)
        except msgspec.ValidationError as problem:
            raise explain(str(problem), tree) from None


def _number(text: str) -> Decimal:
    """A number with a point stays what was written: as a float, 10.10 would be another amount."""
    try:
        number = Decimal(text)
    except InvalidOperation:  # an exponent that even a decimal cannot have
        raise msgspec.ValidationError("Number out of range") from None
    if abs(number.adjusted()) > EXPONENT_MAX:
        raise msgspec.ValidationError("Number out of range")
    return number


_decoder = msgspec.json.Decoder(float_hook=_number)


def _refuse_unstorable(value: Any) -> None:
    """Escapes can smuggle in what is no text: NUL and halves of surrogate pairs."""
    if isinstance(value, str):
        if _SURROGATE.search(value):
            raise InvalidRequest("A text has a NUL character or a lone surrogate; remove it.")
    elif isinstance(value, dict):
        for name, inner in value.items():
            _refuse_unstorable(name)
            _refuse_unstorable(inner)
    elif isinstance(value, list):
        for inner in value:
            _refuse_unstorable(inner)


def explain(complaint: str, tree: Any) -> InvalidRequest:
    """The wire's words for a complaint such as "Expected `int`, got `str` - at `$.address`"."""
    text, _, place = complaint.partition(" - at ")
    steps = _steps(place)
    if match := _UNKNOWN.match(text):
        param = _param([*steps, match["name"]])
        return InvalidRequest(
            f"Received unknown parameter: {param}. Check its spelling against the documentation.",
            param=param,
            code="parameter_unknown",
        )
    if match := _MISSING.match(text):
        param = _param([*steps, match["name"]])
        return InvalidRequest(f"Missing required param: {param}.", param=param, code="parameter_missing")
    param = _param(steps)
    given = _shown(tree, steps)
    if match := _ENUM.match(text):
        value = match["value"] if len(match["value"]) <= VALUE_SHOWN_LENGTH_MAX else "this"
        return InvalidRequest(f"Invalid {param}: {value} is not one of the allowed values.", param=param)
    if text == _TOO_LARGE:
        return InvalidRequest(f"Invalid {param}: this integer is too large.", param=param, code=_CODES["int"])
    if match := _EXPECTED.match(text):
        return _type_error(match["type"], match["rest"], param, given)
    return InvalidRequest(f"Invalid {param or 'parameters'}: {text}.", param=param or None)


_NAMES = {
    "int": "an integer",
    "str": "a string",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
}
_CODES = {"int": "parameter_invalid_integer", "str": "parameter_invalid_string"}


def _type_error(expected: str, rest: str, param: str, given: str) -> InvalidRequest:
    kinds = [_NAMES.get(kind.strip(), kind.strip()) for kind in expected.split("|") if kind.strip() != "null"]
    limit = rest.partition(", got")[0]
    wanted = " or ".join(kinds) + limit
    shown = f", not {given}" if given else ""
    first = expected.split("|", maxsplit=1)[0].strip()
    return InvalidRequest(f"Invalid {param}: must be {wanted}{shown}.", param=param or None, code=_CODES.get(first))


def _steps(place: str) -> list[str]:
    return [name or number for name, number in _STEP.findall(place) if number != "..."]


def _param(steps: list[str]) -> str:
    """In the form's spelling. A name that is longer than any of ours is not sent back whole."""
    return (steps[0] + "".join(f"[{step}]" for step in steps[1:]))[:PARAM_SHOWN_LENGTH_MAX] if steps else ""


def _shown(tree: Any, steps: list[str]) -> str:
    """What was sent, if it is short and plain. Never a long value: it may be anything."""
    for step in steps:
        if isinstance(tree, list) and step.isdecimal() and int(step) < len(tree):
            tree = tree[int(step)]
        elif isinstance(tree, dict):
            tree = tree.get(step)
        else:
            return ""
    if isinstance(tree, str) and 0 < len(tree) <= VALUE_SHOWN_LENGTH_MAX and not any(map(str.isdigit, tree)):
        return repr(tree)
    if isinstance(tree, Decimal):
        return str(tree) if len(str(tree)) <= NUMBER_SHOWN_LENGTH_MAX else ""
    return repr(tree) if isinstance(tree, bool) else ""
