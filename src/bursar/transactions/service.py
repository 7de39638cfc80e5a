"""What an organisation was paid and has paid: listed, added up, told in full."""

from __future__ import annotations

from sqlalchemy import Connection

from bursar.http.call import Call
from bursar.http.paging import Window, missing, window
from bursar.http.params import created_bounds
from bursar.kit.clock import Clock
from bursar.kit.ids import may_be_id
from bursar.kit.money import find_currency
from bursar.payments.rules import require_currency
from bursar.store.store import Store
from bursar.transactions import history, repository, rules
from bursar.transactions.repository import Own, Place
from bursar.transactions.schemas import (
    Sums,
    TransactionDetail,
    TransactionList,
    TransactionListParams,
    TransactionView,
)
from bursar.transactions.sums import sums as add_up
from bursar.wallets.service import own as own_wallet

URL = "/api/v1/txn"
KIND = "transaction"


class TransactionService:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def page(self, call: Call, params: TransactionListParams) -> TransactionList:
        view = window(params)
        created = created_bounds(params.created)
        rules.check_summed(params)
        if params.currency is not None and find_currency(params.currency) is None:
            require_currency(params.currency)
        now = self._clock.now_microseconds()
        bounds = rules.range_of_sums(*created, now) if params.sums else None
        place = Place(call.org_id, call.livemode)

        def query(connection: Connection) -> tuple[repository.Found, Sums | None]:
            for param in ("starting_after", "ending_before"):
                cursor = getattr(params, param)
                if cursor is not None and _find(connection, place, cursor) is None:
                    raise missing(KIND, cursor, param)
            own = None
            if params.wallet is not None:
                wallet = own_wallet(connection, call, params.wallet, "wallet")
                own = Own(wallet.id, wallet.ledger_name)
            found = repository.look(connection, place, params, view, created, own)
            if bounds is None:
                return found, None
            data = add_up(connection, place, params, bounds, own)
            return found, Sums(since=bounds[0], until=bounds[1], data=data)

        found, sums = await self._store.read(query)
        lines, has_more = view.cut(found.lines)
        data: list[TransactionView] = [line.view for line in lines]
        has_more = has_more or not found.is_end
        return TransactionList(
            data=data,
            has_more=has_more,
            next_page=_next_page(found, data, view) if has_more else None,
            sums=sums,
            url=URL,
        )

    async def retrieve(self, call: Call) -> TransactionDetail:
        line_id, place = call.path[KIND], Place(call.org_id, call.livemode)

        def query(connection: Connection) -> TransactionDetail | None:
            line = _find(connection, place, line_id)
            if line is None:
                return None
            parts = history.read_parts(connection, place, line)
            timeline, is_complete = history.read_timeline(connection, place, line, parts)
            return history.detail(line, parts, timeline, is_complete=is_complete)

        detail = await self._store.read(query)
        if detail is None:
            raise missing(KIND, line_id, KIND)
        return detail


def _find(connection: Connection, place: Place, line_id: str) -> rules.Line | None:
    return repository.find_line(connection, place, line_id) if may_be_id(line_id) else None


def _next_page(found: repository.Found, data: list[TransactionView], view: Window) -> str | None:
    """Where the next page begins: behind the last that is shown, or behind the last that was looked at in vain."""
    if len(found.lines) > len(data):
        return data[-1 if view.newest_first else 0].id
    return found.last
