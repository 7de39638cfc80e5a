"""Payments from one wallet to another, which may be another organisation's: both sides are one commit.

Called within somebody's own transaction. The payer's version is read before its balance and must not have moved at
the commit, so of two debits that have seen the same balance one is lost, and its caller decides anew.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from bursar.http.endpoint import encode
from bursar.kit.ids import IdFactory
from bursar.ledger.schemas import WalletMovement
from bursar.ledger.service import LedgerService, WalletEffect
from bursar.store.log import Entry, Origin
from bursar.store.unit import Change
from bursar.wallets import payment_repository, repository, rules
from bursar.wallets.errors import WalletRefused
from bursar.wallets.payment_repository import PAYEE, PAYER, StoredPayment
from bursar.wallets.schemas import PaymentTold, Wallet, WalletAmounts, amounts_of


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletPayment:
    """What is to be paid. The total is all that the payer pays; the service fee is part of it.

    The sources are what the movement belongs to on each side, such as transactions: ids of up to 40 characters.
    """

    payer: Wallet
    payee: Wallet
    total_minor: int
    currency: str
    payer_source_id: str
    payee_source_id: str
    service_fee_minor: int = 0
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """What belongs into the unit, and what the payer has afterwards."""

    id: str
    changes: list[Change]
    entries: list[Entry]
    balance: WalletAmounts
    payer_transaction_id: str
    payee_transaction_id: str


class WalletPayments:
    def __init__(self, ids: IdFactory, ledger: LedgerService) -> None:
        self._ids = ids
        self._ledger = ledger

    def pay(self, connection: Connection, payment: WalletPayment, origin: Origin) -> Paid:
        """Raises WalletRefused; then nothing may be written."""
        payer, payee = _fresh(connection, payment.payer), _fresh(connection, payment.payee)
        rules.check_different(payer, payee)
        rules.check_primary(payer)
        for wallet in (payer, payee):
            rules.check_takes(wallet, payment.currency)
        self._check_enough(connection, payer, payment.total_minor, payment.currency)
        movement = _movement(payer, payment.payer_source_id, payment)
        effect = self._ledger.pay(
            movement, _movement(payee, payment.payee_source_id, payment), service_fee_minor=payment.service_fee_minor
        )
        payment_id = self._ids.new(payment_repository.PREFIX)
        sides = _sides(payment_id, payer, payee, payment)
        changes = [repository.debit(payer), *effect.changes, *map(payment_repository.insertion, sides)]
        entries = [
            _told("bursar.wallet_payment.sent", payer, payee, sides[0], effect.taken.id, origin),
            _told("bursar.wallet_payment.received", payee, payer, sides[1], effect.given.id, origin),
        ]
        # The main wallet that pays within its own organisation gets the service fee back.
        taken = payment.total_minor - (payment.service_fee_minor if payer.org_id == payee.org_id else 0)
        balance = self._balance_after(connection, payer, payment.currency, taken)
        return _paid(payment_id, effect, changes, entries, balance)

    def give_back(
        self,
        connection: Connection,
        payee: Wallet,
        payment_id: str,
        amount_minor: int,
        source_ids: tuple[str, str],
        origin: Origin,
    ) -> Paid:
        """A refund: out of what the payee has available, to the payer. The service fee stays where it is.

        `source_ids` are what it belongs to at the payee and at the payer. Closed wallets take and give it, too:
        their owners decided about new payments, not about old ones.
        """
        payee = _fresh(connection, payee)
        side = payment_repository.find(connection, payee.org_id, payee.livemode, payment_id, PAYEE)
        if side is None or side.wallet_id != payee.id:
            raise WalletRefused("refunded_already", f"The wallet {payee.code} was not paid by {payment_id}.")
        if side.refunded_minor + amount_minor > side.total_minor:
            raise WalletRefused(
                "refunded_already",
                f"Of {side.total_minor} that were paid, {side.refunded_minor} are refunded already.",
                param="amount",
            )
        payer = repository.find(connection, side.other_org_id, payee.livemode, side.other_wallet_id)
        assert payer is not None, "wallets are never deleted"
        self._check_enough(connection, payee, amount_minor, side.currency)
        refund = WalletPayment(
            payer=payee,
            payee=payer,
            total_minor=amount_minor,
            currency=side.currency,
            payer_source_id=source_ids[0],
            payee_source_id=source_ids[1],
        )
        effect = self._ledger.refund_payment(
            _movement(payee, source_ids[0], refund), _movement(payer, source_ids[1], refund)
        )
        changes = [repository.fence(payee), *effect.changes]
        changes += payment_repository.refund(side, payer.org_id, amount_minor)
        sides = _sides(payment_id, payee, payer, refund)
        entries = [
            _told("bursar.wallet_payment.refunded", payee, payer, sides[0], effect.taken.id, origin),
            _told("bursar.wallet_payment.refund_received", payer, payee, sides[1], effect.given.id, origin),
        ]
        balance = self._balance_after(connection, payee, side.currency, amount_minor)
        return _paid(payment_id, effect, changes, entries, balance)

    def _check_enough(self, connection: Connection, wallet: Wallet, amount_minor: int, currency: str) -> None:
        available = self._ledger.spendable(connection, wallet.org_id, wallet.livemode, wallet.ledger_name, currency)
        rules.check_enough(wallet, available, amount_minor, currency)

    def _balance_after(self, connection: Connection, wallet: Wallet, currency: str, taken_minor: int) -> WalletAmounts:
        found = self._ledger.balances_of(connection, wallet.org_id, wallet.livemode, wallet.ledger_name)
        [balance] = [amounts_of(one) for one in found if one.currency == currency]
        balance.available -= taken_minor
        return balance


def _paid(
    payment_id: str, effect: WalletEffect, changes: list[Change], entries: list[Entry], balance: WalletAmounts
) -> Paid:
    return Paid(
        id=payment_id,
        changes=changes,
        entries=entries,
        balance=balance,
        payer_transaction_id=effect.taken.id,
        payee_transaction_id=effect.given.id,
    )


def _fresh(connection: Connection, wallet: Wallet) -> Wallet:
    """As it is now: what the caller has may be of a moment ago."""
    found = repository.find(connection, wallet.org_id, wallet.livemode, wallet.id)
    assert found is not None, "wallets are never deleted"
    return found


def _movement(wallet: Wallet, source_id: str, payment: WalletPayment) -> WalletMovement:
    return WalletMovement(
        org_id=wallet.org_id,
        livemode=wallet.livemode,
        wallet=wallet.ledger_name,
        source_id=source_id,
        amount_minor=payment.total_minor,
        currency=payment.currency,
        description=payment.description,
    )


def _sides(payment_id: str, payer: Wallet, payee: Wallet, payment: WalletPayment) -> list[StoredPayment]:
    return [
        StoredPayment(
            org_id=wallet.org_id,
            livemode=wallet.livemode,
            id=payment_id,
            side=side,
            wallet_id=wallet.id,
            source_id=source_id,
            other_org_id=other.org_id,
            other_wallet_id=other.id,
            currency=payment.currency,
            total_minor=payment.total_minor,
            service_fee_minor=payment.service_fee_minor,
            refunded_minor=0,
        )
        for wallet, other, side, source_id in (
            (payer, payee, PAYER, payment.payer_source_id),
            (payee, payer, PAYEE, payment.payee_source_id),
        )
    ]


def _told(
    event_type: str, wallet: Wallet, other: Wallet, side: StoredPayment, transaction_id: str, origin: Origin
) -> Entry:
    told = PaymentTold(
        id=side.id,
        wallet=wallet.code,
        other_wallet=other.code,
        amount=side.total_minor,
        service_fee=side.service_fee_minor,
        currency=side.currency,
        source=side.source_id,
        balance_transaction=transaction_id,
    )
    return Entry(wallet.org_id, wallet.livemode, event_type, side.id, encode(told), origin=origin)
