"""Members and invitations on the wire."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from bursar.http.params import ListParams, Params
from bursar.people.schemas import Code, Email, Name, Secret

RoleName = Annotated[str, Meta(min_length=1, max_length=40, pattern="^[!-~]+$")]
Token = Annotated[str, Meta(min_length=1, max_length=200)]
State = Literal["pending", "accepted", "revoked", "expired"]


class Member(msgspec.Struct, kw_only=True):
    """Somebody in an organisation. The id is the user's."""

    id: str
    object: Literal["member"] = "member"
    email: str
    name: str
    role: str
    # Of a role of the organisation's own, its name; else the same as the role.
    role_name: str
    second_factor: bool
    invited_by: str | None
    created: int


class RemovedMember(msgspec.Struct, kw_only=True):
    id: str
    object: Literal["member"] = "member"
    deleted: Literal[True] = True


class Invitation(msgspec.Struct, kw_only=True):
    id: str
    object: Literal["invitation"] = "invitation"
    email: str
    role: str
    status: State
    invited_by: str
    created: int
    expires: int


class InvitationView(msgspec.Struct, kw_only=True):
    """What somebody sees who has the link."""

    object: Literal["invitation"] = "invitation"
    email: str
    organisation: str
    role: str
    # Whether to sign in, or to choose a password: whoever has the link reads this address's mail.
    has_account: bool
    expires: int


class MyOrganisation(msgspec.Struct, kw_only=True):
    id: str
    object: Literal["organisation"] = "organisation"
    name: str
    role: str
    permissions: list[str]


class LeftOrganisation(msgspec.Struct, kw_only=True):
    id: str
    object: Literal["organisation"] = "organisation"
    left: Literal[True] = True


class SignInRules(msgspec.Struct, kw_only=True):
    """What an organisation asks of its members' sign-in."""

    object: Literal["sign_in_rules"] = "sign_in_rules"
    second_factor_required: bool


class SignInRulesParams(Params):
    second_factor_required: bool


class MemberParams(Params):
    role: RoleName


class InvitationParams(Params):
    email: Email
    role: RoleName


class InvitationListParams(ListParams):
    status: Literal["pending", "accepted", "revoked"] | None = None


class InvitationTokenParams(Params):
    token: Token


class AcceptParams(Params):
    token: Token
    password: Secret
    name: Name = ""
    # Of whoever has an account with a second factor.
    code: Code | None = None
