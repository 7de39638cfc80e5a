"""Customers' SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, not_, or_, select

from bursar.customers.rules import terms_of
from bursar.customers.schemas import Customer, decode_customer
from bursar.customers.tables import SEARCHED_LENGTH_MAX, customers, deleted_customers
from bursar.http.paging import Window
from bursar.http.search import Clause, Query
from bursar.kit.ids import lowest_id_at
from bursar.store import search_index
from bursar.store.unit import Change, Row

PREFIX = "cus"

INSERT = customers.insert()
INSERT_DELETED = deleted_customers.insert()
_SAME = (
    customers.c.org_id == bindparam("o"),
    customers.c.livemode == bindparam("m"),
    customers.c.id == bindparam("i"),
)
UPDATE = (
    customers.update()
    .where(*_SAME, customers.c.version == bindparam("expected_version"))
    .values(
        version=bindparam("new_version"),
        email=bindparam("new_email"),
        email_folded=bindparam("new_email_folded"),
        name_folded=bindparam("new_name"),
        phone_folded=bindparam("new_phone"),
        document=bindparam("new_document"),
    )
)
DELETE = customers.delete().where(*_SAME, customers.c.version == bindparam("expected_version"))
_FIND = select(customers.c.version, customers.c.document).where(*_SAME)
_FIND_DELETED = select(deleted_customers.c.id).where(
    deleted_customers.c.org_id == bindparam("o"),
    deleted_customers.c.livemode == bindparam("m"),
    deleted_customers.c.id == bindparam("i"),
)
_FOLDED = {
    "email": customers.c.email_folded,
    "name": customers.c.name_folded,
    "phone": customers.c.phone_folded,
}


def insertion(org_id: str, livemode: int, customer: Customer, document: bytes) -> list[Change]:
    row: Row = {
        "org_id": org_id,
        "livemode": livemode,
        "id": customer.id,
        "version": 1,
        "document": document.decode(),
    }
    return [Change(INSERT, row | _folded(customer)), *_index(org_id, livemode, None, customer)]


def update(
    org_id: str, livemode: int, before: Customer, after: Customer, version: int, document: bytes
) -> list[Change]:
    folded = _folded(after)
    row: Row = {
        "o": org_id,
        "m": livemode,
        "i": after.id,
        "expected_version": version,
        "new_version": version + 1,
        "new_email": after.email,
        "new_email_folded": folded["email_folded"],
        "new_name": folded["name_folded"],
        "new_phone": folded["phone_folded"],
        "new_document": document.decode(),
    }
    return [Change(UPDATE, row, rows_expected=1), *_index(org_id, livemode, before, after)]


def deletion(org_id: str, livemode: int, customer: Customer, version: int) -> list[Change]:
    row: Row = {"o": org_id, "m": livemode, "i": customer.id, "expected_version": version}
    tombstone: Row = {"org_id": org_id, "livemode": livemode, "id": customer.id}
    return [
        Change(DELETE, row, rows_expected=1),
        Change(INSERT_DELETED, tombstone),
        *_index(org_id, livemode, customer, None),
    ]


def find(connection: Connection, org_id: str, livemode: int, customer_id: str) -> tuple[Customer, int] | None:
    row = connection.execute(_FIND, {"o": org_id, "m": livemode, "i": customer_id}).first()
    return (decode_customer(row.document), row.version) if row else None


def is_deleted(connection: Connection, org_id: str, livemode: int, customer_id: str) -> bool:
    return connection.execute(_FIND_DELETED, {"o": org_id, "m": livemode, "i": customer_id}).first() is not None


def page(
    connection: Connection,
    org_id: str,
    livemode: int,
    window: Window,
    *,
    created: tuple[int | None, int | None],
    email: str | None,
) -> list[Customer]:
    """One row more than the page shows, in the window's order."""
    conditions: list[ColumnElement[bool]] = []
    if email is not None:
        wanted = search_index.term("customer.email", email)
        conditions.append(search_index.Terms.read(connection, org_id, livemode, customers).has_term(wanted))
        # The term does not tell apart what differs in case only; the list does.
        conditions.append(customers.c.email == email)
    low, high = created
    if low is not None:
        conditions.append(customers.c.id >= lowest_id_at(PREFIX, low))
    if high is not None:
        conditions.append(customers.c.id < lowest_id_at(PREFIX, high))
    if window.after_id is not None:
        conditions.append(customers.c.id < window.after_id)
    if window.before_id is not None:
        conditions.append(customers.c.id > window.before_id)
    return _select(connection, org_id, livemode, conditions, window.rows_to_read, newest_first=window.newest_first)


def search(
    connection: Connection, org_id: str, livemode: int, query: Query, after_id: str | None, rows: int
) -> list[Customer]:
    terms = search_index.Terms.read(connection, org_id, livemode, customers)
    wishes = [_condition(terms, clause) for clause in query.clauses]
    conditions = [or_(*wishes) if query.any_of else and_(*wishes)]
    if after_id is not None:
        conditions.append(customers.c.id < after_id)
    return _select(connection, org_id, livemode, conditions, rows, newest_first=True)


def _select(
    connection: Connection,
    org_id: str,
    livemode: int,
    conditions: Sequence[ColumnElement[bool]],
    rows: int,
    *,
    newest_first: bool,
) -> list[Customer]:
    order = customers.c.id.desc() if newest_first else customers.c.id.asc()
    found = connection.execute(
        select(customers.c.document)
        .where(customers.c.org_id == org_id, customers.c.livemode == livemode, *conditions)
        .order_by(order)
        .limit(rows)
    )
    return [decode_customer(row.document) for row in found]


def _condition(terms: search_index.Terms, clause: Clause) -> ColumnElement[bool]:
    condition = _positive(terms, clause)
    return not_(condition) if clause.negated else condition


def _positive(terms: search_index.Terms, clause: Clause) -> ColumnElement[bool]:
    name = f"customer.{clause.index_name}"
    if clause.value is None:
        return not_(terms.has_field(name))
    if isinstance(clause.value, int):
        return _created(clause.operator, clause.value)
    if clause.operator == "~":
        column = _FOLDED[clause.field]
        return and_(column.is_not(None), column.contains(clause.value.casefold(), autoescape=True))
    return terms.has_term(search_index.term(name, clause.value))


def _created(operator: str, second: int) -> ColumnElement[bool]:
    """Ids begin with their time of creation: a range of time is a range of ids."""
    at, behind = lowest_id_at(PREFIX, second), lowest_id_at(PREFIX, second + 1)
    column = customers.c.id
    ranges: dict[str, ColumnElement[bool]] = {
        ":": and_(column >= at, column < behind),
        ">": column >= behind,
        ">=": column >= at,
        "<": column < at,
        "<=": column < behind,
    }
    return ranges[operator]


def _folded(customer: Customer) -> dict[str, Any]:
    texts = {"email_folded": customer.email, "name_folded": customer.name, "phone_folded": customer.phone}
    folded: dict[str, Any] = {
        name: text.casefold()[:SEARCHED_LENGTH_MAX] if text else None for name, text in texts.items()
    }
    return folded | {"email": customer.email}


def _index(org_id: str, livemode: int, before: Customer | None, after: Customer | None) -> list[Change]:
    subject = after or before
    assert subject is not None
    return search_index.index_changes(
        org_id, livemode, subject.id, _terms(before) if before else (), _terms(after) if after else ()
    )


def _terms(customer: Customer) -> list[str]:
    return [search_index.term(field, value) for field, value in terms_of(customer).items()]
