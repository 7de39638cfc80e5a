"""Reads the tables once each, in the order of their keys, and puts what counts of every row into the scratch file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Column, Connection, Row, Select, Table, and_, bindparam, func, or_, select

from bursar.attempts.tables import attempts
from bursar.books import facts
from bursar.books.journal import BankBooks
from bursar.books.schemas import PLACES, BankDisputeRow, BankOperation, Fact, encode_fact
from bursar.books.scratch import Keeping, Scratch
from bursar.disputes.tables import disputes
from bursar.events.tables import events
from bursar.hooks.repository import find_waiting
from bursar.ledger import accounts, balances
from bursar.ledger.balances import Books
from bursar.ledger.tables import balance_transactions, ledger_postings
from bursar.payments.tables import charges, payment_intents
from bursar.refunds.tables import refunds
from bursar.setup_intents.tables import setup_intents
from bursar.wallets.payment_repository import PAYEE, PAYER
from bursar.wallets.tables import wallet_payments, wallet_transfers, wallets
from bursar.withdrawals.tables import withdrawals

ROWS_FETCHED = 1_000
ACQUIRERS = "acquirer:"
# What is told of objects that are looked at here; of other objects the log has its own proof.
EVENT_GROUPS = ("payment_intent.", "charge.", "refund.", "setup_intent.")
# Whoever has books has rows in one of these.
_BEGINNINGS = (payment_intents, charges, attempts, ledger_postings, events)

Rows = Sequence[Row[Any]]


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
    *(
        payment_intents.c[name]
        for name in (
            *("id", "status", "amount_minor", "currency", "attempt_id", "document"),
            *("wallet", "service_fee_minor"),
        )
    ),
)
_SETUPS = _page(setup_intents, *(setup_intents.c[name] for name in ("id", "status", "attempt_id", "document")))
_CHARGES = _page(charges, *charges.c)
_REFUNDS = _page(refunds, *refunds.c)
_DISPUTES = _page(disputes, *disputes.c)
_ATTEMPTS = _page(attempts, *attempts.c)
_TRANSACTIONS = _page(
    balance_transactions,
    *(
        balance_transactions.c[name]
        for name in ("id", "source_id", "transaction_type", "currency", "amount_minor", "fee_minor", "wallet")
    ),
)
_TRANSFERS = _page(wallet_transfers, *wallet_transfers.c)
_WITHDRAWALS = _page(withdrawals, *withdrawals.c)
_WALLET_PAYMENTS = _page(wallet_payments, *wallet_payments.c).where(wallet_payments.c.side == bindparam("side"))
_LEDGER_NAMES = select(wallets.c.id, wallets.c.ledger_name).where(
    wallets.c.org_id == bindparam("o"), wallets.c.livemode == bindparam("m")
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


Told = TypeVar("Told", BankOperation, BankDisputeRow)


def _told(rows: Iterator[Told], waiting: set[str], name: str) -> Iterator[Told]:
    for row in rows:
        if getattr(row, name) in waiting:
            row.is_untold = True
        yield row


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
        self._load_wallets()
        self._load_events()

    def load_bank(self, bank: BankBooks) -> None:
        merchant = self._place.merchant
        # What has come in and is not processed yet has not been told here either.
        waiting = find_waiting(self._connection, *self._place)
        self._scratch.keep(
            Keeping(
                operation.reference, None, None, PLACES[type(operation)], operation.reference, encode_fact(operation)
            )
            for operation in _told(bank.operations(merchant), waiting, "reference")
        )
        self._scratch.keep(
            Keeping(dispute.id, dispute.authorization, None, PLACES[type(dispute)], dispute.id, encode_fact(dispute))
            for dispute in _told(bank.disputes(merchant), waiting, "id")
        )

    def _load_documents(self) -> None:
        for rows in self._pages(_INTENTS):
            self._keep([(row.id, facts.intent(row)) for row in rows])
        for rows in self._pages(_SETUPS):
            self._keep([(row.id, facts.setup(row)) for row in rows])
        for rows in self._pages(_CHARGES):
            self._scratch.own((row.id, row.payment_intent) for row in rows)
            self._scratch.own((row.bank_reference, row.id) for row in rows if row.bank_reference is not None)
            self._keep([(row.id, facts.charge(row)) for row in rows])
        for rows in self._pages(_REFUNDS):
            self._scratch.own((row.id, row.charge) for row in rows)
            self._keep([(row.id, facts.refund(row)) for row in rows])
        for rows in self._pages(_DISPUTES):
            self._scratch.own((row.id, row.charge) for row in rows)
            self._scratch.own((row.bank_reference, row.id) for row in rows)
            self._keep([(row.id, facts.dispute(row)) for row in rows])

    def _load_attempts(self) -> None:
        for rows in self._pages(_ATTEMPTS):
            self._scratch.own((row.id, row.subject_id) for row in rows)
            self._keep([(row.id, facts.attempt(row)) for row in rows])

    def _load_money(self) -> None:
        for rows in self._pages(_TRANSACTIONS):
            self._scratch.own((row.id, row.source_id) for row in rows)
            self._keep([(row.source_id, facts.transaction(row)) for row in rows])
        for account in balances.all_accounts(Books(self._connection, *self._place)):
            if account.startswith(ACQUIRERS):
                for rows in self._pages(_POSTINGS, "transaction_id", a=account):
                    self._scratch.keep(facts.kept_posting(row) for row in rows)

    def _load_wallets(self) -> None:
        found = self._connection.execute(_LEDGER_NAMES, {"o": self._place.org_id, "m": self._place.livemode})
        names = {row.id: row.ledger_name for row in found}
        for rows in self._pages(_TRANSFERS):
            self._keep([(row.id, facts.transfer(row, names)) for row in rows])
        for rows in self._pages(_WITHDRAWALS):
            self._keep([(row.id, facts.withdrawal(row)) for row in rows])
        for side in (PAYER, PAYEE):  # both of one id may be the same organisation's
            for rows in self._pages(_WALLET_PAYMENTS, side=side):
                self._keep([(row.source_id, facts.wallet_payment(row, names)) for row in rows])
                self._scratch.keep_sides(facts.side(row) for row in rows)

    def _load_events(self) -> None:
        for rows in self._pages(_EVENTS):
            self._keep([(row.object_id, facts.event(row)) for row in rows if row.event_type.startswith(EVENT_GROUPS)])

    def _keep(self, owned: Sequence[tuple[str, Fact]]) -> None:
        self._scratch.keep(
            Keeping(owner, None, None, PLACES[type(fact)], fact.id, encode_fact(fact))  # type: ignore[union-attr]
            for owner, fact in owned
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


def reserved(connection: Connection, place: Place) -> dict[tuple[str, str], int]:
    """What each wallet keeps for withdrawals, by its name and currency."""
    of = Books(connection, *place)
    return {
        (wallet, currency): balances.balance_of(of, accounts.reserved(wallet, currency))
        for wallet, currency in balances.wallets(of)
    }


def on_its_way(connection: Connection, place: Place) -> dict[str, int]:
    """What has left wallets for another organisation's less what has come from there, by currency."""
    of = Books(connection, *place)
    due = balances.accounts_from(of, accounts.BETWEEN_WALLETS)
    return {account.split(":")[2]: balances.balance_of(of, account) for account in due}


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
    tables = (
        *(payment_intents, setup_intents, charges, refunds, disputes, attempts, balance_transactions, events),
        *(wallet_transfers, withdrawals, wallet_payments),
    )
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
