"""Payments without HTTP: requests as the dispatcher would hand them on, in front of a scripted bank."""

import asyncio
import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, Self, TypeVar, cast
from urllib.parse import urlencode

from sqlalchemy import Connection, select

from bursar.accounts.organisations import OrganisationService
from bursar.attempts import repository as attempts_repository
from bursar.attempts.commands import Bank, InProcess
from bursar.attempts.resolver import Resolver
from bursar.attempts.schemas import Attempt
from bursar.attempts.service import AttemptService
from bursar.attempts.tables import attempts
from bursar.connectors.contract import BankEvent, Returned, ReturnRefused
from bursar.connectors.registry import Registry
from bursar.customers.service import CustomerService
from bursar.disputes.settlement import DisputeSettlement
from bursar.events.tables import events
from bursar.hooks import repository as messages
from bursar.hooks import rules as hook_rules
from bursar.hooks.assembly import Hooks
from bursar.hooks.matching import Matching
from bursar.hooks.repository import StoredMessage
from bursar.hooks.service import with_events
from bursar.http.authentication import Principal
from bursar.http.call import Call
from bursar.http.documents import loader
from bursar.http.endpoint import Endpoint
from bursar.http.errors import as_request_error
from bursar.http.execution import Execution
from bursar.http.expand import Expansion
from bursar.http.responses import Answer, error_answer
from bursar.kit.clock import Clock, ManualClock
from bursar.kit.errors import Conflict, RequestError
from bursar.kit.ids import IdFactory
from bursar.ledger.service import LedgerService
from bursar.methods.endpoints import endpoints as method_endpoints
from bursar.methods.service import MethodService
from bursar.payments.charges import ChargeService
from bursar.payments.confirmation import Confirmation
from bursar.payments.endpoints import charge_endpoints, intent_endpoints
from bursar.payments.operations import OperationService
from bursar.payments.repository import PREFIX
from bursar.payments.service import PaymentService
from bursar.payments.settlement import Settlement
from bursar.payments.tables import charges, payment_intents
from bursar.payments.tasks import expire_overdue
from bursar.payments.waiting import WaitingPayments
from bursar.refunds.endpoints import endpoints as refund_endpoints
from bursar.refunds.repository import PREFIX as REFUND_PREFIX
from bursar.refunds.service import RefundService
from bursar.refunds.settlement import RefundSettlement
from bursar.returns.service import ReturnService
from bursar.store.errors import StoreError
from bursar.store.log import Origin
from bursar.store.store import Store
from bursar.store.unit import Unit
from bursar.three_d_secure.service import AuthenticationService, Return
from bursar.upi_pages.service import UpiPageService
from bursar.vault.codes import RecentCodes
from tests.databases import Database
from tests.payments.bank import CONNECTOR, ScriptedBank
from tests.vault.harness import opened, vault_on

ORG = "acct_payments"
PUBLIC_URL = "https://pay.example"
FINGERPRINT_KEY = b"idempotency"
PATIENCE_SECONDS = 20.0  # far beyond what anything here takes: whoever is not done by then never will be
Json = dict[str, Any]
T = TypeVar("T")
BankKind = Literal["authorization_approved", "authorization_declined"]

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Reply:
    """What a client gets."""

    status: int
    body: bytes
    headers: dict[str, str]

    @property
    def json(self) -> Json:
        content: Json = json.loads(self.body)
        return content

    @property
    def error(self) -> Json:
        content: Json = self.json["error"]
        return content

    @property
    def intent(self) -> Json:
        """Of an answer, or of the error that stands for it."""
        content: Json = self.error["payment_intent"] if self.status >= 400 else self.json
        return content

    @property
    def was_replayed(self) -> bool:
        return self.headers.get("idempotent-replayed") == "true"


class Shop:
    """What one process is made of. A second one on the same store is another process, or the same after a crash."""

    def __init__(
        self, store: Store, clock: Clock, bank: Bank, org_id: str = ORG, registry: Registry | None = None
    ) -> None:
        self.store = store
        self.clock = clock
        self.org_id = org_id
        self.ids = IdFactory(clock)
        self.vault = vault_on(store, clock)
        self.ledger = LedgerService(store, self.ids, clock)
        self.methods = MethodService(store, self.ids, clock, self.vault, RecentCodes(clock))
        self.customers = CustomerService(store, self.ids, self.methods.detachments)
        self.commands = InProcess(bank, self.vault.open)
        self.attempts = AttemptService(store, self.ids, clock, self.commands)
        self.resolver = Resolver(store, clock, self.attempts)
        self.authentications = AuthenticationService(store, self.ids, PUBLIC_URL)
        self.settlement = Settlement(store, self.ids, self.ledger, self.methods, self.authentications)

        def account_of(org_id: str, livemode: bool) -> tuple[str, str]:
            account = bank.account_for(org_id, livemode)
            return account.connector, account.merchant

        confirmation = Confirmation(
            store, self.methods, self.attempts, self.settlement, self.authentications, account_of
        )
        self.payments = PaymentService(store, self.ids, self.methods, self.attempts, confirmation)
        self.operations = OperationService(store, clock, self.payments, self.attempts, confirmation)
        self.waiting = WaitingPayments(store, self.attempts, self.settlement)
        registry = registry or cast("Registry", BankDesk())
        self.customer_returns = ReturnService(store, clock, registry, self.attempts, self.waiting)
        self.upi_pages = UpiPageService(store, clock, self.authentications, OrganisationService(store, clock))
        refunding = RefundSettlement(store, self.ledger)
        self.refunds = RefundService(store, self.ids, self.attempts, refunding, account_of)
        self.attempts.register(REFUND_PREFIX, refunding)
        disputing = DisputeSettlement(self.ids, self.ledger)
        matching = Matching(self.ids, clock, self.attempts, self.ledger, refunding, disputing, self.waiting)
        self.hooks = Hooks(store, self.ids, clock, registry, self.commands, matching)
        self.charges = ChargeService(store, self.operations)
        self.attempts.register(PREFIX, self.settlement)
        self.authentications.register(PREFIX, confirmation)
        self.execution = Execution(store, clock, None, FINGERPRINT_KEY)
        charge = Expansion(load=loader(store, charges))
        expandable = {"latest_charge": charge, "payment_method": Expansion(load=self.methods.load)}
        known = [
            *intent_endpoints(self.payments, self.operations, expandable),
            *charge_endpoints(self.charges, {"payment_intent": Expansion(load=loader(store, payment_intents))}),
            *method_endpoints(self.methods),
            *refund_endpoints(self.refunds, {}),
        ]
        self.endpoints = {(one.method, one.path): one for one in known}

    # As a client.

    async def post(
        self,
        path: str,
        form: Mapping[str, object] | None = None,
        *,
        key: str | None = None,
        kind: str = "secret",
    ) -> Reply:
        """One request with its answer; what the dispatcher does with errors is done here."""
        return await self._answered(lambda: self._post(path, form or {}, key, kind))

    async def get(self, path: str, form: Mapping[str, object] | None = None, *, kind: str = "secret") -> Reply:
        return await self._answered(lambda: self._get(path, form or {}, kind))

    async def create(
        self, form: Mapping[str, object] | None = None, *, key: str | None = None, **more: object
    ) -> Reply:
        return await self.post("/v1/payment_intents", sale(**dict(form or {}), **more), key=key)

    async def authorised(self, **more: object) -> str:
        """The id of an intent that waits to be captured."""
        wanted = {"capture_method": "manual", "confirm": "true", "payment_method": "pm_card_visa"} | more
        reply = await self.create(wanted)
        assert reply.json["status"] == "requires_capture", reply.json
        return str(reply.json["id"])

    async def authenticate(self, intent: Json, *, passed: bool = True) -> Return:
        """What the customer does on the page that the intent names."""
        found = await self.authentications.find(*place_of(intent))
        return await self.authentications.decide(found, passed=passed, address="192.0.2.7")

    async def come_back(self, reference: str) -> Return:
        """The customer is sent back by the bank's page."""
        place = f"{self.org_id}.0"
        return await self.customer_returns.come_back(CONNECTOR, place, reference, Origin(address="192.0.2.7"))

    async def hear(self, reference: str, kind: BankKind, event_id: str | None = None) -> None:
        """The bank tells by itself; refused where it must be looked at again."""
        now = self.clock.now_microseconds()
        event = BankEvent(
            event_id=event_id or f"evt_{next(_numbers)}",
            kind=kind,
            merchant=f"{self.org_id}:test",
            created=now // 1_000_000,
            operation_id=reference,
        )
        kept = StoredMessage(
            org_id=self.org_id, livemode=0, id=self.ids.new(messages.PREFIX), connector=CONNECTOR,
            account=event.merchant, state="received", kind=None, received=now, next_at=hook_rules.leased_until(now),
            tries=0, finished=None, reason=None, sender=None, request_id=None, named=None, body_length=0,
            body_digest="", is_exact=0, headers_document=None, body_text=None, events_document="[]",
        )  # fmt: skip
        held = with_events(kept, [event])
        await self.store.commit(Unit([messages.insertion(held)]))
        ending = await self.hooks.processing.process(held)
        if ending is None or ending.state == "received":
            raise Conflict(ending.reason if ending is not None and ending.reason else "taken over")

    # What the process does by itself.

    async def resolve(self) -> int:
        return await self.resolver.resolve_due()

    async def expire(self) -> int:
        return await expire_overdue(self.store, self.clock, self.operations)

    async def _post(self, path: str, form: Mapping[str, object], key: str | None, kind: str) -> Answer:
        endpoint, named = self._route("POST", path)
        params = endpoint.parser.from_form(urlencode(form).encode())
        return await self.execution.once(endpoint, self.call(key, kind, named), params, path)

    async def _get(self, path: str, form: Mapping[str, object], kind: str) -> Answer:
        endpoint, named = self._route("GET", path)
        params = endpoint.parser.from_form(urlencode(form).encode())
        return await self.execution.read(endpoint, self.call(None, kind, named), params)

    async def _answered(self, request: Callable[[], Any]) -> Reply:
        try:
            answer: Answer = await request()
        except (RequestError, StoreError) as problem:
            answer = error_answer(as_request_error(problem))
        headers = {name.decode(): value.decode() for name, value in answer.headers}
        return Reply(answer.status, answer.body, headers)

    def call(self, key: str | None = None, kind: str = "secret", path: dict[str, str] | None = None) -> Call:
        return Call(Principal(self.org_id, 0, "key_1", kind), f"req_{next(_numbers)}", None, key, path or {})

    def _route(self, method: str, path: str) -> tuple[Endpoint, dict[str, str]]:
        for (known_method, pattern), endpoint in self.endpoints.items():
            named = _match(pattern, path)
            if known_method == method and named is not None:
                return endpoint, named
        raise AssertionError(f"nothing serves {method} {path}")

    # What lies in the database.

    def read(self, query: Callable[[Connection], T]) -> T:
        return self.store.read_blocking(query)

    def intent(self, intent_id: str) -> Json:
        query = select(payment_intents.c.document).where(payment_intents.c.id == intent_id)
        return self.read(lambda connection: json.loads(connection.execute(query).scalar_one()))

    def charge_of(self, intent_id: str) -> Json:
        query = select(charges.c.document).where(charges.c.id == self.intent(intent_id)["latest_charge"])
        return self.read(lambda connection: json.loads(connection.execute(query).scalar_one()))

    def attempts_of(self, intent_id: str) -> list[Attempt]:
        """In the order in which they were made."""
        query = select(attempts.c.id).where(attempts.c.subject_id == intent_id).order_by(attempts.c.id)

        def work(connection: Connection) -> list[Attempt]:
            found = [
                attempts_repository.find(connection, self.org_id, 0, one) for one in connection.execute(query).scalars()
            ]
            return [one for one in found if one is not None]

        return self.read(work)

    def told(self, object_id: str) -> list[str]:
        """The types of the object's events, in their order."""
        query = select(events.c.event_type).where(events.c.object_id == object_id).order_by(events.c.id)
        return self.read(lambda connection: list(connection.execute(query).scalars()))


def sale(**more: object) -> Json:
    return {"amount": 2000, "currency": "usd"} | more


def place_of(intent: Json) -> tuple[str, str]:
    """The two parts of the address where its customer authenticates."""
    url = str(intent["next_action"]["redirect_to_url"]["url"])
    place, secret = url.rpartition("/authenticate/")[2].split("/")
    return place, secret


def _match(pattern: str, path: str) -> dict[str, str] | None:
    wanted, given = pattern.split("/"), path.split("/")
    if len(wanted) != len(given):
        return None
    named = {one[1:-1]: other for one, other in zip(wanted, given, strict=True) if one.startswith("{")}
    plain = all(one == other or one.startswith("{") for one, other in zip(wanted, given, strict=True))
    return named if plain and "search" not in named.values() else None


class BankDesk:
    """What the bank signs is not what is tested here: a query is the reference alone."""

    def connector(self, name: str) -> Self:
        assert name == CONNECTOR
        return self

    def read_return(self, query: str, now_seconds: int) -> Returned:
        if not query.startswith("att_"):
            raise ReturnRefused("The signature does not hold.")
        return Returned(operation_id=query, bank_reference="ba", status="succeeded", created=now_seconds)


class World:
    """A bank, a clock and a database, with as many processes on it as a test wants."""

    def __init__(self, store: Store, org_id: str = ORG) -> None:
        self.store = store
        self.clock = ManualClock()
        self.bank = ScriptedBank(now_seconds=lambda: self.clock.now_microseconds() // 1_000_000)
        self.org_id = org_id
        self.shop = Shop(store, self.clock, self.bank, org_id)

    def another_process(self) -> Shop:
        return Shop(self.store, self.clock, self.bank, self.org_id)

    def restart(self) -> Self:
        """Whatever was only in memory is gone."""
        self.shop = self.another_process()
        return self

    async def later(self, seconds: float) -> int:
        """Time goes by, and the resolver looks once."""
        self.clock.advance(seconds)
        return await self.shop.resolve()


@contextmanager
def world_on(database: Database, *, writers: int = 1) -> Iterator[World]:
    with opened(database, writers=writers) as store:
        yield World(store)


def run(scenario: Any) -> Any:
    """To its end, or the test fails."""

    async def bounded() -> Any:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await scenario

    return asyncio.run(bounded())
