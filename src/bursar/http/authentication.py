"""Who is calling: the API key from the request, as a principal."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Protocol

from bursar.kit.clock import MICROSECONDS_PER_SECOND
from bursar.kit.errors import AuthenticationFailed, PermissionMissing
from bursar.kit.permissions import OF_KEYS, SELF

KEY_LENGTH_MAX = 255
WWW_AUTHENTICATE = b'Basic realm="Bursar", charset="UTF-8"'

SECRET, PUBLISHABLE, RESTRICTED = "secret", "publishable", "restricted"
# A signed-in person; somebody who pays, known by a code or a link only; and nobody at all.
USER, PAYER, ANONYMOUS = "user", "payer", "anonymous"
PROOF_SECONDS_MAX = 10 * 60  # how long a proof of who one is counts for what is dangerous


@dataclass(frozen=True, slots=True)
class Principal:
    """A known caller, and what it may do."""

    org_id: str
    livemode: int
    # Who acts, as the log names it: a key's id or a user's.
    key_id: str
    kind: str = SECRET
    permissions: frozenset[str] = frozenset()
    role: str | None = None
    session_id: str | None = None
    # When the person last proved who they are, in microseconds.
    proved_at: int = 0

    def may(self, permission: str) -> bool:
        if self.kind == USER and permission == SELF:
            return True
        return permission in (OF_KEYS if self.kind == SECRET else self.permissions)

    def require(self, permission: str, *, publishable: bool) -> None:
        """Deny by default: only what is listed is allowed."""
        if self.may(permission) or (self.kind == PUBLISHABLE and publishable):
            return
        if self.kind == USER:
            raise PermissionMissing(
                f"Your role {self.role or ''} lacks the permission {permission}. Ask an owner or admin of the "
                "organisation for a role that has it.",
                code="permission_missing",
                param=permission,
            )
        if self.kind == SECRET:
            raise PermissionMissing(
                f"This needs the permission {permission}, which no API key can have: sign in as a person.",
                code="permission_missing",
                param=permission,
            )
        if self.kind == PUBLISHABLE:
            raise PermissionMissing(
                "This endpoint needs a secret key; a publishable key may be used in browsers and apps only where the "
                "documentation says so.",
                code="secret_key_required",
            )
        raise PermissionMissing(
            f"This restricted key lacks the permission {permission}; add it to the key or use another.",
            code="permission_missing",
            param=permission,
        )

    def require_proof(self, now: int) -> None:
        """For what would hurt if a session was stolen. Keys have no person behind them who could prove anything."""
        if self.kind == USER and now - self.proved_at > PROOF_SECONDS_MAX * MICROSECONDS_PER_SECOND:
            raise PermissionMissing(
                "This needs a fresh proof of who you are. POST your password, a one-time code or a passkey to "
                "/api/v1/auth/step-up and try again.",
                code="step_up_required",
            )


class KeyDirectory(Protocol):
    """Knows the keys. `cached` never waits; `find` may ask the database."""

    def cached(self, api_key: str) -> Principal | None: ...

    async def find(self, api_key: str) -> Principal | None: ...


async def authenticate(header: bytes | None, directory: KeyDirectory) -> Principal:
    api_key = read_api_key(header)
    principal = directory.cached(api_key) or await directory.find(api_key)
    if principal is None:
        raise AuthenticationFailed(f"Invalid API key provided: {masked(api_key)}.", code="api_key_invalid")
    return principal


def read_api_key(header: bytes | None) -> str:
    """Bearer as the SDKs send it, or Basic with the key as the user name."""
    if not header:
        raise AuthenticationFailed(
            "No API key was given. Send it as 'Authorization: Bearer sk_…', or as the user name of Basic.",
            code="api_key_missing",
        )
    scheme, _, credentials = header.strip().partition(b" ")
    kind = scheme.lower()
    if kind == b"bearer":
        raw = credentials.strip()
    elif kind == b"basic":
        raw = _basic_user(credentials.strip())
    else:
        raise AuthenticationFailed("The Authorization header must be of the scheme Bearer or Basic.")
    if not raw or len(raw) > KEY_LENGTH_MAX or not raw.isascii():
        raise AuthenticationFailed("The API key is empty, too long or not of ASCII characters.", code="api_key_invalid")
    return raw.decode()


def _basic_user(credentials: bytes) -> bytes:
    try:
        return base64.b64decode(credentials, validate=True).partition(b":")[0]
    except binascii.Error:
        raise AuthenticationFailed("The Basic credentials are not valid Base64.") from None


def masked(api_key: str) -> str:
    """Enough to recognise a key by, too little to use it."""
    prefix = "_".join(api_key.split("_")[:2]) + "_" if api_key.count("_") >= 2 and len(api_key) >= 16 else ""
    return f"{prefix}{'*' * 8}{api_key[-4:] if len(api_key) >= 16 else ''}"
