"""Access tokens: made, and read as if everybody could have written them."""

from __future__ import annotations

import base64
import binascii
import secrets
from dataclasses import dataclass
from typing import Any

import msgspec

from bursar.kit.clock import Clock, seconds
from bursar.kit.errors import AuthenticationFailed
from bursar.people.keys import ALGORITHM, SigningKeys

TYPE = "at+jwt"
ACCESS_SECONDS = 600
LENGTH_MAX = 4_096
CLOCK_SKEW_SECONDS = 60  # between hosts of one installation
# A header that says more asks us to do something that we do not: fetch a key, take the one it brings, obey extensions.
_HEADER = {"alg", "typ", "kid"}


class TokenRefused(AuthenticationFailed):
    """A token that is none of ours, or no longer."""


@dataclass(frozen=True, slots=True)
class Claims:
    user_id: str
    organisation: str | None
    session_id: str
    expires: int


class _Payload(msgspec.Struct, kw_only=True):
    iss: str
    aud: str
    sub: str
    org: str | None
    sid: str
    iat: int
    exp: int
    jti: str
    nbf: int = 0


class AccessTokens:
    def __init__(self, keys: SigningKeys, clock: Clock, issuer: str) -> None:
        self._keys = keys
        self._clock = clock
        self.issuer = issuer
        self.audience = f"{issuer}/api/v1"

    async def issue(
        self, user_id: str, organisation: str | None, session_id: str, lifetime_seconds: int = ACCESS_SECONDS
    ) -> str:
        from joserfc import jwt

        key = await self._keys.current()
        now = seconds(self._clock.now_microseconds())
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": user_id,
            "org": organisation,
            "sid": session_id,
            "iat": now,
            "exp": now + lifetime_seconds,
            "jti": secrets.token_urlsafe(16),
        }
        header = {"alg": ALGORITHM, "typ": TYPE, "kid": key.kid}
        return jwt.encode(header, claims, key.key, algorithms=[ALGORITHM])

    async def read(self, token: str) -> Claims:
        """Raises TokenRefused for whatever is not exactly such a token of ours, still good."""
        from joserfc import jws
        from joserfc.errors import JoseError

        key = await self._keys.find(_key_id(token))
        if key is None:
            raise _refused("It is signed with a key that is not ours, or not any more.")
        try:
            signed = jws.deserialize_compact(token, key.key, algorithms=[ALGORITHM])
            payload = msgspec.json.decode(signed.payload, type=_Payload)
        except (JoseError, msgspec.MsgspecError, ValueError):
            raise _refused("Its signature or its claims are wrong.") from None
        self._check(payload)
        return Claims(payload.sub, payload.org, payload.sid, payload.exp)

    def _check(self, payload: _Payload) -> None:
        now = seconds(self._clock.now_microseconds())
        if payload.iss != self.issuer or payload.aud != self.audience:
            raise _refused("It was made by, or for, somebody else.")
        if now >= payload.exp:
            raise TokenRefused(
                "The access token has expired. Get another with POST /api/v1/auth/refresh, or sign in again.",
                code="token_expired",
            )
        if max(payload.nbf, payload.iat) > now + CLOCK_SKEW_SECONDS:
            raise _refused("It is not valid yet.")


def looks_like_one(token: str) -> bool:
    """Whether it has the form of a signed token, whosever."""
    return token.count(".") == 2


def issuer_of(token: str) -> str | None:
    """Who says that they made it. Nothing of it is checked: only to ask the right one."""
    try:
        payload = msgspec.json.decode(_decoded(token.split(".")[1]))
    except (TokenRefused, msgspec.MsgspecError, ValueError, IndexError):
        return None
    issuer = payload.get("iss") if isinstance(payload, dict) else None
    return issuer if isinstance(issuer, str) else None


def _key_id(token: str) -> str:
    """Which of our keys it names. Its header may say nothing else but what ours say."""
    if len(token) > LENGTH_MAX or not looks_like_one(token):
        raise _refused("It does not have the form of one.")
    try:
        header = msgspec.json.decode(_decoded(token.split(".", maxsplit=1)[0]))
    except (msgspec.MsgspecError, ValueError):
        raise _refused("Its header cannot be read.") from None
    if not isinstance(header, dict) or set(header) != _HEADER:
        raise _refused("Its header is not one of ours.")
    if header["alg"] != ALGORITHM or header["typ"] != TYPE or not isinstance(header["kid"], str):
        raise _refused("It is a token of another kind.")
    return header["kid"]


def _decoded(part: str) -> bytes:
    try:
        return base64.b64decode(part.encode() + b"=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeError):
        raise _refused("It is not valid Base64.") from None


def _refused(why: str) -> TokenRefused:
    return TokenRefused(f"The access token is refused. {why} Sign in again.", code="token_invalid")
