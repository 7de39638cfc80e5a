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
from bursar.ledger import accounts, balances, repository, rules
from bursar.ledger.rules import Booking, Stamp, WalletBalance
from bursar.ledger.schemas import (
    Balance,
    BalanceTransaction,
    BalanceTransactionListParams,
    Movement,
    Resolution,
    decode_transaction,
)
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
    ) -> LedgerEffect:
        """A sale, or with `held_minor` a capture of an authorisation; `final` releases what it leaves."""
        stamp = self._stamp()
        booking = rules.capture(
            movement, stamp, fee_minor, available_at_once=available_at_once, held_minor=held_minor, final=final
        )
        return self._effect(movement, stamp, booking)

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

    def _effect(self, movement: Movement, stamp: Stamp, booking: Booking) -> LedgerEffect:
        changes = repository.changes_of(
            movement.org_id, movement.livemode, movement.operation_id, movement.currency, stamp, booking
        )
        return LedgerEffect(changes, booking.transaction, booking.hold.after_minor if booking.hold else 0)
