"""kill -9 of gateway and bank at any moment: no payment is lost, none charged twice, and all are known in the end."""

import random
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.faults.pair import KINDS, Pair, database_of, development_pair
from tests.faults.payment_run import (
    Kill,
    assert_nothing_is_wrong,
    every_point,
    kill_all,
    loaded,
    new_chance,
    shuffled_kills,
)

KILLS_OF_EACH = 300


def run(pair: Pair, seed: int, chance: random.Random, kills: Sequence[Kill]) -> None:
    with loaded(pair, seed) as load:
        kill_all(pair, load, chance, kills)
        load.wait_for_endings(5)
        healed = time.monotonic()
    assert_nothing_is_wrong(pair, load, healed)


def test_kills_at_any_moment_lose_no_payment_and_charge_none_twice(tmp_path: Path) -> None:
    seed, chance = new_chance()
    # A resolver that dies keeps its attempt for the longest time, so it dies first.
    points = [Kill("gateway", "resolver_after_claim"), Kill("gateway", "after_first_commit")]
    points += [Kill("gateway", "after_answer_of_bank"), Kill("bank", "after_journal_before_answer")]
    moments = [Kill("bank"), Kill("gateway"), Kill("both")]
    with development_pair(tmp_path) as pair:
        run(pair, seed, chance, [*points, *moments])


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_crash_at_each_named_point_loses_no_payment_and_charges_none_twice(tmp_path: Path, kind: str) -> None:
    seed, chance = new_chance()
    with database_of(kind) as database_url, development_pair(tmp_path, database_url) as pair:
        run(pair, seed, chance, every_point())


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_three_hundred_kills_of_each_lose_no_payment_and_charge_none_twice(tmp_path: Path, kind: str) -> None:
    seed, chance = new_chance()
    with database_of(kind) as database_url, development_pair(tmp_path, database_url) as pair:
        run(pair, seed, chance, shuffled_kills(chance, KILLS_OF_EACH, KILLS_OF_EACH))
