"""All that is known of one transaction: refunds, disputes, movements, and the log.

The log has no index by object: each would cost every payment. But whatever happened to a payment left something with
a time of its own, an id above all, in the commit that the log tells of. So the log is looked through around these
times only, each a few seconds long and bounded in rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, select

from bursar.disputes.schemas import Dispute, decode_dispute
from bursar.disputes.tables import disputes
from bursar.events.tables import events
from bursar.kit.clock import MICROSECONDS_PER_SECOND, seconds
from bursar.kit.ids import created_microseconds, time_part
from bursar.ledger.schemas import BalanceTransaction, decode_transaction
from bursar.ledger.tables import balance_transactions
from bursar.payment_sessions.schemas import Counterparty
from bursar.payments.tables import charges
from bursar.plain_payments.states import state_of
from bursar.refunds.schemas import Refund, decode_refund
from bursar.refunds.tables import refunds
from bursar.transactions.repository import Place
from bursar.transactions.rules import Line
from bursar.transactions.schemas import DisputeLine, Happening, LedgerLine, RefundLine, TransactionDetail

# A commit is told of within the time that a bank may take, and mostly within milliseconds.
BEFORE_SECONDS, AFTER_SECONDS = 1, 10
WINDOWS_MAX = 40
ROWS_OF_A_WINDOW_MAX = 5_000
PARTS_MAX = 100

_EVENT_PREFIX = "evt"
_COLUMNS = (
    events.c.id,
    events.c.event_type,
    events.c.object_id,
    events.c.actor,
    events.c.address,
    events.c.request_id,
    events.c.created,
    events.c.data,
)


class Parts(NamedTuple):
    """What belongs to a transaction beside its own row."""

    refunds: list[Refund]
    disputes: list[Dispute]
    movements: list[BalanceTransaction]
    charge_ids: list[str]


class _Told(msgspec.Struct):
    object: dict[str, Any]


_decode = msgspec.json.Decoder(_Told).decode


def read_parts(connection: Connection, place: Place, line: Line) -> Parts:
    intent_id = line.payment.intent.id if line.payment is not None else None
    own = [line.transaction.id] if line.transaction is not None else []
    if intent_id is None:
        return Parts([], [], _movements(connection, place, own), [])
    given = [decode_refund(text) for text in _documents(connection, place, refunds, intent_id)]
    disputed = [decode_dispute(text) for text in _documents(connection, place, disputes, intent_id)]
    query = select(charges.c.id).where(
        charges.c.org_id == place.org_id, charges.c.livemode == place.livemode, charges.c.payment_intent == intent_id
    )
    charge_ids = [str(one) for one in connection.execute(query.order_by(charges.c.id).limit(PARTS_MAX)).scalars()]
    sources = [*charge_ids, *(refund.id for refund in given), *(dispute.id for dispute in disputed), *own]
    return Parts(given, disputed, _movements(connection, place, sources), charge_ids)


def _documents(connection: Connection, place: Place, table: Any, intent_id: str) -> list[str]:
    query = select(table.c.document).where(
        table.c.org_id == place.org_id, table.c.livemode == place.livemode, table.c.payment_intent == intent_id
    )
    return [str(text) for text in connection.execute(query.order_by(table.c.id).limit(PARTS_MAX)).scalars()]


def _movements(connection: Connection, place: Place, sources: Sequence[str]) -> list[BalanceTransaction]:
    if not sources:
        return []
    query = select(balance_transactions.c.document).where(
        balance_transactions.c.org_id == place.org_id,
        balance_transactions.c.livemode == place.livemode,
        balance_transactions.c.source_id.in_(sources),
    )
    found = connection.execute(query.order_by(balance_transactions.c.id).limit(PARTS_MAX))
    return [decode_transaction(text) for text in found.scalars()]


def read_timeline(connection: Connection, place: Place, line: Line, parts: Parts) -> tuple[list[Happening], bool]:
    """Oldest first, and whether all of the log around it was looked through."""
    about = _objects(line, parts)
    windows = _windows(_moments(line, parts, about))
    rows: dict[str, Any] = {}
    is_complete = len(windows) <= WINDOWS_MAX
    for low, high in windows[:WINDOWS_MAX]:
        found, is_whole = _look(connection, place, low, high, about)
        rows |= {row.id: row for row in found}
        is_complete = is_complete and is_whole
    return [_happening(rows[one], line) for one in sorted(rows)], is_complete


def _objects(line: Line, parts: Parts) -> list[str]:
    objects = [*parts.charge_ids, *(one.id for one in parts.refunds), *(one.id for one in parts.disputes)]
    if line.payment is not None:
        objects.append(line.payment.intent.id)
    if line.transaction is not None:
        objects.append(line.transaction.id)
        if line.transaction.session_id is not None:
            objects.append(line.transaction.session_id)
        if line.transaction.wallet_payment is not None:
            objects.append(line.transaction.wallet_payment)
    return objects


def _moments(line: Line, parts: Parts, about: Iterable[str]) -> list[int]:
    """When something surely happened, in microseconds."""
    moments = [created_microseconds(one) for one in about]
    moments += [created_microseconds(one.id) for one in parts.movements]
    if line.payment is not None and line.payment.intent.canceled_at is not None:
        moments.append(line.payment.intent.canceled_at * MICROSECONDS_PER_SECOND)
    return sorted(moments)


def _windows(moments: Sequence[int]) -> list[tuple[str, str]]:
    """Around the moments, as ranges of ids; those that touch each other are one."""
    ranges: list[list[int]] = []
    for moment in moments:
        low, high = moment - BEFORE_SECONDS * MICROSECONDS_PER_SECOND, moment + AFTER_SECONDS * MICROSECONDS_PER_SECOND
        if ranges and low <= ranges[-1][1]:
            ranges[-1][1] = max(high, ranges[-1][1])
        else:
            ranges.append([low, high])
    return [(f"{_EVENT_PREFIX}_{time_part(low)}", f"{_EVENT_PREFIX}_{time_part(high)}") for low, high in ranges]


def _look(
    connection: Connection, place: Place, low: str, high: str, about: Sequence[str]
) -> tuple[Sequence[Any], bool]:
    own = (events.c.org_id == place.org_id, events.c.livemode == place.livemode, events.c.id >= low)
    ids = select(events.c.id).where(*own, events.c.id < high).order_by(events.c.id)
    edge = connection.execute(ids.offset(ROWS_OF_A_WINDOW_MAX).limit(1)).scalar()
    query = select(*_COLUMNS).where(*own, events.c.id < (edge or high), events.c.object_id.in_(about))
    return connection.execute(query.order_by(events.c.id).limit(PARTS_MAX)).all(), edge is None


def _happening(row: Any, line: Line) -> Happening:
    told = _decode(row.data).object
    view = line.view
    return Happening(
        id=row.id,
        time=seconds(row.created),
        event=row.event_type,
        about=row.object_id,
        user=row.actor,
        address=row.address,
        request_id=row.request_id,
        status=_status(told),
        amount=_amount(told),
        currency=told.get("currency") or view.currency,
        method=view.method,
        counterparty=_counterparty(told) or view.counterparty,
        fee=told.get("service_fee") if "service_fee" in told else view.serviceFee or None,
    )


def _status(told: dict[str, Any]) -> str | None:
    """Of payments in merchants' words, of everything else in its own."""
    status = told.get("status")
    if told.get("object") != "payment_intent" or status is None:
        return status
    return state_of(
        status,
        has_failed=told.get("last_payment_error") is not None,
        captured_minor=told.get("amount_received") or 0,
    )


def _amount(told: dict[str, Any]) -> int | None:
    for name in ("total_amount", "amount"):
        if isinstance(told.get(name), int):
            return int(told[name])
    return None


def _counterparty(told: dict[str, Any]) -> Counterparty | None:
    found = told.get("counterparty")
    return Counterparty(name=found.get("name"), wallet=found.get("wallet")) if isinstance(found, dict) else None


def detail(line: Line, parts: Parts, timeline: list[Happening], *, is_complete: bool) -> TransactionDetail:
    charge = line.payment.charge if line.payment is not None else None
    return TransactionDetail(
        **msgspec.structs.asdict(line.view),
        auth_id=_auth_id(line),
        fee=sum(movement.fee for movement in parts.movements),
        net=sum(movement.net for movement in parts.movements),
        refunds=[_refund(refund) for refund in parts.refunds],
        disputes=[_dispute(dispute) for dispute in parts.disputes],
        ledger_entries=[_movement(movement) for movement in parts.movements] if charge or line.transaction else [],
        timeline=timeline,
        timeline_complete=is_complete,
    )


def _auth_id(line: Line) -> str | None:
    charge = line.payment.charge if line.payment is not None else None
    if charge is not None:
        return (charge.authorization_code or charge.id) if charge.paid else None
    return line.transaction.wallet_payment if line.transaction is not None else None


def _refund(refund: Refund) -> RefundLine:
    return RefundLine(
        id=refund.id,
        amount=refund.amount,
        currency=refund.currency,
        created=refund.created,
        reason=refund.failure_reason or refund.reason,
        status=refund.status,
    )


def _dispute(dispute: Dispute) -> DisputeLine:
    return DisputeLine(
        id=dispute.id,
        amount=dispute.amount,
        currency=dispute.currency,
        created=dispute.created,
        reason=dispute.reason,
        status=dispute.status,
    )


def _movement(movement: BalanceTransaction) -> LedgerLine:
    return LedgerLine(
        id=movement.id,
        type=movement.type,
        source=movement.source,
        amount=movement.amount,
        fee=movement.fee,
        net=movement.net,
        currency=movement.currency,
        created=movement.created,
        available_on=movement.available_on,
    )
