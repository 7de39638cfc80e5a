"""Recovery codes: for the day when the phone with the other factor is lost."""

from __future__ import annotations

from sqlalchemy import Connection

from bursar.http.call import Call
from bursar.http.endpoint import encode
from bursar.kit.clock import Clock, seconds
from bursar.kit.errors import InvalidRequest
from bursar.people.secrets import Secrets
from bursar.second_factors import repository, rules
from bursar.second_factors.repository import StoredCodes
from bursar.second_factors.schemas import NewRecoveryCodes, RecoveryCodes
from bursar.second_factors.told import Tell, Told
from bursar.store.repeating import transact_again
from bursar.store.store import Store
from bursar.store.unit import Unit

# Keyed hashes, and not slow ones: a code has 80 bits of chance, and somebody has ten.
HASHED_FOR = "recovery code"


class RecoveryService:
    def __init__(self, store: Store, clock: Clock, secrets: Secrets, told: Told) -> None:
        self._store = store
        self._clock = clock
        self._secrets = secrets
        self._told = told

    async def left(self, call: Call) -> RecoveryCodes:
        found = await self._store.read(lambda connection: repository.find_codes(connection, call.principal.key_id))
        return _view(found)

    async def regenerate(self, call: Call) -> NewRecoveryCodes:
        """New ones; those before work no more."""
        user_id, now = call.principal.key_id, self._clock.now_microseconds()
        tell = await self._told.of(call, user_id)

        def work(connection: Connection) -> tuple[NewRecoveryCodes, Unit]:
            if not repository.has_factor(connection, user_id):
                raise InvalidRequest(
                    "Recovery codes stand in for a second factor, and you have none. Set up an authenticator app or a "
                    "passkey; the codes come with it.",
                    code="second_factor_missing",
                )
            codes, unit = self._new(repository.find_codes(connection, user_id), tell, now)
            return NewRecoveryCodes(codes=codes, created=seconds(now)), unit

        made: NewRecoveryCodes = await transact_again(self._store, work)
        return made

    def first_codes(self, connection: Connection, user_id: str, tell: Tell) -> tuple[list[str] | None, Unit]:
        """With somebody's first factor come codes. Whoever has a factor, and codes for it, keeps those."""
        known = repository.find_codes(connection, user_id)
        if known.hashes and repository.has_factor(connection, user_id):
            return None, Unit()
        return self._new(known, tell, self._clock.now_microseconds())

    async def spend(self, user_id: str, code: str, call: Call) -> bool:
        """Whether it is one that was never used; from then on it has been."""
        plain = rules.plain_recovery_code(code)
        if plain is None:
            return False
        hashes = set(self._secrets.hashes(HASHED_FOR, f"{user_id}:{plain}"))
        tell = await self._told.of(call, user_id)

        def work(connection: Connection) -> tuple[bool, Unit]:
            known = repository.find_codes(connection, user_id)
            left = [value for value in known.hashes if value not in hashes]
            if len(left) == len(known.hashes) or not repository.has_factor(connection, user_id):
                return False, Unit()
            assert known.created is not None, "codes that are stored were made at some time"
            document = encode(RecoveryCodes(left=len(left), created=seconds(known.created)))
            unit = Unit(
                [repository.keep_codes(known, left, known.created)], tell("bursar.recovery_code.used", document)
            )
            return True, unit

        return bool(await transact_again(self._store, work))

    def _new(self, known: StoredCodes, tell: Tell, now: int) -> tuple[list[str], Unit]:
        codes = rules.new_recovery_codes()
        hashes = [
            self._secrets.hash(HASHED_FOR, f"{known.user_id}:{rules.plain_recovery_code(code)}") for code in codes
        ]
        document = encode(RecoveryCodes(left=len(codes), created=seconds(now)))
        told = tell("bursar.recovery_codes.created", document)
        return codes, Unit([repository.keep_codes(known, hashes, now)], told)


def _view(codes: StoredCodes) -> RecoveryCodes:
    return RecoveryCodes(left=len(codes.hashes), created=None if codes.created is None else seconds(codes.created))
