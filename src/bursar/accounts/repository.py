"""Organisations' and keys' SQL."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, Row, bindparam, select

from bursar.accounts.schemas import ApiKey, Organisation
from bursar.accounts.tables import api_keys, organisations
from bursar.store.unit import Change

INSERT_ORGANISATION = organisations.insert()
INSERT_KEY = api_keys.insert()
SET_EXPIRY = (
    api_keys.update()
    .where(api_keys.c.org_id == bindparam("o"), api_keys.c.id == bindparam("i"), api_keys.c.revoked.is_(None))
    .values(expires=bindparam("at"))
)
SET_REVOKED = (
    api_keys.update()
    .where(api_keys.c.org_id == bindparam("o"), api_keys.c.id == bindparam("i"), api_keys.c.revoked.is_(None))
    .values(revoked=bindparam("at"))
)


def insert_organisation(organisation: Organisation) -> Change:
    row = {"org_id": organisation.id, "name": organisation.name, "created": organisation.created}
    return Change(INSERT_ORGANISATION, row)


def insert_key(key: ApiKey, key_hash: str) -> Change:
    return Change(
        INSERT_KEY,
        {
            "org_id": key.organisation,
            "id": key.id,
            "livemode": int(key.livemode),
            "kind": key.kind,
            "name": key.name,
            "key_hash": key_hash,
            "hint": key.hint,
            "permissions": msgspec.json.encode(key.permissions).decode(),
            "created": key.created,
            "expires": key.expires,
            "revoked": key.revoked,
        },
    )


def set_expiry(key: ApiKey, at: int) -> Change:
    return Change(SET_EXPIRY, {"o": key.organisation, "i": key.id, "at": at}, rows_expected=1)


def set_revoked(key: ApiKey, at: int) -> Change:
    return Change(SET_REVOKED, {"o": key.organisation, "i": key.id, "at": at}, rows_expected=1)


def find_organisation(connection: Connection, org_id: str) -> Organisation | None:
    row = connection.execute(select(organisations).where(organisations.c.org_id == org_id)).first()
    return Organisation(id=row.org_id, name=row.name, created=row.created) if row else None


def list_organisations(connection: Connection) -> list[Organisation]:
    rows = connection.execute(select(organisations).order_by(organisations.c.org_id))
    return [Organisation(id=row.org_id, name=row.name, created=row.created) for row in rows]


def find_key_by_hash(connection: Connection, key_hash: str) -> ApiKey | None:
    row = connection.execute(select(api_keys).where(api_keys.c.key_hash == key_hash)).first()
    return _key(row) if row else None


def find_key(connection: Connection, key_id: str) -> ApiKey | None:
    row = connection.execute(select(api_keys).where(api_keys.c.id == key_id)).first()
    return _key(row) if row else None


def list_keys(connection: Connection, org_id: str | None) -> list[ApiKey]:
    query = select(api_keys).order_by(api_keys.c.org_id, api_keys.c.id)
    if org_id is not None:
        query = query.where(api_keys.c.org_id == org_id)
    return [_key(row) for row in connection.execute(query)]


def _key(row: Row[Any]) -> ApiKey:
    return ApiKey(
        id=row.id,
        organisation=row.org_id,
        livemode=bool(row.livemode),
        kind=row.kind,
        name=row.name,
        hint=row.hint,
        permissions=msgspec.json.decode(row.permissions, type=list[str]),
        created=row.created,
        expires=row.expires,
        revoked=row.revoked,
    )
