"""Reads of resources that are kept as documents: pages, searches, and what `expand` asks for.

Every such table has the organisation, the mode and the id as its key, and the wire's JSON in `document`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Table, and_, not_, or_, select

from bursar.http.call import Call
from bursar.http.expand import Loader
from bursar.http.paging import Window, missing
from bursar.http.params import ListParams
from bursar.http.search import Clause, Query
from bursar.kit.ids import lowest_id_at
from bursar.store.search_index import Terms, term
from bursar.store.store import Store

Bounds = tuple[int | None, int | None]
Condition = ColumnElement[bool]
# Compared as they are; other searchable texts are of a closed list in lower case.
ID_FIELDS = frozenset({"customer", "payment_intent", "payment_method"})


def read_document(connection: Connection, table: Table, org_id: str, livemode: int, object_id: str) -> str | None:
    found: str | None = connection.execute(
        select(table.c.document).where(table.c.org_id == org_id, table.c.livemode == livemode, table.c.id == object_id)
    ).scalar()
    return found


def read_page(
    connection: Connection,
    table: Table,
    call: Call,
    view: Window,
    created: Bounds,
    prefix: str,
    conditions: Sequence[Condition] = (),
) -> list[str]:
    """Documents, one more than the page shows, in the window's order."""
    wanted = [*conditions, *_created_between(table, prefix, created)]
    if view.after_id is not None:
        wanted.append(table.c.id < view.after_id)
    if view.before_id is not None:
        wanted.append(table.c.id > view.before_id)
    return _select(connection, table, call, wanted, view.rows_to_read, newest_first=view.newest_first)


def read_search(
    connection: Connection,
    table: Table,
    call: Call,
    query: Query,
    condition: Callable[[Clause], Condition],
    after_id: str | None,
    rows: int,
) -> list[str]:
    wishes = [not_(condition(clause)) if clause.negated else condition(clause) for clause in query.clauses]
    conditions = [or_(*wishes) if query.any_of else and_(*wishes)]
    if after_id is not None:
        conditions.append(table.c.id < after_id)
    return _select(connection, table, call, conditions, rows, newest_first=True)


def created_condition(table: Table, prefix: str, operator: str, second: int) -> Condition:
    """Ids begin with their time of creation: a range of time is a range of ids."""
    return ordered_condition(table.c.id, operator, lowest_id_at(prefix, second), lowest_id_at(prefix, second + 1))


def ordered_condition(column: ColumnElement[Any], operator: str, at: Any, behind: Any) -> Condition:
    """The values from `at` up to `behind` are those that equal the one asked for."""
    conditions: dict[str, Condition] = {
        ":": and_(column >= at, column < behind),
        ">": column >= behind,
        ">=": column >= at,
        "<": column < at,
        "<=": column < behind,
    }
    return conditions[operator]


def clause_condition(table: Table, prefix: str, kind: str, terms: Terms, clause: Clause) -> Condition:
    """For resources whose searchable fields are columns, but for the metadata, which the search index has."""
    if clause.field == "metadata":
        name = f"{kind}.{clause.index_name}"
        return not_(terms.has_field(name)) if clause.value is None else terms.has_term(term(name, str(clause.value)))
    if clause.field == "created":
        assert isinstance(clause.value, int)
        return created_condition(table, prefix, clause.operator, clause.value)
    if isinstance(clause.value, int):
        column = table.c[f"{clause.field}_minor"]
        return ordered_condition(column, clause.operator, clause.value, clause.value + 1)
    column = table.c[clause.field]
    if clause.value is None:
        return column.is_(None)
    value = clause.value if clause.field in ID_FIELDS else clause.value.lower()
    # An empty column is unequal to every value, so that the opposite of a condition finds it.
    return and_(column.is_not(None), column == value)


def metadata_terms(kind: str, metadata: Mapping[str, str]) -> list[str]:
    return [term(f"{kind}.metadata[{key}]", value) for key, value in metadata.items()]


def check_cursors(connection: Connection, table: Table, call: Call, params: ListParams, kind: str) -> None:
    """A cursor must be an object of this organisation."""
    for param in ("starting_after", "ending_before"):
        cursor = getattr(params, param)
        if cursor is not None and read_document(connection, table, call.org_id, call.livemode, cursor) is None:
            raise missing(kind, cursor, param)


def loader(store: Store, table: Table) -> Loader:
    """For an Expansion: the objects by their ids, in one read."""

    async def load(call: Call, ids: Sequence[str]) -> Mapping[str, Any]:
        pending = {one: msgspec.json.decode(call.pending[one]) for one in ids if one in call.pending}
        stored = [one for one in ids if one not in pending]
        if not stored:
            return pending

        def query(connection: Connection) -> dict[str, Any]:
            rows = connection.execute(
                select(table.c.id, table.c.document).where(
                    table.c.org_id == call.org_id, table.c.livemode == call.livemode, table.c.id.in_(stored)
                )
            )
            return {row.id: msgspec.json.decode(row.document) for row in rows}

        return await store.read(query) | pending

    return load


def _created_between(table: Table, prefix: str, created: Bounds) -> list[Condition]:
    low, high = created
    conditions: list[Condition] = []
    if low is not None:
        conditions.append(table.c.id >= lowest_id_at(prefix, low))
    if high is not None:
        conditions.append(table.c.id < lowest_id_at(prefix, high))
    return conditions


def _select(
    connection: Connection,
    table: Table,
    call: Call,
    conditions: Sequence[Condition],
    rows: int,
    *,
    newest_first: bool,
) -> list[str]:
    order = table.c.id.desc() if newest_first else table.c.id.asc()
    found = connection.execute(
        select(table.c.document)
        .where(table.c.org_id == call.org_id, table.c.livemode == call.livemode, *conditions)
        .order_by(order)
        .limit(rows)
    )
    return [row.document for row in found]
