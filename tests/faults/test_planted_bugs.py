"""The checks find what they are there to find: each planted bug turns them red, and without it they are green."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults import checker
from tests.faults.pair import Pair, development_pair, with_bug
from tests.faults.payment_load import Load
from tests.faults.payment_run import Kill, assert_nothing_is_wrong, crash, loaded, new_chance

pytestmark = pytest.mark.slow

CRASHES = 3
ORDERS_OVERTAKEN = 12
# The payment is overtaken by a resolver after one second, and by then is on its way through the bank.
SLOW_BANK_MILLISECONDS = 3_000


def crashes_after_the_bank_answered(folder: Path, bug: str) -> list[str]:
    seed, chance = new_chance()
    with development_pair(folder, environment=with_bug(bug)) as pair:
        # What follows a payment needs what its first commit wrote: without that it would fail for ever.
        with loaded(pair, seed, only_sales=True) as load:
            for _ in range(CRASHES):
                crash(pair, load, chance, Kill("gateway", "after_answer_of_bank"))
                load.wait_for_endings(1)
            healed = time.monotonic()
        checker.await_resolution(pair, healed)
        return checker.violations(pair, load)


def test_a_payment_whose_key_is_not_claimed_in_commit_1_is_found_as_charged_twice(tmp_path: Path) -> None:
    wrong = crashes_after_the_bank_answered(tmp_path, "skip_the_claim")
    assert any("was charged 2 times" in one for one in wrong), wrong
    assert any("has 2 payment intents" in one for one in wrong), wrong


def test_a_payment_sent_before_commit_1_is_found_as_unknown_to_bursar_and_charged_twice(tmp_path: Path) -> None:
    wrong = crashes_after_the_bank_answered(tmp_path, "skip_commit_1")
    assert any("of which Bursar knows nothing" in one for one in wrong), wrong
    assert any("was charged 2 times" in one for one in wrong), wrong


def test_an_unknown_outcome_taken_for_a_failure_is_found_by_the_money_at_the_bank(tmp_path: Path) -> None:
    seed, _ = new_chance()
    with development_pair(tmp_path, environment=with_bug("take_unknown_for_failed")) as pair:
        with loaded(pair, seed, orders_max=60) as load:
            pair.set_faults(drop_reply=0.3)
            load.join()
        wrong = checker.violations(pair, load)
    assert any("is requires_payment_method; the bank" in one for one in wrong), wrong


@contextmanager
def overtaken(folder: Path, planted: str) -> Iterator[tuple[Pair, Load]]:
    """Every payment is reversed by a resolver while its request still waits for the bank's answer."""
    seed, _ = new_chance()
    with development_pair(folder, environment=with_bug(planted)) as pair:
        with loaded(pair, seed, orders_max=ORDERS_OVERTAKEN) as load:
            pair.set_faults(latency_ms=SLOW_BANK_MILLISECONDS)
            load.join()
            pair.set_faults()
        yield pair, load


def test_whoever_was_overtaken_settles_nothing(tmp_path: Path) -> None:
    with overtaken(tmp_path, "hurry") as (pair, load):
        assert_nothing_is_wrong(pair, load, time.monotonic())
        reversed_ones = [row for row in checker.read_stored(pair.database_url).attempts if row.state == "reversed"]
    assert reversed_ones, "nobody was overtaken: the test has shown nothing"


def test_an_overtaken_request_that_settles_without_the_fence_is_found_by_the_money_at_the_bank(tmp_path: Path) -> None:
    with overtaken(tmp_path, "hurry_and_drop_the_fence") as (pair, load):
        checker.await_resolution(pair, time.monotonic())
        wrong = checker.violations(pair, load)
    assert any("reversed" in one and "the bank" in one for one in wrong), wrong
