"""Second factors on `/api/v1/auth`: each person's own, whatever their role."""

from __future__ import annotations

from typing import Any

from bursar.http.call import Call, Effect
from bursar.http.endpoint import Endpoint, Handler
from bursar.http.paging import Page
from bursar.http.params import Params
from bursar.kit.permissions import SELF
from bursar.people.schemas import SignedIn
from bursar.second_factors.passkeys import URL as PASSKEYS_URL
from bursar.second_factors.schemas import (
    CodeFactorConfirmParams,
    CodeFactorParams,
    DeletedCodeFactor,
    DeletedPasskey,
    DeletedTotp,
    NewCodeFactor,
    NewPasskey,
    NewRecoveryCodes,
    Passkey,
    PasskeyChangeParams,
    PasskeyOptions,
    PasskeyOptionsParams,
    PasskeyParams,
    PasskeyProof,
    PasskeyProofParams,
    PasskeySignInParams,
    RecoveryCodes,
    SecondFactors,
    SendCodeParams,
    SendSignInCodeParams,
    SentCode,
    Totp,
    TotpConfirmed,
    TotpConfirmParams,
    TotpSetup,
)
from bursar.second_factors.service import SecondFactorService
from bursar.store.unit import Unit

URL = "/api/v1/auth/second-factors"
TOTP_URL = "/api/v1/auth/totp"
CODES_URL = "/api/v1/auth/recovery-codes"
CODE_FACTORS_URL = "/api/v1/auth/code-factors"
PASSKEY_URL = f"{PASSKEYS_URL}/{{passkey}}"


def endpoints(service: SecondFactorService) -> list[Endpoint]:
    return [*_codes(service), *_code_factors(service), *_passkeys(service), *_passkey_proofs(service)]


def _codes(service: SecondFactorService) -> list[Endpoint]:
    async def retrieve_second_factors(call: Call, _params: Params) -> SecondFactors:
        return await service.overview(call)

    async def retrieve_totp(call: Call, _params: Params) -> Totp:
        return await service.totp.totp(call)

    async def set_up_totp(call: Call, _params: Params) -> TotpSetup:
        return await service.set_up_totp(call)

    async def confirm_totp(call: Call, params: TotpConfirmParams) -> TotpConfirmed:
        return await service.confirm_totp(call, params.code)

    async def delete_totp(call: Call, _params: Params) -> DeletedTotp:
        return await service.totp.remove(call)

    async def retrieve_recovery_codes(call: Call, _params: Params) -> RecoveryCodes:
        return await service.recovery.left(call)

    async def create_recovery_codes(call: Call, _params: Params) -> NewRecoveryCodes:
        return await service.recovery.regenerate(call)

    return [
        _reading(URL, retrieve_second_factors, "See which second factors you have", SecondFactors),
        _reading(TOTP_URL, retrieve_totp, "See whether you have an authenticator app", Totp),
        _changing("POST", TOTP_URL, set_up_totp, "Begin with an authenticator app", TotpSetup),
        _changing(
            "POST",
            f"{TOTP_URL}/confirm",
            confirm_totp,
            "Take an authenticator app into use",
            TotpConfirmed,
            TotpConfirmParams,
        ),
        _changing("DELETE", TOTP_URL, delete_totp, "Take your authenticator app away", DeletedTotp),
        _reading(CODES_URL, retrieve_recovery_codes, "See how many recovery codes are left", RecoveryCodes),
        _changing("POST", CODES_URL, create_recovery_codes, "Make new recovery codes", NewRecoveryCodes),
    ]


def _code_factors(service: SecondFactorService) -> list[Endpoint]:
    async def begin_code_factor(call: Call, params: CodeFactorParams) -> SentCode:
        return await service.codes.begin(call, params)

    async def confirm_code_factor(call: Call, params: CodeFactorConfirmParams) -> NewCodeFactor:
        return await service.confirm_codes(call, params)

    async def delete_code_factor(call: Call, _params: Params) -> DeletedCodeFactor:
        return await service.codes.remove(call, call.path["channel"])

    async def send_sign_in_code(call: Call, params: SendSignInCodeParams) -> SentCode:
        return await service.codes.send_for_sign_in(call, params.challenge, params.channel)

    async def send_step_up_code(call: Call, params: SendCodeParams) -> SentCode:
        return await service.codes.send_for_step_up(call, params.channel)

    return [
        _changing(
            "POST",
            CODE_FACTORS_URL,
            begin_code_factor,
            "Begin with codes by e-mail or text message",
            SentCode,
            CodeFactorParams,
        ),
        _changing(
            "POST",
            f"{CODE_FACTORS_URL}/confirm",
            confirm_code_factor,
            "Take codes by e-mail or text message into use",
            NewCodeFactor,
            CodeFactorConfirmParams,
        ),
        _changing(
            "DELETE",
            f"{CODE_FACTORS_URL}/{{channel}}",
            delete_code_factor,
            "Take codes by e-mail or text message away",
            DeletedCodeFactor,
        ),
        _open(
            "/api/v1/auth/second-factor/send",
            send_sign_in_code,
            "Have a code sent to complete a sign-in",
            SentCode,
            SendSignInCodeParams,
        ),
        Endpoint(
            "POST",
            "/api/v1/auth/step-up/send",
            send_step_up_code,
            "Have a code sent to prove again who you are",
            SELF,
            SentCode,
            SendCodeParams,
            surface="control",
            keeps_answer=False,
        ),
    ]


def _passkeys(service: SecondFactorService) -> list[Endpoint]:
    async def begin_passkey(call: Call, _params: Params) -> PasskeyOptions:
        return await service.registration_options(call)

    async def create_passkey(call: Call, params: PasskeyParams) -> NewPasskey:
        return await service.register_passkey(call, params)

    async def list_passkeys(call: Call, _params: Params) -> Page[Passkey]:
        return await service.passkeys.page(call)

    async def rename_passkey(call: Call, params: PasskeyChangeParams) -> Passkey:
        return await service.passkeys.rename(call, params.name)

    async def delete_passkey(call: Call, _params: Params) -> DeletedPasskey:
        return await service.passkeys.remove(call)

    return [
        _changing("POST", f"{PASSKEYS_URL}/registration", begin_passkey, "Begin to register a passkey", PasskeyOptions),
        _changing("POST", PASSKEYS_URL, create_passkey, "Register a passkey", NewPasskey, PasskeyParams),
        _reading(PASSKEYS_URL, list_passkeys, "List your passkeys", Page[Passkey]),
        Endpoint(
            "PUT",
            PASSKEY_URL,
            rename_passkey,
            "Rename a passkey",
            SELF,
            Passkey,
            PasskeyChangeParams,
            surface="control",
        ),
        _changing("DELETE", PASSKEY_URL, delete_passkey, "Take a passkey away", DeletedPasskey),
    ]


def _passkey_proofs(service: SecondFactorService) -> list[Endpoint]:
    async def begin_passkey_proof(_call: Call, params: PasskeyOptionsParams) -> PasskeyOptions:
        return await service.passkeys.assertion_options(params.purpose)

    async def prove_passkey(call: Call, params: PasskeyProofParams) -> PasskeyProof:
        return await service.prove_passkey(call, params)

    async def sign_in_by_passkey(call: Call, params: PasskeySignInParams) -> Effect:
        tokens = await service.sign_in_by_passkey(call, params)
        return Effect(tokens.answer(), Unit(), headers=tokens.headers)

    return [
        _open(
            f"{PASSKEYS_URL}/options",
            begin_passkey_proof,
            "Begin to use a passkey",
            PasskeyOptions,
            PasskeyOptionsParams,
        ),
        _open(
            f"{PASSKEYS_URL}/proof",
            prove_passkey,
            "Exchange a passkey's answer for a code",
            PasskeyProof,
            PasskeyProofParams,
        ),
        _open(f"{PASSKEYS_URL}/sign-in", sign_in_by_passkey, "Sign in by a passkey", SignedIn, PasskeySignInParams),
    ]


def _reading(path: str, handler: Handler, summary: str, returns: Any) -> Endpoint:
    return Endpoint("GET", path, handler, summary, SELF, returns, surface="control")


def _changing(
    method: str, path: str, handler: Handler, summary: str, returns: Any, params: type[Params] = Params
) -> Endpoint:
    """With a stolen session alone nobody adds a factor or takes one away; and what is shown is kept nowhere."""
    return Endpoint(
        method,
        path,
        handler,
        summary,
        SELF,
        returns,
        params,
        surface="control",
        needs_proof=True,
        keeps_answer=False,
    )


def _open(path: str, handler: Handler, summary: str, returns: Any, params: type[Params]) -> Endpoint:
    return Endpoint(
        "POST",
        path,
        handler,
        summary,
        SELF,
        returns,
        params,
        surface="control",
        public=True,
        keeps_answer=False,
    )
