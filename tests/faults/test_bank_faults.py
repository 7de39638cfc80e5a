"""A bank that loses replies, answers too late, refuses or answers twice: no false failure, and no double charge."""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.faults import checker
from tests.faults.pair import KINDS, Pair, database_of, production_pair
from tests.faults.payment_load import Load
from tests.faults.payment_run import assert_nothing_is_wrong, loaded, new_chance

# The gateway waits one second, and then no longer believes that an answer will come.
IMPATIENT = {"BURSAR_BANK_SECONDS": "1"}
FAULTS: dict[str, Any] = {"drop_reply": 0.1, "refuse": 0.05, "duplicate_reply": 0.05, "bad_gateway": 0.05}
TOO_LATE_MILLISECONDS = 2_500
# The bank knows one latency for all, so it is slow for a tenth of the time.
OUTAGE_SECONDS = 45.0
SLOW_SECONDS, QUICK_SECONDS = 0.3, 2.7


@contextmanager
def faulty_bank(pair: Pair, chance: random.Random) -> Iterator[None]:
    ends = threading.Event()

    def change() -> None:
        while True:
            pair.set_faults(**FAULTS, latency_ms=TOO_LATE_MILLISECONDS)
            if ends.wait(SLOW_SECONDS):
                return
            pair.set_faults(**FAULTS)
            if ends.wait(chance.uniform(0.5, 1.5) * QUICK_SECONDS):
                return

    thread = threading.Thread(target=change)
    thread.start()
    try:
        yield
    finally:
        ends.set()
        thread.join()
        pair.set_faults()


def run(pair: Pair, orders: int, clients: int) -> Load:
    seed, chance = new_chance()
    with (
        loaded(pair, seed, orders_max=orders, clients=clients, thinking_seconds_max=0.01) as load,
        faulty_bank(pair, chance),
    ):
        load.join()
    healed = time.monotonic()
    assert_nothing_is_wrong(pair, load, healed)
    return load


def test_lost_and_late_replies_fail_no_payment_and_charge_none_twice(tmp_path: Path) -> None:
    with production_pair(tmp_path, environment=IMPATIENT) as pair:
        load = run(pair, orders=150, clients=12)
    assert len(load.endings) == 150


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_ten_thousand_payments_survive_lost_and_late_replies(tmp_path: Path, kind: str) -> None:
    with database_of(kind) as database_url, production_pair(tmp_path, database_url, IMPATIENT) as pair:
        load = run(pair, orders=10_000, clients=48)
    assert len(load.endings) == 10_000


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_what_an_outage_left_open_is_known_within_a_minute_of_its_end(tmp_path: Path, kind: str) -> None:
    """Long enough for the resolver to look as seldom as it ever does."""
    seed, _ = new_chance()
    with database_of(kind) as database_url, production_pair(tmp_path, database_url, IMPATIENT) as pair:
        with loaded(pair, seed) as load:
            load.wait_for_endings(20)
            pair.set_faults(drop_reply=1)
            await_open_attempts(pair, 10)
            pair.bank.kill()
            time.sleep(OUTAGE_SECONDS)
            assert checker.open_attempts(pair.database_url).total() >= 10
            pair.start("bank")
            back = time.monotonic()
            seconds = checker.await_resolution(pair, back)
        print(f"all was known {seconds:.1f} s after the bank was back")
        assert_nothing_is_wrong(pair, load, back)


def await_open_attempts(pair: Pair, number: int) -> None:
    until = time.monotonic() + 30
    while checker.open_attempts(pair.database_url)["unknown"] < number:
        assert time.monotonic() < until, "no replies were lost"
        time.sleep(0.2)
