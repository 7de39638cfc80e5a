"""Refunds, disputes and hooks over a bank within the test's own process: its clock and ours go together."""

import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import msgspec
from sqlalchemy import Connection, Table, select

from bursar.attempts import repository as attempts
from bursar.attempts.commands import InProcess
from bursar.attempts.resolver import Resolver
from bursar.attempts.schemas import Attempt, BankOrder
from bursar.attempts.service import AttemptService
from bursar.connectors import signatures
from bursar.connectors.call import Reply
from bursar.connectors.contract import (
    AcceptDispute,
    Account,
    BankEvent,
    Connector,
    DisputeAnswer,
    DisputeOrder,
    Inquire,
    Order,
    Outcome,
    Refund,
    SubmitEvidence,
    Void,
)
from bursar.connectors.piggybank import _evidence_text, _outcome
from bursar.connectors.piggybank_webhooks import read_webhook
from bursar.connectors.piggybank_wire import Dispute, Operation
from bursar.connectors.registry import Registry
from bursar.disputes.schemas import decode_dispute
from bursar.disputes.service import DisputeService
from bursar.disputes.settlement import DisputeSettlement
from bursar.disputes.tables import disputes
from bursar.events.audit import snapshot
from bursar.events.tables import events
from bursar.hooks.assembly import Hooks
from bursar.hooks.matching import Matching
from bursar.hooks.service import Delivery
from bursar.hooks.tables import incoming_webhook_events, incoming_webhooks
from bursar.http.authentication import Principal
from bursar.http.call import Call, Effect, Staged
from bursar.http.endpoint import encode
from bursar.kit.clock import ManualClock
from bursar.kit.errors import RequestError
from bursar.kit.ids import IdFactory
from bursar.ledger import verification
from bursar.ledger.schemas import Movement
from bursar.ledger.service import LedgerService
from bursar.methods.schemas import BillingDetails
from bursar.methods.service import MethodService
from bursar.payments import charge_repository
from bursar.payments import repository as intents
from bursar.payments.charge_repository import StoredCharge
from bursar.payments.charge_schemas import Charge, ChargeCard, ChargeMethodDetails
from bursar.payments.schemas import PaymentIntent
from bursar.payments.settlement import Settlement
from bursar.payments.waiting import WaitingPayments
from bursar.refunds import schemas
from bursar.refunds.schemas import RefundParams
from bursar.refunds.service import RefundService
from bursar.refunds.settlement import RefundSettlement
from bursar.refunds.tables import refunds
from bursar.store.log import Origin
from bursar.store.store import Store
from bursar.store.unit import Unit
from bursar.three_d_secure.service import AuthenticationService
from bursar.vault.codes import RecentCodes
from piggybank import requests
from tests.databases import Database
from tests.piggybank.harness import MERCHANT, VISA, House
from tests.store.harness import opened
from tests.vault.harness import vault_on

ORG = MERCHANT.partition(":")[0]
SECRET = "secret-of-the-hooks"
PENDING_REFUND, FAILING_REFUND = "4000000000007726", "4000000000005126"
DISPUTED, INQUIRED, WARNED = "4000000000000259", "4000000000001976", "4000000000005423"
DISPUTED_TWICE = "4000000404000079"

Message = tuple[dict[str, str], bytes]
Fault = Callable[[Order], Outcome | None]


class HouseBank(Registry):
    """A registry whose only connector is a house, without a network in between."""

    name = "piggybank"

    def __init__(self, house: House) -> None:
        super().__init__()
        self.house = house
        self.orders: list[Order] = []
        # Answers instead of the bank, or lets it: `lose_reply` and the like.
        self.fault: Fault | None = None
        self.disputes_are_down = False
        # What we believe the bank signs with.
        self.secret = SECRET

    def account_for(self, org_id: str, livemode: bool) -> Account:
        return Account(connector=self.name, merchant=f"{org_id}:{'live' if livemode else 'test'}")

    def connector(self, name: str) -> Connector:
        assert name == self.name
        return cast("Connector", self)

    async def carry_out(self, order: Order) -> Outcome:
        self.orders.append(order)
        answer = self.fault(order) if self.fault is not None else None
        return answer or self.answer(order)

    def answer(self, order: Order) -> Outcome:
        bank, merchant = self.house.bank, order.account.merchant
        try:
            if isinstance(order, Refund):
                request = requests.Refund(reference=order.operation_id, merchant=merchant, amount=order.amount_minor)
                view = bank.refund(order.bank_reference, request)[0]
            elif isinstance(order, Void):
                assert order.reverses is not None
                reversal = requests.Reversal(reference=order.operation_id, merchant=merchant, reverses=order.reverses)
                view = bank.reverse(reversal)[0]
            else:
                assert isinstance(order, Inquire)
                view = bank.inquire(merchant, order.operation_id)[0]
        except requests.Refused as refusal:
            return Outcome(kind="absent" if refusal.code == "absent" else "declined")
        return _outcome(Reply(200, msgspec.convert(msgspec.to_builtins(view), Operation)))

    async def dispute(self, order: DisputeOrder) -> DisputeAnswer:
        if self.disputes_are_down:
            return DisputeAnswer(kind="unknown")
        merchant, ours = order.account.merchant, self.house.disputes
        try:
            if isinstance(order, SubmitEvidence):
                said = requests.Evidence(merchant=merchant, text=_evidence_text(order.evidence))
                view = ours.submit_evidence(order.dispute_id, said)[0]
            elif isinstance(order, AcceptDispute):
                view = ours.accept(order.dispute_id, requests.Acceptance(merchant=merchant))[0]
            else:
                view = ours.show(order.dispute_id)[0]
        except requests.Refused as refusal:
            return DisputeAnswer(kind="refused", code=refusal.code)
        told = msgspec.convert(msgspec.to_builtins(view), Dispute)
        return DisputeAnswer(kind="told", dispute=told.translated())

    def read_webhook(self, headers: dict[str, str], body: bytes, now_seconds: int) -> list[BankEvent]:
        return read_webhook(self.secret, headers, body, now_seconds)


def not_sent(_: Order) -> Outcome:
    return Outcome(kind="not_sent")


def unreachable(_: Order) -> Outcome:
    return Outcome(kind="unknown")


@dataclass(frozen=True)
class Paid:
    charge_id: str
    intent_id: str
    attempt_id: str
    authorization: str


class Bench:
    def __init__(self, store: Store, house: House) -> None:
        self.store = store
        self.house = house
        self.bank = HouseBank(house)
        self.clock = clock = ManualClock(house.now * 1000)
        self.ids = ids = IdFactory(clock)
        self.ledger = LedgerService(store, ids, clock)
        self.ledger.prepare()
        self.attempts = AttemptService(store, ids, clock, InProcess(self.bank, _no_card))
        self.resolver = Resolver(store, clock, self.attempts)
        refunding = RefundSettlement(store, self.ledger)
        self.attempts.register("re", refunding)
        self.refunds = RefundService(store, ids, self.attempts, refunding, self._account_of)
        disputing = DisputeSettlement(ids, self.ledger)
        self.disputes = DisputeService(store, clock, self.bank, disputing)
        methods = MethodService(store, ids, clock, vault_on(store, clock), RecentCodes(clock))
        pages = AuthenticationService(store, ids, "https://pay.example")
        paying = Settlement(store, ids, self.ledger, methods, pages)
        waiting = WaitingPayments(store, self.attempts, paying)
        matching = Matching(ids, clock, self.attempts, self.ledger, refunding, disputing, waiting)
        self.hooks = Hooks(store, ids, clock, self.bank, self.attempts.commands, matching)
        self.hook_worker = self.hooks.worker()
        self._events_seen = 0

    def _account_of(self, org_id: str, livemode: bool) -> tuple[str, str]:
        account = self.bank.account_for(org_id, livemode)
        return account.connector, account.merchant

    def pass_time(self, seconds: float) -> None:
        self.house.pass_time(seconds)
        self.clock.advance(seconds)

    async def pay(self, number: str = VISA, amount: int = 1000, *, captured: bool = True) -> Paid:
        """A payment as it is stored once it succeeded, at the bank and here."""
        intent_id, attempt_id = self.ids.new("pi"), self.ids.new("att")
        charge_id, now = self.ids.new_with_time("ch")
        operation = self.house.authorize(number, amount, reference=attempt_id, capture=captured)
        assert operation.status == "approved" and operation.authorization is not None
        order = BankOrder(connector="piggybank", merchant=MERCHANT)
        attempt = Attempt(
            org_id=ORG, livemode=0, id=attempt_id, kind="authorize", subject_id=intent_id, state="succeeded",
            amount_minor=amount, currency="usd", fence=1, tries=0, next_look=None,
            bank_reference=operation.authorization, order=order,
        )  # fmt: skip
        card = ChargeCard(brand="visa", network="visa", exp_month=12, exp_year=2030, last4=number[-4:])
        charge = Charge(
            id=charge_id, amount=amount, amount_captured=amount if captured else 0, captured=captured, paid=True,
            billing_details=BillingDetails(), created=now // 1_000_000, currency="usd", livemode=False,
            payment_intent=intent_id, payment_method="pm_1", status="succeeded",
            payment_method_details=ChargeMethodDetails(card=card),
        )  # fmt: skip
        intent = PaymentIntent(
            id=intent_id, amount=amount, amount_capturable=0 if captured else amount, client_secret="secret",
            amount_received=amount if captured else 0, created=now // 1_000_000, currency="usd", livemode=False,
            latest_charge=charge_id, status="succeeded" if captured else "requires_capture",
        )  # fmt: skip
        movement = Movement(
            org_id=ORG, livemode=0, operation_id=attempt_id, source_id=charge_id, amount_minor=amount,
            currency="usd", connector="piggybank",
        )  # fmt: skip
        effect = self.ledger.capture(movement, fee_minor=operation.fee) if captured else self.ledger.hold(movement)
        stored = StoredCharge(charge, 1, "piggybank", operation.authorization, attempt_id)
        unit = Unit([attempts.insertion(attempt), *effect.changes])
        unit.changes += charge_repository.insertion(ORG, 0, stored, encode(charge))
        unit.changes += intents.insertion(ORG, 0, intent, encode(intent), None)
        await self.store.commit(unit)
        return Paid(charge_id, intent_id, attempt_id, operation.authorization)

    async def answered(self, result: Effect | Staged) -> Effect:
        """Both commits, as the execution of a request makes them."""
        if isinstance(result, Staged):
            await self.store.commit(result.unit)
            result = await result.finish()
        await self.store.commit(result.unit)
        return result

    async def refund(self, paid: Paid, amount: int | None = None, **fields: Any) -> schemas.Refund:
        params = RefundParams(charge=paid.charge_id, amount=amount, **fields)
        effect = await self.answered(await self.refunds.create(call(), params))
        assert isinstance(effect.result, schemas.Refund)
        return effect.result

    def news(self) -> list[Message]:
        """What the bank has told since the last time, signed as it does."""
        told = [record.event for record in self.house.records() if record.event is not None]
        fresh, self._events_seen = told[self._events_seen :], len(told)
        return [self.signed(bytes(event.body)) for event in fresh]

    def signed(self, body: bytes) -> Message:
        now = self.clock.now_microseconds() // 1_000_000
        return {"PiggyBank-Signature": signatures.sign(SECRET, body, now)}, body

    async def receive(self, message: Message, account: str | None = MERCHANT) -> None:
        """Kept and acknowledged, and no more."""
        await self.hooks.service.receive(Delivery("piggybank", account, *message, Origin(request_id="req_hook")))

    async def deliver(self, message: Message, account: str | None = MERCHANT) -> None:
        await self.receive(message, account)
        await self.process()

    async def deliver_news(self) -> None:
        for message in self.news():
            await self.deliver(message)

    async def process(self) -> None:
        """All that is due, as a process does that looks after it."""
        while await self.hook_worker.process_due():
            pass

    async def process_all(self, rounds_max: int = 200) -> None:
        """What is postponed, too: time passes, and nothing else."""
        for _ in range(rounds_max):
            await self.process()
            waiting = [row.next_at for row in self.rows(incoming_webhooks) if row.state == "received"]
            if not waiting:
                return
            await self.resolver.resolve_due()
            self.clock.microseconds = max(self.clock.microseconds, min(waiting))
        raise AssertionError(f"{len(waiting)} messages were never taken")

    async def deliver_until_taken(self, messages: list[Message]) -> None:
        for message in messages:
            await self.deliver(self.signed(message[1]))
        await self.process_all()

    def charge(self, paid: Paid) -> StoredCharge:
        found = self.store.read_blocking(lambda connection: charge_repository.find(connection, ORG, 0, paid.charge_id))
        assert found is not None
        return found

    def intent(self, paid: Paid) -> PaymentIntent:
        found = self.store.read_blocking(lambda connection: intents.find(connection, ORG, 0, paid.intent_id))
        assert found is not None
        return found.intent

    def all_refunds(self) -> list[schemas.Refund]:
        return [schemas.decode_refund(row.document) for row in self.rows(refunds)]

    def all_disputes(self) -> list[Any]:
        return [decode_dispute(row.document) for row in self.rows(disputes)]

    def inbox(self) -> list[tuple[str, str]]:
        """Events that have counted, and how."""
        return [(row.kind, row.state) for row in self.rows(incoming_webhook_events)]

    def messages(self) -> list[tuple[str | None, str]]:
        """All that was kept, and where it is."""
        return [(row.kind, row.state) for row in self.rows(incoming_webhooks)]

    def told(self) -> list[str]:
        """The types of our own events, in their order."""
        return [row.event_type for row in self.rows(events)]

    def available(self) -> int:
        """What the wallet has, pending or not."""
        found = self.store.read_blocking(lambda connection: self.ledger.wallet_balances(connection, ORG, 0))
        return sum(balance.pending_minor + balance.available_minor for balance in found)

    def findings(self) -> list[verification.Finding]:
        return self.store.read_blocking(
            lambda connection: list(verification.verify_postings(snapshot(connection), ORG, 0))
        )

    def rows(self, table: Table) -> list[Any]:
        def query(connection: Connection) -> list[Any]:
            keys = [column for column in table.primary_key.columns if column.name not in ("org_id", "livemode")]
            return list(connection.execute(select(table).order_by(*keys)))

        return self.store.read_blocking(query)


def call(*, org_id: str = ORG, livemode: int = 0, **path: str) -> Call:
    return Call(Principal(org_id, livemode, "key_1"), "req_1", path=path)


@contextmanager
def bench_on(database: Database, folder: Path, *, writers: int = 1) -> Iterator[Bench]:
    house = House(folder)
    try:
        with opened(database, writers=writers) as store:
            yield Bench(store, house)
    finally:
        house.close()


def sqlite_copy(source: Path, target: Path) -> Database:
    """Of a database that nobody has open."""
    shutil.copyfile(source, target)
    return Database("sqlite", f"sqlite:///{target}")


@asynccontextmanager
async def refused(code: str | None, status: int = 400, param: str | None = None) -> AsyncIterator[None]:
    """The block is refused by exactly this."""
    try:
        yield
    except RequestError as error:
        assert (error.code, error.status) == (code, status), error.message
        assert param is None or error.param == param
    else:
        raise AssertionError(f"not refused with {code}")


async def _no_card(_org_id: str, _livemode: int, _token_id: str) -> str:
    raise AssertionError("nothing here needs a card")
