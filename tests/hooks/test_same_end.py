"""The bank's messages three times each, in any order and at any time, lead to the same end as once and in order.

Over the whole product: cards and UPI, refunds, disputes, warnings, holds that end, settlements, two processes.
"""

import asyncio
import random
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bursar.disputes import rules as dispute_rules
from bursar.hooks import repository
from bursar.hooks.matching import Matching, TooEarly, Verdict
from bursar.hooks.tables import incoming_webhook_events, incoming_webhooks
from tests.databases import Database, new_database, on, sqlite_database
from tests.hooks.world import Post, WildPost, World, end_state, play, proven
from tests.payments.harness import Json
from tests.piggybank.harness import House
from tests.vault.harness import opened

SHORT, LONG = 24, 60


def played(database: Database, folder: Path, post: Post, seed: int, count: int) -> tuple[Json, dict[str, int]]:
    house = House(folder)
    try:
        with opened(database, writers=1 if database.kind == "sqlite" else 2) as store:
            world = World(store, house, post)
            made = asyncio.run(play(world, seed, count))
            states = [row.state for row in world.rows(incoming_webhooks)]
            assert set(states) <= {"processed", "duplicate", "contradicted"}, "nothing waits, and all is matched"
            assert len(world.rows(incoming_webhook_events)) == len(world.house.told()), "each has counted once"
            end = end_state(world, made)
            report = proven(world)
            assert report.is_clean, report.findings
            assert report.open_count == 0, report.open
            return end, {state: states.count(state) for state in sorted(set(states))}
    finally:
        house.close()


def compared(first: Database, second: Database, folder: Path, seed: int, count: int) -> None:
    in_order, _ = played(first, folder / "calm", Post(), seed, count)
    wild = WildPost(random.Random(seed * 7 + 1))  # noqa: S311 - the same accidents each time
    in_any, states = played(second, folder / "wild", wild, seed, count)
    assert in_any == in_order
    assert states.get("duplicate", 0) > 0, "what came again came to the other process, too"
    assert in_order["disputes"] and in_order["refunds"] and in_order["settlements"]


@pytest.mark.parametrize("seed", [1, 2])
def test_any_order_leads_to_the_same_end(tmp_path: Path, seed: int) -> None:
    (tmp_path / "second").mkdir()
    compared(sqlite_database(tmp_path), sqlite_database(tmp_path / "second"), tmp_path, seed, SHORT)


@pytest.mark.parametrize("database", on("postgresql"), indirect=True)
def test_any_order_leads_to_the_same_end_on_a_server(database: Database, tmp_path: Path) -> None:
    with new_database("postgresql") as second:
        compared(database, second, tmp_path, 3, SHORT)


def _lose_what_is_early(patch: pytest.MonkeyPatch) -> None:
    judge = Matching.judge

    def judging(self: Matching, connection: Any, message: Any) -> Verdict:
        try:
            return judge(self, connection, message)
        except TooEarly:
            return Verdict("known")

    patch.setattr(Matching, "judge", judging)


def _believe_the_order(patch: pytest.MonkeyPatch) -> None:
    """What comes last is what is."""
    patch.setattr(dispute_rules, "compare", lambda stored, told: "new")


def _count_again(patch: pytest.MonkeyPatch) -> None:
    insertion = repository.event_insertion

    def inserting(stored: Any, event: Any, *more: Any) -> Any:
        return insertion(stored, msgspec.structs.replace(event, event_id=stored.id), *more)

    patch.setattr(repository, "event_insertion", inserting)


@pytest.mark.parametrize("planted", [_lose_what_is_early, _believe_the_order, _count_again])
def test_a_planted_bug_is_found(tmp_path: Path, planted: Any) -> None:
    (tmp_path / "second").mkdir()
    with pytest.MonkeyPatch.context() as patch, pytest.raises(AssertionError):
        planted(patch)
        compared(sqlite_database(tmp_path), sqlite_database(tmp_path / "second"), tmp_path, 1, SHORT)


@pytest.mark.slow
@pytest.mark.parametrize("kind", on("sqlite", "postgresql"))
def test_any_order_leads_to_the_same_end_in_many_worlds(kind: str, tmp_path: Path) -> None:
    for seed in range(100, 140):
        folder = tmp_path / str(seed)
        (folder / "second").mkdir(parents=True)
        if kind == "sqlite":
            compared(sqlite_database(folder), sqlite_database(folder / "second"), folder, seed, LONG)
            continue
        with new_database(kind) as first, new_database(kind) as second:
            compared(first, second, folder, seed, LONG)
