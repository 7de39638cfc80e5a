"""Form bodies and query strings: `a[b]=1&c[0]=2&expand[]=x` into nested values."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote_to_bytes

from bursar.http.limits import DEPTH_MAX, FIELD_NAME_LENGTH_MAX, FIELDS_MAX
from bursar.kit.errors import InvalidRequest

Tree = dict[str, Any]


def parse_form(raw: bytes) -> Tree:
    """Every bracket opens an object; which of them are lists, the declared parameters say later."""
    tree: Tree = {}
    if not raw:
        return tree
    if raw.count(b"&") >= FIELDS_MAX:
        raise InvalidRequest(f"A request may have at most {FIELDS_MAX} parameters; send fewer.")
    for pair in _text(raw.replace(b"+", b" ")).split("&"):
        if pair:
            name, _, value = pair.partition("=")
            _insert(tree, _decode(name), _decode(value))
    return tree


def _decode(text: str) -> str:
    return _text(unquote_to_bytes(text)) if "%" in text else text


def _text(raw: bytes) -> str:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise InvalidRequest(
            "A parameter is not valid UTF-8; encode text as UTF-8 before percent-encoding it."
        ) from None
    if "\x00" in text:
        raise InvalidRequest("A parameter has a NUL character; remove it.")
    return text


def _insert(tree: Tree, name: str, value: str) -> None:
    if len(name) > FIELD_NAME_LENGTH_MAX:
        raise InvalidRequest(f"A parameter's name may have at most {FIELD_NAME_LENGTH_MAX} characters.")
    if "[" not in name:
        _put(tree, name, value, name)
        return
    *path, last = _segments(name)
    node = tree
    for segment in path:
        child = node.setdefault(_position(node, segment), {})
        if not isinstance(child, dict):
            raise InvalidRequest(f"The parameter {name} is given both as a value and as an object.", param=name)
        node = child
    _put(node, _position(node, last), value, name)


def _put(node: Tree, key: str, value: str, name: str) -> None:
    if key in node:
        raise InvalidRequest(f"The parameter {name} is given twice; send it once.", param=name)
    node[key] = value


def _position(node: Tree, segment: str) -> str:
    """`[]` appends: it stands for the next number."""
    return segment or str(len(node))


def _segments(name: str) -> list[str]:
    head, _, rest = name.partition("[")
    if not head or not rest.endswith("]"):
        raise InvalidRequest(f"The parameter name {name} has unbalanced brackets.", param=name)
    segments = [head, *rest[:-1].split("][")]
    if len(segments) > DEPTH_MAX:
        raise InvalidRequest(f"The parameter {name} is nested deeper than {DEPTH_MAX} levels.", param=head)
    if any("[" in segment or "]" in segment for segment in segments):
        raise InvalidRequest(f"The parameter name {name} has unbalanced brackets.", param=name)
    return segments
