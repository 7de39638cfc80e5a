"""What is made of the installation's secret: a key for each purpose, and keyed hashes of tokens."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from functools import cache

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
TOKEN_BYTES = 32


class Secrets:
    """After a change of the installation's secret, what was made with the previous one is still known."""

    def __init__(self, secret: str, previous: str | None = None) -> None:
        self._all = (secret,) if previous is None else (secret, previous)

    def key(self, purpose: str) -> bytes:
        return _derived(self._all[0], purpose)

    def keys(self, purpose: str) -> list[bytes]:
        """Today's first."""
        return [_derived(secret, purpose) for secret in self._all]

    def hash(self, purpose: str, token: str) -> str:
        """Keyed, so that whoever can write to the database alone still cannot make a token that works."""
        return _hash(self.key(purpose), token)

    def hashes(self, purpose: str, token: str) -> list[str]:
        """All under which the token may be stored."""
        return [_hash(key, token) for key in self.keys(purpose)]


def new_token() -> str:
    """256 bits that nobody can guess."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def text_of(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@cache
def _derived(secret: str, purpose: str) -> bytes:
    derivation = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=b"bursar people " + purpose.encode())
    return derivation.derive(secret.encode())


def _hash(key: bytes, token: str) -> str:
    return hmac.digest(key, token.encode(errors="replace"), hashlib.sha256).hex()
