"""The platform in this process: payments as of one shop's tests, and above them wallets, sessions and their list."""

import itertools
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from bursar.accounts import repository as accounts
from bursar.accounts.organisations import OrganisationService
from bursar.accounts.schemas import Organisation
from bursar.accounts.terms import TermsService
from bursar.attempts.commands import Bank
from bursar.contracts.service import ContractService
from bursar.http.authentication import Principal
from bursar.http.call import Call
from bursar.http.errors import as_request_error
from bursar.http.responses import Answer, error_answer
from bursar.kit.clock import Clock, ManualClock, SystemClock
from bursar.kit.errors import RequestError
from bursar.kit.slow_hash import SlowHash
from bursar.ledger.schemas import Movement
from bursar.payment_sessions.accepting import Accepting
from bursar.payment_sessions.by_methods import ByMethods
from bursar.payment_sessions.endpoints import endpoints as session_endpoints
from bursar.payment_sessions.from_wallets import FromWallets
from bursar.payment_sessions.payers import Payers
from bursar.payment_sessions.refunding import Refunding
from bursar.payment_sessions.service import SessionService
from bursar.payment_sessions.tasks import SessionEnds
from bursar.plain_payments.admission import Admission
from bursar.plain_payments.endpoints import endpoints as plain_endpoints
from bursar.plain_payments.service import PlainPaymentService
from bursar.store.errors import StoreError
from bursar.store.log import Origin
from bursar.store.store import Store
from bursar.transactions.endpoints import endpoints as transaction_endpoints
from bursar.transactions.service import TransactionService
from bursar.wallets.schemas import Wallet
from bursar.wallets.service import WalletService
from tests.databases import Database
from tests.payments.bank import APPROVED, ScriptedBank
from tests.payments.harness import PUBLIC_URL, Json, Reply, Shop
from tests.vault.harness import opened

PIN = "385916"
CODES = itertools.count(1)
URL, ACCEPT = "/api/v1/txn/payment-session", "/api/v1/txn/accept-payment"


class QuickHash(SlowHash):
    """What is slow on purpose is tested elsewhere."""

    async def hash(self, secret: str) -> str:
        return f"hash of {secret}"

    async def matches(self, secret: str, known: str | None) -> bool:
        return known == f"hash of {secret}"


class Platform(Shop):
    def __init__(self, store: Store, clock: Clock, bank: Bank, org_id: str) -> None:
        super().__init__(store, clock, bank, org_id)
        self.slow_hash = QuickHash()
        self.organisations = OrganisationService(store, clock)
        self.terms = TermsService(store, clock)
        self.contracts = ContractService(store, clock)
        self.wallets = WalletService(store, self.ids, clock, self.ledger, self.slow_hash)
        admission = Admission(self.contracts, self.organisations, self.terms)
        self.plain = PlainPaymentService(store, clock, self.payments, self.operations, self.refunds, admission)
        self.sessions = SessionService(store, self.ids, clock, self.wallets, self.organisations, admission, PUBLIC_URL)
        from_wallets = FromWallets(
            store, self.ids, clock, self.sessions, self.wallets, self.operations, self.organisations
        )
        by_methods = ByMethods(self.ids, clock, self.sessions, self.payments, self.plain, admission)
        self.accepting = Accepting(self.sessions, from_wallets, by_methods)
        self.ends = SessionEnds(store, clock, self.operations)
        self.transactions = TransactionService(store, clock)
        known = [
            *session_endpoints(
                self.sessions, self.accepting, Refunding(store, self.wallets, self.plain), Payers(self.wallets)
            ),
            *plain_endpoints(self.plain),
            *transaction_endpoints(self.transactions),
        ]
        self.endpoints |= {(one.method, one.path): one for one in known}

    def settle_in(self, org_id: str, name: str, funds: int = 0, currency: str = "usd") -> Wallet:
        """An organisation with a primary wallet, its PIN, and money that is available."""
        number = next(CODES)
        organisation = Organisation(
            id=org_id, code=f"ORG-{number:07d}", name=name, category="retail", country=None, currency="usd", created=1
        )
        wallet, unit = self.wallets.new_wallet(
            Origin(), org_id, 0, name="Primary", is_primary=True, pin_hash=f"hash of {PIN}"
        )
        unit.changes += accounts.insert_organisation(organisation)
        if funds:
            movement = Movement(
                org_id=org_id,
                livemode=0,
                operation_id=None,
                source_id=self.ids.new("ch"),
                amount_minor=funds,
                currency=currency,
                connector="scripted",
            )
            unit.changes += self.ledger.capture(movement, fee_minor=0, available_at_once=True).changes
        self.store.transact_blocking(lambda _: (None, unit))
        return wallet

    async def send(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        *,
        key: str | None = None,
        principal: Principal | None = None,
    ) -> Reply:
        """One request with JSON; what the dispatcher does around it is done here."""
        try:
            answer = await self._send(method, path, body, key, principal)
        except (RequestError, StoreError) as problem:
            answer = error_answer(as_request_error(problem))
        headers = {name.decode(): value.decode() for name, value in answer.headers}
        return Reply(answer.status, answer.body, headers)

    async def _send(
        self, method: str, path: str, body: Mapping[str, object] | None, key: str | None, principal: Principal | None
    ) -> Answer:
        endpoint, named = self._route(method, path)
        if principal is None:
            principal = await endpoint.payer(named) if endpoint.payer else Principal(self.org_id, 0, "key_1")
        kept = key if endpoint.keeps_answer else None
        call = Call(principal, self.ids.new("req"), "192.0.2.1", kept, named)
        if method == "GET":
            return await self.execution.read(endpoint, call, endpoint.parser.from_json(json.dumps(body or {}).encode()))
        params = endpoint.parser.from_json(json.dumps(body or {}).encode())
        return await self.execution.once(endpoint, call, params, path)

    async def open(self, wallet: Wallet, **more: object) -> str:
        """The trace id of a new session."""
        reply = await self.send("POST", f"{URL}/{wallet.code}", {"amount": 2500, "currency": "usd"} | more)
        assert reply.status == 200, reply.body
        return str(reply.json["transactionTraceId"])

    async def accept(self, trace: str, body: Mapping[str, object], key: str | None = None) -> Reply:
        return await self.send("POST", f"{ACCEPT}/{trace}", body, key=key)

    async def look_at(self, trace: str) -> Json:
        return (await self.send("GET", f"{URL}/{trace}")).json

    async def listed(self, org_id: str | None = None, **filters: object) -> Json:
        principal = Principal(org_id or self.org_id, 0, "key_1")
        reply = await self.send("POST", "/api/v1/txn/transaction", filters, principal=principal)
        assert reply.status == 200, reply.body
        return reply.json

    def available(self, wallet: Wallet, currency: str = "usd") -> int:
        found = self.store.read_blocking(lambda connection: self.wallets.balances(connection, wallet))
        return sum(one.available for one in found if one.currency == currency)

    def pending(self, wallet: Wallet, currency: str = "usd") -> int:
        found = self.store.read_blocking(lambda connection: self.wallets.balances(connection, wallet))
        return sum(one.pending for one in found if one.currency == currency)


def by_card(number: str = APPROVED) -> Json:
    return {"method": "card", "card": {"number": number, "exp_month": 12, "exp_year": 2034, "cvc": "123"}}


def from_wallet(wallet: Wallet, **more: object) -> Json:
    return {"fromWalletCode": wallet.code, "pin": PIN, "totalAmount": 2500} | more


@dataclass
class Town:
    """A payee and payers on one database, with a bank and a clock."""

    store: Store
    clock: ManualClock
    bank: ScriptedBank
    platform: Platform
    payee: Wallet
    payers: list[Wallet]

    def another_process(self) -> Platform:
        return Platform(self.store, self.clock, self.bank, self.payee.org_id)


@contextmanager
def town_on(database: Database, *, payers: int = 1, writers: int = 1) -> Iterator[Town]:
    with opened(database, writers=writers) as store:
        yield town_in(store, payers=payers)


def town_in(store: Store, *, payers: int = 1) -> Town:
    # At the log's own time, which is the system's: it is looked through around the times of what it tells of.
    clock, bank = ManualClock(SystemClock().now_microseconds()), ScriptedBank()
    platform = Platform(store, clock, bank, "acct_payee")
    payee = platform.settle_in("acct_payee", "Payee")
    paying = [platform.settle_in(f"acct_payer{number}", f"Payer {number}", 10_000) for number in range(payers)]
    return Town(store, clock, bank, platform, payee, paying)
