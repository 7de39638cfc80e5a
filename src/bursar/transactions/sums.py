"""Adds transactions up by currency and state: the database does it, a row of the answer for each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, case, func, select

from bursar.http.paging import Window
from bursar.payment_sessions.schemas import Direction
from bursar.payment_sessions.tables import transactions
from bursar.payments.tables import charges, payment_intents
from bursar.plain_payments.states import State, state_of
from bursar.transactions.repository import Condition, Own, Place, sources_of
from bursar.transactions.schemas import Sum, TransactionListParams

# As the encoder writes it. In a text that somebody gave, the quotes would be escaped.
_NEVER_FAILED = payment_intents.c.document.like('%"last_payment_error":null%')


def sums(
    connection: Connection, place: Place, params: TransactionListParams, bounds: tuple[int, int], own: Own | None
) -> list[Sum]:
    """Added up by the database. A transaction that a payment intent pays is counted as that."""
    sources = {source.table: source.conditions for source in sources_of(params, Window(1), bounds, own)}
    totals: dict[tuple[str, State, Direction], list[int]] = {}
    if payment_intents in sources:
        for currency, state, count, amount in _payment_sums(connection, place, sources[payment_intents]):
            _add(totals, (currency, state, "credit"), count, amount)
    for row in connection.execute(_transaction_sums(place, sources[transactions])):
        _add(totals, (row.currency, row.kind, row.direction), row.number, int(row.total))
    return [
        Sum(currency=currency, status=state, direction=direction, count=count, amount=amount)
        for (currency, state, direction), (count, amount) in sorted(totals.items())
        if (params.status is None or params.status == state)
        and (params.direction is None or params.direction == direction)
    ]


def _payment_sums(
    connection: Connection, place: Place, conditions: Sequence[Condition]
) -> Iterable[tuple[str, State, int, int]]:
    taken = charges.c.status == "succeeded"
    joined = payment_intents.outerjoin(
        charges,
        (charges.c.org_id == payment_intents.c.org_id)
        & (charges.c.livemode == payment_intents.c.livemode)
        & (charges.c.payment_intent == payment_intents.c.id)
        & taken,
    )
    # What these numbers are together decides between the states that a status can mean.
    kind = case(
        (charges.c.disputed_minor > 0, "chargeback"),
        (payment_intents.c.status != "succeeded", case((_NEVER_FAILED, "new"), else_="failed")),
        (charges.c.refunded_minor == 0, "captured"),
        (charges.c.refunded_minor >= charges.c.captured_minor, "refunded"),
        else_="partially_refunded",
    )
    found = (
        select(
            payment_intents.c.currency,
            payment_intents.c.status,
            payment_intents.c.amount_minor,
            kind.label("kind"),
        )
        .select_from(joined)
        .where(payment_intents.c.org_id == place.org_id, payment_intents.c.livemode == place.livemode, *conditions)
        .subquery()
    )
    columns = (found.c.currency, found.c.status, found.c.kind)
    total = func.sum(found.c.amount_minor).label("total")
    for row in connection.execute(select(*columns, func.count().label("number"), total).group_by(*columns)):
        yield row.currency, _state(row.status, row.kind), row.number, int(row.total)


def _state(status: str, kind: str) -> State:
    """By the same rule as everywhere, of numbers that stand for what the database has compared."""
    refunded = {"refunded": 2, "partially_refunded": 1}.get(kind, 0)
    return state_of(
        status,
        has_failed=kind == "failed",
        captured_minor=2,
        refunded_minor=refunded,
        disputed_minor=int(kind == "chargeback"),
    )


def _transaction_sums(place: Place, conditions: Sequence[Condition]) -> Any:
    total = transactions.c.amount_minor + transactions.c.service_fee_minor
    kind = case(
        (transactions.c.state != "captured", transactions.c.state),
        (transactions.c.refunded_minor == 0, "captured"),
        (transactions.c.refunded_minor >= total, "refunded"),
        else_="partially_refunded",
    ).label("kind")
    found = (
        select(transactions.c.currency, transactions.c.direction, kind, total.label("total_minor"))
        .where(
            transactions.c.org_id == place.org_id,
            transactions.c.livemode == place.livemode,
            transactions.c.payment_intent.is_(None),
            *conditions,
        )
        .subquery()
    )
    columns = (found.c.currency, found.c.kind, found.c.direction)
    added = func.sum(found.c.total_minor).label("total")
    return select(*columns, func.count().label("number"), added).group_by(*columns)


def _add(
    totals: dict[tuple[str, State, Direction], list[int]], key: tuple[str, State, Direction], count: int, amount: int
) -> None:
    total = totals.setdefault(key, [0, 0])
    total[0] += count
    total[1] += amount
