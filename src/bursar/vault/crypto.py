"""Sealing with AES-256-GCM. Pure but for the randomness.

What is sealed is bound to where it belongs: the associated data name the organisation, the mode, the token and
the key's version, each with its length, so that a row that was moved or changed cannot be opened.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bursar.kit.canonical import canonical_bytes
from bursar.kit.ids import ALPHABET

KEY_BYTES = 32
NONCE_BYTES = 12
FINGERPRINT_LENGTH = 16  # of five bits each: two numbers of one organisation never meet by chance
NONCES_DRAWN = 256

# One table for all bytes: 256 is a multiple of 32, so every character is as likely as any other.
_TO_CHARACTER = (ALPHABET * 8).encode()


class SealBroken(Exception):
    """The bytes, the key or what they are bound to is not what it was when they were sealed."""


class Nonces:
    """Twelve random bytes each. Drawn in stock: asking the system each time lets go of the interpreter."""

    def __init__(self) -> None:
        self._stock: list[bytes] = []
        self._process_id = 0

    def take(self) -> bytes:
        if self._process_id != os.getpid():  # a forked process must not use its parent's stock as well
            self._stock, self._process_id = [], os.getpid()
        try:
            return self._stock.pop()
        except IndexError:
            drawn = os.urandom(NONCE_BYTES * NONCES_DRAWN)
            fresh = [drawn[start : start + NONCE_BYTES] for start in range(0, len(drawn), NONCE_BYTES)]
            nonce = fresh.pop()
            self._stock.extend(fresh)
            return nonce


_nonces = Nonces()


def new_key() -> bytes:
    return os.urandom(KEY_BYTES)


def seal(cipher: AESGCM, plain: bytes, bound_to: bytes) -> str:
    nonce = _nonces.take()
    return base64.b64encode(nonce + cipher.encrypt(nonce, plain, bound_to)).decode()


def unseal(cipher: AESGCM, sealed: str, bound_to: bytes) -> bytes:
    try:
        raw = base64.b64decode(sealed, validate=True)
        # Base64 has several spellings for some bytes; only the one that we write is taken.
        if base64.b64encode(raw).decode() != sealed:
            raise SealBroken
        return cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], bound_to)
    except (InvalidTag, binascii.Error, ValueError):
        raise SealBroken from None


def card_binding(org_id: str, livemode: int, token_id: str, key_version: int) -> bytes:
    return canonical_bytes(("card", org_id, livemode, token_id, key_version))


def data_key_binding(org_id: str, livemode: int, version: int) -> bytes:
    return canonical_bytes(("data key", org_id, livemode, version))


def key_id(key: bytes) -> str:
    """Names a key without telling anything of it."""
    return hmac.digest(key, b"bursar vault key id", "sha256").hex()[:FINGERPRINT_LENGTH]


def fingerprint(key: bytes, org_id: str, number: str) -> str:
    """The same for the same number within an organisation; without the key nobody can find the number to it."""
    digest = hmac.digest(key, canonical_bytes(("fingerprint", org_id, number)), "sha256")
    return digest[:FINGERPRINT_LENGTH].translate(_TO_CHARACTER).decode()
