"""An index of exact terms for every searchable field, kept in the same commit as the object.

A term is a hash of the field followed by a hash of the value, so that one row answers both "has this
value" and "has any value", whatever their lengths, on every database.

Terms are hashes and land anywhere, so each new one would change a page of its own in an index as large as all
that there ever was. Therefore they are kept apart by when their object was made: new ones share the pages of
the present slice, which stay in memory, and a search looks into every slice, a few dozen for each year.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

from sqlalchemy import Column, ColumnElement, Connection, Integer, Table, bindparam, func, select

from bursar.kit.ids import created_microseconds
from bursar.store.columns import id_column, key_text, livemode_column, metadata, org_id_column
from bursar.store.unit import Change

FIELD_DIGITS = 10  # 40 bits: fields of one organisation are few
VALUE_DIGITS = 22  # 88 bits
PAST_ALL_DIGITS = "g"  # sorts behind every hexadecimal digit
SLICE_BITS = 40  # of microseconds: 12.7 days. Shorter ones fill fewer pages, longer ones are fewer to look into.

search_terms = Table(
    "search_terms",
    metadata,
    org_id_column(),
    livemode_column(),
    Column("time_slice", Integer, primary_key=True, autoincrement=False),
    Column("term", key_text(FIELD_DIGITS + VALUE_DIGITS), primary_key=True),
    id_column("object_id"),
    # The key is all there is: one tree instead of two.
    sqlite_with_rowid=False,
)

INSERT_TERM = search_terms.insert()
DELETE_TERM = search_terms.delete().where(
    search_terms.c.org_id == bindparam("o"),
    search_terms.c.livemode == bindparam("m"),
    search_terms.c.time_slice == bindparam("s"),
    search_terms.c.term == bindparam("t"),
    search_terms.c.object_id == bindparam("i"),
)


@lru_cache(maxsize=4_096)
def field_hash(field: str) -> str:
    return hashlib.sha256(field.encode()).hexdigest()[:FIELD_DIGITS]


def term(field: str, value: str) -> str:
    """Case does not count in a search."""
    return field_hash(field) + hashlib.sha256(value.casefold().encode()).hexdigest()[:VALUE_DIGITS]


def index_changes(
    org_id: str, livemode: int, object_id: str, before: Iterable[str], after: Iterable[str]
) -> list[Change]:
    """What must change for the index to hold the terms of after."""
    old, new = set(before), set(after)
    key = {"org_id": org_id, "livemode": livemode, "time_slice": slice_of(object_id), "object_id": object_id}
    gone = {"o": org_id, "m": livemode, "s": key["time_slice"], "i": object_id}
    removed = [Change(DELETE_TERM, gone | {"t": one}, rows_expected=1) for one in sorted(old - new)]
    return removed + [Change(INSERT_TERM, key | {"term": one}) for one in sorted(new - old)]


def slice_of(object_id: str) -> int:
    """An object's terms stay where its time of creation puts them, however late they are changed."""
    return created_microseconds(object_id) >> SLICE_BITS


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of one kind of object of one organisation."""

    org_id: str
    livemode: int
    objects: Table
    slices: Sequence[int]

    @classmethod
    def read(cls, connection: Connection, org_id: str, livemode: int, objects: Table) -> Self:
        """Every object lies between the oldest and the newest: two ends of one index."""
        own = (objects.c.org_id == org_id, objects.c.livemode == livemode)
        oldest, newest = (
            connection.execute(select(end(objects.c.id)).where(*own)).scalar() for end in (func.min, func.max)
        )
        if oldest is None or newest is None:
            return cls(org_id, livemode, objects, ())
        return cls(org_id, livemode, objects, range(slice_of(oldest), slice_of(newest) + 1))

    def has_term(self, wanted: str) -> ColumnElement[bool]:
        return self._among(search_terms.c.term == wanted)

    def has_field(self, field: str) -> ColumnElement[bool]:
        start = field_hash(field)
        return self._among(search_terms.c.term >= start, search_terms.c.term < start + PAST_ALL_DIGITS)

    def _among(self, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
        found = select(search_terms.c.object_id).where(
            search_terms.c.org_id == self.org_id,
            search_terms.c.livemode == self.livemode,
            search_terms.c.time_slice.in_(self.slices),
            *conditions,
        )
        column: ColumnElement[str] = self.objects.c.id
        return column.in_(found)
