"""Organisations and API keys as they are kept, and what a process knows of them."""

from __future__ import annotations

from typing import Literal

import msgspec

from bursar.kit.clock import seconds

Kind = Literal["secret", "publishable", "restricted"]


class Organisation(msgspec.Struct, kw_only=True):
    """Times are microseconds."""

    id: str
    code: str
    name: str
    category: str
    country: str | None
    currency: str
    created: int
    suspended: int | None = None
    version: int = 1


class ApiKey(msgspec.Struct, kw_only=True):
    """Never the key itself, only what it may do. Times are microseconds."""

    id: str
    organisation: str
    livemode: bool
    kind: Kind
    name: str
    hint: str
    permissions: list[str]
    # Addresses and networks that it may be used from; anywhere if there are none.
    addresses: list[str]
    created: int
    expires: int | None
    revoked: int | None
    last_used: int | None = None
    last_used_address: str | None = None
    version: int = 1


class OrganisationProfile(msgspec.Struct, kw_only=True):
    """An organisation on the wire. Its code is short, and safe to print."""

    id: str
    object: Literal["organisation"] = "organisation"
    category: str
    code: str
    country: str | None
    created: int
    currency: str
    name: str
    suspended: int | None


class ManagedKey(msgspec.Struct, kw_only=True):
    """An API key on the wire, without the key itself."""

    id: str
    object: Literal["api_key"] = "api_key"
    addresses: list[str]
    created: int
    expires: int | None
    hint: str
    kind: Kind
    last_used: int | None
    last_used_address: str | None
    livemode: bool
    name: str
    permissions: list[str]
    revoked: int | None


def profile_of(organisation: Organisation) -> OrganisationProfile:
    return OrganisationProfile(
        id=organisation.id,
        category=organisation.category,
        code=organisation.code,
        country=organisation.country,
        created=seconds(organisation.created),
        currency=organisation.currency,
        name=organisation.name,
        suspended=_seconds(organisation.suspended),
    )


def managed(key: ApiKey) -> ManagedKey:
    return ManagedKey(
        id=key.id,
        addresses=key.addresses,
        created=seconds(key.created),
        expires=_seconds(key.expires),
        hint=key.hint,
        kind=key.kind,
        last_used=_seconds(key.last_used),
        last_used_address=key.last_used_address,
        livemode=key.livemode,
        name=key.name,
        permissions=key.permissions,
        revoked=_seconds(key.revoked),
    )


def _seconds(microseconds: int | None) -> int | None:
    return None if microseconds is None else seconds(microseconds)
