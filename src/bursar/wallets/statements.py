"""What happened to a wallet: its balance transactions, with what it had after each."""

from __future__ import annotations

from itertools import pairwise

from sqlalchemy import Connection

from bursar.http.call import Call
from bursar.http.paging import window
from bursar.kit.clock import Clock, seconds
from bursar.kit.errors import InvalidRequest
from bursar.kit.ids import lowest_id_at
from bursar.ledger import repository as ledger
from bursar.ledger.balances import books
from bursar.ledger.repository import OfWallet
from bursar.ledger.schemas import BalanceTransaction
from bursar.ledger.service import LedgerService
from bursar.store.store import Store
from bursar.wallets.rules import check_currency
from bursar.wallets.schemas import Statement, StatementLine, StatementParams, Wallet
from bursar.wallets.service import URL, WalletService, check_cursors, own


class StatementService:
    def __init__(self, store: Store, clock: Clock, ledger_service: LedgerService, wallets: WalletService) -> None:
        self._store = store
        self._clock = clock
        self._ledger = ledger_service
        self._wallets = wallets

    async def statement(self, call: Call, params: StatementParams) -> Statement:
        """Counted back from what the wallet has now: the younger the period, the less there is to add up."""
        until = params.to if params.to is not None else seconds(self._clock.now_microseconds()) + 1
        if params.from_ is not None and params.from_ > until:
            raise InvalidRequest("The statement would end before it begins; from is the earlier time.", param="from")
        view = window(params)
        await self._wallets.primary(call.org_id, call.livemode, call.origin())

        def query(connection: Connection) -> Statement:
            reading = books(connection, call.org_id, call.livemode).connection
            wallet = own(reading, call)
            of = OfWallet(call.org_id, call.livemode, wallet.ledger_name, _currency(wallet, params))
            check_cursors(params, "statement line", lambda cursor: ledger.find_line(reading, of, cursor))
            low = None if params.from_ is None else lowest_id_at(ledger.PREFIX, params.from_)
            high = lowest_id_at(ledger.PREFIX, until)
            total = self._total(reading, of)
            rows, has_more = view.cut(ledger.page_of_wallet(reading, of, view, low, high))
            newest = total - ledger.sum_behind(reading, of, rows[0].id) if rows else 0
            return Statement(
                wallet=wallet.code,
                currency=of.currency,
                from_=params.from_,
                to=until,
                opening_balance=total - ledger.sum_from(reading, of, low) if low is not None else 0,
                closing_balance=total - ledger.sum_from(reading, of, high),
                data=_lines(rows, newest),
                has_more=has_more,
                url=f"{URL}/{wallet.code}/statement",
            )

        return await self._store.read(query)

    def _total(self, connection: Connection, of: OfWallet) -> int:
        found = self._ledger.balances_of(connection, of.org_id, of.livemode, of.wallet)
        return sum(one.pending_minor + one.available_minor for one in found if one.currency == of.currency)


def _currency(wallet: Wallet, params: StatementParams) -> str:
    given = params.currency or wallet.currency
    if given is None:
        raise InvalidRequest(
            "This wallet takes every currency: say which by currency.", param="currency", code="parameter_missing"
        )
    return check_currency(given)


def _lines(rows: list[BalanceTransaction], newest: int) -> list[StatementLine]:
    """Newest first, as they are read; each has what the wallet had after it."""
    balances = [newest]
    for later, _ in pairwise(rows):
        balances.append(balances[-1] - later.net)
    return [
        StatementLine(
            id=row.id,
            amount=row.amount,
            available_on=row.available_on,
            balance=balance,
            created=row.created,
            description=row.description,
            fee=row.fee,
            net=row.net,
            source=row.source,
            type=row.type,
        )
        for row, balance in zip(rows, balances, strict=False)
    ]
