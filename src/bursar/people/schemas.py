"""People as they and others see them: never a password, a token or a hash of one."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from bursar.http.params import Params
from bursar.people.rules import EMAIL_LENGTH_MAX, LOCALE_LENGTH_MAX, NAME_LENGTH_MAX

# Of whoever signs in: longer than any password that can be set, so that the rules say what is wrong with it.
SECRET_LENGTH_MAX = 1_000
Secret = Annotated[str, Meta(max_length=SECRET_LENGTH_MAX)]
Email = Annotated[str, Meta(max_length=EMAIL_LENGTH_MAX)]
Name = Annotated[str, Meta(max_length=NAME_LENGTH_MAX)]
Id = Annotated[str, Meta(max_length=100)]
Code = Annotated[str, Meta(max_length=200)]
Locale = Annotated[str, Meta(max_length=LOCALE_LENGTH_MAX, pattern="^[A-Za-z0-9]{1,8}(-[A-Za-z0-9]{1,8})*$")]


class User(msgspec.Struct, kw_only=True, frozen=True):
    """A row. Times in microseconds."""

    id: str
    email: str
    name: str
    password_hash: str | None
    email_verified: bool
    platform_admin: bool
    disabled: bool
    locale: str | None
    created: int
    version: int = 1

    def __repr__(self) -> str:
        return f"User({self.id})"


class Session(msgspec.Struct, kw_only=True, frozen=True):
    """A row. Times in microseconds."""

    id: str
    user_id: str
    organisation: str | None
    methods: tuple[str, ...]
    remembered: bool
    browser: bool
    created: int
    proved_at: int
    seen: int
    expires: int
    ended: int | None
    address: str | None
    user_agent: str | None


class UserView(msgspec.Struct, kw_only=True):
    """A person on the wire and in the log. Times in seconds."""

    id: str
    object: Literal["user"] = "user"
    email: str
    name: str
    email_verified: bool
    platform_admin: bool
    disabled: bool
    locale: str | None
    has_password: bool
    created: int


class OrganisationView(msgspec.Struct, kw_only=True):
    """An organisation that somebody belongs to, and as what."""

    id: str
    name: str
    role: str


class SessionView(msgspec.Struct, kw_only=True):
    id: str
    object: Literal["session"] = "session"
    user: str
    organisation: str | None
    methods: list[str]
    browser: bool
    # Whether it is the one that asks.
    current: bool
    address: str | None
    user_agent: str | None
    created: int
    last_seen: int
    proved_at: int
    expires: int


class SignedIn(msgspec.Struct, kw_only=True):
    """The tokens of a session. A browser's session lasts by its cookie, so it gets no refresh token."""

    access_token: str
    refresh_token: str | None
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - the scheme's name
    expires_in: int
    csrf_token: str | None
    user: UserView
    organisation: OrganisationView | None
    organisations: list[OrganisationView]


class PlainToken(msgspec.Struct, kw_only=True):
    """The answer of the simplest integration."""

    token: str
    expires_in: int


class Me(msgspec.Struct, kw_only=True):
    """Who is signed in, where, and what they may do there."""

    user: UserView
    organisation: OrganisationView | None
    organisations: list[OrganisationView]
    role: str | None
    permissions: list[str]
    session: str | None
    proved_at: int
    csrf_token: str | None


class LoggedOut(msgspec.Struct, kw_only=True):
    ended: int


class Proved(msgspec.Struct, kw_only=True):
    proved_at: int


class LoginParams(Params):
    email: Email
    password: Secret
    organisation: Id | None = None
    code: Code | None = None
    remember: bool = False
    browser: bool = False


class SecondFactorParams(Params):
    challenge: Secret
    code: Code


class RefreshParams(Params):
    refresh_token: Secret


class LogoutParams(Params):
    all: bool = False


class SwitchParams(Params):
    organisation: Id


class ProfileParams(Params):
    name: Name | UnsetType = UNSET
    locale: Locale | UnsetType | None = UNSET


class PasswordParams(Params):
    current_password: Secret
    new_password: Secret


class StepUpParams(Params):
    password: Secret | None = None
    code: Code | None = None


class SignInParams(Params):
    username: Email
    password: Secret
