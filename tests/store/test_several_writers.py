"""Several writers at once: of one process, and of two that share the database."""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Callable

import pytest
from sqlalchemy import Connection, func, select

from bursar.events import audit
from bursar.events.chain import ChainKey, Head
from bursar.events.sealing import LEASE_SECONDS, LaneSealer
from bursar.events.tables import event_heads, events, writer_lanes
from bursar.kit.clock import ManualClock
from bursar.store.errors import RowsExpected, StoreContention
from bursar.store.store import Store
from bursar.store.unit import Unit
from tests.databases import SERVERS, Database, on
from tests.store.harness import ORG, commit, entry, insert, logged, opened, stored, update

COUNTERS = ("x", "y", "z")
STEPS_OF_A_CLIENT = 12
CLIENTS = 12


async def _count_up(stores: list[Store], chance: random.Random) -> int:
    """A client that adds one to random counters, again whenever somebody was quicker."""
    lost = 0
    for number in range(STEPS_OF_A_CLIENT):
        store = chance.choice(stores)
        key = chance.choice(COUNTERS)
        while True:
            rows = await asyncio.to_thread(stored, store)
            organisation = f"org_{number % 3}"
            try:
                await store.commit(Unit([update(key, rows[key][0])], [entry(key), entry(key, organisation)]))
                break
            except (RowsExpected, StoreContention):  # the second: a lock that was held for too long; nothing was done
                lost += 1
    return lost


@pytest.mark.parametrize("database", on(*SERVERS), indirect=True)
def test_nothing_is_lost_and_the_log_is_whole(database: Database) -> None:
    async def scenario(stores: list[Store]) -> int:
        clients = [_count_up(stores, random.Random(seed)) for seed in range(CLIENTS)]  # noqa: S311 - not a secret
        return sum(await asyncio.gather(*clients))

    with contextlib.ExitStack() as open_stores:
        stores = [open_stores.enter_context(opened(database, writers=3, readers=4)) for _ in range(2)]
        commit(stores[0], *(insert(key) for key in COUNTERS))
        assert asyncio.run(scenario(stores)) > 0, "nobody ever raced, so this proves nothing"
        steps = CLIENTS * STEPS_OF_A_CLIENT
        assert sum(version for version, _ in stored(stores[1]).values()) == len(COUNTERS) + steps
        told = Counter(logged(stores[1]))
        assert told == {key: version - 1 for key, (version, _) in stored(stores[0]).items()}
        report = stores[0].read_blocking(audit.verify)
        lanes = stores[0].read_blocking(lambda c: c.execute(select(func.count()).select_from(writer_lanes)).scalar())
    assert report.problems == []
    assert report.rows == 2 * steps
    assert lanes is not None
    assert 2 <= lanes <= 6


@pytest.mark.parametrize("database", on("sqlite", *SERVERS), indirect=True)
def test_a_writer_that_slept_through_its_lease_does_not_break_the_chain(database: Database) -> None:
    """It still believes in its lane and in the heads it remembers; another writer has moved on with both."""
    slow_clock, quick_clock = ManualClock(), ManualClock()
    with (
        opened(database, make_sealer=lambda: LaneSealer(slow_clock)) as slow,
        opened(database, make_sealer=lambda: LaneSealer(quick_clock)) as quick,
    ):
        asyncio.run(slow.commit(Unit([], [entry("before the sleep")])))
        quick_clock.advance(LEASE_SECONDS + 1)
        asyncio.run(quick.commit(Unit([], [entry("meanwhile"), entry("meanwhile", "org_new")])))
        asyncio.run(slow.commit(Unit([], [entry("woken"), entry("woken", "org_new")])))
        asyncio.run(quick.commit(Unit([], [entry("and on")])))
        report = quick.read_blocking(audit.verify)
        assert sorted(logged(quick)) == sorted(["before the sleep", "meanwhile", "woken", "and on"])
    assert report.problems == []
    assert report.rows == 6


class OvertakenSealer(LaneSealer):
    """Somebody else seals between this one's look at the chain's head and its own sealing, the first time."""

    def __init__(self, clock: ManualClock, overtake: Callable[[], None]) -> None:
        super().__init__(clock)
        self._overtake: Callable[[], None] | None = overtake

    def _head(self, connection: Connection, chain: ChainKey) -> Head:
        head = super()._head(connection, chain)
        if self._overtake is not None and chain.org_id == ORG:
            overtake, self._overtake = self._overtake, None
            overtake()
        return head


@pytest.mark.parametrize("database", on(*SERVERS), indirect=True)
def test_a_writer_that_is_overtaken_looks_again(database: Database) -> None:
    slow_clock, quick_clock = ManualClock(), ManualClock()
    quick_clock.advance(LEASE_SECONDS + 1)  # so that slow's lane is free, as far as quick can see

    with opened(database, make_sealer=lambda: LaneSealer(quick_clock)) as quick:

        def overtake() -> None:
            asyncio.run(quick.commit(Unit([], [entry("quick")])))

        with opened(database, make_sealer=lambda: OvertakenSealer(slow_clock, overtake)) as slow:
            asyncio.run(slow.commit(Unit([], [entry("its lane is its own now", "org_other")])))
            asyncio.run(slow.commit(Unit([insert("k")], [entry("slow")])))
            lanes = slow.read_blocking(lambda c: c.execute(select(events.c.lane).distinct()).scalars().all())
            report = slow.read_blocking(audit.verify)
            assert sorted(logged(slow)) == ["quick", "slow"]
            assert set(stored(slow)) == {"k"}
    assert 0 in lanes
    assert report.problems == []


@pytest.mark.parametrize("database", on("sqlite", *SERVERS), indirect=True)
def test_a_lane_is_taken_over_when_its_writer_is_gone(database: Database) -> None:
    clock = ManualClock()
    for round_number in range(3):
        with opened(database, make_sealer=lambda: LaneSealer(clock)) as store:
            asyncio.run(store.commit(Unit([], [entry(f"round {round_number}")])))
            lanes = store.read_blocking(lambda c: c.execute(select(events.c.lane).distinct()).scalars().all())
            heads = store.read_blocking(lambda c: c.execute(select(event_heads)).all())
            assert store.read_blocking(audit.verify).whole
        clock.advance(LEASE_SECONDS + 1)
    assert lanes == [0]
    assert [(head.org_id, head.sequence_number) for head in heads] == [(ORG, 3)]
