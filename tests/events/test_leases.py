"""Of several processes, one does the work; when it is gone, another."""

from __future__ import annotations

import asyncio

import pytest

from bursar.events.leases import LEASE_SECONDS, Leases
from bursar.kit.clock import ManualClock
from tests.databases import Database, on
from tests.events.test_reader import opened

pytestmark = pytest.mark.parametrize("database", on("sqlite", "postgresql"), indirect=True)


def test_one_of_several_holds_it_until_it_is_gone(database: Database) -> None:
    clock = ManualClock()

    with opened(database, 2) as store:

        async def scenario() -> None:
            processes = [Leases(store, clock) for _ in range(4)]
            held = await asyncio.gather(*(one.hold("work") for one in processes))
            assert sum(held) == 1
            holder = processes[held.index(True)]
            others = [one for one in processes if one is not holder]
            clock.advance(LEASE_SECONDS - 1)
            assert await holder.hold("work")
            clock.advance(LEASE_SECONDS - 1)
            assert [await one.hold("work") for one in others] == [False] * 3, "it was renewed"
            clock.advance(2)
            assert sum(await asyncio.gather(*(one.hold("work") for one in others))) == 1
            assert not await holder.hold("work"), "whoever slept has lost it"

        asyncio.run(scenario())


def test_a_lease_that_was_given_up_is_taken_at_once(database: Database) -> None:
    clock = ManualClock()

    with opened(database, 1) as store:

        async def scenario() -> None:
            first, second = Leases(store, clock), Leases(store, clock)
            assert await first.hold("work") and not await second.hold("work")
            await second.give_up("work")
            assert not await second.hold("work"), "only the holder gives it up"
            await first.give_up("work")
            assert await second.hold("work")

        asyncio.run(scenario())


def test_who_holds_what_is_told_of_a_group_and_of_the_present(database: Database) -> None:
    clock = ManualClock()

    with opened(database, 1) as store:

        async def scenario() -> None:
            first, second = Leases(store, clock), Leases(store, clock)
            assert await first.hold("work:1") and await first.hold("works:1")
            clock.advance(LEASE_SECONDS // 2)
            assert await second.hold("work:2")
            assert await first.holders("work") == {"work:1": first.holder, "work:2": second.holder}
            clock.advance(LEASE_SECONDS // 2 + 1)
            assert await first.holders("work") == {"work:2": second.holder}

        asyncio.run(scenario())
