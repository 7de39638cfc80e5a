"""Making organisations and keys. Cold paths: each is one transaction, told in the log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import Connection

from bursar.accounts import repository
from bursar.accounts.rules import (
    DEVELOPMENT_CODE,
    DEVELOPMENT_PUBLISHABLE_KEY,
    DEVELOPMENT_SECRET_KEY,
    check_key_name,
    check_permissions,
    hash_key,
    hint,
    is_alive,
    new_code,
    new_key,
    read_addresses,
    read_category,
    read_country,
    read_currency,
    read_name,
)
from bursar.accounts.schemas import ApiKey, Kind, Organisation, managed, profile_of
from bursar.kit.clock import MICROSECONDS_PER_SECOND, Clock
from bursar.kit.errors import Conflict, NotFound
from bursar.kit.ids import IdFactory
from bursar.store.log import Entry, Origin, differences
from bursar.store.store import Store
from bursar.store.unit import Unit

DEVELOPMENT_ORG_ID = "acct_bursardevelopment"
END_OF_TIME = 2**63 - 1
CATEGORY_DEFAULT = "general"
CURRENCY_DEFAULT = "usd"
COMMAND_LINE = Origin(actor="command_line")


class ShownOnce(NamedTuple):
    """A new key with its secret, which is kept nowhere."""

    key: ApiKey
    api_key: str


class AccountService:
    def __init__(self, store: Store, ids: IdFactory, clock: Clock, secret: str) -> None:
        self._store = store
        self._ids = ids
        self._clock = clock
        self._secret = secret

    def new_organisation(
        self,
        origin: Origin,
        *,
        name: str,
        category: str,
        country: str | None = None,
        currency: str = CURRENCY_DEFAULT,
    ) -> tuple[Organisation, Unit]:
        """An organisation, and what makes it one when it is committed, with whatever else belongs to it."""
        org_id, now = self._ids.new_with_time(repository.ORGANISATION_PREFIX)
        organisation = Organisation(
            id=org_id,
            code=new_code(),
            name=read_name(name),
            category=read_category(category),
            country=read_country(country),
            currency=read_currency(currency),
            created=now,
        )
        return organisation, _organisation_unit(organisation, origin)

    def new_key(
        self,
        origin: Origin,
        org_id: str,
        kind: Kind,
        *,
        livemode: bool,
        name: str,
        permissions: Sequence[str] | None = None,
        expires: int | None = None,
        addresses: Sequence[str] | None = None,
    ) -> tuple[ShownOnce, Unit]:
        """A key with its secret, and what makes it work when it is committed. `expires` is in microseconds."""
        permissions = list(dict.fromkeys(permissions or ()))
        check_permissions(kind, permissions)
        check_key_name(name)
        api_key = new_key(kind, livemode=livemode)
        key_id, now = self._ids.new_with_time(repository.KEY_PREFIX)
        key = ApiKey(
            id=key_id,
            organisation=org_id,
            livemode=livemode,
            kind=kind,
            name=name or f"{kind} key",
            hint=hint(api_key),
            permissions=permissions,
            addresses=read_addresses(addresses or ()),
            created=now,
            expires=expires,
            revoked=None,
        )
        return ShownOnce(key, api_key), self._key_unit(key, api_key, origin)

    def create_organisation(self, name: str, *, category: str = CATEGORY_DEFAULT) -> Organisation:
        organisation, unit = self.new_organisation(COMMAND_LINE, name=name, category=category)
        self._store.transact_blocking(lambda _: (None, unit))
        return organisation

    def create_key(
        self,
        org_id: str,
        kind: Kind,
        *,
        livemode: bool,
        name: str = "",
        permissions: Sequence[str] | None = None,
        expires: int | None = None,
        addresses: Sequence[str] | None = None,
    ) -> ShownOnce:
        shown, unit = self.new_key(
            COMMAND_LINE,
            org_id,
            kind,
            livemode=livemode,
            name=name,
            permissions=permissions,
            expires=expires,
            addresses=addresses,
        )

        def work(connection: Connection) -> tuple[None, Unit]:
            if repository.find_organisation(connection, org_id) is None:
                raise NotFound(f"There is no organisation {org_id}.", param="organisation", code="resource_missing")
            return None, unit

        self._store.transact_blocking(work)
        return shown

    def find(self, key_id: str) -> ApiKey:
        key = self._store.read_blocking(lambda connection: repository.find_key(connection, key_id))
        if key is None:
            raise _no_key(key_id)
        return key

    def rotate_key(self, key_id: str, overlap_seconds: int) -> ShownOnce:
        """A new key that may do the same; the old one goes on for a while, so that nobody is cut off."""

        def work(connection: Connection) -> tuple[ShownOnce, Unit]:
            return self.rotation(COMMAND_LINE, _found(connection, key_id), overlap_seconds)

        shown: ShownOnce = self._store.transact_blocking(work)
        return shown

    def revoke_key(self, key_id: str) -> ApiKey:
        def work(connection: Connection) -> tuple[ApiKey, Unit]:
            return self.revocation(COMMAND_LINE, _found(connection, key_id))

        key: ApiKey = self._store.transact_blocking(work)
        return key

    def rotation(self, origin: Origin, old: ApiKey, overlap_seconds: int) -> tuple[ShownOnce, Unit]:
        now = self._clock.now_microseconds()
        require_alive(old, now)
        # Who was given a key for a year is given its successor for a year.
        lifetime = None if old.expires is None else old.expires - old.created
        shown, unit = self.new_key(
            origin,
            old.organisation,
            old.kind,
            livemode=old.livemode,
            name=old.name,
            permissions=old.permissions,
            expires=None if lifetime is None else now + lifetime,
            addresses=old.addresses,
        )
        # A key that was to end sooner still does.
        expires = min(now + overlap_seconds * MICROSECONDS_PER_SECOND, old.expires or END_OF_TIME)
        addition = key_change(origin, "bursar.api_key.rotated", old, msgspec.structs.replace(old, expires=expires))
        return shown, Unit([*unit.changes, *addition.changes], [*unit.entries, *addition.entries])

    def change(
        self,
        origin: Origin,
        before: ApiKey,
        *,
        name: str | UnsetType = UNSET,
        permissions: Sequence[str] | UnsetType = UNSET,
        addresses: Sequence[str] | UnsetType = UNSET,
        expires: int | UnsetType | None = UNSET,
    ) -> tuple[ApiKey, Unit]:
        """What is not given stays as it is. `expires` is in microseconds."""
        require_alive(before, self._clock.now_microseconds())
        after = msgspec.structs.replace(
            before,
            name=before.name if name is UNSET else name or f"{before.kind} key",
            permissions=before.permissions if permissions is UNSET else list(dict.fromkeys(permissions)),
            addresses=before.addresses if addresses is UNSET else read_addresses(addresses),
            expires=before.expires if expires is UNSET else expires,
        )
        check_permissions(after.kind, after.permissions)
        check_key_name(after.name)
        unit = Unit() if after == before else key_change(origin, "bursar.api_key.updated", before, after)
        return after, unit

    def change_key(self, key_id: str, **changes: Any) -> ApiKey:
        def work(connection: Connection) -> tuple[ApiKey, Unit]:
            return self.change(COMMAND_LINE, _found(connection, key_id), **changes)

        key: ApiKey = self._store.transact_blocking(work)
        return key

    def revocation(self, origin: Origin, key: ApiKey) -> tuple[ApiKey, Unit]:
        now = self._clock.now_microseconds()
        require_alive(key, now)
        revoked = msgspec.structs.replace(key, revoked=now)
        return revoked, key_change(origin, "bursar.api_key.revoked", key, revoked)

    def seed_development(self) -> None:
        """The organisation and the two fixed keys of dev mode; nothing if they are there."""

        def work(connection: Connection) -> tuple[None, Unit]:
            if repository.find_organisation(connection, DEVELOPMENT_ORG_ID) is not None:
                return None, Unit()
            return None, self._development(self._clock.now_microseconds())

        self._store.transact_blocking(work)

    def _development(self, now: int) -> Unit:
        organisation = Organisation(
            id=DEVELOPMENT_ORG_ID,
            code=DEVELOPMENT_CODE,
            name="Development",
            category=CATEGORY_DEFAULT,
            country=None,
            currency=CURRENCY_DEFAULT,
            created=now,
        )
        unit = _organisation_unit(organisation, COMMAND_LINE)
        keys: list[tuple[Kind, str]] = [
            ("secret", DEVELOPMENT_SECRET_KEY),
            ("publishable", DEVELOPMENT_PUBLISHABLE_KEY),
        ]
        for kind, api_key in keys:
            shown, _ = self.new_key(COMMAND_LINE, DEVELOPMENT_ORG_ID, kind, livemode=False, name="Development")
            fixed = msgspec.structs.replace(shown.key, hint=hint(api_key))
            addition = self._key_unit(fixed, api_key, COMMAND_LINE)
            unit.changes += addition.changes
            unit.entries += addition.entries
        return unit

    def _key_unit(self, key: ApiKey, api_key: str, origin: Origin) -> Unit:
        change = repository.insert_key(key, hash_key(api_key, self._secret))
        return Unit([change], [_key_entry("bursar.api_key.created", key, origin)])


def key_change(origin: Origin, event_type: str, before: ApiKey, after: ApiKey) -> Unit:
    entry = _key_entry(event_type, after, origin)
    entry.previous_attributes = differences(msgspec.json.encode(managed(before)), entry.document)
    return Unit([repository.update_key(after)], [entry])


def _found(connection: Connection, key_id: str) -> ApiKey:
    key = repository.find_key(connection, key_id)
    if key is None:
        raise _no_key(key_id)
    return key


def require_alive(key: ApiKey, now: int) -> None:
    if not is_alive(key, now):
        raise Conflict(f"The key {key.id} is revoked or expired.", param="id")


def _no_key(key_id: str) -> NotFound:
    return NotFound(f"There is no key {key_id}; `bursar keys list` shows them.", param="id")


def _key_entry(event_type: str, key: ApiKey, origin: Origin) -> Entry:
    document = msgspec.json.encode(managed(key))
    return Entry(key.organisation, int(key.livemode), event_type, key.id, document, origin=origin)


def _organisation_unit(organisation: Organisation, origin: Origin) -> Unit:
    document = msgspec.json.encode(profile_of(organisation))
    entry = Entry(organisation.id, 0, "bursar.organisation.created", organisation.id, document, origin=origin)
    return Unit(repository.insert_organisation(organisation), [entry])
