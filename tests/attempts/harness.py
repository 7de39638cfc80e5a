"""Attempts in a store, without a feature that they belong to."""

import dataclasses
from dataclasses import dataclass, field
from typing import Any

import msgspec

from bursar.attempts import repository
from bursar.attempts.commands import Commands, InProcess
from bursar.attempts.resolver import Resolver
from bursar.attempts.schemas import Attempt, BankOrder, Kind
from bursar.attempts.service import AttemptService
from bursar.connectors.contract import Outcome
from bursar.http.authentication import Principal
from bursar.http.call import Call, Effect
from bursar.kit.clock import ManualClock
from bursar.kit.ids import IdFactory
from bursar.store.store import Store
from bursar.store.unit import Unit
from bursar.vault.keys import CardMissing
from tests.payments.bank import APPROVED, CONNECTOR, ScriptedBank

ORG = "acct_attempts"
SUBJECT = "sub_1"


@dataclass
class Subject:
    """Remembers how its attempts ended; refuses as often as it is told to."""

    settled: list[tuple[str, Outcome]] = field(default_factory=list)
    refusals: list[Exception] = field(default_factory=list)

    async def settle(self, attempt: Attempt, outcome: Outcome) -> Effect:
        if self.refusals:
            raise self.refusals.pop(0)
        self.settled.append((attempt.id, outcome))
        return Effect(msgspec.defstruct("Answer", [])(), Unit())


class Attempts:
    """One process: a service and a resolver on a store, a clock and a bank that others may share."""

    def __init__(self, store: Store, clock: ManualClock | None = None, bank: ScriptedBank | None = None) -> None:
        self.store = store
        self.clock = clock or ManualClock()
        self.bank = bank or ScriptedBank()
        self.subject = Subject()
        self.cards = {"pm_1": APPROVED}
        self.commands: Commands = InProcess(self.bank, self.open_card)
        self.ids = IdFactory(self.clock)
        self.service = AttemptService(store, self.ids, self.clock, self.commands)
        self.service.register("sub", self.subject)
        self.resolver = Resolver(store, self.clock, self.service)

    def again(self) -> "Attempts":
        """Another process."""
        return Attempts(self.store, self.clock, self.bank)

    async def open_card(self, org_id: str, livemode: int, token_id: str) -> str:
        if token_id not in self.cards:
            raise CardMissing(f"no card for {token_id} of {org_id} in {livemode}")
        return self.cards[token_id]

    async def prepare(self, kind: Kind = "authorize", amount: int = 2000, **order: Any) -> Attempt:
        """Durable, and sent to nobody yet."""
        wanted = BankOrder(connector=CONNECTOR, merchant=f"{ORG}:test", token_id="pm_1", **order)
        attempt, change = self.service.prepare(call(), kind, SUBJECT, wanted, amount, "usd")
        await self.store.commit(Unit([change]))
        return attempt

    async def conclude(self, attempt: Attempt, outcome: Outcome) -> None:
        await self.store.commit(Unit([self.service.conclude(attempt, outcome)]))

    async def found(self, attempt: Attempt) -> Attempt:
        stored = await self.service.find(ORG, 0, attempt.id)
        assert stored is not None
        return stored

    async def later(self, seconds: float) -> int:
        self.clock.advance(seconds)
        return await self.resolver.resolve_due()

    def open(self) -> list[str]:
        return [one.state for one in self.store.read_blocking(lambda connection: repository.find_open(connection, ORG))]


def call() -> Call:
    return dataclasses.replace(Call(Principal(ORG, 0, "key_1"), "req_1"), idempotency_key="key", address="192.0.2.7")
