"""Organisations' and keys' SQL."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, bindparam, or_, select

from bursar.accounts.schemas import ApiKey, Organisation
from bursar.accounts.tables import api_keys, organisation_codes, organisations
from bursar.http.paging import Window
from bursar.store.columns import INSTALLATION
from bursar.store.unit import Change

ORGANISATION_PREFIX = "acct"
KEY_PREFIX = "key"
FOLDED_LENGTH_MAX = 400  # as wide as the column

INSERT_ORGANISATION = organisations.insert()
INSERT_CODE = organisation_codes.insert()
UPDATE_ORGANISATION = (
    organisations.update()
    .where(organisations.c.org_id == bindparam("o"), organisations.c.version == bindparam("expected_version"))
    .values(
        version=bindparam("new_version"),
        name=bindparam("new_name"),
        name_folded=bindparam("new_name_folded"),
        category=bindparam("new_category"),
        country=bindparam("new_country"),
        currency=bindparam("new_currency"),
        suspended=bindparam("new_suspended"),
    )
)
INSERT_KEY = api_keys.insert()
_SAME_KEY = (api_keys.c.org_id == bindparam("o"), api_keys.c.id == bindparam("i"))
UPDATE_KEY = (
    api_keys.update()
    .where(*_SAME_KEY, api_keys.c.version == bindparam("expected_version"), api_keys.c.revoked.is_(None))
    .values(
        version=bindparam("new_version"),
        name=bindparam("new_name"),
        permissions=bindparam("new_permissions"),
        addresses=bindparam("new_addresses"),
        expires=bindparam("new_expires"),
        revoked=bindparam("new_revoked"),
    )
)
# Several processes tell of the same key, each of what it has seen itself.
SET_USED = (
    api_keys.update()
    .where(*_SAME_KEY, or_(api_keys.c.last_used.is_(None), api_keys.c.last_used < bindparam("at")))
    .values(last_used=bindparam("at"), last_used_address=bindparam("address"))
)


def insert_organisation(organisation: Organisation) -> list[Change]:
    row = {
        "org_id": organisation.id,
        "version": organisation.version,
        "name": organisation.name,
        "name_folded": _folded(organisation.name),
        "code": organisation.code,
        "category": organisation.category,
        "country": organisation.country,
        "currency": organisation.currency,
        "created": organisation.created,
        "suspended": organisation.suspended,
    }
    code = {"org_id": INSTALLATION, "code": organisation.code, "organisation": organisation.id}
    return [Change(INSERT_ORGANISATION, row), Change(INSERT_CODE, code)]


def update_organisation(after: Organisation) -> Change:
    """`after` has the version that it was read with."""
    row = {
        "o": after.id,
        "expected_version": after.version,
        "new_version": after.version + 1,
        "new_name": after.name,
        "new_name_folded": _folded(after.name),
        "new_category": after.category,
        "new_country": after.country,
        "new_currency": after.currency,
        "new_suspended": after.suspended,
    }
    return Change(UPDATE_ORGANISATION, row, rows_expected=1)


def insert_key(key: ApiKey, key_hash: str) -> Change:
    return Change(
        INSERT_KEY,
        {
            "org_id": key.organisation,
            "id": key.id,
            "livemode": int(key.livemode),
            "version": key.version,
            "kind": key.kind,
            "name": key.name,
            "key_hash": key_hash,
            "hint": key.hint,
            "permissions": _json(key.permissions),
            "addresses": _json(key.addresses) if key.addresses else None,
            "created": key.created,
            "expires": key.expires,
            "revoked": key.revoked,
            "last_used": None,
            "last_used_address": None,
        },
    )


def update_key(after: ApiKey) -> Change:
    """`after` has the version that it was read with. A revoked key stays as it was."""
    row = {
        "o": after.organisation,
        "i": after.id,
        "expected_version": after.version,
        "new_version": after.version + 1,
        "new_name": after.name,
        "new_permissions": _json(after.permissions),
        "new_addresses": _json(after.addresses) if after.addresses else None,
        "new_expires": after.expires,
        "new_revoked": after.revoked,
    }
    return Change(UPDATE_KEY, row, rows_expected=1)


def set_used(org_id: str, key_id: str, at: int, address: str | None) -> Change:
    return Change(SET_USED, {"o": org_id, "i": key_id, "at": at, "address": address})


def find_organisation(connection: Connection, org_id: str) -> Organisation | None:
    row = connection.execute(select(organisations).where(organisations.c.org_id == org_id)).first()
    return _organisation(row) if row else None


def find_organisation_by_code(connection: Connection, code: str) -> Organisation | None:
    of_code = select(organisation_codes.c.organisation).where(
        organisation_codes.c.org_id == INSTALLATION, organisation_codes.c.code == code
    )
    org_id = connection.execute(of_code).scalar()
    return None if org_id is None else find_organisation(connection, org_id)


def list_organisations(connection: Connection) -> list[Organisation]:
    return [_organisation(row) for row in connection.execute(select(organisations).order_by(organisations.c.org_id))]


def page_of_organisations(connection: Connection, window: Window, query: str | None) -> list[Organisation]:
    """One row more than the page shows, in the window's order."""
    conditions: list[ColumnElement[bool]] = []
    if query:
        wanted = [organisations.c.name_folded.contains(query.casefold(), autoescape=True)]
        if query.isascii():  # what no code has, MariaDB refuses to compare with one
            wanted.append(organisations.c.code.startswith(query.upper(), autoescape=True))
        conditions.append(or_(*wanted))
    column = organisations.c.org_id
    conditions += _in_window(column, window)
    order = column.desc() if window.newest_first else column.asc()
    found = connection.execute(select(organisations).where(*conditions).order_by(order).limit(window.rows_to_read))
    return [_organisation(row) for row in found]


def find_key_by_hash(connection: Connection, key_hash: str) -> ApiKey | None:
    row = connection.execute(select(api_keys).where(api_keys.c.key_hash == key_hash)).first()
    return _key(row) if row else None


def find_key(connection: Connection, key_id: str) -> ApiKey | None:
    """Of whatever organisation: for those who run the installation."""
    row = connection.execute(select(api_keys).where(api_keys.c.id == key_id)).first()
    return _key(row) if row else None


def find_key_of(connection: Connection, org_id: str, livemode: int, key_id: str) -> ApiKey | None:
    own = (api_keys.c.org_id == org_id, api_keys.c.id == key_id, api_keys.c.livemode == livemode)
    row = connection.execute(select(api_keys).where(*own)).first()
    return _key(row) if row else None


def page_of_keys(connection: Connection, org_id: str, livemode: int, window: Window) -> list[ApiKey]:
    """One row more than the page shows, in the window's order."""
    own = (api_keys.c.org_id == org_id, api_keys.c.livemode == livemode)
    column = api_keys.c.id
    order = column.desc() if window.newest_first else column.asc()
    wanted = select(api_keys).where(*own, *_in_window(column, window)).order_by(order).limit(window.rows_to_read)
    return [_key(row) for row in connection.execute(wanted)]


def list_keys(connection: Connection, org_id: str | None) -> list[ApiKey]:
    query = select(api_keys).order_by(api_keys.c.org_id, api_keys.c.id)
    if org_id is not None:
        query = query.where(api_keys.c.org_id == org_id)
    return [_key(row) for row in connection.execute(query)]


def _in_window(column: Any, window: Window) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if window.after_id is not None:
        conditions.append(column < window.after_id)
    if window.before_id is not None:
        conditions.append(column > window.before_id)
    return conditions


def _organisation(row: Row[Any]) -> Organisation:
    return Organisation(
        id=row.org_id,
        code=row.code,
        name=row.name,
        category=row.category,
        country=row.country,
        currency=row.currency,
        created=row.created,
        suspended=row.suspended,
        version=row.version,
    )


def _key(row: Row[Any]) -> ApiKey:
    return ApiKey(
        id=row.id,
        organisation=row.org_id,
        livemode=bool(row.livemode),
        kind=row.kind,
        name=row.name,
        hint=row.hint,
        permissions=msgspec.json.decode(row.permissions, type=list[str]),
        addresses=[] if row.addresses is None else msgspec.json.decode(row.addresses, type=list[str]),
        created=row.created,
        expires=row.expires,
        revoked=row.revoked,
        last_used=row.last_used,
        last_used_address=row.last_used_address,
        version=row.version,
    )


def _folded(name: str) -> str:
    """Some letters become several when their case is folded; what does not fit is not searched."""
    return name.casefold()[:FOLDED_LENGTH_MAX]


def _json(value: list[str]) -> str:
    return msgspec.json.encode(value).decode()
