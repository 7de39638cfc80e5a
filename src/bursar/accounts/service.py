"""Making organisations and keys. Cold paths: each is one transaction, told in the log."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from sqlalchemy import Connection

from bursar.accounts import repository
from bursar.accounts.rules import (
    DEVELOPMENT_PUBLISHABLE_KEY,
    DEVELOPMENT_SECRET_KEY,
    check_permissions,
    hash_key,
    hint,
    is_alive,
    new_key,
)
from bursar.accounts.schemas import ApiKey, Kind, Organisation
from bursar.kit.clock import MICROSECONDS_PER_SECOND, Clock
from bursar.kit.errors import Conflict, InvalidRequest, NotFound
from bursar.kit.ids import IdFactory
from bursar.store.log import Entry, Origin
from bursar.store.store import Store
from bursar.store.unit import Unit

DEVELOPMENT_ORG_ID = "acct_bursardevelopment"
END_OF_TIME = 2**63 - 1
NAME_LENGTH_MAX = 200
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

    def create_organisation(self, name: str) -> Organisation:
        if not name.strip() or len(name) > NAME_LENGTH_MAX:
            raise InvalidRequest(f"An organisation's name has 1 to {NAME_LENGTH_MAX} characters.", param="name")
        org_id, now = self._ids.new_with_time("acct")
        organisation = Organisation(id=org_id, name=name.strip(), created=now)
        self._store.transact_blocking(lambda _: (None, _organisation_unit(organisation)))
        return organisation

    def create_key(
        self,
        org_id: str,
        kind: Kind,
        *,
        livemode: bool,
        name: str = "",
        permissions: list[str] | None = None,
        expires: int | None = None,
    ) -> ShownOnce:
        check_permissions(kind, permissions or [])
        if len(name) > NAME_LENGTH_MAX:
            raise InvalidRequest(f"A key's name has at most {NAME_LENGTH_MAX} characters.", param="name")
        api_key = new_key(kind, livemode=livemode)
        key = self._key(org_id, kind, api_key, livemode=livemode, name=name, permissions=permissions, expires=expires)

        def work(connection: Connection) -> tuple[None, Unit]:
            if repository.find_organisation(connection, org_id) is None:
                raise NotFound(f"There is no organisation {org_id}.", param="organisation", code="resource_missing")
            return None, self._key_unit(key, api_key)

        self._store.transact_blocking(work)
        return ShownOnce(key, api_key)

    def find(self, key_id: str) -> ApiKey:
        key = self._store.read_blocking(lambda connection: repository.find_key(connection, key_id))
        if key is None:
            raise _no_key(key_id)
        return key

    def rotate_key(self, key_id: str, overlap_seconds: int) -> ShownOnce:
        """A new key that may do the same; the old one goes on for a while, so that nobody is cut off."""
        now = self._clock.now_microseconds()

        def work(connection: Connection) -> tuple[ShownOnce, Unit]:
            old = self._living(connection, key_id, now)
            api_key = new_key(old.kind, livemode=old.livemode)
            # Who was given a key for a year is given its successor for a year.
            lifetime = None if old.expires is None else old.expires - old.created
            new = self._key(
                old.organisation,
                old.kind,
                api_key,
                livemode=old.livemode,
                name=old.name,
                permissions=old.permissions,
                expires=None if lifetime is None else now + lifetime,
            )
            expires = min(now + overlap_seconds * MICROSECONDS_PER_SECOND, old.expires or END_OF_TIME)
            if old.expires is not None:
                expires = min(expires, old.expires)  # a key that was to end sooner still does
            unit = self._key_unit(new, api_key)
            unit.changes.append(repository.set_expiry(old, expires))
            unit.entries.append(_key_entry("bursar.api_key.rotated", msgspec.structs.replace(old, expires=expires)))
            return ShownOnce(new, api_key), unit

        shown: ShownOnce = self._store.transact_blocking(work)
        return shown

    def revoke_key(self, key_id: str) -> ApiKey:
        now = self._clock.now_microseconds()

        def work(connection: Connection) -> tuple[ApiKey, Unit]:
            revoked = msgspec.structs.replace(self._living(connection, key_id, now), revoked=now)
            unit = Unit([repository.set_revoked(revoked, now)], [_key_entry("bursar.api_key.revoked", revoked)])
            return revoked, unit

        key: ApiKey = self._store.transact_blocking(work)
        return key

    def seed_development(self) -> None:
        """The organisation and the two fixed keys of dev mode; nothing if they are there."""

        def work(connection: Connection) -> tuple[None, Unit]:
            if repository.find_organisation(connection, DEVELOPMENT_ORG_ID) is not None:
                return None, Unit()
            now = self._clock.now_microseconds()
            unit = _organisation_unit(Organisation(id=DEVELOPMENT_ORG_ID, name="Development", created=now))
            keys: list[tuple[Kind, str]] = [
                ("secret", DEVELOPMENT_SECRET_KEY),
                ("publishable", DEVELOPMENT_PUBLISHABLE_KEY),
            ]
            for kind, api_key in keys:
                key = self._key(DEVELOPMENT_ORG_ID, kind, api_key, livemode=False, name="Development")
                addition = self._key_unit(key, api_key)
                unit.changes += addition.changes
                unit.entries += addition.entries
            return None, unit

        self._store.transact_blocking(work)

    def _living(self, connection: Connection, key_id: str, now: int) -> ApiKey:
        key = repository.find_key(connection, key_id)
        if key is None:
            raise _no_key(key_id)
        if not is_alive(key, now):
            raise Conflict(f"The key {key_id} is revoked or expired.", param="id")
        return key

    def _key(
        self,
        org_id: str,
        kind: Kind,
        api_key: str,
        *,
        livemode: bool,
        name: str,
        permissions: list[str] | None = None,
        expires: int | None = None,
    ) -> ApiKey:
        key_id, now = self._ids.new_with_time("key")
        return ApiKey(
            id=key_id,
            organisation=org_id,
            livemode=livemode,
            kind=kind,
            name=name or f"{kind} key",
            hint=hint(api_key),
            permissions=permissions or [],
            created=now,
            expires=expires,
            revoked=None,
        )

    def _key_unit(self, key: ApiKey, api_key: str) -> Unit:
        change = repository.insert_key(key, hash_key(api_key, self._secret))
        return Unit([change], [_key_entry("bursar.api_key.created", key)])


def _no_key(key_id: str) -> NotFound:
    return NotFound(f"There is no key {key_id}; `bursar keys list` shows them.", param="id")


def _key_entry(event_type: str, key: ApiKey) -> Entry:
    return Entry(key.organisation, int(key.livemode), event_type, key.id, msgspec.json.encode(key), origin=COMMAND_LINE)


def _organisation_unit(organisation: Organisation) -> Unit:
    document = msgspec.json.encode(organisation)
    entry = Entry(organisation.id, 0, "bursar.organisation.created", organisation.id, document, origin=COMMAND_LINE)
    return Unit([repository.insert_organisation(organisation)], [entry])
