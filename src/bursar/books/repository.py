"""Reads the tables once each, in the order of their keys, and puts what counts of every row into the scratch file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec
from sqlalchemy import Column, Connection, Row, Select, Table, and_, bindparam, func, or_, select

from bursar.attempts.tables import attempts
from bursar.books.journal import BankBooks
from bursar.books.schemas import (
    PLACES,
    AttemptRow,
    ChargeRow,
    DisputeRow,
    Ending,
    EventRow,
    Fact,
    IntentRow,
    Order,
    PostingRow,
    RefundRow,
    Told,
    TransactionRow,
    encode_fact,
)
from bursar.books.scratch import Keeping, Scratch
from bursar.disputes.tables import disputes
from bursar.events.tables import events
from bursar.ledger import balances
from bursar.ledger.balances import Books
from bursar.ledger.tables import balance_transactions, ledger_postings
from bursar.payments.tables import charges, payment_intents
from bursar.refunds.tables import refunds
from bursar.setup_intents.tables import setup_intents

ROWS_FETCHED = 1_000
DIGEST_BYTES = 8
ACQUIRERS = "acquirer:"
# What is told of objects that are looked at here; of other objects the log has its own proof.
EVENT_GROUPS = ("payment_intent.", "charge.", "refund.", "setup_intent.")
# Whoever has books has rows in one of these.
_BEGINNINGS = (payment_intents, charges, attempts, ledger_postings, events)

Decoded = TypeVar("Decoded")
Rows = Sequence[Row[Any]]


class _Data(msgspec.Struct):
    """Of what an event tells."""

    object: Told


_read_told = msgspec.json.Decoder(Told).decode
_read_data = msgspec.json.Decoder(_Data).decode
_read_order = msgspec.json.Decoder(Order).decode
_read_ending = msgspec.json.Decoder(Ending).decode


def _page(table: Table, *columns: Column[Any]) -> Select[Any]:
    """All columns of the key are named, so that every planner sees that the index has this order already."""
    return (
        select(*columns)
        .where(table.c.org_id == bindparam("o"), table.c.livemode == bindparam("m"), table.c.id > bindparam("after"))
        .order_by(table.c.org_id, table.c.livemode, table.c.id)
        .limit(bindparam("rows"))
    )


_INTENTS = _page(
    payment_intents,
    *(payment_intents.c[name] for name in ("id", "status", "amount_minor", "currency", "attempt_id", "document")),
)
_SETUPS = _page(setup_intents, *(setup_intents.c[name] for name in ("id", "status", "attempt_id", "document")))
_CHARGES = _page(charges, *charges.c)
_REFUNDS = _page(refunds, *refunds.c)
_DISPUTES = _page(disputes, *disputes.c)
_ATTEMPTS = _page(attempts, *attempts.c)
_TRANSACTIONS = _page(
    balance_transactions, *(balance_transactions.c[name] for name in ("id", "source_id", "transaction_type"))
)
_EVENTS = _page(events, *(events.c[name] for name in ("id", "event_type", "object_id", "data")))
_POSTINGS = (
    select(ledger_postings)
    .where(
        ledger_postings.c.org_id == bindparam("o"),
        ledger_postings.c.livemode == bindparam("m"),
        ledger_postings.c.account == bindparam("a"),
        ledger_postings.c.transaction_id > bindparam("after"),
    )
    .order_by(*ledger_postings.primary_key.columns)
    .limit(bindparam("rows"))
)


class Place(NamedTuple):
    """Whose books, in which mode."""

    org_id: str
    livemode: int

    @property
    def merchant(self) -> str:
        """What banks call it."""
        return f"{self.org_id}:{'live' if self.livemode else 'test'}"


Advance = Callable[[int], None]


class Reader:
    """One organisation's rows in one mode, into the scratch file. Call the methods in the order in which they stand:
    what is loaded first is what later facts are recognised by.
    """

    def __init__(self, connection: Connection, place: Place, scratch: Scratch, advance: Advance) -> None:
        self._connection = connection
        self._place = place
        self._scratch = scratch
        self._advance = advance

    def load(self) -> None:
        self._load_documents()
        self._load_attempts()
        self._load_money()
        self._load_events()

    def load_bank(self, bank: BankBooks) -> None:
        merchant = self._place.merchant
        self._scratch.keep(
            Keeping(
                operation.reference, None, None, PLACES[type(operation)], operation.reference, encode_fact(operation)
            )
            for operation in bank.operations(merchant)
        )
        self._scratch.keep(
            Keeping(dispute.id, dispute.authorization, None, PLACES[type(dispute)], dispute.id, encode_fact(dispute))
            for dispute in bank.disputes(merchant)
        )

    def _load_documents(self) -> None:
        for rows in self._pages(_INTENTS):
            self._keep([(row.id, _intent(row)) for row in rows])
        for rows in self._pages(_SETUPS):
            self._keep([(row.id, _setup(row)) for row in rows])
        for rows in self._pages(_CHARGES):
            self._scratch.own((row.id, row.payment_intent) for row in rows)
            self._scratch.own((row.bank_reference, row.id) for row in rows if row.bank_reference is not None)
            self._keep([(row.id, _charge(row)) for row in rows])
        for rows in self._pages(_REFUNDS):
            self._scratch.own((row.id, row.charge) for row in rows)
            self._keep([(row.id, _refund(row)) for row in rows])
        for rows in self._pages(_DISPUTES):
            self._scratch.own((row.id, row.charge) for row in rows)
            self._scratch.own((row.bank_reference, row.id) for row in rows)
            self._keep([(row.id, _dispute(row)) for row in rows])

    def _load_attempts(self) -> None:
        for rows in self._pages(_ATTEMPTS):
            self._scratch.own((row.id, row.subject_id) for row in rows)
            self._keep([(row.id, _attempt(row)) for row in rows])

    def _load_money(self) -> None:
        for rows in self._pages(_TRANSACTIONS):
            self._scratch.own((row.id, row.source_id) for row in rows)
            self._keep([(row.id, TransactionRow(row.id, row.source_id, row.transaction_type)) for row in rows])
        for account in balances.all_accounts(Books(self._connection, *self._place)):
            if account.startswith(ACQUIRERS):
                for rows in self._pages(_POSTINGS, "transaction_id", a=account):
                    self._scratch.keep(_kept_posting(row) for row in rows)

    def _load_events(self) -> None:
        for rows in self._pages(_EVENTS):
            self._keep([(row.object_id, _event(row)) for row in rows if row.event_type.startswith(EVENT_GROUPS)])

    def _keep(self, facts: Sequence[tuple[str, Fact]]) -> None:
        self._scratch.keep(
            Keeping(owner, None, None, PLACES[type(fact)], fact.id, encode_fact(fact))  # type: ignore[union-attr]
            for owner, fact in facts
        )

    def _pages(self, query: Select[Any], key: str = "id", **names: str) -> Iterator[Rows]:
        after = ""
        while True:
            values = {"o": self._place.org_id, "m": self._place.livemode, **names, "after": after}
            rows = self._connection.execute(query, values | {"rows": ROWS_FETCHED}).all()
            if rows:
                yield rows
                self._advance(len(rows))
            if len(rows) < ROWS_FETCHED:
                return
            after = getattr(rows[-1], key)


def places(connection: Connection, org_id: str | None = None) -> list[Place]:
    """Who has anything, by one look for each table and place, however many rows there are."""
    found: set[Place] = set()
    for table in _BEGINNINGS:
        place = Place("", -1)
        while (row := connection.execute(_next_place(table, place)).first()) is not None:
            place = Place(row.org_id, row.livemode)
            found.add(place)
    return sorted(place for place in found if place.org_id and org_id in (None, place.org_id))


def count_rows(connection: Connection, place: Place) -> int:
    """Of all tables that are walked but the postings', to show how far it is."""
    tables = (payment_intents, setup_intents, charges, refunds, disputes, attempts, balance_transactions, events)
    return sum(_count(connection, table, place) for table in tables)


def count_postings(connection: Connection, place: Place) -> int:
    return _count(connection, ledger_postings, place)


def _count(connection: Connection, table: Table, place: Place) -> int:
    here = (table.c.org_id == place.org_id, table.c.livemode == place.livemode)
    number: int = connection.execute(select(func.count()).select_from(table).where(*here)).scalar_one()
    return number


def _next_place(table: Table, after: Place) -> Select[Any]:
    org_id, livemode = table.c.org_id, table.c.livemode
    behind = or_(org_id > after.org_id, and_(org_id == after.org_id, livemode > after.livemode))
    return select(org_id, livemode).where(behind).order_by(org_id, livemode).limit(1)


def _intent(row: Row[Any]) -> IntentRow:
    told = _decoded(_read_told, row.document)
    return IntentRow(row.id, row.status, row.amount_minor, row.currency, row.attempt_id, told)


def _setup(row: Row[Any]) -> IntentRow:
    return IntentRow(row.id, row.status, None, None, row.attempt_id, _decoded(_read_told, row.document))


def _charge(row: Row[Any]) -> ChargeRow:
    return ChargeRow(
        id=row.id,
        payment_intent=row.payment_intent,
        status=row.status,
        amount_minor=row.amount_minor,
        captured_minor=row.captured_minor,
        refunded_minor=row.refunded_minor,
        disputed_minor=row.disputed_minor,
        currency=row.currency,
        bank_reference=row.bank_reference,
        attempt_id=row.attempt_id,
        told=_decoded(_read_told, row.document),
    )


def _refund(row: Row[Any]) -> RefundRow:
    told = _decoded(_read_told, row.document)
    return RefundRow(row.id, row.charge, row.status, row.amount_minor, row.currency, row.attempt_id, told)


def _dispute(row: Row[Any]) -> DisputeRow:
    return DisputeRow(
        id=row.id,
        charge=row.charge,
        status=row.status,
        amount_minor=row.amount_minor,
        currency=row.currency,
        withdrawn_minor=row.withdrawn_minor,
        fee_minor=row.fee_minor,
        bank_reference=row.bank_reference,
        told=_decoded(_read_told, row.document),
    )


def _attempt(row: Row[Any]) -> AttemptRow:
    ending = None
    if row.outcome_document is not None:
        ending = _decoded(_read_ending, row.outcome_document) or Ending("unreadable")
    order = _decoded(_read_order, row.order_document) or Order()
    amount, currency = row.amount_minor, row.currency
    return AttemptRow(row.id, row.kind, row.subject_id, row.state, amount, currency, order, ending)


def _event(row: Row[Any]) -> EventRow:
    content = row.data.encode()
    data = _decoded(_read_data, content)
    digest = hashlib.blake2b(content, digest_size=DIGEST_BYTES).digest()
    return EventRow(row.id, row.event_type, row.object_id, digest, data.object if data is not None else None)


def _kept_posting(row: Row[Any]) -> Keeping:
    fact = PostingRow(row.transaction_id, row.account, row.amount_minor, row.currency, row.operation_id, row.hold_id)
    # A group belongs to whoever's money it moved; one that moved none, to whoever's hold.
    owners = (row.transaction_id, row.hold_id, row.operation_id)
    return Keeping(*owners, PLACES[PostingRow], row.transaction_id, encode_fact(fact))


def _decoded(read: Callable[[Any], Decoded], document: str | bytes) -> Decoded | None:
    """None for what somebody has made unreadable: whoever looks at the case says so."""
    try:
        return read(document)
    except (msgspec.MsgspecError, UnicodeError, TypeError):
        return None
