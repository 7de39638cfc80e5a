"""Registration, e-mail addresses and forgotten passwords on `/api/v1`."""

from __future__ import annotations

from typing import Any

from bursar.http.call import Call
from bursar.http.endpoint import Endpoint, Handler
from bursar.http.params import Params
from bursar.kit.permissions import SELF
from bursar.registration.schemas import (
    ConfirmationParams,
    EmailVerified,
    ForgottenParams,
    MailRequested,
    PasswordReset,
    Registered,
    RegistrationParams,
    ResetParams,
    TokenParams,
)
from bursar.registration.service import RegistrationService
from bursar.registration.verification import Verification

REGISTER_URL = "/api/v1/org/register"
EMAIL_URL = "/api/v1/auth/email"
PASSWORD_URL = "/api/v1/auth/password"  # noqa: S105 - an address


def endpoints(service: RegistrationService, verification: Verification) -> list[Endpoint]:
    async def register_organisation(call: Call, params: RegistrationParams) -> Registered:
        return await service.register(call, params)

    async def confirm_registration(call: Call, params: ConfirmationParams) -> Registered:
        return await service.confirm(call, params.token, params.password)

    async def verify_email(call: Call, params: TokenParams) -> EmailVerified:
        return await verification.verify(call, params.token)

    async def resend_verification(call: Call, _params: Params) -> MailRequested:
        return await verification.send_again(call)

    async def forgot_password(call: Call, params: ForgottenParams) -> MailRequested:
        return await verification.forgot(call, params.email)

    async def reset_password(call: Call, params: ResetParams) -> PasswordReset:
        return await verification.reset(call, params.token, params.password)

    return [
        _open(REGISTER_URL, register_organisation, "Register an organisation", Registered, RegistrationParams),
        _open(
            f"{REGISTER_URL}/confirm", confirm_registration, "Confirm a registration", Registered, ConfirmationParams
        ),
        _own(f"{EMAIL_URL}/verify", verify_email, "Verify your e-mail address", EmailVerified, TokenParams),
        _own(f"{EMAIL_URL}/resend", resend_verification, "Ask for another mail to verify your address", MailRequested),
        _open(f"{PASSWORD_URL}/forgot", forgot_password, "Forget a password", MailRequested, ForgottenParams),
        _open(f"{PASSWORD_URL}/reset", reset_password, "Choose a new password", PasswordReset, ResetParams),
    ]


def _own(path: str, handler: Handler, summary: str, returns: Any, params: type[Params] = Params) -> Endpoint:
    return Endpoint("POST", path, handler, summary, SELF, returns, params, surface="control", keeps_answer=False)


def _open(path: str, handler: Handler, summary: str, returns: Any, params: type[Params]) -> Endpoint:
    return Endpoint(
        "POST", path, handler, summary, SELF, returns, params, surface="control", public=True, keeps_answer=False
    )
