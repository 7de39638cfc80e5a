"""Wallets in a store, money to put into them, and their endpoints as requests meet them."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, select

from bursar.events.audit import snapshot
from bursar.events.tables import events
from bursar.http.authentication import SECRET, USER, Principal
from bursar.http.call import Call
from bursar.http.endpoint import Endpoint
from bursar.http.execution import Execution
from bursar.kit.clock import Clock, ManualClock
from bursar.kit.ids import IdFactory
from bursar.kit.permissions import OF_KEYS, ROLES
from bursar.kit.sealing import Sealing
from bursar.kit.slow_hash import SlowHash
from bursar.ledger import verification
from bursar.ledger.schemas import Movement
from bursar.ledger.service import LedgerService
from bursar.store.log import Origin
from bursar.store.store import Store
from bursar.store.unit import Unit
from bursar.wallets.endpoints import endpoints as wallet_endpoints
from bursar.wallets.payments import Paid, WalletPayment
from bursar.wallets.schemas import Wallet
from bursar.wallets.service import WalletService
from bursar.wallets.statements import StatementService
from bursar.wallets.transfers import TransferService
from bursar.withdrawals.endpoints import endpoints as withdrawal_endpoints
from bursar.withdrawals.service import WithdrawalService
from tests.databases import Database
from tests.store.harness import opened

ORG, OTHER_ORG = "acct_one", "acct_other"
URL = "/api/v1/wallets"
ACCOUNT = {"account_holder": "Ada Example", "iban": "DE89 3704 0044 0532 0130 00", "bank_name": "A bank"}
_numbers = itertools.count(1)

Json = Any
T = TypeVar("T")


@dataclass
class House:
    """The services over one store. `limits` are from which amounts on withdrawals need a second person."""

    store: Store
    clock: Clock
    limits: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.ids = IdFactory(self.clock)
        self.ledger = LedgerService(self.store, self.ids, self.clock)
        self.slow_hash = SlowHash()
        self.wallets = WalletService(self.store, self.ids, self.clock, self.ledger, self.slow_hash)
        self.transfers = TransferService(self.store, self.ids, self.ledger, self.wallets)
        self.statements = StatementService(self.store, self.clock, self.ledger, self.wallets)
        self.withdrawals = WithdrawalService(
            self.store, self.ids, self.clock, self.ledger, self.wallets, Sealing([b"k" * 32]), self._limits
        )
        declared = [
            *wallet_endpoints(self.wallets, self.transfers, self.statements),
            *withdrawal_endpoints(self.withdrawals),
        ]
        self.endpoints: dict[tuple[str, str], Endpoint] = {(one.method, one.path): one for one in declared}
        self.execution = Execution(self.store, self.clock, None, b"fingerprint")

    async def _limits(self, _org_id: str) -> Mapping[str, int]:
        return self.limits

    async def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        who: Principal | None = None,
        key: str | None = None,
        query: str = "",
        **names: str,
    ) -> Json:
        """What a request is answered with; raises what it is refused by. Forms and JSON are read alike."""
        endpoint = self.endpoints[(method, path)]
        principal = who or secret_key()
        principal.require(endpoint.permission, publishable=False)
        if endpoint.needs_proof:
            principal.require_proof(self.clock.now_microseconds())
        call = Call(principal, self.ids.new("req"), "192.0.2.1", key, names)
        if method == "GET":
            answer = await self.execution.read(endpoint, call, endpoint.parser.from_form(query.encode()))
        else:
            params = endpoint.parser.from_json(msgspec.json.encode(body or {}))
            answer = await self.execution.once(endpoint, call, params, path)
        return msgspec.json.decode(answer.body)

    def asked(self, method: str, path: str, body: Mapping[str, Any] | None = None, **more: Any) -> Json:
        return asyncio.run(self.ask(method, path, body, **more))

    def primary(self, org_id: str = ORG) -> Wallet:
        return asyncio.run(self.wallets.primary(org_id, 0))

    def wallet(self, name: str = "Till", org_id: str = ORG, **more: Any) -> Wallet:
        wallet, unit = self.wallets.new_wallet(Origin(), org_id, 0, name=name, **more)
        self.store.transact_blocking(lambda _: (None, unit))
        return wallet

    def earn(
        self,
        wallet: Wallet,
        amount_minor: int,
        *,
        fee_minor: int = 0,
        service_fee_minor: int = 0,
        currency: str = "usd",
        at_once: bool = True,
    ) -> str:
        order = movement(wallet, amount_minor, currency, "ch")
        effect = self.ledger.capture(
            order, fee_minor=fee_minor, available_at_once=at_once, service_fee_minor=service_fee_minor
        )
        self.store.transact_blocking(lambda _: (None, Unit(effect.changes)))
        return order.source_id

    def refund_card(self, wallet: Wallet, amount_minor: int, currency: str = "usd") -> None:
        effect = self.ledger.refund(movement(wallet, amount_minor, currency, "re"))
        self.store.transact_blocking(lambda _: (None, Unit(effect.changes)))

    async def pay(self, payer: Wallet, payee: Wallet, total_minor: int, **more: Any) -> Paid:
        payment = WalletPayment(
            payer=payer,
            payee=payee,
            total_minor=total_minor,
            currency=more.pop("currency", "usd"),
            payer_source_id=new_id("tx"),
            payee_source_id=new_id("tx"),
            **more,
        )

        def work(connection: Connection) -> tuple[Paid, Unit]:
            paid = self.wallets.pay(connection, payment, Origin())
            return paid, Unit(list(paid.changes), list(paid.entries))

        paid: Paid = await self.store.transact(work)
        return paid

    async def give_back(self, payee: Wallet, payment_id: str, amount_minor: int) -> Paid:
        sources = (new_id("tx"), new_id("tx"))

        def work(connection: Connection) -> tuple[Paid, Unit]:
            paid = self.wallets.give_back(connection, payee, payment_id, amount_minor, sources, Origin())
            return paid, Unit(list(paid.changes), list(paid.entries))

        paid: Paid = await self.store.transact(work)
        return paid

    def balance(self, wallet: Wallet, currency: str = "usd") -> tuple[int, int, int]:
        """Available, pending and reserved."""
        found = self.store.read_blocking(lambda connection: self.wallets.balances(connection, wallet))
        for amounts in found:
            if amounts.currency == currency:
                return amounts.available, amounts.pending, amounts.reserved
        return 0, 0, 0

    def findings(self, *organisations: str) -> list[verification.Finding]:
        return [
            finding
            for org_id in organisations or (ORG, OTHER_ORG)
            for finding in self.store.read_blocking(
                lambda connection, org_id=org_id: list(  # type: ignore[misc]
                    verification.verify_postings(snapshot(connection), org_id, 0)
                )
            )
        ]

    def told(self, org_id: str = ORG) -> list[str]:
        """Types of events, in their order."""
        query = select(events.c.event_type).where(events.c.org_id == org_id).order_by(events.c.id)
        return self.store.read_blocking(lambda connection: list(connection.execute(query).scalars()))


@contextmanager
def house_on(database: Database, clock: Clock | None = None, *, writers: int = 1) -> Iterator[House]:
    with opened(database, writers=writers, readers=2) as store:
        house = House(store, clock or ManualClock())
        try:
            yield house
        finally:
            house.slow_hash.close()


def movement(wallet: Wallet, amount_minor: int, currency: str, prefix: str) -> Movement:
    return Movement(
        org_id=wallet.org_id,
        livemode=wallet.livemode,
        operation_id=new_id("att"),
        source_id=new_id(prefix),
        amount_minor=amount_minor,
        currency=currency,
        connector="piggybank",
        wallet=wallet.ledger_name,
    )


def secret_key(org_id: str = ORG, livemode: int = 0) -> Principal:
    return Principal(org_id, livemode, "key_1", SECRET, OF_KEYS)


def person(name: str, role: str = "owner", *, org_id: str = ORG, proved_at: int = 2**62) -> Principal:
    return Principal(org_id, 0, f"usr_{name}", USER, ROLES[role], role, proved_at=proved_at)


def new_id(prefix: str) -> str:
    return f"{prefix}_{next(_numbers):024}"


async def together(works: list[Callable[[], Awaitable[T]]]) -> list[T | BaseException]:
    """All at once; each one's result, or what it was refused by."""
    return await asyncio.gather(*(work() for work in works), return_exceptions=True)
