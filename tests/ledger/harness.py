"""Books in a store, entries to make in them, and what they say."""

import asyncio
import itertools
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, select

from bursar.events.audit import snapshot
from bursar.kit.clock import Clock, ManualClock
from bursar.kit.ids import IdFactory
from bursar.ledger import tasks, verification
from bursar.ledger.rules import WalletBalance
from bursar.ledger.schemas import Movement
from bursar.ledger.service import LedgerEffect, LedgerService
from bursar.ledger.tables import ledger_postings
from bursar.store.store import Store
from bursar.store.unit import Unit
from tests.databases import Database
from tests.store.harness import opened

ORG = "org_ledger"
DAY_SECONDS = 86_400
_numbers = itertools.count(1)


class Ledger:
    """A service with its store; every entry is committed as it is made."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.store = store
        self.clock = clock
        self.ids = IdFactory(clock)
        self.service = LedgerService(store, self.ids, clock)
        self.service.prepare()

    def commit(self, effect: LedgerEffect) -> LedgerEffect:
        self.store.transact_blocking(lambda _: (None, Unit(effect.changes)))
        return effect

    def sale(
        self, amount_minor: int = 1_000, fee_minor: int = 15, *, at_once: bool = False, currency: str = "usd"
    ) -> str:
        source_id = new_id("ch")
        order = movement(amount_minor, source_id, currency)
        self.commit(self.service.capture(order, fee_minor=fee_minor, available_at_once=at_once))
        return source_id

    def hold(self, amount_minor: int = 1_000, currency: str = "usd") -> str:
        source_id = new_id("ch")
        self.commit(self.service.hold(movement(amount_minor, source_id, currency)))
        return source_id

    def balances(self) -> dict[str, WalletBalance]:
        found = self.store.read_blocking(lambda connection: self.service.wallet_balances(connection, ORG, 0))
        return {balance.currency: balance for balance in found}

    def release(self) -> int:
        return asyncio.run(tasks.release_due(self.store, self.ids, self.clock, ORG, 0))

    def take_snapshots(self, postings_min: int = 1) -> int:
        return asyncio.run(tasks.take_snapshots(self.store, self.clock, ORG, 0, postings_min=postings_min))

    def findings(self) -> list[verification.Finding]:
        return self.store.read_blocking(
            lambda connection: list(verification.verify_postings(snapshot(connection), ORG, 0))
        )

    def postings(self) -> dict[str, list[int]]:
        """The amounts on each account, in their order."""

        def query(connection: Connection) -> dict[str, list[int]]:
            found: dict[str, list[int]] = {}
            for row in connection.execute(select(ledger_postings).order_by(ledger_postings.c.transaction_id)):
                found.setdefault(row.account, []).append(row.amount_minor)
            return found

        return self.store.read_blocking(query)


@contextmanager
def ledger_on(database: Database, clock: Clock | None = None, *, writers: int = 1) -> Iterator[Ledger]:
    with opened(database, writers=writers, readers=2) as store:
        yield Ledger(store, clock or ManualClock())


def movement(amount_minor: int, source_id: str, currency: str = "usd", *, operation_id: str | None = "") -> Movement:
    """Of a bank operation of its own, unless another is named."""
    return Movement(
        org_id=ORG,
        livemode=0,
        operation_id=new_id("att") if operation_id == "" else operation_id,
        source_id=source_id,
        amount_minor=amount_minor,
        currency=currency,
        connector="piggybank",
        description="A book",
    )


def new_id(prefix: str) -> str:
    return f"{prefix}_{next(_numbers):024}"
