"""Payment sessions: opened, looked at, found."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from sqlalchemy import Connection

from bursar.accounts.organisations import OrganisationService
from bursar.customers import repository as customers
from bursar.http.call import Call, Effect
from bursar.http.endpoint import encode
from bursar.http.paging import missing
from bursar.kit.clock import MICROSECONDS_PER_SECOND, Clock
from bursar.kit.errors import InvalidRequest
from bursar.kit.ids import IdFactory
from bursar.payment_sessions import repository, rules, transaction_repository
from bursar.payment_sessions.codes import new_code
from bursar.payment_sessions.payers import REFERENCE, WALLET_CODE, trace_of
from bursar.payment_sessions.schemas import (
    Payee,
    ReturnUrls,
    Session,
    SessionDetails,
    SessionParams,
    SessionStatus,
    SessionView,
    Transaction,
    TransactionDetails,
)
from bursar.payments import charge_repository
from bursar.payments import repository as intents
from bursar.payments.charge_repository import StoredCharge
from bursar.payments.rules import check_amount, check_return_url, require_currency
from bursar.payments.schemas import PaymentIntent
from bursar.plain_payments.admission import Admission
from bursar.store.log import Entry, Origin, differences
from bursar.store.store import Store
from bursar.store.unit import Unit
from bursar.wallets import rules as wallet_rules
from bursar.wallets.schemas import Wallet
from bursar.wallets.service import WalletService


class Found(NamedTuple):
    """A session with its payment by a method, if there was one, and its transaction."""

    session: Session
    transaction: Transaction
    intent: PaymentIntent | None
    charge: StoredCharge | None

    def status(self, now: int) -> SessionStatus:
        return rules.status_of(self.session, self.intent, now)


class SessionService:
    def __init__(
        self,
        store: Store,
        ids: IdFactory,
        clock: Clock,
        wallets: WalletService,
        organisations: OrganisationService,
        admission: Admission,
        public_url: str,
    ) -> None:
        self._store = store
        self._ids = ids
        self._clock = clock
        self._wallets = wallets
        self._organisations = organisations
        self._admission = admission
        self._public_url = public_url

    async def open(self, call: Call, params: SessionParams) -> Effect:
        """A session, its credit transaction, and what the log tells of both, in one commit."""
        wallet = await self._wallets.find_by_code(call.path[REFERENCE], WALLET_CODE)
        if wallet is None:
            raise missing("wallet", call.path[REFERENCE], WALLET_CODE)
        terms = await self._admission.terms.of(call.org_id)
        currency = require_currency(params.currency or wallet.currency or await self._currency(call))
        check_amount(params.amount, currency)
        wallet_rules.check_takes(wallet, currency.code)
        fixed = terms.service_fee_fixed_minor.get(currency.code, 0)
        fee = rules.service_fee(params.amount, terms.service_fee_percent, fixed, currency)
        check_amount(params.amount + fee, currency)
        refusal = await self._admission.refusal(call.org_id, call.livemode, params.amount + fee, currency.code)
        if refusal is not None:
            raise InvalidRequest(refusal.message, code=refusal.reason)
        for url in (params.return_urls or ReturnUrls()).__struct_fields__:
            check_return_url(getattr(params.return_urls, url, None))
        if params.customer is not None:
            await self._require_customer(call, params.customer)
        session, transaction, trace = self._made(call, params, wallet, currency.code, fee, terms.session_seconds)
        unit = Unit(
            [repository.insertion(session), transaction_repository.insertion(transaction)],
            [
                told("bursar.payment_session.created", session, call.origin()),
                transaction_repository.entry("bursar.transaction.initiated", transaction, call.origin()),
            ],
        )
        return Effect(await self.view(Found(session, transaction, None, None), trace), unit)

    async def look(self, call: Call) -> SessionView:
        return await self.view(await self.find(call), trace_of(call.path))

    async def view(self, found: Found, trace: str) -> SessionView:
        session, now = found.session, self._clock.now_microseconds()
        return rules.view(
            session,
            trace,
            found.status(now),
            found.intent,
            (await self.payee(session)).name,
            self._public_url,
            now,
            found.transaction.code,
        )

    async def find(self, call: Call) -> Found:
        """The session that the address names, for whoever knows its whole trace id."""
        trace = rules.read_trace(trace_of(call.path))
        found = await self._store.read(
            lambda connection: read(connection, trace.org_id, trace.livemode, trace.session_id)
        )
        if found is None or not rules.is_secret_of(found.session, trace.secret):
            raise rules.no_session()
        return found

    async def payee(self, session: Session) -> Payee:
        return Payee(name=await self.name_of(session.org_id), walletCode=session.details.wallet_code)

    async def name_of(self, org_id: str) -> str:
        organisation = await self._organisations.of(org_id)
        return organisation.name if organisation is not None else ""

    def _made(
        self, call: Call, params: SessionParams, wallet: Wallet, currency: str, fee: int, lives_seconds: int
    ) -> tuple[Session, Transaction, str]:
        session_id, now = self._ids.new_with_time(rules.SESSION_PREFIX)
        secret = self._ids.secret()
        expires = now + lives_seconds * MICROSECONDS_PER_SECOND
        transaction = Transaction(
            org_id=wallet.org_id,
            livemode=wallet.livemode,
            id=self._ids.new(rules.TRANSACTION_PREFIX),
            version=1,
            code=new_code(),
            direction="credit",
            state="initiated",
            method=None,
            amount_minor=params.amount,
            service_fee_minor=fee,
            refunded_minor=0,
            currency=currency,
            wallet_id=wallet.id,
            session_id=session_id,
            payment_intent=None,
            wallet_payment=None,
            customer=params.customer,
            reason=None,
            details=TransactionDetails(wallet_code=wallet.code, description=params.description),
        )
        session = Session(
            org_id=wallet.org_id,
            livemode=wallet.livemode,
            id=session_id,
            version=1,
            status="open",
            secret_hash=rules.hash_secret(secret),
            wallet_id=wallet.id,
            amount_minor=params.amount,
            service_fee_minor=fee,
            currency=currency,
            expires=expires,
            due=expires,
            tries=0,
            payment_intent=None,
            transaction_id=transaction.id,
            paid_by=None,
            answer=None,
            details=SessionDetails(
                wallet_code=wallet.code,
                ledger_name=wallet.ledger_name,
                customer=params.customer,
                description=params.description,
                return_urls=params.return_urls,
            ),
        )
        return session, transaction, rules.trace_id(call.org_id, call.livemode, session_id, secret)

    async def _currency(self, call: Call) -> str:
        organisation = await self._organisations.of(call.org_id)
        assert organisation is not None, "a wallet belongs to an organisation that exists"
        return organisation.currency

    async def _require_customer(self, call: Call, customer_id: str) -> None:
        found = await self._store.read(
            lambda connection: customers.find(connection, call.org_id, call.livemode, customer_id)
        )
        if found is None:
            raise missing("customer", customer_id, "customer")


def read(connection: Connection, org_id: str, livemode: int, session_id: str) -> Found | None:
    session = repository.find(connection, org_id, livemode, session_id)
    if session is None:
        return None
    transaction = transaction_repository.find(connection, org_id, livemode, session.transaction_id)
    assert transaction is not None, "a session is made with its transaction"
    intent, charge = None, None
    if session.payment_intent is not None:
        stored = intents.find(connection, org_id, livemode, session.payment_intent)
        assert stored is not None, "a session names a payment intent that exists"
        intent = stored.intent
        if intent.latest_charge is not None:
            charge = charge_repository.find(connection, org_id, livemode, intent.latest_charge)
    return Found(session, transaction, intent, charge)


def told(event_type: str, session: Session, origin: Origin, before: Session | None = None) -> Entry:
    document = encode(rules.told_of_session(session))
    previous = differences(encode(rules.told_of_session(before)), document) if before is not None else None
    return Entry(session.org_id, session.livemode, event_type, session.id, document, previous, origin)


def tried(session: Session, *, intent_id: str | None = None) -> Session:
    """Once more, by the payment intent if it is named."""
    return msgspec.structs.replace(session, tries=session.tries + 1, payment_intent=intent_id or session.payment_intent)
