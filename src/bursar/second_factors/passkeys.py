"""Passkeys: registered, and used instead of a password, beside one, or to prove once more who one is."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from sqlalchemy import Connection

from bursar.http.call import Call
from bursar.http.endpoint import encode
from bursar.http.paging import Page, missing
from bursar.kit.clock import Clock, seconds
from bursar.kit.errors import InvalidRequest, RequestError
from bursar.kit.ids import IdFactory
from bursar.people.lockout import NOBODY
from bursar.people.schemas import User
from bursar.people.secrets import Secrets
from bursar.second_factors import repository, rules
from bursar.second_factors.recovery import RecoveryService
from bursar.second_factors.repository import StoredPasskey
from bursar.second_factors.schemas import (
    Assertion,
    DeletedPasskey,
    NewCredential,
    NewPasskey,
    Passkey,
    PasskeyOptions,
    PasskeyParams,
    Purpose,
)
from bursar.second_factors.told import Told
from bursar.store.repeating import transact_again
from bursar.store.store import Store
from bursar.store.unit import Unit

if TYPE_CHECKING:
    from webauthn.authentication.verify_authentication_response import VerifiedAuthentication
    from webauthn.registration.verify_registration_response import VerifiedRegistration

T = TypeVar("T")

URL = "/api/v1/auth/passkeys"
CHALLENGES_FOR = "passkey challenge"
TIMEOUT_MILLISECONDS = rules.CHALLENGE_SECONDS * 1000


class PasskeyService:
    def __init__(
        self,
        store: Store,
        ids: IdFactory,
        clock: Clock,
        secrets: Secrets,
        told: Told,
        recovery: RecoveryService,
        public_url: str,
    ) -> None:
        self._store = store
        self._ids = ids
        self._clock = clock
        self._told = told
        self._recovery = recovery
        self._key = secrets.key(CHALLENGES_FOR)
        self._party, self._origins = rules.relying_party(public_url)

    async def registration_options(self, user: User) -> PasskeyOptions:
        known = await self._store.read(lambda connection: repository.passkeys_of(connection, user.id))
        challenge = rules.new_challenge(self._key, rules.REGISTRATION, user.id, self._clock.now_microseconds())
        options = await asyncio.to_thread(self._creation_options, user, known, challenge)
        return PasskeyOptions(public_key=options, expires=rules.challenge_expires(challenge))

    async def assertion_options(self, purpose: Purpose) -> PasskeyOptions:
        """The same for everybody: which passkeys somebody has is nobody else's affair."""
        challenge = rules.new_challenge(self._key, purpose, "", self._clock.now_microseconds())
        options: dict[str, Any] = {
            "challenge": _text_of(challenge),
            "timeout": TIMEOUT_MILLISECONDS,
            "rpId": self._party,
            "allowCredentials": [],
            # In place of a password it must be the person, and not only who holds the device.
            "userVerification": "required" if purpose == "sign_in" else "preferred",
        }
        return PasskeyOptions(public_key=options, expires=rules.challenge_expires(challenge))

    async def register(self, call: Call, params: PasskeyParams) -> NewPasskey:
        user_id, now = call.principal.key_id, self._clock.now_microseconds()
        challenge = self._challenge_of(params.credential.response.clientDataJSON, rules.REGISTRATION, user_id)
        verified = await asyncio.to_thread(self._verified_registration, params.credential, challenge)
        passkey = Passkey(
            id=self._ids.new(repository.PASSKEY_PREFIX),
            name=params.name,
            transports=params.credential.response.transports,
            backed_up=verified.credential_backed_up,
            created=seconds(now),
            last_used=None,
        )
        credential_id = verified.credential_id
        stored = StoredPasskey(user_id, credential_id, verified.credential_public_key, verified.sign_count, passkey)
        spent = rules.challenge_hash(challenge)
        tell = await self._told.of(call, user_id)

        def work(connection: Connection) -> tuple[NewPasskey, Unit]:
            if repository.is_spent(connection, spent):
                raise _refused("challenge_expired")
            if repository.count_passkeys(connection, user_id) >= rules.PASSKEYS_MAX:
                raise InvalidRequest(f"You can have {rules.PASSKEYS_MAX} passkeys; take one away first.")
            hashed = rules.credential_hash(credential_id)
            if repository.find_passkey_by_credential(connection, hashed) is not None:
                raise InvalidRequest("This passkey is registered already.", param="credential", code="passkey_exists")
            codes, unit = self._recovery.first_codes(connection, user_id, tell)
            unit.changes += [
                repository.insert_passkey(stored, hashed, now),
                repository.spend_challenge(spent, rules.challenge_expires(challenge)),
            ]
            unit.entries += tell("bursar.passkey.added", encode(passkey))
            return NewPasskey(**msgspec.structs.asdict(passkey), recovery_codes=codes), unit

        made: NewPasskey = await transact_again(self._store, work)
        return made

    async def prove(self, call: Call, assertion: Assertion, purpose: Purpose) -> str:
        """Whose passkey it is. The challenge is spent, and the use of the passkey told, before the answer."""
        hashed = rules.credential_hash(_bytes_of(assertion.rawId))
        known = await self._store.read(lambda connection: repository.find_passkey_by_credential(connection, hashed))
        try:
            return await self._proved(call, assertion, known, purpose)
        except RequestError as refusal:
            if purpose == "sign_in":
                await self._tell_failed(call, known.user_id if known is not None else None, refusal.code)
            raise

    async def _tell_failed(self, call: Call, user_id: str | None, reason: str | None) -> None:
        tell = await self._told.of(call, user_id or NOBODY)
        document = {"object": "sign_in", "user": user_id, "reason": reason, "method": "passkey"}
        await self._store.commit(Unit([], tell("bursar.sign_in.failed", msgspec.json.encode(document))))

    async def _proved(self, call: Call, assertion: Assertion, known: StoredPasskey | None, purpose: Purpose) -> str:
        challenge = self._challenge_of(assertion.response.clientDataJSON, purpose, "")
        spent = rules.challenge_hash(challenge)
        if known is None or not _is_of(assertion, known):
            raise _refused("passkey_unknown")
        verified = await asyncio.to_thread(self._verified_assertion, assertion, challenge, known, purpose)
        tell = await self._told.of(call, known.user_id)
        now = self._clock.now_microseconds()

        def work(connection: Connection) -> tuple[bool, Unit]:
            if repository.is_spent(connection, spent):
                raise _refused("challenge_expired")
            stored = repository.find_passkey(connection, known.user_id, known.passkey.id)
            if stored is None:
                raise _refused("passkey_unknown")
            spend = repository.spend_challenge(spent, rules.challenge_expires(challenge))
            if not rules.counter_is_plausible(stored.sign_count, verified.new_sign_count):
                # Told and committed, though nobody is let in: somebody may have a copy of the key.
                return False, Unit([spend], tell("bursar.passkey.copied", encode(stored.passkey)))
            backed_up = verified.credential_backed_up
            use = repository.use_passkey(stored, verified.new_sign_count, now, backed_up=backed_up)
            passkey = msgspec.structs.replace(stored.passkey, last_used=seconds(now), backed_up=backed_up)
            return True, Unit([spend, use], tell("bursar.passkey.used", encode(passkey)))

        if not await transact_again(self._store, work):
            raise _refused("passkey_copied")
        return known.user_id

    def proof_of(self, user_id: str) -> str:
        """A code of one use: what stands for the passkey wherever a second factor's code is asked for."""
        now = self._clock.now_microseconds()
        challenge = rules.new_challenge(self._key, "proof", user_id, now, rules.PROOF_SECONDS)
        return rules.PROOF_PREFIX + _text_of(challenge)

    async def spend_proof(self, user_id: str, code: str) -> bool:
        if not code.startswith(rules.PROOF_PREFIX):
            return False
        try:
            proof = _bytes_of(code.removeprefix(rules.PROOF_PREFIX))
        except InvalidRequest:
            return False
        if not rules.challenge_holds(self._key, proof, "proof", user_id, self._clock.now_microseconds()):
            return False
        spent = rules.challenge_hash(proof)

        def work(connection: Connection) -> tuple[bool, Unit]:
            if repository.is_spent(connection, spent):
                return False, Unit()
            return True, Unit([repository.spend_challenge(spent, rules.challenge_expires(proof))])

        return bool(await transact_again(self._store, work))

    async def page(self, call: Call) -> Page[Passkey]:
        user_id = call.principal.key_id
        found = await self._store.read(lambda connection: repository.passkeys_of(connection, user_id))
        return Page(data=[stored.passkey for stored in reversed(found)], has_more=False, url=URL)

    async def rename(self, call: Call, name: str) -> Passkey:
        tell = await self._told.of(call, call.principal.key_id)

        def work(connection: Connection) -> tuple[Passkey, Unit]:
            stored = _own(connection, call)
            passkey = msgspec.structs.replace(stored.passkey, name=name)
            change = repository.rename_passkey(stored.user_id, passkey.id, name)
            return passkey, Unit([change], tell("bursar.passkey.renamed", encode(passkey)))

        renamed: Passkey = await transact_again(self._store, work)
        return renamed

    async def remove(self, call: Call) -> DeletedPasskey:
        tell = await self._told.of(call, call.principal.key_id)

        def work(connection: Connection) -> tuple[DeletedPasskey, Unit]:
            stored = _own(connection, call)
            change = repository.delete_passkey(stored.user_id, stored.passkey.id)
            told = tell("bursar.passkey.removed", encode(stored.passkey))
            return DeletedPasskey(id=stored.passkey.id), Unit([change], told)

        removed: DeletedPasskey = await transact_again(self._store, work)
        return removed

    def _creation_options(self, user: User, known: list[StoredPasskey], challenge: bytes) -> dict[str, Any]:
        from webauthn import generate_registration_options
        from webauthn.helpers import options_to_json_dict
        from webauthn.helpers.structs import (
            AuthenticatorSelectionCriteria,
            PublicKeyCredentialDescriptor,
            ResidentKeyRequirement,
            UserVerificationRequirement,
        )

        options = generate_registration_options(
            rp_id=self._party,
            rp_name=rules.ISSUER,
            user_id=user.id.encode(),
            user_name=user.email,
            user_display_name=user.name or user.email,
            challenge=challenge,
            timeout=TIMEOUT_MILLISECONDS,
            exclude_credentials=[PublicKeyCredentialDescriptor(id=stored.credential_id) for stored in known],
            # On the device itself, so that it is found without a name being typed, and none is given away.
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.PREFERRED
            ),
        )
        return options_to_json_dict(options)

    def _verified_registration(self, credential: NewCredential, challenge: bytes) -> VerifiedRegistration:
        from webauthn import verify_registration_response

        return _checked(
            lambda: verify_registration_response(
                credential=_plain(credential),
                expected_challenge=challenge,
                expected_rp_id=self._party,
                expected_origin=self._origins,
            )
        )

    def _verified_assertion(
        self, assertion: Assertion, challenge: bytes, known: StoredPasskey, purpose: Purpose
    ) -> VerifiedAuthentication:
        from webauthn import verify_authentication_response

        return _checked(
            lambda: verify_authentication_response(
                credential=_plain(assertion),
                expected_challenge=challenge,
                expected_rp_id=self._party,
                expected_origin=self._origins,
                credential_public_key=known.public_key,
                credential_current_sign_count=0,  # held against the counter in the transaction
                require_user_verification=purpose == "sign_in",
            )
        )

    def _challenge_of(self, client_data: str, purpose: str, user_id: str) -> bytes:
        """What was signed, if it is a challenge of ours for this, for them, and not too old."""
        try:
            told = msgspec.json.decode(_bytes_of(client_data))
            challenge = _bytes_of(told["challenge"])
        except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError):
            raise _refused("challenge_expired") from None
        if not rules.challenge_holds(self._key, challenge, purpose, user_id, self._clock.now_microseconds()):
            raise _refused("challenge_expired")
        return challenge


def _own(connection: Connection, call: Call) -> StoredPasskey:
    passkey_id = call.path["passkey"]
    stored = repository.find_passkey(connection, call.principal.key_id, passkey_id)
    if stored is None:
        raise missing("passkey", passkey_id)
    return stored


def _is_of(assertion: Assertion, known: StoredPasskey) -> bool:
    handle = assertion.response.userHandle
    return handle is None or _bytes_of(handle) == known.user_id.encode()


def _checked(verify: Callable[[], T]) -> T:
    """Whatever is wrong with what an authenticator sent, the library says it by many kinds of exceptions."""
    try:
        return verify()
    except Exception:
        raise _refused("passkey_invalid") from None


def _plain(credential: NewCredential | Assertion) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(credential)
    plain["response"] = {name: value for name, value in plain["response"].items() if value is not None}
    return {name: value for name, value in plain.items() if value is not None}


def _text_of(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes_of(text: str) -> bytes:
    try:
        return base64.b64decode(text.encode() + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise _refused("passkey_invalid") from None


_REASONS = {
    "challenge_expired": "The challenge is not one of ours for this, was answered already, or is older than "
    f"{rules.CHALLENGE_SECONDS // 60} minutes. Ask for new options and try again.",
    "passkey_unknown": "This passkey is not registered here. Use another one, or sign in with your password.",
    "passkey_invalid": "What the authenticator sent does not prove anything. Use it on the page of this installation, "
    "with the options as they were given.",
    "passkey_copied": "This passkey's counter did not rise: somebody may have a copy of it. Sign in by other means, "
    "take the passkey away and register a new one.",
}


def _refused(code: str) -> InvalidRequest:
    return InvalidRequest(_REASONS[code], param="credential", code=code)
