"""Seals what must be readable again by us, and by nobody who has the database alone."""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bursar.kit.canonical import Value, canonical_bytes

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12


class SealBroken(Exception):
    """The bytes, the key or what they are bound to is not what it was when they were sealed."""


class Sealing:
    """AES-256-GCM. `keys` are of 32 bytes each, today's first; those before it still open what they sealed.

    What is sealed is bound to where it belongs, so that a row that was moved elsewhere cannot be opened.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = keys
        self._made: list[AESGCM] = []

    def seal(self, plain: bytes, *bound_to: Value) -> str:
        nonce = os.urandom(NONCE_BYTES)
        return base64.b64encode(nonce + self._ciphers()[0].encrypt(nonce, plain, canonical_bytes(bound_to))).decode()

    def unseal(self, sealed: str, *bound_to: Value) -> bytes:
        from cryptography.exceptions import InvalidTag

        try:
            raw = base64.b64decode(sealed, validate=True)
        except ValueError:
            raise SealBroken from None
        for cipher in self._ciphers():
            try:
                return cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], canonical_bytes(bound_to))
            except (InvalidTag, ValueError):
                continue
        raise SealBroken

    def _ciphers(self) -> list[AESGCM]:
        if not self._made:
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM

            self._made = [AESGCM(key) for key in self._keys]
        return self._made
