"""An index of exact terms for every searchable field, kept in the same commit as the object.

A term is a hash of the field followed by a hash of the value, so that one row answers both "has this
value" and "has any value", whatever their lengths, on every database.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache

from sqlalchemy import Column, ColumnElement, Table, bindparam, select

from bursar.store.columns import id_column, key_text, livemode_column, metadata, org_id_column
from bursar.store.unit import Change

FIELD_DIGITS = 10  # 40 bits: fields of one organisation are few
VALUE_DIGITS = 22  # 88 bits
PAST_ALL_DIGITS = "g"  # sorts behind every hexadecimal digit

search_terms = Table(
    "search_terms",
    metadata,
    org_id_column(),
    livemode_column(),
    Column("term", key_text(FIELD_DIGITS + VALUE_DIGITS), primary_key=True),
    id_column("object_id"),
    # The key is all there is: one tree instead of two.
    sqlite_with_rowid=False,
)

INSERT_TERM = search_terms.insert()
DELETE_TERM = search_terms.delete().where(
    search_terms.c.org_id == bindparam("o"),
    search_terms.c.livemode == bindparam("m"),
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
    if not old:
        return [
            Change(INSERT_TERM, {"org_id": org_id, "livemode": livemode, "term": t, "object_id": object_id})
            for t in sorted(new)
        ]
    removed = [
        Change(DELETE_TERM, {"o": org_id, "m": livemode, "t": t, "i": object_id}, rows_expected=1)
        for t in sorted(old - new)
    ]
    return removed + index_changes(org_id, livemode, object_id, (), new - old)


def has_term(org_id: str, livemode: int, id_column: ColumnElement[str], wanted: str) -> ColumnElement[bool]:
    return id_column.in_(_ids(org_id, livemode).where(search_terms.c.term == wanted))


def has_field(org_id: str, livemode: int, id_column: ColumnElement[str], field: str) -> ColumnElement[bool]:
    start = field_hash(field)
    return id_column.in_(
        _ids(org_id, livemode).where(search_terms.c.term >= start, search_terms.c.term < start + PAST_ALL_DIGITS)
    )


def _ids(org_id: str, livemode: int):  # type: ignore[no-untyped-def]  # the type is SQLAlchemy's longest
    return select(search_terms.c.object_id).where(search_terms.c.org_id == org_id, search_terms.c.livemode == livemode)
