"""Setups without HTTP, in front of a bank that answers as it is told to."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from bursar.attempts.resolver import Resolver
from bursar.attempts.schemas import Attempt
from bursar.attempts.service import AttemptService
from bursar.connectors.contract import Decline, Method, Outcome
from bursar.customers.schemas import CustomerParams
from bursar.customers.service import CustomerService
from bursar.events.tables import events
from bursar.http.authentication import Principal
from bursar.http.call import Call, Effect, Staged
from bursar.kit.clock import ManualClock
from bursar.kit.ids import IdFactory
from bursar.methods.service import MethodService
from bursar.methods.tables import payment_methods
from bursar.setup_intents import repository
from bursar.setup_intents.confirmation import SetupConfirmation
from bursar.setup_intents.params import SetupCancelParams, SetupConfirmParams, SetupParams, SetupUpdateParams
from bursar.setup_intents.repository import StoredSetup
from bursar.setup_intents.schemas import SetupIntent
from bursar.setup_intents.service import SetupService
from bursar.setup_intents.settlement import SetupSettlement
from bursar.store.store import Store
from bursar.three_d_secure.service import PENDING_SECONDS_MAX, AuthenticationService
from bursar.vault.codes import RecentCodes
from tests.databases import Database
from tests.methods import harness as methods_harness
from tests.vault.harness import opened, vault_on

ORG = methods_harness.ORG
APPROVED = Outcome(kind="succeeded", bank_reference="pba_1", authentication="passed")
CHALLENGE = Outcome(kind="action_required", bank_reference="pba_1")
UNKNOWN = Outcome(kind="unknown")
NOT_SENT = Outcome(kind="not_sent")


def declined(code: str) -> Outcome:
    return Outcome(kind="declined", bank_reference="pba_1", decline=Decline(code=code, raw_code="05"))


@dataclass
class ScriptedBank:
    """Gives its answers one after the other, and keeps what it was asked for."""

    answers: list[Outcome] = field(default_factory=list)
    asked: list[Attempt] = field(default_factory=list)
    reversed: list[str] = field(default_factory=list)

    async def carry_out(self, attempt: Attempt, method: Method | None) -> Outcome:
        assert attempt.kind != "authorize" or method is not None
        self.asked.append(attempt)
        return self.answers.pop(0)

    async def find_out(self, attempt: Attempt) -> Outcome:
        self.asked.append(attempt)
        return self.answers.pop(0)

    async def inquire(self, attempt: Attempt) -> Outcome:
        raise AssertionError("nothing was reversed here")

    async def reverse(self, attempt: Attempt) -> Outcome:
        self.reversed.append(attempt.id)
        return self.answers.pop(0)


@dataclass
class Bench:
    store: Store
    clock: ManualClock
    bank: ScriptedBank
    methods: methods_harness.Bench
    authentications: AuthenticationService
    service: SetupService
    resolver: Resolver

    async def create(self, *answers: Outcome, **params: Any) -> SetupIntent:
        self.bank.answers += answers
        return await self.made(await self.service.create(call(), SetupParams(**params)))

    async def confirm(self, setup_id: str, *answers: Outcome, **params: Any) -> SetupIntent:
        self.bank.answers += answers
        return await self.made(await self.service.confirm(call(intent=setup_id), SetupConfirmParams(**params)))

    async def update(self, setup_id: str, **params: Any) -> SetupIntent:
        return await self.made(await self.service.update(call(intent=setup_id), SetupUpdateParams(**params)))

    async def cancel(self, setup_id: str) -> SetupIntent:
        return await self.made(await self.service.cancel(call(intent=setup_id), SetupCancelParams()))

    async def made(self, result: Effect | Staged) -> SetupIntent:
        """Made durable as a request does it; its error is raised."""
        if isinstance(result, Staged):
            await self.store.commit(result.unit)
            result = await result.finish()
        await self.store.commit(result.unit)
        if result.error is not None:
            raise result.error
        assert isinstance(result.result, SetupIntent)
        return result.result

    async def customer(self) -> str:
        effect = await self.methods.customers.create(call(), CustomerParams())
        await self.store.commit(effect.unit)
        return str(getattr(effect.result, "id"))  # noqa: B009 - a struct of whichever kind

    async def click(self, setup: SetupIntent, *answers: Outcome, passed: bool = True) -> str | None:
        """What the customer does on the page; returns where that leads."""
        self.bank.answers += answers
        authentication = await self.authentications.find(*place_of(setup))
        done = await self.authentications.decide(authentication, passed=passed, address="192.0.2.7")
        return done.url

    async def resolve(self, *answers: Outcome) -> int:
        """As if everything that holds an attempt had died, and time had gone by."""
        self.bank.answers += answers
        self.clock.advance(30)
        return await self.resolver.resolve_due()

    def stored(self, setup_id: str) -> StoredSetup:
        found = self.store.read_blocking(lambda connection: repository.find(connection, ORG, 0, setup_id))
        assert found is not None
        return found

    def agreed(self, method_id: str | None) -> bool:
        query = select(payment_methods.c.agreed).where(payment_methods.c.id == method_id)
        return bool(self.store.read_blocking(lambda connection: connection.execute(query).scalar_one()))

    def told(self, object_id: str) -> list[str]:
        """The types of the object's events, in their order."""
        query = select(events.c.event_type).where(events.c.object_id == object_id).order_by(events.c.sequence_number)
        return self.store.read_blocking(lambda connection: list(connection.execute(query).scalars()))


@contextmanager
def bench(database: Database, *, pending_seconds_max: float = PENDING_SECONDS_MAX) -> Iterator[Bench]:
    with opened(database) as store:
        clock = ManualClock()
        ids = IdFactory(clock)
        vault, codes, bank = vault_on(store, clock), RecentCodes(clock), ScriptedBank()
        methods = MethodService(store, ids, clock, vault, codes)
        attempts = AttemptService(store, ids, clock, bank)
        authentications = AuthenticationService(
            store, ids, "https://pay.example", pending_seconds_max=pending_seconds_max
        )
        settlement = SetupSettlement(store, methods, authentications)
        confirmation = SetupConfirmation(
            store, methods, attempts, settlement, lambda asking: ("piggybank", f"{asking.org_id}:test")
        )
        attempts.register(repository.PREFIX, settlement)
        authentications.register(repository.PREFIX, confirmation)
        customers = CustomerService(store, ids, methods.detachments)
        yield Bench(
            store,
            clock,
            bank,
            methods_harness.Bench(store, clock, vault, codes, methods, customers),
            authentications,
            SetupService(store, ids, methods, attempts, confirmation),
            Resolver(store, clock, attempts),
        )


def call(*, kind: str = "secret", **path: str) -> Call:
    return Call(Principal(ORG, 0, "key_1", kind), "req_1", path=path)


def place_of(setup: SetupIntent) -> tuple[str, str]:
    """The two variable parts of the page's address."""
    assert setup.next_action is not None and setup.next_action.redirect_to_url
    place, secret = setup.next_action.redirect_to_url.url.split("/")[-2:]
    return place, secret
