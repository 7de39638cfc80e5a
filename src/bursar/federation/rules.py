"""What a provider's settings and claims must be, and what follows from them. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeGuard
from urllib.parse import urlsplit

from bursar.federation.schemas import Grant, ProviderDocument
from bursar.kit.errors import BursarError, InvalidRequest

# Asymmetric ones only: with a shared secret, or a public key taken for one, whoever knows it could sign.
ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"})
SKEW_SECONDS = 60
AGE_SECONDS_MAX = 600  # of an ID token when it arrives: it was made a moment ago
SUBJECT_LENGTH_MAX = 255
ANY_VALUE = "*"
_RETURN_TO = re.compile(r"/(?![/\\])[!-\[\]-~]{0,500}")
RETURN_TO = "/api/v1/auth/me"


class ClaimsRefused(BursarError):
    """What a provider says cannot be believed. The message is for the log, not for whoever came with it."""


class Membership(NamedTuple):
    organisation: str
    role: str


def check_issuer(issuer: str, *, development: bool) -> str:
    """OpenID Connect compares issuers letter by letter, so it stays as it was given."""
    parts = _split(issuer)
    if parts is None or parts.query or parts.fragment or parts.username or not parts.hostname:
        raise _invalid("issuer", "it must be an address such as https://login.example.com, without query or fragment")
    if parts.scheme != "https" and not (development and parts.scheme == "http" and _is_loopback(parts.hostname)):
        raise _invalid("issuer", "it must begin with https://")
    return issuer


def check_endpoint(url: object, issuer: str, name: str) -> str:
    """What a provider's description leads to, too, must be reached in a way that nobody can listen to."""
    parts = _split(url) if isinstance(url, str) else None
    if parts is None or not parts.hostname or parts.username or parts.fragment:
        raise ClaimsRefused(f"the provider's {name} is no address")
    own = urlsplit(issuer)
    same_plain = own.scheme == "http" and parts.scheme == "http" and _is_loopback(parts.hostname)
    if parts.scheme != "https" and not same_plain:
        raise ClaimsRefused(f"the provider's {name} does not begin with https://")
    assert isinstance(url, str)
    return url


def check_document(document: ProviderDocument) -> None:
    if "openid" not in document.scopes:
        raise _invalid("scopes", "openid must be among them")
    if (document.audience is None) != (document.required_scope is None):
        raise _invalid(
            "required_scope" if document.required_scope is None else "audience",
            "access tokens are taken with both an audience and a required_scope, or not at all",
        )
    if document.audience is not None and document.audience == document.client_id:
        raise _invalid("audience", "it must differ from client_id, or an ID token would pass for an access token")


def return_to(wanted: str | None) -> str:
    """A page of our own, whatever was asked for: never somebody else's."""
    if wanted is None:
        return RETURN_TO
    if _RETURN_TO.fullmatch(wanted) is None or ".." in wanted:
        raise _invalid("return_to", "it must be a path of this server, such as /docs")
    return wanted


def check_id_token(claims: Mapping[str, Any], *, issuer: str, client_id: str, nonce: str, now: int) -> str:
    """The subject, of an ID token whose signature holds. Raises ClaimsRefused."""
    subject = _check_common(claims, issuer, now)
    audiences = _audiences(claims)
    if client_id not in audiences:
        raise ClaimsRefused("the ID token was made for another client")
    authorized = claims.get("azp")
    if (len(audiences) > 1 or authorized is not None) and authorized != client_id:
        raise ClaimsRefused("the ID token was made at the request of another client")
    if claims.get("nonce") != nonce:
        raise ClaimsRefused("the ID token answers another request")
    issued = claims.get("iat")
    if not _is_number(issued) or now - issued > AGE_SECONDS_MAX:
        raise ClaimsRefused("the ID token is too old")
    return subject


def check_access_token(claims: Mapping[str, Any], document: ProviderDocument, now: int) -> str:
    """The subject, of an access token whose signature holds. Raises ClaimsRefused."""
    subject = _check_common(claims, document.issuer, now)
    if document.audience is None or document.audience not in _audiences(claims):
        raise ClaimsRefused("the access token was made for somebody else")
    if "nonce" in claims or "at_hash" in claims:
        raise ClaimsRefused("it is an ID token, which proves a sign-in and opens nothing")
    scopes = claims.get("scope", claims.get("scp", ""))
    granted = scopes if isinstance(scopes, list) else str(scopes).split()
    if document.required_scope not in granted:
        raise ClaimsRefused(f"the access token lacks the scope {document.required_scope}")
    return subject


def memberships(grants: Sequence[Grant], claims: Mapping[str, Any]) -> list[Membership]:
    """What the claims make somebody: of several grants for one organisation the first counts."""
    found: dict[str, str] = {}
    for grant in grants:
        if grant.organisation not in found and _matches(claims, grant):
            found[grant.organisation] = grant.role
    return [Membership(organisation, role) for organisation, role in found.items()]


def verified_email(claims: Mapping[str, Any]) -> str | None:
    """An address that the provider says belongs to the person; one that is only claimed is nobody's."""
    email = claims.get("email")
    return email if isinstance(email, str) and email and claims.get("email_verified") is True else None


def _check_common(claims: Mapping[str, Any], issuer: str, now: int) -> str:
    if claims.get("iss") != issuer:
        raise ClaimsRefused("the token was made by another issuer")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= SUBJECT_LENGTH_MAX:
        raise ClaimsRefused("the token names nobody")
    expires, not_before = claims.get("exp"), claims.get("nbf", 0)
    if not _is_number(expires) or now >= expires + SKEW_SECONDS:
        raise ClaimsRefused("the token has expired")
    issued = claims.get("iat", 0)
    if not _is_number(not_before) or not _is_number(issued) or max(not_before, issued) > now + SKEW_SECONDS:
        raise ClaimsRefused("the token is not valid yet")
    return subject


def _audiences(claims: Mapping[str, Any]) -> list[str]:
    audience = claims.get("aud")
    found = audience if isinstance(audience, list) else [audience]
    return [one for one in found if isinstance(one, str)]


def _matches(claims: Mapping[str, Any], grant: Grant) -> bool:
    value: Any = claims
    if grant.claim in claims:  # names with full stops of their own, such as addresses, are found as they are
        value = claims[grant.claim]
    else:
        for step in grant.claim.split("."):
            value = value.get(step) if isinstance(value, dict) else None
    members = value if isinstance(value, list) else [value]
    if grant.value == ANY_VALUE:
        return any(member is not None for member in members)
    return any(isinstance(member, str) and member == grant.value for member in members)


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _split(url: str) -> Any:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises for what is no number
    except ValueError:
        return None
    return parts if url.isascii() and url.isprintable() and " " not in url else None


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _invalid(param: str, why: str) -> InvalidRequest:
    return InvalidRequest(f"Invalid {param}: {why}.", param=param)
