"""One-time codes of an authenticator app."""

from __future__ import annotations

from sqlalchemy import Connection

from bursar.http.call import Call
from bursar.http.endpoint import encode
from bursar.kit.clock import Clock, seconds
from bursar.kit.errors import Conflict, InvalidRequest, NotFound
from bursar.kit.sealing import SealBroken, Sealing
from bursar.people.secrets import Secrets
from bursar.second_factors import repository, rules
from bursar.second_factors.recovery import RecoveryService
from bursar.second_factors.repository import StoredTotp
from bursar.second_factors.schemas import DeletedTotp, Totp, TotpConfirmed, TotpSetup
from bursar.second_factors.told import Told
from bursar.store.repeating import transact_again
from bursar.store.store import Store
from bursar.store.unit import Unit

SEALED_FOR = "totp secret"


class TotpService:
    def __init__(self, store: Store, clock: Clock, secrets: Secrets, told: Told, recovery: RecoveryService) -> None:
        self._store = store
        self._clock = clock
        self._told = told
        self._recovery = recovery
        self._sealing = Sealing(secrets.keys(SEALED_FOR))

    async def totp(self, call: Call) -> Totp:
        found = await self._store.read(lambda connection: repository.find_totp(connection, call.principal.key_id))
        active = found is not None and found.confirmed is not None
        return Totp(active=active, created=seconds(found.created) if found is not None and active else None)

    async def set_up(self, call: Call, account: str) -> TotpSetup:
        """A new secret instead of one that was never confirmed; one in use is taken away first."""
        user_id, now = call.principal.key_id, self._clock.now_microseconds()
        secret = rules.new_totp_secret()
        sealed = self._sealing.seal(secret.encode(), user_id)
        tell = await self._told.of(call, user_id)

        def work(connection: Connection) -> tuple[bool, Unit]:
            before = repository.find_totp(connection, user_id)
            if before is not None and before.confirmed is not None:
                raise Conflict(
                    "You have an authenticator app already. Take it away by DELETE /api/v1/auth/totp first.",
                    code="totp_exists",
                )
            fresh = StoredTotp(user_id, sealed, now, None, rules.NEVER_USED)
            changes = [repository.delete_unconfirmed_totp(user_id), repository.insert_totp(fresh)]
            return True, Unit(changes, tell("bursar.totp.begun", encode(Totp(active=False, created=seconds(now)))))

        await transact_again(self._store, work)
        return TotpSetup(secret=secret, otpauth_url=rules.otpauth_url(secret, account))

    async def confirm(self, call: Call, code: str) -> TotpConfirmed:
        user_id, now = call.principal.key_id, self._clock.now_microseconds()
        tell = await self._told.of(call, user_id)

        def work(connection: Connection) -> tuple[TotpConfirmed, Unit]:
            found = repository.find_totp(connection, user_id)
            if found is None or found.confirmed is not None:
                raise NotFound(
                    "There is no authenticator app to be confirmed. POST /api/v1/auth/totp gives the secret for one.",
                    code="totp_missing",
                )
            step, sealed = self._matching(found, code, now)
            if step is None:
                raise InvalidRequest(
                    "This is not the code that the app shows now. Check the clock of its device, and try again.",
                    param="code",
                    code="code_invalid",
                )
            codes, unit = self._recovery.first_codes(connection, user_id, tell)
            unit.changes.append(repository.spend_step(found, step, confirmed=now, sealed=sealed))
            document = encode(Totp(active=True, created=seconds(found.created)))
            unit.entries += tell("bursar.totp.added", document)
            return TotpConfirmed(created=seconds(found.created), recovery_codes=codes), unit

        confirmed: TotpConfirmed = await transact_again(self._store, work)
        return confirmed

    async def remove(self, call: Call) -> DeletedTotp:
        user_id = call.principal.key_id
        tell = await self._told.of(call, user_id)

        def work(connection: Connection) -> tuple[DeletedTotp, Unit]:
            found = repository.find_totp(connection, user_id)
            if found is None or found.confirmed is None:
                raise NotFound("You have no authenticator app.", code="totp_missing")
            document = encode(Totp(active=False, created=None))
            return DeletedTotp(), Unit([repository.delete_totp(user_id)], tell("bursar.totp.removed", document))

        removed: DeletedTotp = await transact_again(self._store, work)
        return removed

    async def spend(self, user_id: str, code: str, call: Call) -> bool:
        """Whether the code is right. It is durable before the answer that it never will be again."""
        now = self._clock.now_microseconds()
        tell = await self._told.of(call, user_id)

        def work(connection: Connection) -> tuple[bool, Unit]:
            found = repository.find_totp(connection, user_id)
            if found is None or found.confirmed is None:
                return False, Unit()
            step, sealed = self._matching(found, code, now)
            if step is None:
                return False, Unit()
            spend = repository.spend_step(found, step, confirmed=found.confirmed, sealed=sealed)
            document = encode(Totp(active=True, created=seconds(found.created)))
            return True, Unit([spend], tell("bursar.totp.used", document))

        return bool(await transact_again(self._store, work))

    def _matching(self, totp: StoredTotp, code: str, now: int) -> tuple[int | None, str]:
        """The step that the code is of, and the secret sealed by today's key: keys are changed in passing."""
        try:
            secret = self._sealing.unseal(totp.sealed, totp.user_id)
        except SealBroken:  # sealed by a secret of the installation that nobody knows any more
            return None, totp.sealed
        step = rules.matching_step(secret.decode(), code, now, totp.last_step)
        return step, totp.sealed if step is None else self._sealing.seal(secret, totp.user_id)
