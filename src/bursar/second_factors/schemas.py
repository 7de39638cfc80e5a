"""Second factors on the wire. Secrets and codes are shown once, when they are made."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from bursar.http.params import Params

Code = Annotated[str, Meta(min_length=1, max_length=64)]
Name = Annotated[str, Meta(min_length=1, max_length=100)]
# Base64 of what a browser hands on: longer than any authenticator's answer, shorter than a nuisance.
Bytes = Annotated[str, Meta(min_length=1, max_length=16_384)]
CredentialId = Annotated[str, Meta(min_length=1, max_length=1_400)]
Channel = Literal["email", "sms"]
Purpose = Literal["sign_in", "second_factor", "step_up"]


class Totp(msgspec.Struct, kw_only=True):
    object: Literal["totp"] = "totp"
    active: bool
    created: int | None


class TotpSetup(msgspec.Struct, kw_only=True):
    """What an authenticator app needs. It counts for nothing until a first code has been right."""

    object: Literal["totp_setup"] = "totp_setup"
    secret: str
    otpauth_url: str


class TotpConfirmed(msgspec.Struct, kw_only=True):
    object: Literal["totp"] = "totp"
    active: bool = True
    created: int
    # With the first factor of all come the codes for the day when it is lost; null when there are some already.
    recovery_codes: list[str] | None


class DeletedTotp(msgspec.Struct, kw_only=True):
    object: Literal["totp"] = "totp"
    deleted: Literal[True] = True


class RecoveryCodes(msgspec.Struct, kw_only=True):
    object: Literal["recovery_codes"] = "recovery_codes"
    left: int
    created: int | None


class NewRecoveryCodes(msgspec.Struct, kw_only=True):
    object: Literal["recovery_codes"] = "recovery_codes"
    codes: list[str]
    created: int


class Passkey(msgspec.Struct, kw_only=True):
    id: str
    object: Literal["passkey"] = "passkey"
    name: str
    transports: list[str]
    # Whether it is on several devices of its owner: such a one survives the loss of a phone.
    backed_up: bool
    created: int
    last_used: int | None


class NewPasskey(Passkey, kw_only=True):
    recovery_codes: list[str] | None


class DeletedPasskey(msgspec.Struct, kw_only=True):
    id: str
    object: Literal["passkey"] = "passkey"
    deleted: Literal[True] = True


class PasskeyOptions(msgspec.Struct, kw_only=True):
    """For `navigator.credentials`: hand `public_key` to `parseCreationOptionsFromJSON` or `parseRequest…`."""

    object: Literal["passkey_options"] = "passkey_options"
    public_key: dict[str, Any]
    expires: int


class PasskeyProof(msgspec.Struct, kw_only=True):
    """A code of one use, for wherever a second factor's code is asked for."""

    object: Literal["passkey_proof"] = "passkey_proof"
    code: str
    expires_in: int


class CodeFactor(msgspec.Struct, kw_only=True):
    """Codes by e-mail or text message, and where to, as far as its owner needs to recognise it."""

    object: Literal["code_factor"] = "code_factor"
    channel: Channel
    recipient: str
    created: int


class NewCodeFactor(CodeFactor, kw_only=True):
    recovery_codes: list[str] | None


class DeletedCodeFactor(msgspec.Struct, kw_only=True):
    object: Literal["code_factor"] = "code_factor"
    channel: Channel
    deleted: Literal[True] = True


class SentCode(msgspec.Struct, kw_only=True):
    """The same whether or not there was somewhere to send it to."""

    object: Literal["sent_code"] = "sent_code"
    channel: Channel
    expires_in: int


class SecondFactors(msgspec.Struct, kw_only=True):
    object: Literal["second_factors"] = "second_factors"
    totp: bool
    passkeys: int
    code_factors: list[CodeFactor]
    recovery_codes_left: int


class AttestationResponse(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """As `PublicKeyCredential.toJSON()` spells it. What browsers add for convenience is not needed."""

    clientDataJSON: Bytes  # noqa: N815
    attestationObject: Bytes  # noqa: N815
    transports: Annotated[list[Annotated[str, Meta(max_length=32)]], Meta(max_length=10)] = []
    authenticatorData: Bytes | None = None  # noqa: N815
    publicKey: Bytes | None = None  # noqa: N815
    publicKeyAlgorithm: int | None = None  # noqa: N815


class AssertionResponse(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    clientDataJSON: Bytes  # noqa: N815
    authenticatorData: Bytes  # noqa: N815
    signature: Bytes
    userHandle: Annotated[str, Meta(max_length=128)] | None = None  # noqa: N815
    attestationObject: Bytes | None = None  # noqa: N815


class NewCredential(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    id: CredentialId
    rawId: CredentialId  # noqa: N815
    type: Literal["public-key"]
    response: AttestationResponse
    authenticatorAttachment: Annotated[str, Meta(max_length=32)] | None = None  # noqa: N815
    clientExtensionResults: dict[str, Any] = {}  # noqa: N815


class Assertion(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    id: CredentialId
    rawId: CredentialId  # noqa: N815
    type: Literal["public-key"]
    response: AssertionResponse
    authenticatorAttachment: Annotated[str, Meta(max_length=32)] | None = None  # noqa: N815
    clientExtensionResults: dict[str, Any] = {}  # noqa: N815


class TotpConfirmParams(Params):
    code: Code


class CodeFactorParams(Params):
    channel: Channel
    telephone: Annotated[str, Meta(max_length=20)] | None = None


class CodeFactorConfirmParams(Params):
    channel: Channel
    code: Code


class SendCodeParams(Params):
    channel: Channel


class SendSignInCodeParams(Params):
    challenge: Annotated[str, Meta(min_length=1, max_length=256)]
    channel: Channel


class PasskeyParams(Params):
    credential: NewCredential
    name: Name = "Passkey"


class PasskeyChangeParams(Params):
    name: Name


class PasskeyOptionsParams(Params):
    purpose: Purpose = "sign_in"


class PasskeyProofParams(Params):
    credential: Assertion
    purpose: Literal["second_factor", "step_up"] = "second_factor"


class PasskeySignInParams(Params):
    credential: Assertion
    organisation: Annotated[str, Meta(max_length=100)] | None = None
    remember: bool = False
    browser: bool = False
