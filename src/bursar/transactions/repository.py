"""Reads payments and transactions together, a bounded number of rows at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Table, bindparam, select

from bursar.http.documents import Bounds
from bursar.http.paging import Window
from bursar.kit.ids import lowest_id_at
from bursar.ledger.accounts import MAIN_WALLET
from bursar.payment_sessions import transaction_repository
from bursar.payment_sessions.schemas import Transaction
from bursar.payment_sessions.tables import transactions
from bursar.payments import repository
from bursar.payments.charge_schemas import Charge, decode_charge
from bursar.payments.schemas import decode_intent
from bursar.payments.tables import charges, payment_intents
from bursar.transactions import rules
from bursar.transactions.rules import Line, StoredPayment, order_of
from bursar.transactions.schemas import TransactionListParams
from bursar.wallets import repository as wallets
from bursar.wallets.schemas import Wallet

ROWS_OF_A_STEP = 100
# Of both kinds together, for one page: some 50 ms. A page of what is rare is short rather than slow.
ROWS_LOOKED_AT_MAX = 2_000

Condition = ColumnElement[bool]
_FOUND = (
    payment_intents.c.id,
    payment_intents.c.wallet,
    payment_intents.c.service_fee_minor,
    payment_intents.c.transaction_id,
    payment_intents.c.document,
)
_CHARGES = select(charges.c.id, charges.c.disputed_minor, charges.c.document).where(
    charges.c.org_id == bindparam("o"),
    charges.c.livemode == bindparam("m"),
    charges.c.id.in_(bindparam("ids", expanding=True)),
)
_INTENTS = select(*_FOUND).where(
    payment_intents.c.org_id == bindparam("o"),
    payment_intents.c.livemode == bindparam("m"),
    payment_intents.c.id.in_(bindparam("ids", expanding=True)),
)


class Place(NamedTuple):
    org_id: str
    livemode: int

    def row(self, **more: Any) -> dict[str, Any]:
        return {"o": self.org_id, "m": self.livemode} | more


class Own(NamedTuple):
    """A wallet of the organisation, as the two tables know it."""

    id: str
    ledger_name: str


@dataclass(slots=True)
class Found:
    """What a look came to. `last` is the id where the next one begins, when this one did not come to the end."""

    lines: list[Line] = field(default_factory=list)
    last: str | None = None
    is_end: bool = False


@dataclass(slots=True)
class Source:
    """One of the tables, row by row in the order of the list."""

    table: Table
    prefix: str
    conditions: list[Condition]
    waiting: list[Any] = field(default_factory=list)
    is_end: bool = False
    position: str | None = None

    def refill(self, connection: Connection, place: Place, view: Window) -> None:
        if self.waiting or self.is_end:
            return
        wanted = [self.table.c.org_id == place.org_id, self.table.c.livemode == place.livemode, *self.conditions]
        at = self.position
        if at is not None:
            wanted.append(self.table.c.id < at if view.newest_first else self.table.c.id > at)
        order = self.table.c.id.desc() if view.newest_first else self.table.c.id.asc()
        columns = _FOUND if self.table is payment_intents else (transactions,)
        rows = connection.execute(select(*columns).where(*wanted).order_by(order).limit(ROWS_OF_A_STEP)).all()
        self.waiting = list(rows)
        self.is_end = len(rows) < ROWS_OF_A_STEP
        if rows:
            self.position = rows[-1].id


def look(
    connection: Connection, place: Place, params: TransactionListParams, view: Window, created: Bounds, own: Own | None
) -> Found:
    """One more line than the page shows, unless there are none, or too many rows were looked at for them."""
    sources = sources_of(params, view, created, own)
    found, looked_at = Found(), 0
    shown = _Wallets(place)
    while len(found.lines) < view.rows_to_read:
        rows = _next_rows(connection, place, sources, view)
        if not rows:
            found.is_end = True
            break
        for line in _lines(connection, place, rows, shown):
            found.last = line[0]
            if line[1] is not None and rules.matches(line[1].view, params):
                found.lines.append(line[1])
                if len(found.lines) == view.rows_to_read:
                    break
        looked_at += len(rows)
        if looked_at >= ROWS_LOOKED_AT_MAX:
            break
    return found


def sources_of(params: TransactionListParams, view: Window, created: Bounds, own: Own | None) -> list[Source]:
    cursor = view.after_id or view.before_id
    sources = [
        Source(transactions, transaction_repository.PREFIX, _conditions(transactions, params, created)),
        Source(payment_intents, repository.PREFIX, _conditions(payment_intents, params, created)),
    ]
    for source in sources:
        source.position = f"{source.prefix}_{order_of(cursor)}" if cursor is not None else None
    if params.direction == "debit" or params.method == "wallet_code":
        sources.pop()  # nobody pays with them out of a wallet
    if own is not None:
        sources[0].conditions.append(transactions.c.wallet_id == own.id)
        if len(sources) > 1:
            column = payment_intents.c.wallet
            is_main = own.ledger_name == MAIN_WALLET
            sources[1].conditions.append(column.is_(None) if is_main else column == own.ledger_name)
    if params.status is not None and len(sources) > 1:
        sources[1].conditions.append(payment_intents.c.status.in_(rules.STATUSES[params.status]))
    return sources


def _conditions(table: Table, params: TransactionListParams, created: Bounds) -> list[Condition]:
    prefix = repository.PREFIX if table is payment_intents else transaction_repository.PREFIX
    conditions: list[Condition] = []
    if created[0] is not None:
        conditions.append(table.c.id >= lowest_id_at(prefix, created[0]))
    if created[1] is not None:
        conditions.append(table.c.id < lowest_id_at(prefix, created[1]))
    if params.currency is not None:
        conditions.append(table.c.currency == params.currency.lower())
    if params.customer is not None:
        conditions.append(table.c.customer == params.customer)
    if params.amount is not None:
        total: ColumnElement[Any] = table.c.amount_minor
        if table is transactions:
            total = table.c.amount_minor + table.c.service_fee_minor
        if params.amount.gte is not None:
            conditions.append(total >= params.amount.gte)
        if params.amount.lte is not None:
            conditions.append(total <= params.amount.lte)
    return conditions


def _next_rows(connection: Connection, place: Place, sources: Sequence[Source], view: Window) -> list[Any]:
    """As many rows as surely come next, whatever the other table still has."""
    for source in sources:
        source.refill(connection, place, view)
    edges = [order_of(source.waiting[-1].id) for source in sources if not source.is_end]
    rows: list[Any] = []
    if edges:
        edge = max(edges) if view.newest_first else min(edges)
    for source in sources:
        if not edges:
            rows += source.waiting
            source.waiting = []
            continue
        sure = [row for row in source.waiting if _is_before(order_of(row.id), edge, view)]
        source.waiting = source.waiting[len(sure) :]
        rows += sure
    rows.sort(key=lambda row: order_of(row.id), reverse=view.newest_first)
    return rows


def _is_before(order: str, edge: str, view: Window) -> bool:
    return order >= edge if view.newest_first else order <= edge


def _lines(
    connection: Connection, place: Place, rows: Sequence[Any], shown: _Wallets
) -> Iterable[tuple[str, Line | None]]:
    """Each row with its line; none for a payment that is shown as the transaction that it pays."""
    own = {row.id: transaction_repository.read(row) for row in rows if _is_transaction(row.id)}
    intents = [row for row in rows if row.id not in own]
    asked_for = [one.payment_intent for one in own.values() if one.payment_intent is not None]
    payments = read_payments(connection, place, intents)
    payments |= find_payments(connection, place, [one for one in asked_for if one not in payments])
    named = [payment.transaction_id for payment in payments.values() if payment.transaction_id is not None]
    known = own | transaction_repository.find_many(connection, *place, [one for one in named if one not in own])
    for row in rows:
        if row.id in own:
            transaction = own[row.id]
            payment = payments.get(transaction.payment_intent) if transaction.payment_intent is not None else None
            yield row.id, rules.of_transaction(transaction, payment)
            continue
        payment = payments[row.id]
        paid = known.get(payment.transaction_id) if payment.transaction_id is not None else None
        is_shown_so = paid is not None and paid.payment_intent == row.id
        yield row.id, None if is_shown_so else rules.of_payment(payment, shown.code(connection, payment.ledger_name))


def _is_transaction(line_id: str) -> bool:
    return line_id.startswith(f"{transaction_repository.PREFIX}_")


def find_payments(connection: Connection, place: Place, ids: Sequence[str]) -> dict[str, StoredPayment]:
    if not ids:
        return {}
    return read_payments(connection, place, connection.execute(_INTENTS, place.row(ids=list(ids))).all())


def read_payments(connection: Connection, place: Place, rows: Sequence[Any]) -> dict[str, StoredPayment]:
    intents = {row.id: decode_intent(row.document) for row in rows}
    wanted = [intent.latest_charge for intent in intents.values() if intent.latest_charge is not None]
    stored: dict[str | None, tuple[Charge, int]] = {}
    if wanted:
        for row in connection.execute(_CHARGES, place.row(ids=wanted)):
            stored[row.id] = decode_charge(row.document), row.disputed_minor
    return {
        row.id: StoredPayment(
            intents[row.id],
            row.wallet,
            row.service_fee_minor or 0,
            row.transaction_id,
            *stored.get(intents[row.id].latest_charge, (None, 0)),
        )
        for row in rows
    }


class _Wallets:
    """The codes of the wallets that payments name as the ledger does."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._codes: dict[str | None, str | None] = {}

    def code(self, connection: Connection, ledger_name: str | None) -> str | None:
        if ledger_name not in self._codes:
            self._codes[ledger_name] = _code(self._find(connection, ledger_name))
        return self._codes[ledger_name]

    def _find(self, connection: Connection, ledger_name: str | None) -> Wallet | None:
        if ledger_name is None:
            return wallets.find_primary(connection, *self._place)
        return wallets.find(connection, *self._place, ledger_name)


def _code(wallet: Wallet | None) -> str | None:
    return wallet.code if wallet is not None else None


def code_of(connection: Connection, place: Place, ledger_name: str | None) -> str | None:
    return _Wallets(place).code(connection, ledger_name)


def find_line(connection: Connection, place: Place, line_id: str) -> Line | None:
    """By the id of a payment or a transaction, or by a transaction's code."""
    transaction: Transaction | None = None
    if line_id.startswith(f"{repository.PREFIX}_"):
        payment = find_payments(connection, place, [line_id]).get(line_id)
        if payment is None:
            return None
        if payment.transaction_id is not None:
            transaction = transaction_repository.find(connection, *place, payment.transaction_id)
        if transaction is None or transaction.payment_intent != line_id:
            return rules.of_payment(payment, code_of(connection, place, payment.ledger_name))
        return rules.of_transaction(transaction, payment)
    transaction = transaction_repository.find(connection, *place, line_id)
    if transaction is None:
        transaction = transaction_repository.find_by_code(connection, *place, line_id.upper())
    if transaction is None:
        return None
    intent_id = transaction.payment_intent
    payment = find_payments(connection, place, [intent_id]).get(intent_id) if intent_id is not None else None
    return rules.of_transaction(transaction, payment)
