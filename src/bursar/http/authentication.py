"""Who is calling: the API key from the request, as a principal."""

from __future__ import annotations

import base64
import binascii
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bursar.http.asgi import Scope
from bursar.http.requests import read_address
from bursar.kit.clock import MICROSECONDS_PER_SECOND
from bursar.kit.errors import AuthenticationFailed, PermissionMissing
from bursar.kit.permissions import OF_KEYS, SELF

KEY_LENGTH_MAX = 255
WWW_AUTHENTICATE = b'Basic realm="Bursar", charset="UTF-8"'
BEARER = b'Bearer realm="Bursar"'

SECRET, PUBLISHABLE, RESTRICTED = "secret", "publishable", "restricted"
# A signed-in person; somebody who pays, known by a code or a link only; and nobody at all.
USER, PAYER, ANONYMOUS = "user", "payer", "anonymous"
PROOF_SECONDS_MAX = 10 * 60  # how long a proof of who one is counts for what is dangerous


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


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
    # From where the key may be used; anywhere if there are none.
    networks: tuple[Network, ...] = ()

    def may(self, permission: str) -> bool:
        if self.kind == USER and permission == SELF:
            return True
        if self.kind == PUBLISHABLE:
            return False  # whatever else it says: it is known to everybody
        return permission in (OF_KEYS if self.kind == SECRET else self.permissions)

    def require(self, permission: str, *, publishable: bool) -> None:
        """Deny by default: only what is listed is allowed."""
        if not self.may(permission) and not (self.kind == PUBLISHABLE and publishable):
            raise self._refusal(permission)

    def _refusal(self, permission: str) -> PermissionMissing:
        code = "permission_missing"
        if self.kind == USER:
            text = (
                f"Your role {self.role or ''} lacks the permission {permission}. Ask an owner or admin of the "
                "organisation for a role that has it."
            )
        elif permission not in OF_KEYS:
            text = f"This needs the permission {permission}, which no API key can have: sign in as a person."
        elif self.kind == PUBLISHABLE:
            code = "secret_key_required"
            text = (
                f"This endpoint needs a secret key, or a restricted one with the permission {permission}; a "
                "publishable key may be used in browsers and apps only where the documentation says so."
            )
        else:
            text = f"This restricted key lacks the permission {permission}; add it to the key or use another."
        refusal = PermissionMissing(text, code=code, param=permission)
        refusal.principal = self
        return refusal

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

    def used(self, principal: Principal, address: str | None) -> None:
        """Told each time that a key had to be found, and was let in."""


async def authenticate(header: bytes | None, directory: KeyDirectory, scope: Scope) -> Principal:
    api_key = read_api_key(header)
    principal = directory.cached(api_key)
    if principal is not None:
        if principal.networks:
            _require_network(principal, read_address(scope))
        return principal
    principal = await directory.find(api_key)
    if principal is None:
        raise AuthenticationFailed(f"Invalid API key provided: {masked(api_key)}.", code="api_key_invalid")
    address = read_address(scope)
    if principal.networks:
        _require_network(principal, address)
    directory.used(principal, address)
    return principal


def _require_network(principal: Principal, address: str | None) -> None:
    """Whose address is not known is not from anywhere that is allowed."""
    if not is_within(address, principal.networks):
        refusal = PermissionMissing(
            f"This key may not be used from {address or 'an unknown address'}. Use it from one of its addresses, or "
            "let an admin of the organisation add this one.",
            code="address_not_allowed",
        )
        refusal.principal = principal
        raise refusal


def is_within(address: str | None, networks: Sequence[Network]) -> bool:
    try:
        found = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return False
    # As a server that listens for both sees those who come by IPv4.
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return any(found in network or (mapped is not None and mapped in network) for network in networks)


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
