"""Sessions that are paid from another wallet: by its code and PIN, in one commit for both sides."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection

from bursar.accounts.organisations import OrganisationService
from bursar.http.call import Call, Effect
from bursar.http.endpoint import encode
from bursar.http.paging import missing
from bursar.kit.clock import Clock
from bursar.kit.errors import Conflict, InvalidRequest, RequestError, TooManyRequests
from bursar.kit.ids import IdFactory
from bursar.payment_sessions import repository, rules, transaction_repository
from bursar.payment_sessions.failures import debit_of, failure
from bursar.payment_sessions.schemas import (
    AcceptAnswer,
    AcceptParams,
    Counterparty,
    Payee,
    Session,
    Transaction,
    decode_answer,
)
from bursar.payment_sessions.service import Found, SessionService, told
from bursar.payments.operations import OperationService
from bursar.payments.params import IntentCancelParams
from bursar.store.errors import RowsExpected, StoreContention
from bursar.store.log import Entry
from bursar.store.store import Store
from bursar.store.unit import Change, Unit
from bursar.wallets import rules as wallet_rules
from bursar.wallets.payments import Paid, WalletPayment
from bursar.wallets.schemas import Wallet
from bursar.wallets.service import WalletService

WALLET_CODE = "fromWalletCode"
# Of a payment that meets others of the same wallet, or of the same session: each that is lost was another's win.
RACES_MAX = 50


class FromWallets:
    def __init__(
        self,
        store: Store,
        ids: IdFactory,
        clock: Clock,
        sessions: SessionService,
        wallets: WalletService,
        operations: OperationService,
        organisations: OrganisationService,
    ) -> None:
        self._store = store
        self._ids = ids
        self._clock = clock
        self._sessions = sessions
        self._wallets = wallets
        self._operations = operations
        self._organisations = organisations

    async def accept(self, call: Call, found: Found, params: AcceptParams) -> AcceptAnswer | Effect:
        """A failed try is committed, too, with what it failed by as the answer."""
        _check_alone(params)
        payee = await self._sessions.payee(found.session)
        if found.status(self._clock.now_microseconds()) == "paid":
            return await self._answered_before(call, found, params)
        self._require_payable(found)
        payer: Wallet | None = None
        try:
            rules.check_total(found.session, params.totalAmount, params.currency)
            payer = await self._payer(params)
            await self._check(call, found, payer, params)
            return await self._pay(call, found, payer, payee)
        except (Conflict, TooManyRequests):
            raise  # no try: somebody else was quicker, or nobody may try now
        except RequestError as problem:
            if problem.code in ("session_expired", "session_closed"):
                raise
            unit = failure(self._ids, call, found, problem, rules.BY_WALLET_CODE, payer, payee)
            return Effect(rules.told_of_session(found.session), unit, error=problem)

    def _require_payable(self, found: Found) -> None:
        refusal = rules.refusal_to_pay(found.status(self._clock.now_microseconds()))
        if refusal is not None:
            raise refusal

    async def _payer(self, params: AcceptParams) -> Wallet:
        assert params.fromWalletCode is not None
        wallet = await self._wallets.find_by_code(params.fromWalletCode, WALLET_CODE)
        if wallet is None:
            raise missing("wallet", params.fromWalletCode, WALLET_CODE)
        return wallet

    async def _check(self, call: Call, found: Found, payer: Wallet, params: AcceptParams) -> None:
        """What needs no transaction. The PIN comes last: it is slow to check, and tries are counted."""
        if payer.id == found.session.wallet_id and payer.livemode == found.session.livemode:
            wallet_rules.check_different(payer, payer, WALLET_CODE)
        await self._organisations.require_active(payer.org_id)
        wallet_rules.check_primary(payer, WALLET_CODE)
        wallet_rules.check_takes(payer, found.session.currency, WALLET_CODE)
        if params.pin is None:
            raise InvalidRequest("Missing required param: pin.", param="pin", code="parameter_missing")
        await self._wallets.check_pin(payer, params.pin, call)

    async def _answered_before(self, call: Call, found: Found, params: AcceptParams) -> AcceptAnswer:
        """Whoever paid and asks again is told the same; anybody else, that it is paid."""
        session = found.session
        refusal = rules.refusal_to_pay("paid")
        assert refusal is not None
        if session.paid_by is None or session.answer is None or params.totalAmount not in (None, session.total_minor):
            raise refusal
        payer = await self._payer(params)
        if payer.id != session.paid_by or params.pin is None:
            raise refusal
        await self._wallets.check_pin(payer, params.pin, call)
        return decode_answer(session.answer)

    async def _pay(self, call: Call, found: Found, payer: Wallet, payee: Payee) -> AcceptAnswer:
        payer_name = await self._sessions.name_of(payer.org_id)
        wallet = await self._wallets.find(found.session.org_id, found.session.livemode, found.session.wallet_id)
        assert wallet is not None, "wallets are never deleted"
        for races_left in reversed(range(RACES_MAX)):
            taken_out = await self._take_out(call, found)
            paying = _Paying(self._ids, call, found, payer, wallet, payee, payer_name)

            def work(
                connection: Connection, paying: _Paying = paying, taken_out: Unit = taken_out
            ) -> tuple[AcceptAnswer, Unit]:
                paid = self._wallets.pay(connection, paying.payment(), call.origin())
                answer, unit = paying.settled(paid)
                return answer, Unit([*taken_out.changes, *unit.changes], [*taken_out.entries, *unit.entries])

            try:
                answer: AcceptAnswer = await self._store.transact(work)
            except (RowsExpected, StoreContention):
                if not races_left:
                    raise
                found = await self._sessions.find(call)
                self._require_payable(found)
            else:
                return answer
        raise AssertionError("the loop above returns or raises")

    async def _take_out(self, call: Call, found: Found) -> Unit:
        """Ends a payment by a method that came to nothing yet, in the commit that pays the session otherwise."""
        if found.intent is None or found.intent.status == "canceled":
            return Unit()
        call.path["intent"] = found.intent.id
        try:
            effect = await self._operations.cancel(call, IntentCancelParams(cancellation_reason="abandoned"))
        except (Conflict, InvalidRequest):
            refusal = rules.refusal_to_pay("processing")
            assert refusal is not None
            raise refusal from None
        assert isinstance(effect, Effect), "nothing is held, so no bank is asked"
        return effect.unit


class _Paying:
    """One payment from wallet to wallet, from what was read to what is written."""

    def __init__(
        self, ids: IdFactory, call: Call, found: Found, payer: Wallet, wallet: Wallet, payee: Payee, payer_name: str
    ) -> None:
        self._call = call
        self._found = found
        self._payer = payer
        self._wallet = wallet
        self._payee = payee
        self._payer_name = payer_name
        self._debit = debit_of(ids, found, payer, payee)

    def payment(self) -> WalletPayment:
        session = self._found.session
        return WalletPayment(
            payer=self._payer,
            payee=self._wallet,
            total_minor=session.total_minor,
            currency=session.currency,
            payer_source_id=self._debit.id,
            payee_source_id=session.transaction_id,
            service_fee_minor=session.service_fee_minor,
            description=session.details.description,
        )

    def settled(self, paid: Paid) -> tuple[AcceptAnswer, Unit]:
        before, session = self._found.transaction, self._found.session
        debit = _captured(self._debit, paid.id)
        shown = Counterparty(name=self._payer_name, wallet=self._payer.code)
        credit = msgspec.structs.replace(
            _captured(before, paid.id), details=msgspec.structs.replace(before.details, counterparty=shown)
        )
        answer = AcceptAnswer(
            status="approved",
            reason=None,
            message=None,
            transaction=rules.receipt(debit, self._payee, "captured", rules.BY_WALLET_CODE),
            balance=paid.balance,
            auth_id=paid.id,
        )
        after = msgspec.structs.replace(
            session,
            status="paid",
            due=None,
            tries=session.tries + 1,
            paid_by=self._payer.id,
            answer=encode(answer).decode(),
        )
        changes: Sequence[Change] = [
            # First: of two payers, the one who comes second fails here, and by nothing else.
            repository.update(session, after),
            transaction_repository.update(before, credit),
            transaction_repository.insertion(debit),
            *paid.changes,
        ]
        return answer, Unit(list(changes), [*paid.entries, *self._told(debit, credit, before), self._ended(after)])

    def _told(self, debit: Transaction, credit: Transaction, before: Transaction) -> list[Entry]:
        origin = self._call.origin()
        return [
            transaction_repository.entry("bursar.transaction.settled", debit, origin),
            transaction_repository.entry("bursar.transaction.settled", credit, origin, before),
        ]

    def _ended(self, after: Session) -> Entry:
        return told("bursar.payment_session.paid", after, self._call.origin(), self._found.session)


def _captured(transaction: Transaction, payment_id: str) -> Transaction:
    return msgspec.structs.replace(
        transaction,
        state="captured",
        method=rules.BY_WALLET_CODE,
        payment_intent=None,
        wallet_payment=payment_id,
    )


def _check_alone(params: AcceptParams) -> None:
    """From a wallet, or by a method: not both."""
    for name in ("method", "card", "upi", "wallet", "net_banking", "token"):
        if getattr(params, name) is not None:
            raise InvalidRequest(
                f"Send either {WALLET_CODE} or {name}, not both.", param=name, code="parameters_exclusive"
            )
