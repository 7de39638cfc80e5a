"""Codes that come by e-mail or text message: to sign in with, and to prove again who one is.

Only a keyed hash of a code is stored. It works once, for ten minutes, for what it was sent for, and as long as nobody
has been wrong five times; a newer one replaces it.
"""

from __future__ import annotations

import hmac
from typing import cast

from sqlalchemy import Connection

from bursar.http.call import Call
from bursar.http.endpoint import encode
from bursar.kit.clock import MICROSECONDS_PER_SECOND, Clock
from bursar.kit.errors import Conflict, InvalidRequest, NotFound
from bursar.kit.recipients import is_telephone, masked
from bursar.people.lockout import Lockout
from bursar.people.schemas import User
from bursar.people.secrets import Secrets
from bursar.people.service import PeopleService
from bursar.people.sign_in import SignIn
from bursar.people.visits import Person, Visitor
from bursar.second_factors import repository, rules
from bursar.second_factors.protocols import CodePost, NoPost
from bursar.second_factors.recovery import RecoveryService
from bursar.second_factors.repository import SentCode as StoredCode
from bursar.second_factors.repository import StoredCodeFactor
from bursar.second_factors.schemas import Channel, CodeFactorParams, DeletedCodeFactor, NewCodeFactor, SentCode
from bursar.second_factors.told import Told
from bursar.store.repeating import transact_again
from bursar.store.store import Store
from bursar.store.unit import Unit

HASHED_FOR = "sent code"
SIGN_IN, STEP_UP = "sign_in", "step_up"


class CodeFactorService:
    def __init__(
        self,
        store: Store,
        clock: Clock,
        secrets: Secrets,
        told: Told,
        recovery: RecoveryService,
        people: PeopleService,
        sign_in: SignIn,
        lockout: Lockout,
    ) -> None:
        self._store = store
        self._clock = clock
        self._secrets = secrets
        self._told = told
        self._recovery = recovery
        self._people = people
        self._sign_in = sign_in
        self._lockout = lockout
        self.post: CodePost = NoPost()

    async def begin(self, call: Call, params: CodeFactorParams) -> SentCode:
        user = await self._people.required(call.principal.key_id)
        recipient = _recipient(user, params)
        if await self._find(user.id, params.channel) is not None:
            raise Conflict(
                f"You have codes by this channel already. Take them away by DELETE /api/v1/auth/code-factors/"
                f"{params.channel} first.",
                code="code_factor_exists",
            )
        await self._lockout.count_sending(user.id, call.address, _device(call), params.telephone)
        await self._send(call, user, _confirming(params.channel), params.channel, recipient)
        return _sent(params.channel)

    async def confirm(self, call: Call, channel: Channel, code: str) -> NewCodeFactor:
        user_id, now = call.principal.key_id, self._clock.now_microseconds()
        tell = await self._told.of(call, user_id)

        def work(connection: Connection) -> tuple[NewCodeFactor | None, Unit]:
            found = repository.find_sent_code(connection, user_id, _confirming(channel))
            if found is None or not _may_be_tried(found, now):
                raise NotFound(
                    "There is no code to be confirmed: none was sent, or it has expired, or too many tries were "
                    "wrong. POST /api/v1/auth/code-factors sends one.",
                    code="code_missing",
                )
            if not self._matches(found, code):
                return None, Unit([repository.count_try(found)])
            factor = StoredCodeFactor(user_id, channel, found.recipient, now)
            view = repository.code_factor_view(factor)
            codes, unit = self._recovery.first_codes(connection, user_id, tell)
            unit.changes += [repository.use_sent_code(found), repository.insert_code_factor(factor)]
            unit.entries += tell("bursar.code_factor.added", encode(view))
            made = NewCodeFactor(channel=channel, recipient=view.recipient, created=view.created, recovery_codes=codes)
            return made, unit

        made: NewCodeFactor | None = await transact_again(self._store, work)
        if made is None:
            raise InvalidRequest(
                "This is not the code that was sent last. Look at the newest message, and try again.",
                param="code",
                code="code_invalid",
            )
        return made

    async def remove(self, call: Call, channel: str) -> DeletedCodeFactor:
        user_id = call.principal.key_id
        tell = await self._told.of(call, user_id)

        def work(connection: Connection) -> tuple[DeletedCodeFactor, Unit]:
            found = repository.find_code_factor(connection, user_id, channel)
            if found is None:
                raise NotFound("You have no codes by such a channel.", code="code_factor_missing")
            told = tell("bursar.code_factor.removed", encode(repository.code_factor_view(found)))
            return DeletedCodeFactor(channel=found.channel), Unit(
                [repository.delete_code_factor(user_id, channel)], told
            )

        removed: DeletedCodeFactor = await transact_again(self._store, work)
        return removed

    async def send_for_sign_in(self, call: Call, challenge: str, channel: Channel) -> SentCode:
        _, user = await self._sign_in.open_challenge(challenge)
        return await self._send_to_factor(call, user, SIGN_IN, channel)

    async def send_for_step_up(self, call: Call, channel: Channel) -> SentCode:
        user = await self._people.required(call.principal.key_id)
        return await self._send_to_factor(call, user, STEP_UP, channel)

    async def spend(self, user_id: str, code: str, call: Call) -> str | None:
        """How the code came, if it is right. Right or wrong, that is durable before the answer."""
        if rules.plain_code(code) is None:
            return None
        purpose = STEP_UP if isinstance(call.principal, Person) else SIGN_IN
        now = self._clock.now_microseconds()
        tell = await self._told.of(call, user_id)
        forgiven = await self._lockout.sending_was_right(user_id, call.address, _device(call))

        def work(connection: Connection) -> tuple[str | None, Unit]:
            found = repository.find_sent_code(connection, user_id, purpose)
            if found is None or not _may_be_tried(found, now):
                return None, Unit()
            factor = repository.find_code_factor(connection, user_id, found.channel)
            if factor is None or factor.recipient != found.recipient:  # taken away meanwhile
                return None, Unit()
            if not self._matches(found, code):
                return None, Unit([repository.count_try(found)])
            told = tell("bursar.code_factor.used", encode(repository.code_factor_view(factor)))
            return f"{found.channel}_code", Unit([repository.use_sent_code(found), *forgiven], told)

        return cast("str | None", await transact_again(self._store, work))

    async def _find(self, user_id: str, channel: Channel) -> StoredCodeFactor | None:
        return await self._store.read(lambda connection: repository.find_code_factor(connection, user_id, channel))

    async def _send_to_factor(self, call: Call, user: User, purpose: str, channel: Channel) -> SentCode:
        """Counted and answered alike whether or not there is such a factor."""
        await self._lockout.count_sending(user.id, call.address, _device(call))
        factor = await self._find(user.id, channel)
        if factor is not None:
            await self._send(call, user, purpose, channel, factor.recipient)
        return _sent(channel)

    async def _send(self, call: Call, user: User, purpose: str, channel: Channel, recipient: str) -> None:
        code, now = rules.new_code(), self._clock.now_microseconds()
        stored = StoredCode(
            user_id=user.id,
            purpose=purpose,
            channel=channel,
            recipient=recipient,
            code_hash=self._secrets.hash(HASHED_FOR, _hashed(user.id, purpose, now, code)),
            tries=0,
            created=now,
            expires=now + rules.CODE_SECONDS * MICROSECONDS_PER_SECOND,
        )
        _, sending = self.post.sending(
            call.origin(),
            channel,
            recipient,
            code,
            lifetime_seconds=rules.CODE_SECONDS,
            user_id=user.id,
            locale=user.locale,
        )

        def work(_connection: Connection) -> tuple[None, Unit]:
            return None, Unit([*repository.keep_sent_code(stored), *sending.changes], list(sending.entries))

        await transact_again(self._store, work)

    def _matches(self, sent: StoredCode, code: str) -> bool:
        given = _hashed(sent.user_id, sent.purpose, sent.created, rules.plain_code(code) or "")
        is_right = False
        for known in self._secrets.hashes(HASHED_FOR, given):  # all of them, so that time tells nothing
            is_right |= hmac.compare_digest(known, sent.code_hash)
        return is_right


def _recipient(user: User, params: CodeFactorParams) -> str:
    if params.channel == "email":
        if params.telephone is not None:
            raise InvalidRequest("Codes by e-mail go to your own address: leave telephone out.", param="telephone")
        if not user.email_verified:
            raise InvalidRequest(
                f"Your address {masked(user.email)} is not verified yet. Verify it by the link that was mailed, or "
                "POST /api/v1/auth/email/resend for another one.",
                param="channel",
                code="email_unverified",
            )
        return user.email
    if params.telephone is None or not is_telephone(params.telephone):
        raise InvalidRequest("Send the telephone's number in full, like +4915112345678.", param="telephone")
    return params.telephone


def _may_be_tried(sent: StoredCode, now: int) -> bool:
    return now < sent.expires and sent.tries < rules.CODE_TRIES_MAX


def _confirming(channel: Channel) -> str:
    return f"confirm_{channel}"


def _hashed(user_id: str, purpose: str, created: int, code: str) -> str:
    """One code is worth nothing for another person, another purpose or another time."""
    return f"{user_id}:{purpose}:{created}:{code}"


def _sent(channel: Channel) -> SentCode:
    return SentCode(channel=channel, expires_in=rules.CODE_SECONDS)


def _device(call: Call) -> str | None:
    return call.principal.device if isinstance(call.principal, (Person, Visitor)) else None
