"""The search language: `email:'a@b.c' AND -metadata['k']:null AND created>1700000000`.

Pure: text to clauses. Which fields exist and what they may be asked is declared by each resource.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Literal

from bursar.kit.errors import InvalidRequest

CLAUSES_MAX = 10
SUBSTRING_LENGTH_MIN = 3  # shorter ones would match nearly everything
NUMBER_MAX = 32_503_680_000  # the year 3000, in seconds

Operator = Literal[":", "~", ">", "<", ">=", "<="]


class FieldKind(Enum):
    """What a field may be asked."""

    TEXT = "text"  # exact and part
    TOKEN = "token"  # exact only  # noqa: S105
    NUMBER = "number"  # exact and order
    MAP = "map"  # exact, by key


@dataclass(frozen=True, slots=True)
class Clause:
    field: str
    key: str | None
    operator: Operator
    value: str | int | None
    negated: bool

    @property
    def index_name(self) -> str:
        return self.field if self.key is None else f"{self.field}[{self.key}]"


@dataclass(frozen=True, slots=True)
class Query:
    clauses: tuple[Clause, ...]
    any_of: bool


_CLAUSE = re.compile(
    r"""\s*(?P<minus>-)?(?P<field>[a-z_][a-z0-9_.]*)
        (?:\[\s*(?P<key>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')\s*\])?
        \s*(?P<operator>>=|<=|:|~|>|<)\s*
        (?P<value>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|-?\d+|null)""",
    re.VERBOSE,
)
_JOINER = re.compile(r"\s+(?:(AND|OR)\s+)?", re.IGNORECASE)  # a space alone means AND
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


def parse_query(text: str, fields: Mapping[str, FieldKind]) -> Query:
    clauses: list[Clause] = []
    joiners: set[str] = set()
    position = 0
    while True:
        match = _CLAUSE.match(text, position)
        if match is None:
            raise _refusal(f"cannot be read from here: {text[position : position + 40].strip()!r}")
        clauses.append(_clause(match, fields))
        position = match.end()
        if not text[position:].strip():
            break
        joiner = _JOINER.match(text, position)
        if joiner is None:
            raise _refusal(f"needs AND or OR before {text[position : position + 40].strip()!r}")
        joiners.add((joiner[1] or "AND").upper())
        position = joiner.end()
        if len(clauses) >= CLAUSES_MAX:
            raise _refusal(f"may have at most {CLAUSES_MAX} clauses")
    if len(joiners) > 1:
        raise _refusal("may join its clauses by AND or by OR, not by both")
    return Query(tuple(clauses), any_of=joiners == {"OR"})


def _clause(match: re.Match[str], fields: Mapping[str, FieldKind]) -> Clause:
    field = match["field"]
    kind = fields.get(field)
    if kind is None:
        raise _refusal(f"names the field {field!r}; searchable are {', '.join(sorted(fields))}")
    key = _unquoted(match["key"]) if match["key"] else None
    if (kind is FieldKind.MAP) != (key is not None):
        raise _refusal(f"must name a key like {field}['key']" if key is None else f"gives {field} a key; it has none")
    operator: Operator = match["operator"]  # type: ignore[assignment]  # the pattern allows no other
    value = _value(match["value"], kind, field, operator)
    return Clause(field, key, operator, value, match["minus"] is not None)


def _value(raw: str, kind: FieldKind, field: str, operator: Operator) -> str | int | None:
    if raw == "null":
        if operator != ":" or kind is FieldKind.NUMBER:
            raise _refusal(f"compares {field} with null; only fields that can be empty can be asked by {field}:null")
        return None
    if kind is FieldKind.NUMBER:
        number = _unquoted(raw) if raw[0] in "'\"" else raw
        if operator == "~" or not re.fullmatch(r"-?\d{1,12}", number) or abs(int(number)) > NUMBER_MAX:
            raise _refusal(f"must compare {field} with a whole number, by : > < >= or <=")
        return int(number)
    if raw[0] not in "'\"":
        raise _refusal(f"must have the value of {field} in quotes")
    value = _unquoted(raw)
    if operator not in (":", "~") or (operator == "~" and kind is not FieldKind.TEXT):
        raise _refusal(f"cannot use {operator} with {field}")
    if operator == "~" and len(value) < SUBSTRING_LENGTH_MIN:
        raise _refusal(f"needs at least {SUBSTRING_LENGTH_MIN} characters for a part of {field}")
    return value


def _unquoted(raw: str) -> str:
    return _ESCAPE.sub(r"\1", raw[1:-1])


def _refusal(why: str) -> InvalidRequest:
    return InvalidRequest(f"The search query {why}.", param="query", code="invalid_search_query")
