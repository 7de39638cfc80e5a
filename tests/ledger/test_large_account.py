"""A balance takes as long with a million postings as with a few, once there is a snapshot."""

import statistics
import time
from typing import Any

import pytest

from bursar.kit.clock import ManualClock
from bursar.kit.ids import time_part
from bursar.ledger import accounts
from bursar.ledger.tables import ledger_postings
from bursar.store.unit import Unit
from tests.databases import Database, on
from tests.ledger.harness import ORG, Ledger, ledger_on

POSTINGS = 1_000_000
BATCH = 50_000
RECENT = 1_000  # what follows the snapshot
MILLISECONDS_MAX = 20.0
LOOKS = 15
HOUR_MICROSECONDS = 3_600 * 1_000_000
ACCOUNT = accounts.available("main", "usd")


def _rows(first: int, count: int, start: int, step: int) -> list[dict[str, Any]]:
    return [
        {
            "org_id": ORG,
            "livemode": 0,
            "account": ACCOUNT,
            "transaction_id": f"txn_{time_part(start + number * step)}{number:013}",
            "amount_minor": 1,
            "currency": "usd",
            "created": start + number * step,
            "operation_id": f"att_{number:024}",
            "hold_id": None,
        }
        for number in range(first, first + count)
    ]


def _milliseconds(ledger: Ledger) -> float:
    """The median of what a read of all balances takes, after the first, which fills the caches."""
    times = []
    for _ in range(LOOKS):
        started = time.perf_counter()
        assert ledger.balances()["usd"].available_minor == POSTINGS + RECENT
        times.append((time.perf_counter() - started) * 1_000)
    return statistics.median(times)


@pytest.mark.slow
@pytest.mark.parametrize("database", on("sqlite", "postgresql"), indirect=True)
def test_the_balance_of_a_million_postings_is_read_at_once(database: Database) -> None:
    clock = ManualClock()
    start = clock.microseconds - 24 * HOUR_MICROSECONDS
    with ledger_on(database, clock) as ledger:
        for first in range(0, POSTINGS, BATCH):
            _write(ledger, _rows(first, BATCH, start, 80_000))
        _write(ledger, _rows(POSTINGS, RECENT, clock.microseconds - 60_000_000 - POSTINGS * 10, 10))
        without = _milliseconds(ledger)
        assert ledger.take_snapshots() > 1
        with_snapshot = _milliseconds(ledger)
        print(f"{database.kind}: {without:.1f} ms without a snapshot, {with_snapshot:.2f} ms with one")
        assert with_snapshot < MILLISECONDS_MAX


def _write(ledger: Ledger, rows: list[dict[str, Any]]) -> None:
    def work(connection: Any) -> tuple[None, Unit]:
        connection.execute(ledger_postings.insert(), rows)
        return None, Unit()

    ledger.store.transact_blocking(work)
