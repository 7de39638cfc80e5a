"""What can be done with withdrawals."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from sqlalchemy import Connection

from bursar.http.call import Call, Effect
from bursar.http.endpoint import encode
from bursar.http.paging import Page, missing, window
from bursar.kit.clock import Clock, seconds
from bursar.kit.ids import IdFactory
from bursar.kit.sealing import Sealing
from bursar.ledger.schemas import BalanceTransaction, WalletMovement
from bursar.ledger.service import LedgerEffect, LedgerService
from bursar.store.log import Entry, differences
from bursar.store.store import Store
from bursar.store.unit import Unit
from bursar.wallets import repository as wallet_repository
from bursar.wallets.rules import check_currency, check_enough, check_takes
from bursar.wallets.schemas import Wallet
from bursar.wallets.service import WalletService, check_cursors, own
from bursar.withdrawals import repository, rules
from bursar.withdrawals.repository import StoredWithdrawal
from bursar.withdrawals.schemas import (
    Account,
    Status,
    Withdrawal,
    WithdrawalListParams,
    WithdrawalParams,
    decode_account,
)

URL = "/api/v1/txn/withdrawals"
SEALING_PURPOSE = "withdrawal destinations"

# From which amount on an organisation wants a second person, by currency.
SecondApprovals = Callable[[str], Awaitable[Mapping[str, int]]]


class WithdrawalService:
    def __init__(
        self,
        store: Store,
        ids: IdFactory,
        clock: Clock,
        ledger: LedgerService,
        wallets: WalletService,
        sealing: Sealing,
        second_approvals: SecondApprovals,
    ) -> None:
        self._store = store
        self._ids = ids
        self._clock = clock
        self._ledger = ledger
        self._wallets = wallets
        self._sealing = sealing
        self._second_approvals = second_approvals

    async def create(self, call: Call, params: WithdrawalParams) -> Effect:
        """Sets the amount aside. The wallet's version is read before its balance, as with every debit."""
        currency = check_currency(params.currency)
        account = rules.read_account(params.destination)
        limits = await self._second_approvals(call.org_id)
        await self._wallets.primary(call.org_id, call.livemode, call.origin())

        def query(connection: Connection) -> Wallet:
            wallet = self._named(connection, call, params.wallet)
            check_takes(wallet, currency, "wallet")
            available = self._ledger.spendable(connection, call.org_id, call.livemode, wallet.ledger_name, currency)
            check_enough(wallet, available, params.amount, currency)
            return wallet

        wallet = await self._store.read(query)
        withdrawal_id, now = self._ids.new_with_time(repository.PREFIX)
        movement = _movement(call, wallet.ledger_name, withdrawal_id, params.amount, currency, params.description)
        effect = self._ledger.reserve(movement)
        waits = rules.needs_second_approval(params.amount, currency, limits)
        withdrawal = Withdrawal(
            id=withdrawal_id,
            amount=params.amount,
            asked_by=call.principal.key_id,
            balance_transaction=_told(effect).id,
            created=seconds(now),
            currency=currency,
            description=params.description or None,
            destination=rules.shown(account),
            livemode=bool(call.livemode),
            needs_second_approval=waits,
            status="requested" if waits else "approved",
            wallet=wallet.code,
        )
        changes = [
            wallet_repository.debit(wallet),
            *effect.changes,
            repository.insertion(wallet, withdrawal, self._seal(call, withdrawal_id, account)),
        ]
        entries = [self._entry(call, "bursar.withdrawal.requested", withdrawal)]
        if not waits:
            entries.append(self._entry(call, "bursar.withdrawal.approved", withdrawal))
        return Effect(withdrawal, Unit(changes, entries))

    async def retrieve(self, call: Call) -> Withdrawal:
        return (await self._find(call)).withdrawal

    async def page(self, call: Call, params: WithdrawalListParams) -> Page[Withdrawal]:
        view = window(params)
        place = (call.org_id, call.livemode)

        def query(connection: Connection) -> list[Withdrawal]:
            check_cursors(params, "withdrawal", lambda cursor: repository.find(connection, *place, cursor))
            return repository.page(connection, *place, view, params.status)

        data, has_more = view.cut(await self._store.read(query))
        return Page(data=data, has_more=has_more, url=URL)

    async def approve(self, call: Call, reason: str | None) -> Effect:
        """By somebody else than who asked."""
        stored = await self._find(call)
        rules.check_transition(stored.withdrawal, "approved")
        rules.check_second_person(stored.withdrawal, call.principal.key_id)
        return self._decided(call, stored, "approved", reason, None)

    async def refuse(self, call: Call, reason: str | None) -> Effect:
        return await self._given_up(call, "refused", reason)

    async def cancel(self, call: Call, reason: str | None) -> Effect:
        return await self._given_up(call, "canceled", reason)

    async def account(self, org_id: str, livemode: int, withdrawal_id: str) -> Account:
        """In full, for whoever sends the money."""
        stored = await self._store.read(lambda connection: repository.find(connection, org_id, livemode, withdrawal_id))
        if stored is None:
            raise missing("withdrawal", withdrawal_id)
        plain = self._sealing.unseal(stored.destination_sealed, org_id, livemode, withdrawal_id)
        return decode_account(plain)

    async def _given_up(self, call: Call, status: Status, reason: str | None) -> Effect:
        """What was set aside is available again, in the same commit; of two who end it, one gets past the version."""
        stored = await self._find(call)
        withdrawal = stored.withdrawal
        rules.check_transition(withdrawal, status)
        movement = _movement(
            call, stored.ledger_name, withdrawal.id, withdrawal.amount, withdrawal.currency, withdrawal.description
        )
        return self._decided(call, stored, status, reason, self._ledger.release_reserved(movement))

    def _decided(
        self, call: Call, stored: StoredWithdrawal, status: Status, reason: str | None, release: LedgerEffect | None
    ) -> Effect:
        now = seconds(self._clock.now_microseconds())
        reversal = _told(release).id if release is not None else None
        before = stored.withdrawal
        after = rules.decided(before, status, call.principal.key_id, now, reason, reversal)
        changes = [repository.change(call.org_id, call.livemode, stored, after)]
        changes += release.changes if release is not None else []
        entry = self._entry(call, f"bursar.withdrawal.{status}", after)
        entry.previous_attributes = differences(encode(before), entry.document)
        return Effect(after, Unit(changes, [entry]))

    async def _find(self, call: Call) -> StoredWithdrawal:
        withdrawal_id = call.path["withdrawal"]
        found = await self._store.read(
            lambda connection: repository.find(connection, call.org_id, call.livemode, withdrawal_id)
        )
        if found is None:
            raise missing("withdrawal", withdrawal_id)
        return found

    def _named(self, connection: Connection, call: Call, code: str | None) -> Wallet:
        if code is not None:
            return own(connection, call, code, "wallet")
        primary = wallet_repository.find_primary(connection, call.org_id, call.livemode)
        assert primary is not None, "made before it is asked for"
        return primary

    def _seal(self, call: Call, withdrawal_id: str, account: Account) -> str:
        return self._sealing.seal(encode(account), call.org_id, call.livemode, withdrawal_id)

    def _entry(self, call: Call, event_type: str, withdrawal: Withdrawal) -> Entry:
        document = encode(withdrawal)
        return Entry(call.org_id, call.livemode, event_type, withdrawal.id, document, origin=call.origin())


def _movement(
    call: Call, wallet: str, withdrawal_id: str, amount_minor: int, currency: str, description: str | None
) -> WalletMovement:
    return WalletMovement(
        org_id=call.org_id,
        livemode=call.livemode,
        wallet=wallet,
        source_id=withdrawal_id,
        amount_minor=amount_minor,
        currency=currency,
        description=description or None,
    )


def _told(effect: LedgerEffect) -> BalanceTransaction:
    assert effect.balance_transaction is not None, "what is set aside or given back is told"
    return effect.balance_transaction
