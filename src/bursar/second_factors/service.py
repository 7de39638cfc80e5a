"""Everything that somebody can prove themselves with besides a password."""

from __future__ import annotations

from sqlalchemy import Connection

from bursar.http.call import Call
from bursar.http.endpoint import encode
from bursar.kit.clock import Clock, seconds
from bursar.kit.errors import AuthenticationFailed
from bursar.kit.ids import IdFactory
from bursar.people.lockout import Lockout
from bursar.people.secrets import Secrets
from bursar.people.service import Neighbours, PeopleService
from bursar.people.sessions import Tokens
from bursar.people.sign_in import SignIn
from bursar.people.standing import Standings
from bursar.second_factors import repository, rules
from bursar.second_factors.code_factors import CodeFactorService
from bursar.second_factors.passkeys import PasskeyService
from bursar.second_factors.recovery import RecoveryService
from bursar.second_factors.schemas import (
    CodeFactorConfirmParams,
    NewCodeFactor,
    NewPasskey,
    PasskeyOptions,
    PasskeyParams,
    PasskeyProof,
    PasskeyProofParams,
    PasskeySignInParams,
    SecondFactors,
    TotpConfirmed,
    TotpSetup,
)
from bursar.second_factors.told import Told
from bursar.second_factors.totp import TotpService
from bursar.store.columns import INSTALLATION
from bursar.store.log import Entry, Origin
from bursar.store.store import Store
from bursar.store.unit import Unit


class SecondFactorService:
    """What sign-in and step-up ask, and what people do with their own."""

    def __init__(
        self,
        store: Store,
        ids: IdFactory,
        clock: Clock,
        secrets: Secrets,
        people: PeopleService,
        neighbours: Neighbours,
        standings: Standings,
        sign_in: SignIn,
        lockout: Lockout,
        public_url: str,
    ) -> None:
        self._store = store
        self._clock = clock
        self._people = people
        self._standings = standings
        told = Told(neighbours)
        self.recovery = RecoveryService(store, clock, secrets, told)
        self.totp = TotpService(store, clock, secrets, told, self.recovery)
        self.passkeys = PasskeyService(store, ids, clock, secrets, told, self.recovery, public_url)
        self.codes = CodeFactorService(store, clock, secrets, told, self.recovery, people, sign_in, lockout)

    async def required(self, user_id: str) -> bool:
        """Whoever has a second factor is asked for it."""
        return await self._store.read(lambda connection: repository.has_factor(connection, user_id))

    async def check(self, user_id: str, code: str, call: Call) -> str | None:
        """How the code proves who it is. It is used up before the answer."""
        if await self.totp.spend(user_id, code, call):
            return "totp"
        if await self.passkeys.spend_proof(user_id, code):
            return "passkey"
        by_code = await self.codes.spend(user_id, code, call)
        if by_code is not None:
            return by_code
        return "recovery_code" if await self.recovery.spend(user_id, code, call) else None

    async def overview(self, call: Call) -> SecondFactors:
        user_id = call.principal.key_id

        def query(connection: Connection) -> SecondFactors:
            totp = repository.find_totp(connection, user_id)
            return SecondFactors(
                totp=totp is not None and totp.confirmed is not None,
                passkeys=repository.count_passkeys(connection, user_id),
                code_factors=[
                    repository.code_factor_view(found) for found in repository.code_factors_of(connection, user_id)
                ],
                recovery_codes_left=len(repository.find_codes(connection, user_id).hashes),
            )

        return await self._store.read(query)

    async def set_up_totp(self, call: Call) -> TotpSetup:
        user = await self._people.required(call.principal.key_id)
        return await self.totp.set_up(call, user.email)

    async def confirm_totp(self, call: Call, code: str) -> TotpConfirmed:
        is_first = not await self.required(call.principal.key_id)
        confirmed = await self.totp.confirm(call, code)
        await self._end_others(call, is_first=is_first)
        return confirmed

    async def confirm_codes(self, call: Call, params: CodeFactorConfirmParams) -> NewCodeFactor:
        is_first = not await self.required(call.principal.key_id)
        made = await self.codes.confirm(call, params.channel, params.code)
        await self._end_others(call, is_first=is_first)
        return made

    async def register_passkey(self, call: Call, params: PasskeyParams) -> NewPasskey:
        is_first = not await self.required(call.principal.key_id)
        made = await self.passkeys.register(call, params)
        await self._end_others(call, is_first=is_first)
        return made

    async def registration_options(self, call: Call) -> PasskeyOptions:
        return await self.passkeys.registration_options(await self._people.required(call.principal.key_id))

    async def prove_passkey(self, call: Call, params: PasskeyProofParams) -> PasskeyProof:
        """The code that stands for the passkey: for the second step of a sign-in, and for step-up."""
        user_id = await self.passkeys.prove(call, params.credential, params.purpose)
        return PasskeyProof(code=self.passkeys.proof_of(user_id), expires_in=rules.PROOF_SECONDS)

    async def sign_in_by_passkey(self, call: Call, params: PasskeySignInParams) -> Tokens:
        """The device, and its owner's finger or PIN: two factors at once, so that nothing else is asked for."""
        user_id = await self.passkeys.prove(call, params.credential, "sign_in")
        user = await self._people.find_by_id(user_id)
        if user is None or user.disabled:
            raise AuthenticationFailed(
                "This account cannot sign in. Ask whoever runs this installation.", code="sign_in_failed"
            )
        return await self._people.sign_in(
            user,
            params.organisation,
            call,
            methods=["passkey"],
            browser=params.browser,
            remember=params.remember,
        )

    async def _end_others(self, call: Call, *, is_first: bool) -> None:
        """Sessions that began by a password alone do not outlive the day when it no longer does.

        Whoever could do nothing before, as the organisation asks for a second factor, goes on at once.
        """
        self._standings.forget(call.principal.session_id or "")
        if is_first:
            user = await self._people.required(call.principal.key_id)
            await self._people.end_sessions(user, call.origin(), except_id=call.principal.session_id)

    def removal_of_all(self, user_id: str, origin: Origin) -> Unit:
        """For the commit that gives an account to whoever reads its address's mail, and has proved nothing before."""
        document = encode(SecondFactors(totp=False, passkeys=0, code_factors=[], recovery_codes_left=0))
        entry = Entry(INSTALLATION, 0, "bursar.second_factors.removed", user_id, document, origin=origin)
        return Unit(repository.delete_all(user_id), [entry])

    async def forget_challenges(self) -> None:
        """Those that are too old to be answered need not be remembered as answered."""
        now = self._clock.now_microseconds()
        changes = [repository.forget_spent(seconds(now)), repository.forget_sent_codes(now)]
        await self._store.commit(Unit(changes))
