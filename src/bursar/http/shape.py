"""Brings nested form values into the shape of the declared parameters.

A form cannot say whether `a[0]` is a list's item or an object's member named 0, nor whether an empty
value is an empty text or "clear this". The declared type can. Compiled once per type.
"""

from __future__ import annotations

import re
import types
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from bursar.kit.errors import InvalidRequest

Shaper = Callable[[Any, str], Any]

LIST_LENGTH_MAX = 100
DECIMAL_TEXT_LENGTH_MAX = 60
PLACES_MAX = 15  # of a number as it is written out; what has more is no amount
_DIGITS = re.compile(r"-?[0-9]{1,30}")
_DECIMAL = {"decimal": True}
# A number with a point, given as a JSON number or as text: the declared parameter is its plain text, never a float.
DecimalText = Annotated[str, Meta(max_length=DECIMAL_TEXT_LENGTH_MAX, extra=_DECIMAL)]


def shaper_for(declared: Any) -> Shaper | None:
    """A function that mends a value, or None where there is nothing to mend."""
    if _is_decimal_text(declared):
        return _decimal_text
    options = _options(declared)
    clearable = type(None) in options and str not in options
    inner = _structure(options) or (_whole_number if _is_whole_number(options) else None)
    if inner is None and not clearable:
        return None

    def shape(value: Any, param: str) -> Any:
        if clearable and value == "":
            return None
        return inner(value, param) if inner is not None else value

    return shape


def _options(declared: Any) -> list[Any]:
    """The members of a union, without annotations."""
    origin = get_origin(declared)
    if origin is Annotated:
        return _options(get_args(declared)[0])
    if origin is Union or isinstance(declared, types.UnionType):
        return [option for member in get_args(declared) for option in _options(member)]
    return [declared]


def _is_whole_number(options: list[Any]) -> bool:
    return int in options and str not in options


def _is_decimal_text(declared: Any) -> bool:
    if get_origin(declared) is Annotated:
        return any(isinstance(meta, Meta) and meta.extra == _DECIMAL for meta in get_args(declared)[1:])
    return any(_is_decimal_text(option) for option in get_args(declared))


def _decimal_text(value: Any, _param: str) -> Any:
    """Written out, as people write numbers: 1e1 is 10. What would be long beyond reason is not, and is no amount."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return value
    number = Decimal(value)
    is_short = abs(number.adjusted()) <= PLACES_MAX and len(number.as_tuple().digits) <= 2 * PLACES_MAX
    return format(number, "f" if is_short else "E")[:DECIMAL_TEXT_LENGTH_MAX]


def _whole_number(value: Any, param: str) -> Any:
    """Nothing but digits: what else means a whole number, as 1e3 does, is more likely a mistake than an amount."""
    if isinstance(value, str) and _DIGITS.fullmatch(value) is None:
        raise InvalidRequest(f"Invalid {param}: must be an integer.", param=param, code="parameter_invalid_integer")
    return value


def _structure(options: list[Any]) -> Shaper | None:
    for option in options:
        if isinstance(option, type) and issubclass(option, msgspec.Struct):
            return _struct_shaper(option)
        if get_origin(option) is list:
            return _list_shaper(shaper_for(get_args(option)[0]))
    return None


def _struct_shaper(struct: type[msgspec.Struct]) -> Shaper | None:
    hints = get_type_hints(struct, include_extras=True)
    shapers = {name: shaper for name, hint in hints.items() if (shaper := shaper_for(hint)) is not None}
    if not shapers:
        return None

    def shape(value: Any, param: str) -> Any:
        if isinstance(value, dict):
            for name in value.keys() & shapers.keys():
                value[name] = shapers[name](value[name], f"{param}[{name}]" if param else name)
        return value

    return shape


def _list_shaper(item_shaper: Shaper | None) -> Shaper:
    def shape(value: Any, param: str) -> Any:
        items = _items(value, param) if isinstance(value, dict) else value
        if not isinstance(items, list):
            return items
        if len(items) > LIST_LENGTH_MAX:
            raise InvalidRequest(f"{param} may have at most {LIST_LENGTH_MAX} items.", param=param)
        if item_shaper is None:
            return items
        return [item_shaper(item, f"{param}[{number}]") for number, item in enumerate(items)]

    return shape


def _items(value: dict[str, Any], param: str) -> list[Any]:
    if not all(name.isdecimal() and name.isascii() and len(name) <= 6 for name in value):
        raise InvalidRequest(f"{param} is a list: send {param}[]= or {param}[0]=, {param}[1]=, and so on.", param=param)
    return [value[name] for name in sorted(value, key=int)]
