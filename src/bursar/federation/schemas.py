"""Providers as platform administrators see them: never the client's secret."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from bursar.http.params import Params

Text = Annotated[str, Meta(min_length=1, max_length=255)]
Name = Annotated[str, Meta(min_length=1, max_length=80)]
Url = Annotated[str, Meta(min_length=1, max_length=500)]
Claim = Annotated[str, Meta(min_length=1, max_length=100)]
Id = Annotated[str, Meta(max_length=100)]
SCOPES_MAX, GRANTS_MAX = 20, 200


class Grant(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Whose claim has this value is a member of the organisation, with this role.

    `claim` may lead into objects by full stops, such as `realm_access.roles`; a list matches by any of its members.
    """

    claim: Claim
    value: Text
    organisation: Id
    role: Id


class ProviderDocument(msgspec.Struct, kw_only=True, frozen=True):
    name: str
    issuer: str
    client_id: str
    scopes: list[str] = msgspec.field(default_factory=lambda: ["openid", "email", "profile"])
    grants: list[Grant] = []
    # Whether somebody without an account gets one, once a grant applies.
    creates_users: bool = False
    # Whether a verified address is enough to be the user who has it here. Only for providers that own the addresses.
    links_by_email: bool = False
    # For access tokens of the provider on /api/v1: whom they must be made for, and what they must be good for.
    audience: str | None = None
    required_scope: str | None = None
    enabled: bool = True


class Provider(msgspec.Struct, kw_only=True, frozen=True):
    """A row."""

    id: str
    created: int
    version: int
    document: ProviderDocument
    sealed_secret: str | None

    def __repr__(self) -> str:
        return f"Provider({self.id})"


class ProviderView(msgspec.Struct, kw_only=True):
    id: str
    object: Literal["sign_in_provider"] = "sign_in_provider"
    name: str
    issuer: str
    client_id: str
    has_client_secret: bool
    scopes: list[str]
    grants: list[Grant]
    creates_users: bool
    links_by_email: bool
    audience: str | None
    required_scope: str | None
    enabled: bool
    # What must be registered at the provider, and where people begin.
    redirect_uri: str
    start_url: str
    created: int


class ProviderChoice(msgspec.Struct, kw_only=True):
    """What somebody sees who has not signed in."""

    id: str
    name: str
    start_url: str


class Choices(msgspec.Struct, kw_only=True):
    object: Literal["list"] = "list"
    data: list[ProviderChoice]


class ProviderCheck(msgspec.Struct, kw_only=True):
    """What its own description says."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    algorithms: list[str]
    keys: int


class Deleted(msgspec.Struct, kw_only=True):
    id: str
    object: Literal["sign_in_provider"] = "sign_in_provider"
    deleted: bool = True


class _Described(Params):
    scopes: Annotated[list[Text], Meta(max_length=SCOPES_MAX)] | UnsetType = UNSET
    grants: Annotated[list[Grant], Meta(max_length=GRANTS_MAX)] | UnsetType = UNSET
    creates_users: bool | UnsetType = UNSET
    links_by_email: bool | UnsetType = UNSET
    audience: Text | UnsetType | None = UNSET
    required_scope: Text | UnsetType | None = UNSET
    enabled: bool | UnsetType = UNSET
    client_secret: Text | UnsetType | None = UNSET


class ProviderParams(_Described, kw_only=True):
    name: Name
    issuer: Url
    client_id: Text


class ProviderChangeParams(_Described, kw_only=True):
    name: Name | UnsetType = UNSET
    client_id: Text | UnsetType = UNSET
