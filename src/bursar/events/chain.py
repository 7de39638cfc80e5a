"""The hash chain as pure functions: how a row is sealed, and what breaks a chain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bursar.events.tables import SEALED_COLUMNS
from bursar.kit.canonical import chained_hash

# What the first row of a chain is linked to. Names the scheme, so that another may follow it.
GENESIS = "bursar-log-1"
READABLE = frozenset({str, int, type(None)})


@dataclass(frozen=True, slots=True)
class ChainKey:
    """One organisation, one mode, one lane: one chain."""

    org_id: str
    livemode: int
    lane: int


@dataclass(frozen=True, slots=True)
class Head:
    """The last link of a chain."""

    sequence_number: int = 0
    event_id: str = ""
    row_hash: str = GENESIS


def seal(row: Mapping[str, Any], previous_hash: str) -> str:
    return chained_hash(previous_hash, [row[name] for name in SEALED_COLUMNS])


def strange_value(row: Mapping[str, Any]) -> str | None:
    """What no writer of ours could have put there, as SQLite lets anything be in any column; None when all is well."""
    kinds = {type(value) for value in row.values()}
    if kinds <= READABLE and type(row["sequence_number"]) is int and type(row["id"]) is type(row["row_hash"]) is str:
        return None
    return f"row {row['id']!r} holds a value of another kind than was written"


def break_in_chain(row: Mapping[str, Any], head: Head) -> str | None:
    """Why this row cannot follow that head, or None when it does."""
    expected = head.sequence_number + 1
    if row["sequence_number"] != expected:
        return f"row {row['id']} has number {row['sequence_number']} where {expected} must follow"
    if row["id"] <= head.event_id:
        return f"row {row['id']} stands behind {head.event_id} but has the lower id"
    if row["row_hash"] != seal(row, head.row_hash):
        return f"row {row['id']} does not match its seal: it, or the row before it, was changed"
    return None
