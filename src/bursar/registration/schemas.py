"""Registration on the wire."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from bursar.accounts.rules import CATEGORY_LENGTH_MAX, NAME_LENGTH_MAX
from bursar.accounts.schemas import OrganisationProfile
from bursar.http.params import Params
from bursar.people.schemas import Email, Name, Secret, UserView
from bursar.wallets.schemas import Pin, WalletView

Token = Annotated[str, Meta(min_length=1, max_length=200)]
Short = Annotated[str, Meta(max_length=40)]


class KeysForTests(msgspec.Struct, kw_only=True):
    """Shown once."""

    secret: str
    publishable: str


class Registered(msgspec.Struct, kw_only=True):
    """Complete, or waiting for whoever reads the address's mail. The tokens are those of a sign-in."""

    object: Literal["registration"] = "registration"
    status: Literal["complete", "check_your_mail"]
    message: str | None = None
    organisation: OrganisationProfile | None = None
    # The primary one of the test mode.
    wallet: WalletView | None = None
    wallets: list[WalletView] = []
    keys: KeysForTests | None = None
    user: UserView | None = None
    access_token: str | None = None
    refresh_token: str | None = None
    token_type: str | None = None
    expires_in: int | None = None


class MailRequested(msgspec.Struct, kw_only=True):
    object: Literal["mail_requested"] = "mail_requested"
    message: str


class EmailVerified(msgspec.Struct, kw_only=True):
    object: Literal["email_verification"] = "email_verification"
    email: str
    verified: Literal[True] = True


class PasswordReset(msgspec.Struct, kw_only=True):
    object: Literal["password_reset"] = "password_reset"
    reset: Literal[True] = True
    sessions_ended: int


class RegistrationParams(Params):
    organization: Annotated[str, Meta(max_length=NAME_LENGTH_MAX)]
    email: Email
    password: Secret
    category: Annotated[str, Meta(max_length=CATEGORY_LENGTH_MAX)]
    acquiring_bank: Short = "piggybank"
    pin: Pin | None = None
    name: Name = ""
    country: Short | None = None
    currency: Short = "usd"


class TokenParams(Params):
    token: Token


class ConfirmationParams(Params):
    token: Token
    # The one that was chosen at registration: the link alone may have been sent for by somebody else.
    password: Secret


class ForgottenParams(Params):
    email: Email


class ResetParams(Params):
    token: Token
    password: Secret


class Wanted(msgspec.Struct, kw_only=True):
    """A registration that waits for its mail to be read: with hashes, and sealed until then."""

    params: RegistrationParams
    password_hash: str
    pin_hash: str | None
