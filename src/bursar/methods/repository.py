"""Payment methods' and tokens' SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Integer, bindparam, select

from bursar.customers.tables import customers
from bursar.http.endpoint import encode
from bursar.http.paging import Window
from bursar.methods.schemas import PaymentMethod, Token, decode_method, decode_token, stored_form
from bursar.methods.tables import customer_methods, payment_methods, tokens
from bursar.store.unit import Change, Row

PREFIX = "pm"
TOKEN_PREFIX = "tok"  # noqa: S105 - the beginning of ids, no secret
CARD_PREFIX = "card"

NEW, ATTACHED, DETACHED = "new", "attached", "detached"

INSERT = payment_methods.insert()
INSERT_ATTACHMENT = customer_methods.insert()
INSERT_TOKEN = tokens.insert()
_SAME = (
    payment_methods.c.org_id == bindparam("o"),
    payment_methods.c.livemode == bindparam("m"),
    payment_methods.c.id == bindparam("i"),
)
_SAME_TOKEN = (tokens.c.org_id == bindparam("o"), tokens.c.livemode == bindparam("m"), tokens.c.id == bindparam("i"))
_SAME_CUSTOMER = (
    customers.c.org_id == bindparam("o"),
    customers.c.livemode == bindparam("m"),
    customers.c.id == bindparam("i"),
)
UPDATE = (
    payment_methods.update()
    .where(*_SAME, payment_methods.c.version == bindparam("expected_version"))
    .values(
        version=bindparam("new_version"),
        state=bindparam("new_state"),
        allow_redisplay=bindparam("new_allow_redisplay"),
        document=bindparam("new_document"),
    )
)
# Nobody takes it back and no answer shows it, so the version stays.
AGREE = payment_methods.update().where(*_SAME).values(agreed=bindparam("new_agreed"))
DELETE_ATTACHMENT = customer_methods.delete().where(
    customer_methods.c.org_id == bindparam("o"),
    customer_methods.c.livemode == bindparam("m"),
    customer_methods.c.customer_id == bindparam("c"),
    customer_methods.c.method_id == bindparam("i"),
)
# Fails where the customer was deleted meanwhile, and makes a deletion fail that has not seen what is attached.
HOLD_CUSTOMER = (
    customers.update().where(*_SAME_CUSTOMER).values(version=customers.c.version + bindparam("step", type_=Integer))
)
USE_TOKEN = (
    tokens.update()
    .where(*_SAME_TOKEN, tokens.c.used == bindparam("expected_used"))
    .values(used=bindparam("new_used"), document=bindparam("new_document"))
)
_FIND = select(
    payment_methods.c.version, payment_methods.c.state, payment_methods.c.agreed, payment_methods.c.document
).where(*_SAME)
_FIND_TOKEN = select(tokens.c.document).where(*_SAME_TOKEN)


@dataclass(frozen=True, slots=True)
class Found:
    method: PaymentMethod
    version: int
    state: str
    agreed: bool = False


def insertion(org_id: str, livemode: int, method: PaymentMethod, state: str) -> list[Change]:
    row: Row = {
        "org_id": org_id,
        "livemode": livemode,
        "id": method.id,
        "version": 1,
        "state": state,
        "allow_redisplay": method.allow_redisplay,
        "agreed": 0,
        "document": encode(stored_form(method)).decode(),
    }
    return [Change(INSERT, row), *_attachment(org_id, livemode, method)]


def update(org_id: str, livemode: int, method: PaymentMethod, version: int, state: str) -> Change:
    row: Row = {
        "o": org_id,
        "m": livemode,
        "i": method.id,
        "expected_version": version,
        "new_version": version + 1,
        "new_state": state,
        "new_allow_redisplay": method.allow_redisplay,
        "new_document": encode(stored_form(method)).decode(),
    }
    return Change(UPDATE, row, rows_expected=1)


def attachment(org_id: str, livemode: int, method: PaymentMethod, version: int) -> list[Change]:
    """The method now belongs to the customer that it names."""
    return [update(org_id, livemode, method, version, ATTACHED), *_attachment(org_id, livemode, method)]


def detachment(org_id: str, livemode: int, method: PaymentMethod, version: int, customer_id: str) -> list[Change]:
    gone: Row = {"o": org_id, "m": livemode, "c": customer_id, "i": method.id}
    return [
        update(org_id, livemode, method, version, DETACHED),
        Change(DELETE_ATTACHMENT, gone, rows_expected=1),
    ]


def agreement(org_id: str, livemode: int, method_id: str) -> Change:
    return Change(AGREE, {"o": org_id, "m": livemode, "i": method_id, "new_agreed": 1}, rows_expected=1)


def hold_customer(org_id: str, livemode: int, customer_id: str) -> Change:
    return Change(HOLD_CUSTOMER, {"o": org_id, "m": livemode, "i": customer_id, "step": 1}, rows_expected=1)


def insert_token(org_id: str, livemode: int, token: Token) -> Change:
    row = {
        "org_id": org_id,
        "livemode": livemode,
        "id": token.id,
        "used": int(token.used),
        "document": encode(token).decode(),
    }
    return Change(INSERT_TOKEN, row)


def use_token(org_id: str, livemode: int, token: Token) -> Change:
    """`token` as it is once it is used."""
    row = {
        "o": org_id,
        "m": livemode,
        "i": token.id,
        "expected_used": 0,
        "new_used": 1,
        "new_document": encode(token).decode(),
    }
    return Change(USE_TOKEN, row, rows_expected=1)


def find(connection: Connection, org_id: str, livemode: int, method_id: str) -> Found | None:
    row = connection.execute(_FIND, {"o": org_id, "m": livemode, "i": method_id}).first()
    return Found(decode_method(row.document), row.version, row.state, bool(row.agreed)) if row else None


def find_many(connection: Connection, org_id: str, livemode: int, method_ids: Sequence[str]) -> list[PaymentMethod]:
    found = connection.execute(
        select(payment_methods.c.document).where(
            payment_methods.c.org_id == org_id,
            payment_methods.c.livemode == livemode,
            payment_methods.c.id.in_(method_ids),
        )
    )
    return [decode_method(row.document) for row in found]


def find_token(connection: Connection, org_id: str, livemode: int, token_id: str) -> Token | None:
    row = connection.execute(_FIND_TOKEN, {"o": org_id, "m": livemode, "i": token_id}).first()
    return decode_token(row.document) if row else None


def page(
    connection: Connection,
    org_id: str,
    livemode: int,
    customer_id: str,
    window: Window,
    allow_redisplay: str | None,
) -> list[PaymentMethod]:
    """A customer's methods, one row more than the page shows, in the window's order."""
    conditions: list[ColumnElement[bool]] = []
    if allow_redisplay is not None:
        conditions.append(payment_methods.c.allow_redisplay == allow_redisplay)
    if window.after_id is not None:
        conditions.append(customer_methods.c.method_id < window.after_id)
    if window.before_id is not None:
        conditions.append(customer_methods.c.method_id > window.before_id)
    column = customer_methods.c.method_id
    found = connection.execute(
        select(payment_methods.c.document)
        .join(customer_methods, _IS_ATTACHED)
        .where(
            customer_methods.c.org_id == org_id,
            customer_methods.c.livemode == livemode,
            customer_methods.c.customer_id == customer_id,
            *conditions,
        )
        .order_by(column.desc() if window.newest_first else column.asc())
        .limit(window.rows_to_read)
    )
    return [decode_method(row.document) for row in found]


def attached_to(connection: Connection, org_id: str, livemode: int, customer_id: str) -> list[Found]:
    found = connection.execute(
        select(payment_methods.c.version, payment_methods.c.state, payment_methods.c.document)
        .join(customer_methods, _IS_ATTACHED)
        .where(
            customer_methods.c.org_id == org_id,
            customer_methods.c.livemode == livemode,
            customer_methods.c.customer_id == customer_id,
        )
        .order_by(customer_methods.c.method_id)
    )
    return [Found(decode_method(row.document), row.version, row.state) for row in found]


_IS_ATTACHED = (
    (customer_methods.c.org_id == payment_methods.c.org_id)
    & (customer_methods.c.livemode == payment_methods.c.livemode)
    & (customer_methods.c.method_id == payment_methods.c.id)
)


def _attachment(org_id: str, livemode: int, method: PaymentMethod) -> list[Change]:
    if method.customer is None:
        return []
    row = {"org_id": org_id, "livemode": livemode, "customer_id": method.customer, "method_id": method.id}
    return [Change(INSERT_ATTACHMENT, row)]
