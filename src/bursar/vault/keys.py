"""Data keys: made, wrapped by the key-encryption key, and unwrapped when something is to be opened."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bursar.kit.errors import InternalError
from bursar.store.log import Entry, Origin
from bursar.vault import crypto
from bursar.vault.crypto import KEY_BYTES, SealBroken
from bursar.vault.schemas import DataKey, KeyState, SealedCard

logger = logging.getLogger(__name__)

KEY_CREATED = "bursar.vault.key_created"
KEY_RETIRED = "bursar.vault.key_retired"
KEY_REWRAPPED = "bursar.vault.key_rewrapped"


class VaultUnusable(InternalError):
    """Something cannot be sealed or opened. Its text is for operators; a client is told nothing of the cause."""

    def __init__(self, detail: str) -> None:
        super().__init__("The card vault has a problem of ours. Quote the Request-Id when you report it.")
        self.args = (detail,)


class CardMissing(VaultUnusable):
    """The vault has no card under this id, or no more."""


class CardBroken(VaultUnusable):
    """A card's row was changed, or belongs elsewhere. Its key is not to blame."""


class Wrapping:
    """The key-encryption key, and the one that came before it."""

    def __init__(self, key: bytes, key_previous: bytes | None) -> None:
        keys = [known for known in (key, key_previous) if known]
        if any(len(known) != KEY_BYTES for known in keys):
            raise VaultUnusable(f"A key of the vault does not have {KEY_BYTES} bytes; set 64 hexadecimal digits.")
        self._ciphers = {crypto.key_id(known): AESGCM(known) for known in keys}
        # An empty key is none: the vault can still be looked at, but nothing sealed or opened.
        self.key_id = crypto.key_id(key) if key else None

    @property
    def key_ids(self) -> list[str]:
        return list(self._ciphers)

    def wrap(self, org_id: str, livemode: int, version: int, key: bytes) -> tuple[str, str]:
        """The key as it may lie in the database, and the id of what wraps it."""
        if self.key_id is None:
            raise VaultUnusable("The vault has no key: set BURSAR_VAULT_KEY to 64 hexadecimal digits.")
        binding = crypto.data_key_binding(org_id, livemode, version)
        return crypto.seal(self._ciphers[self.key_id], key, binding), self.key_id

    def unwrap(self, key: DataKey) -> bytes:
        cipher = self._ciphers.get(key.kek_id)
        place = f"data key {key.version} of {key.org_id} ({'live' if key.livemode else 'test'})"
        if cipher is None:
            known = ", ".join(self.key_ids) or "none"
            raise VaultUnusable(
                f"The {place} is wrapped by the key {key.kek_id}, and the settings have {known}. Set that key as "
                "BURSAR_VAULT_KEY, or as BURSAR_VAULT_KEY_PREVIOUS."
            )
        try:
            return crypto.unseal(cipher, key.wrapped, crypto.data_key_binding(key.org_id, key.livemode, key.version))
        except SealBroken:
            raise VaultUnusable(f"The {place} cannot be unwrapped: its row was changed.") from None

    def new_data_key(self, org_id: str, livemode: int, version: int, created: int) -> DataKey:
        wrapped, kek_id = self.wrap(org_id, livemode, version, crypto.new_key())
        return DataKey(
            org_id=org_id,
            livemode=livemode,
            version=version,
            wrapped=wrapped,
            kek_id=kek_id,
            created=created,
            state="active",
        )


class KeyRing:
    """The data keys of one organisation and mode. Each is unwrapped when it is first needed."""

    def __init__(self, wrapping: Wrapping, org_id: str, livemode: int, keys: Sequence[DataKey]) -> None:
        self._wrapping = wrapping
        self._org_id = org_id
        self._livemode = livemode
        self._keys = {key.version: key for key in keys}
        self._ciphers: dict[int, AESGCM] = {}
        self.newest_version = max(self._keys, default=0)

    def __contains__(self, version: int) -> bool:
        return version in self._keys

    def seal(self, token_id: str, number: str) -> SealedCard:
        version = self.newest_version
        binding = crypto.card_binding(self._org_id, self._livemode, token_id, version)
        sealed = crypto.seal(self._cipher(version), number.encode(), binding)
        return SealedCard(token_id=token_id, key_version=version, sealed=sealed)

    def unseal(self, card: SealedCard) -> str:
        binding = crypto.card_binding(self._org_id, self._livemode, card.token_id, card.key_version)
        try:
            return crypto.unseal(self._cipher(card.key_version), card.sealed, binding).decode()
        except SealBroken:
            raise CardBroken(
                f"The card of {card.token_id} cannot be opened under data key {card.key_version} of {self._org_id}: "
                "its row was changed or belongs elsewhere."
            ) from None

    def _cipher(self, version: int) -> AESGCM:
        cipher = self._ciphers.get(version)
        if cipher is None:
            key = self._keys.get(version)
            if key is None:
                raise VaultUnusable(f"{self._org_id} has no data key {version}.")
            cipher = self._ciphers[version] = AESGCM(self._wrapping.unwrap(key))
        return cipher


def key_entry(event_type: str, key: DataKey, origin: Origin | None = None) -> Entry:
    """What the log keeps of a key: that it is, never what it is."""
    document = _KeyDocument(version=key.version, kek_id=key.kek_id, state=key.state)
    entry = Entry(key.org_id, key.livemode, event_type, None, msgspec.json.encode(document))
    if origin is not None:
        entry.origin = origin
    return entry


class _KeyDocument(msgspec.Struct, kw_only=True):
    object: str = "vault_key"
    version: int
    kek_id: str
    state: KeyState
