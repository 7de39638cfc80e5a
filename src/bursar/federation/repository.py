"""Providers' and identities' SQL."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, bindparam, select

from bursar.federation.schemas import Provider, ProviderDocument
from bursar.federation.tables import identities, sign_in_providers
from bursar.store.columns import INSTALLATION
from bursar.store.unit import Change

PREFIX = "idp"
INSERT = sign_in_providers.insert()
_ONE = (sign_in_providers.c.org_id == bindparam("o"), sign_in_providers.c.id == bindparam("i"))
UPDATE = (
    sign_in_providers.update()
    .where(*_ONE, sign_in_providers.c.version == bindparam("expected_version"))
    .values(version=bindparam("new_version"), sealed_secret=bindparam("new_secret"), document=bindparam("new_document"))
)
DELETE = sign_in_providers.delete().where(*_ONE, sign_in_providers.c.version == bindparam("expected_version"))
INSERT_IDENTITY = identities.insert()
_IDENTITY = (
    identities.c.org_id == bindparam("o"),
    identities.c.provider_id == bindparam("p"),
    identities.c.subject_hash == bindparam("s"),
)
SEEN = identities.update().where(*_IDENTITY).values(seen=bindparam("now"))
FORGET = identities.delete().where(identities.c.org_id == bindparam("o"), identities.c.provider_id == bindparam("p"))
_FIND_USER = select(identities.c.user_id).where(*_IDENTITY)
_ALL = select(sign_in_providers).where(sign_in_providers.c.org_id == INSTALLATION).order_by(sign_in_providers.c.id)


def insertion(provider: Provider) -> Change:
    return Change(
        INSERT,
        {
            "org_id": INSTALLATION,
            "id": provider.id,
            "version": provider.version,
            "sealed_secret": provider.sealed_secret,
            "document": msgspec.json.encode(provider.document).decode(),
            "created": provider.created,
        },
    )


def update(before: Provider, after: Provider) -> Change:
    row = {
        "o": INSTALLATION,
        "i": before.id,
        "expected_version": before.version,
        "new_version": after.version,
        "new_secret": after.sealed_secret,
        "new_document": msgspec.json.encode(after.document).decode(),
    }
    return Change(UPDATE, row, rows_expected=1)


def deletion(provider: Provider) -> list[Change]:
    """With whom it knew: a provider that is made anew may be somebody else's."""
    row = {"o": INSTALLATION, "i": provider.id, "expected_version": provider.version}
    return [
        Change(DELETE, row, rows_expected=1),
        Change(FORGET, {"o": INSTALLATION, "p": provider.id}),
    ]


def identity(provider_id: str, subject: str, user_id: str, now: int) -> Change:
    return Change(
        INSERT_IDENTITY,
        {
            "org_id": INSTALLATION,
            "provider_id": provider_id,
            "subject_hash": subject_hash(subject),
            "user_id": user_id,
            "created": now,
            "seen": now,
        },
    )


def seen(provider_id: str, subject: str, now: int) -> Change:
    return Change(SEEN, {"o": INSTALLATION, "p": provider_id, "s": subject_hash(subject), "now": now})


def find_user(connection: Connection, provider_id: str, subject: str) -> str | None:
    key = {"o": INSTALLATION, "p": provider_id, "s": subject_hash(subject)}
    user_id: str | None = connection.execute(_FIND_USER, key).scalar()
    return user_id


def all_providers(connection: Connection) -> list[Provider]:
    return [_provider(row) for row in connection.execute(_ALL)]


def subject_hash(subject: str) -> str:
    return hashlib.sha256(subject.encode(errors="surrogatepass")).hexdigest()


def _provider(row: Row[Any]) -> Provider:
    return Provider(
        id=row.id,
        created=row.created,
        version=row.version,
        document=msgspec.json.decode(row.document, type=ProviderDocument),
        sealed_secret=row.sealed_secret,
    )
