"""Giving back what a transaction brought, by the way that it came: to a card, or to another wallet."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection

from bursar.http.call import Call, Effect, Staged
from bursar.http.endpoint import encode
from bursar.http.paging import missing
from bursar.kit.clock import seconds
from bursar.kit.errors import InvalidRequest
from bursar.kit.ids import created_microseconds, may_be_id
from bursar.kit.money import display
from bursar.payment_sessions import rules, transaction_repository
from bursar.payment_sessions.schemas import Transaction
from bursar.payments import repository as intents
from bursar.plain_payments.schemas import PlainRefund, PlainRefundParams
from bursar.plain_payments.service import KIND as PAYMENT
from bursar.plain_payments.service import PlainPaymentService
from bursar.store.store import Store
from bursar.store.unit import Unit
from bursar.wallets import payment_repository
from bursar.wallets import repository as wallet_repository
from bursar.wallets.service import WalletService

KIND = "transaction"


class Refunding:
    def __init__(self, store: Store, wallets: WalletService, plain_payments: PlainPaymentService) -> None:
        self._store = store
        self._wallets = wallets
        self._plain = plain_payments

    async def refund(self, call: Call, params: PlainRefundParams) -> Effect | Staged:
        """By the id of a payment or of a transaction, or by a transaction's code."""
        named = call.path[KIND]
        if named.startswith(f"{intents.PREFIX}_"):
            return await self._by_payment(call, named, params)
        transaction = await self._store.read(lambda connection: _find(connection, call, named))
        if transaction is None:
            raise missing(KIND, named, KIND)
        if transaction.payment_intent is not None:
            return await self._by_payment(call, transaction.payment_intent, params)
        amount = _amount(transaction, params.amount)
        await self._plain.require_proof(call, transaction.currency, transaction.refunded_minor + amount)
        return await self._store.read(lambda connection: self._to_wallet(connection, call, transaction, amount, params))

    async def resume(self, call: Call, attempt_id: str) -> Effect | None:
        return await self._plain.resume_refund(call, attempt_id)

    async def _by_payment(self, call: Call, intent_id: str, params: PlainRefundParams) -> Effect | Staged:
        call.path[PAYMENT] = intent_id
        return await self._plain.refund(call, params)

    def _to_wallet(
        self, connection: Connection, call: Call, credit: Transaction, amount: int, params: PlainRefundParams
    ) -> Effect:
        """Both sides in one commit; whatever moved meanwhile fails it, and then it is decided anew."""
        payee = wallet_repository.find(connection, credit.org_id, credit.livemode, credit.wallet_id)
        debit = _other_side(connection, credit)
        assert payee is not None and credit.wallet_payment is not None, "what was captured has its payment"
        origin = call.origin()
        paid = self._wallets.give_back(connection, payee, credit.wallet_payment, amount, (credit.id, debit.id), origin)
        unit = Unit(list(paid.changes), list(paid.entries))
        for side in (credit, debit):
            after = msgspec.structs.replace(side, refunded_minor=side.refunded_minor + amount)
            unit.changes.append(transaction_repository.update(side, after))
            unit.entries.append(transaction_repository.entry("bursar.transaction.refunded", after, origin, side))
        refund = PlainRefund(
            refund_id=paid.payer_transaction_id,
            amount=amount,
            created=seconds(created_microseconds(paid.payer_transaction_id)),
            currency=credit.currency,
            metadata={},
            payment_id=credit.id,
            reason=params.reason,
            status="succeeded",
        )
        return Effect(refund, unit, encode(refund))


def _find(connection: Connection, call: Call, named: str) -> Transaction | None:
    if not may_be_id(named):
        return None
    place = (call.org_id, call.livemode)
    found = transaction_repository.find(connection, *place, named)
    return found or transaction_repository.find_by_code(connection, *place, named.upper())


def _other_side(connection: Connection, credit: Transaction) -> Transaction:
    place = (credit.org_id, credit.livemode)
    assert credit.wallet_payment is not None
    own = payment_repository.find(connection, *place, credit.wallet_payment, payment_repository.PAYEE)
    assert own is not None, "a transaction names a payment that exists"
    other_place = (own.other_org_id, credit.livemode)
    other = payment_repository.find(connection, *other_place, credit.wallet_payment, payment_repository.PAYER)
    assert other is not None, "a payment between wallets has two sides"
    debit = transaction_repository.find(connection, *other_place, other.source_id)
    assert debit is not None, "each side belongs to a transaction"
    return debit


def _amount(transaction: Transaction, asked: int | None) -> int:
    """All that is left, unless less is asked for."""
    if transaction.direction != "credit" or rules.of_refunds(transaction) not in ("captured", "partially_refunded"):
        raise InvalidRequest(
            f"The transaction {transaction.code} brought no money that could be given back: its status is "
            f"{rules.of_refunds(transaction)}, and it is a {transaction.direction}.",
            param=KIND,
            code="transaction_not_refundable",
        )
    left = transaction.total_minor - transaction.refunded_minor
    amount = left if asked is None else asked
    if amount <= 0:
        raise InvalidRequest(
            "Invalid amount: it must be a positive integer in the smallest unit of the currency.",
            param="amount",
            code="parameter_invalid_integer",
        )
    if amount > left:
        raise InvalidRequest(
            f"The refund is greater than the {display(left, transaction.currency)} that are left of the transaction.",
            param="amount",
            code="amount_too_large",
        )
    return amount
