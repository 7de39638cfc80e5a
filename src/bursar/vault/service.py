"""Sealing and opening card numbers."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Sequence

from sqlalchemy import Connection

from bursar.kit.clock import MICROSECONDS_PER_SECOND, Clock
from bursar.store.errors import DuplicateKey, StoreContention
from bursar.store.store import Store
from bursar.store.unit import Change, Unit
from bursar.vault import crypto, repository
from bursar.vault.crypto import KEY_BYTES
from bursar.vault.keys import KEY_CREATED, CardMissing, KeyRing, VaultUnusable, Wrapping, key_entry
from bursar.vault.schemas import DataKey, SealedCard

# So long a server may go on sealing under a key that a rotation has replaced.
KEYS_KNOWN_SECONDS = 5
RINGS_MAX = 10_000

Place = tuple[str, int]  # organisation and mode


class Vault:
    """One per process. Sealing is pure computation while the organisation's keys are known."""

    def __init__(
        self, store: Store, clock: Clock, *, key: bytes, key_previous: bytes | None, fingerprint_key: bytes
    ) -> None:
        if fingerprint_key and len(fingerprint_key) != KEY_BYTES:
            raise VaultUnusable(f"The key of the fingerprints does not have {KEY_BYTES} bytes.")
        self._store = store
        self._clock = clock
        self._fingerprint_key = fingerprint_key
        self.wrapping = Wrapping(key, key_previous)
        self._rings: OrderedDict[Place, tuple[KeyRing, int]] = OrderedDict()
        self._loading: dict[Place, asyncio.Task[KeyRing]] = {}

    async def seal(self, org_id: str, livemode: int, token_id: str, number: str) -> list[Change]:
        """What keeps the number. The first card of an organisation makes and commits its data key."""
        place = (org_id, livemode)
        ring = self._known(place) or await self._load(place)
        if not ring.newest_version:
            ring = await self._begin(place)
        return [repository.insert_card(org_id, livemode, ring.seal(token_id, number))]

    async def open(self, org_id: str, livemode: int, token_id: str) -> str:
        card = await self._store.read(lambda connection: repository.find_card(connection, org_id, livemode, token_id))
        if card is None:
            raise CardMissing(f"The vault has no card for {token_id} of {org_id}.")
        return await self.unseal(org_id, livemode, card)

    async def unseal(self, org_id: str, livemode: int, card: SealedCard) -> str:
        """For whoever has read the row already, together with something else."""
        place = (org_id, livemode)
        remembered = self._rings.get(place)
        # A key never changes, so it does not matter how long it has been known.
        if remembered is not None and card.key_version in remembered[0]:
            return remembered[0].unseal(card)
        return (await self._load(place)).unseal(card)

    def fingerprint(self, org_id: str, number: str) -> str:
        if not self._fingerprint_key:
            raise VaultUnusable("Fingerprints have no key: set BURSAR_VAULT_FINGERPRINT_KEY to 64 hexadecimal digits.")
        return crypto.fingerprint(self._fingerprint_key, org_id, number)

    def delete_changes(self, org_id: str, livemode: int, token_ids: Iterable[str]) -> list[Change]:
        return [repository.delete_card(org_id, livemode, token_id) for token_id in token_ids]

    def _known(self, place: Place) -> KeyRing | None:
        found = self._rings.get(place)
        if found is None:
            return None
        age = self._clock.now_microseconds() - found[1]
        return found[0] if 0 <= age < KEYS_KNOWN_SECONDS * MICROSECONDS_PER_SECOND else None

    async def _load(self, place: Place) -> KeyRing:
        """One read, however many wait for it."""
        loading = self._loading.get(place)
        if loading is None:
            loading = self._loading[place] = asyncio.create_task(self._read_ring(place))
            loading.add_done_callback(lambda _: self._loading.pop(place, None))
        return await asyncio.shield(loading)

    async def _read_ring(self, place: Place) -> KeyRing:
        asked = self._clock.now_microseconds()
        keys = await self._store.read(lambda connection: repository.find_keys(connection, *place))
        return self._remember(place, keys, asked)

    async def _begin(self, place: Place) -> KeyRing:
        """Only to seal: where something is to be opened and no key is there, a new one would hide that it was lost."""
        asked = self._clock.now_microseconds()
        return self._remember(place, await self._make_first_key(place), asked)

    def _remember(self, place: Place, keys: Sequence[DataKey], asked: int) -> KeyRing:
        ring = KeyRing(self.wrapping, *place, keys)
        self._rings[place] = (ring, asked)
        self._rings.move_to_end(place)
        while len(self._rings) > RINGS_MAX:
            self._rings.popitem(last=False)
        return ring

    async def _make_first_key(self, place: Place) -> list[DataKey]:
        key = self.wrapping.new_data_key(*place, 1, self._clock.now_microseconds())

        def work(connection: Connection) -> tuple[list[DataKey], Unit]:
            known = repository.find_keys(connection, *place)
            if known:
                return known, Unit()
            return [key], Unit([repository.insert_key(key)], [key_entry(KEY_CREATED, key)])

        try:
            keys: list[DataKey] = await self._store.transact(work)
        except (DuplicateKey, StoreContention):  # another process was quicker: its key is the organisation's
            keys = await self._store.read(lambda connection: repository.find_keys(connection, *place))
            if not keys:
                raise
        return keys
