"""What the features above do with the books. Making entries is pure; only the reads ask the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection

from bursar.http.call import Call
from bursar.http.paging import Page, missing, window
from bursar.http.params import created_bounds
from bursar.kit.clock import Clock
from bursar.kit.ids import IdFactory
from bursar.ledger import accounts, balances, repository, rules, wallet_rules
from bursar.ledger.rules import Booking, LedgerDefect, Stamp, WalletBalance
from bursar.ledger.schemas import (
    Balance,
    BalanceTransaction,
    BalanceTransactionListParams,
    Movement,
    Resolution,
    WalletMovement,
    decode_transaction,
)
from bursar.ledger.wallet_rules import Kind
from bursar.store.store import Store
from bursar.store.unit import Change

URL = "/v1/balance_transactions"
BALANCE_URL = "/v1/balance"


@dataclass(slots=True)
class LedgerEffect:
    """What belongs into the unit of the change that it tells of. `held_minor` is what is still held afterwards."""

    changes: list[Change]
    balance_transaction: BalanceTransaction | None
    held_minor: int = 0


@dataclass(slots=True)
class WalletEffect:
    """Both sides of a movement between wallets, with a balance transaction for each."""

    changes: list[Change]
    taken: BalanceTransaction
    given: BalanceTransaction


class LedgerService:
    def __init__(self, store: Store, ids: IdFactory, clock: Clock) -> None:
        self._store = store
        self._ids = ids
        self._clock = clock

    def prepare(self) -> None:
        """Before the first entry: ids must follow those of every snapshot, even if the clock went back meanwhile."""
        newest = self._store.read_blocking(balances.newest_snapshot)
        if newest is not None:
            self._ids.never_before(newest)

    def hold(self, movement: Movement) -> LedgerEffect:
        """An authorisation that was approved and not captured. The source is the charge, and names the hold."""
        return self._effect(movement, self._stamp(), rules.hold(movement))

    def increment(self, movement: Movement, *, held_minor: int) -> LedgerEffect:
        """`movement.amount_minor` comes on top of `held_minor`."""
        return self._effect(movement, self._stamp(), rules.increment(movement, held_minor))

    def release_hold(self, movement: Movement, resolution: Resolution) -> LedgerEffect:
        """Ends a hold by a void, an expiry or a reversal; `movement.amount_minor` is all that is still held.

        The capture that takes the last of a hold has ended it: then there is nothing left to release.
        """
        if movement.amount_minor == 0:
            return LedgerEffect([], None)
        return self._effect(movement, self._stamp(), rules.release(movement, resolution))

    def capture(
        self,
        movement: Movement,
        *,
        fee_minor: int,
        available_at_once: bool = False,
        held_minor: int | None = None,
        final: bool = True,
        service_fee_minor: int = 0,
    ) -> LedgerEffect:
        """A sale, or with `held_minor` a capture of an authorisation; `final` releases what it leaves.

        The service fee is part of the amount. It goes on to the organisation's main wallet, available on the same
        day, with a balance transaction of its own, which that of the effect is not.
        """
        stamp = self._stamp()
        booking = rules.capture(
            movement,
            stamp,
            fee_minor,
            available_at_once=available_at_once,
            held_minor=held_minor,
            final=final,
            service_fee_minor=service_fee_minor,
        )
        effect = self._effect(movement, stamp, booking)
        if service_fee_minor:
            assert booking.transaction is not None, "a capture is told"
            due = None if available_at_once else booking.transaction.available_on
            effect.changes += self._service_fee(movement, service_fee_minor, due)
        return effect

    def refund(self, movement: Movement) -> LedgerEffect:
        stamp = self._stamp()
        return self._effect(movement, stamp, rules.refund(movement, stamp))

    def refund_failed(self, movement: Movement) -> LedgerEffect:
        stamp = self._stamp()
        return self._effect(movement, stamp, rules.refund_failed(movement, stamp))

    def reverse(self, movement: Movement, *, fee_minor: int) -> LedgerEffect:
        """Takes a sale or capture back with its fee."""
        stamp = self._stamp()
        return self._effect(movement, stamp, rules.reverse(movement, stamp, fee_minor))

    def dispute_withdrawn(self, movement: Movement, *, fee_minor: int) -> LedgerEffect:
        stamp = self._stamp()
        return self._effect(movement, stamp, rules.withdraw_for_dispute(movement, stamp, fee_minor))

    def dispute_reinstated(self, movement: Movement, *, fee_minor: int) -> LedgerEffect:
        """`fee_minor` is what the acquirer gives back of its fee."""
        stamp = self._stamp()
        return self._effect(movement, stamp, rules.reinstate_after_dispute(movement, stamp, fee_minor))

    def transfer(self, payer: WalletMovement, payee: WalletMovement) -> WalletEffect:
        """Between wallets of one organisation."""
        if payer.org_id != payee.org_id:
            raise LedgerDefect(f"a transfer from {payer.org_id} to {payee.org_id}")
        return self._between(payer, payee, accounts.transfers_due(payer.currency), wallet_rules.TRANSFER, 0)

    def pay(self, payer: WalletMovement, payee: WalletMovement, *, service_fee_minor: int = 0) -> WalletEffect:
        """From one wallet to another, which may be another organisation's. The service fee is part of the amount,
        and goes on to the main wallet of whoever is paid.
        """
        clearing = accounts.wallets_due(payer.currency)
        return self._between(payer, payee, clearing, wallet_rules.PAYMENT, service_fee_minor)

    def refund_payment(self, payer: WalletMovement, payee: WalletMovement) -> WalletEffect:
        """Of a payment between wallets: the payer is here whoever was paid then."""
        return self._between(payer, payee, accounts.wallets_due(payer.currency), wallet_rules.PAYMENT_REFUND, 0)

    def reserve(self, movement: WalletMovement) -> LedgerEffect:
        """Sets aside what is available, for a withdrawal."""
        stamp = self._stamp()
        return self._wallet_effect(movement, stamp, wallet_rules.reserve(movement, stamp))

    def release_reserved(self, movement: WalletMovement) -> LedgerEffect:
        stamp = self._stamp()
        return self._wallet_effect(movement, stamp, wallet_rules.release_reserved(movement, stamp))

    def pay_out_reserved(self, movement: WalletMovement) -> LedgerEffect:
        """What was set aside is on its way to a bank."""
        return self._wallet_effect(movement, self._stamp(), wallet_rules.pay_out_reserved(movement))

    def balances_of(self, connection: Connection, org_id: str, livemode: int, wallet: str) -> list[WalletBalance]:
        """One wallet in each currency that it has had."""
        today = accounts.day_of(self._clock.now_microseconds())
        return balances.balances_of(balances.Books(connection, org_id, livemode), wallet, today)

    def spendable(self, connection: Connection, org_id: str, livemode: int, wallet: str, currency: str) -> int:
        """What is available, for whoever is about to take of it: see `balances.spendable`."""
        today = accounts.day_of(self._clock.now_microseconds())
        return balances.spendable(balances.Books(connection, org_id, livemode), wallet, currency, today)

    async def balance(self, call: Call) -> Balance:
        found = await self._store.read(lambda connection: self.wallet_balances(connection, call.org_id, call.livemode))
        return rules.balance(found, livemode=bool(call.livemode))

    def wallet_balances(self, connection: Connection, org_id: str, livemode: int) -> list[WalletBalance]:
        """Each wallet in each currency, as of one moment. The connection must be fresh."""
        today = accounts.day_of(self._clock.now_microseconds())
        return balances.wallet_balances(balances.books(connection, org_id, livemode), today)

    async def retrieve(self, call: Call) -> BalanceTransaction:
        transaction_id = call.path["balance_transaction"]
        found = await self._store.read(
            lambda connection: repository.find(connection, call.org_id, call.livemode, transaction_id)
        )
        if found is None:
            raise missing("balance transaction", transaction_id)
        return rules.as_of(found, self._clock.now_microseconds())

    async def page(self, call: Call, params: BalanceTransactionListParams) -> Page[BalanceTransaction]:
        view = window(params)
        created = created_bounds(params.created)
        if params.payout is not None:
            raise missing("payout", params.payout, "payout")

        def query(connection: Connection) -> list[BalanceTransaction]:
            for param in ("starting_after", "ending_before"):
                cursor = getattr(params, param)
                if cursor is not None and repository.find(connection, call.org_id, call.livemode, cursor) is None:
                    raise missing("balance transaction", cursor, param)
            return repository.page(
                connection,
                call.org_id,
                call.livemode,
                view,
                created=created,
                currency=params.currency.lower() if params.currency is not None else None,
                source_id=params.source,
                transaction_type=params.type,
            )

        data, has_more = view.cut(await self._store.read(query))
        now = self._clock.now_microseconds()
        return Page(data=[rules.as_of(transaction, now) for transaction in data], has_more=has_more, url=URL)

    async def load(self, call: Call, ids: Sequence[str]) -> Mapping[str, Any]:
        """For whoever expands a `balance_transaction`."""
        found = [decode_transaction(call.pending[one]) for one in ids if one in call.pending]
        stored = [one for one in ids if one not in call.pending]
        if stored:
            found += await self._store.read(
                lambda connection: repository.find_many(connection, call.org_id, call.livemode, stored)
            )
        now = self._clock.now_microseconds()
        return {transaction.id: msgspec.to_builtins(rules.as_of(transaction, now)) for transaction in found}

    def _stamp(self) -> Stamp:
        return Stamp(*self._ids.new_with_time(repository.PREFIX))

    def _between(
        self, payer: WalletMovement, payee: WalletMovement, clearing: str, kind: Kind, service_fee_minor: int
    ) -> WalletEffect:
        same = (payer.livemode, payer.currency, payer.amount_minor)
        if same != (payee.livemode, payee.currency, payee.amount_minor):
            raise LedgerDefect("the two sides of a movement tell different things")
        stamp = self._stamp()
        taken = self._wallet_effect(payer, stamp, wallet_rules.taken(payer, stamp, clearing, kind))
        stamp = self._stamp()
        booking = wallet_rules.given(payee, stamp, clearing, kind, service_fee_minor)
        given = self._wallet_effect(payee, stamp, booking)
        assert taken.balance_transaction is not None and given.balance_transaction is not None, "both sides are told"
        fee = self._service_fee(payee, service_fee_minor, None) if service_fee_minor else []
        changes = [*taken.changes, *given.changes, *fee]
        return WalletEffect(changes, taken.balance_transaction, given.balance_transaction)

    def _service_fee(
        self, movement: Movement | WalletMovement, service_fee_minor: int, available_on: int | None
    ) -> list[Change]:
        stamp = self._stamp()
        booking = wallet_rules.service_fee(movement, stamp, service_fee_minor, available_on)
        # Without the operation, which has one group: that of the payment.
        return repository.changes_of(movement.org_id, movement.livemode, None, movement.currency, stamp, booking)

    def _wallet_effect(self, movement: WalletMovement, stamp: Stamp, booking: Booking) -> LedgerEffect:
        changes = repository.changes_of(movement.org_id, movement.livemode, None, movement.currency, stamp, booking)
        return LedgerEffect(changes, booking.transaction)

    def _effect(self, movement: Movement, stamp: Stamp, booking: Booking) -> LedgerEffect:
        changes = repository.changes_of(
            movement.org_id, movement.livemode, movement.operation_id, movement.currency, stamp, booking
        )
        return LedgerEffect(changes, booking.transaction, booking.hold.after_minor if booking.hold else 0)
