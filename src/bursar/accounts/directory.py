"""Who a key belongs to: remembered for a few seconds, so that a request costs one hash and no read."""

from __future__ import annotations

import hashlib
import ipaddress
import os
from collections import OrderedDict

from sqlalchemy import Connection

from bursar.accounts import repository
from bursar.accounts.organisations import suspended
from bursar.accounts.rules import DEVELOPMENT_KEYS, hash_key, is_alive
from bursar.accounts.schemas import ApiKey, Organisation
from bursar.accounts.uses import KeyUses
from bursar.http.authentication import Principal
from bursar.kit.clock import MICROSECONDS_PER_SECOND, Clock
from bursar.store.store import Store

REMEMBERED_SECONDS = 5  # a revoked key works this much longer at most, in every process
KEYS_REMEMBERED_MAX = 20_000


class StoredKeys:
    """The key directory of the running server."""

    def __init__(
        self, store: Store, clock: Clock, secret: str, previous_secret: str | None, *, development: bool
    ) -> None:
        self._store = store
        self._clock = clock
        self._secret = secret
        self._previous_secret = previous_secret
        self._development = development
        self.uses = KeyUses(store, clock)
        self._remembered: OrderedDict[bytes, tuple[Principal, int]] = OrderedDict()

    def used(self, principal: Principal, address: str | None) -> None:
        self.uses.used(principal.org_id, principal.key_id, address)

    def cached(self, api_key: str) -> Principal | None:
        found = self._remembered.get(_digest(api_key))
        return found[0] if found is not None and self._clock.now_microseconds() < found[1] else None

    async def find(self, api_key: str) -> Principal | None:
        if api_key in DEVELOPMENT_KEYS and not self._development:
            return None  # everybody knows them
        now = self._clock.now_microseconds()
        for secret in (self._secret, self._previous_secret):
            if secret is None:
                continue
            key_hash = hash_key(api_key, secret)
            found = await self._store.read(lambda connection, wanted=key_hash: _find(connection, wanted))  # type: ignore[misc]
            if found is not None and is_alive(found[0], now):
                key, organisation = found
                if organisation is not None and organisation.suspended is not None:
                    raise suspended()
                principal = _principal(key)
                until = min(now + REMEMBERED_SECONDS * MICROSECONDS_PER_SECOND, key.expires or 2**63)
                self._remember(_digest(api_key), principal, until)
                return principal
        return None

    def _remember(self, key_hash: bytes, principal: Principal, until: int) -> None:
        self._remembered[key_hash] = (principal, until)
        self._remembered.move_to_end(key_hash)
        while len(self._remembered) > KEYS_REMEMBERED_MAX:
            self._remembered.popitem(last=False)


def _find(connection: Connection, key_hash: str) -> tuple[ApiKey, Organisation | None] | None:
    key = repository.find_key_by_hash(connection, key_hash)
    return None if key is None else (key, repository.find_organisation(connection, key.organisation))


def _principal(key: ApiKey) -> Principal:
    return Principal(
        key.organisation,
        int(key.livemode),
        key.id,
        key.kind,
        frozenset(key.permissions),
        networks=tuple(map(ipaddress.ip_network, key.addresses)),
    )


def _digest(api_key: str) -> bytes:
    """Looked up by a digest, so that the time it takes tells nothing of the keys that are remembered."""
    return hashlib.sha256(_salt + api_key.encode()).digest()


_salt = os.urandom(16)
