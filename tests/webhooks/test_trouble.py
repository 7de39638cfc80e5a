"""Receivers in trouble delay nobody but themselves, and whatever they were to hear is delivered, or visibly dead."""

from __future__ import annotations

import asyncio

import pytest

from tests.databases import Database, on
from tests.webhooks.receivers import answering, hanging, resetting, status
from tests.webhooks.trouble import PACE, in_trouble, run
from tests.webhooks.world import World, opened

HEALTHY_SECONDS_P99 = 1.0  # where the machine does nothing else: the long form demands it
NOT_DELAYED_SECONDS_P99 = 15.0  # beside other tests; whoever waited for those in trouble would wait far longer
RECEIVERS = [None, None, in_trouble(1), in_trouble(2), in_trouble(3)]


@pytest.mark.parametrize("database", on("sqlite", "postgresql"), indirect=True)
def test_with_errors_hangs_and_resets_everything_arrives_or_is_dead(database: Database) -> None:
    with opened(database) as store:
        told = asyncio.run(run(World(store, PACE), RECEIVERS, 300, 150.0, 300.0))
    assert sum(told.statuses.values()) == told.events * len(RECEIVERS)
    assert set(told.statuses) <= {"delivered", "dead"}
    assert told.statuses["delivered"] >= sum(told.statuses.values()) - 2
    assert {len(each) for each in told.arrived[:2]} == {told.events}
    assert told.latency(0.99) <= NOT_DELAYED_SECONDS_P99


@pytest.mark.slow
@pytest.mark.parametrize("database", on("sqlite", "postgresql"), indirect=True)
def test_ten_thousand_events_to_five_endpoints_of_which_three_are_in_trouble(database: Database) -> None:
    with opened(database) as store:
        told = asyncio.run(run(World(store, PACE), RECEIVERS, 10_000, 60.0, 1_800.0))
    print(f"{told.statuses}, p50 {told.latency(0.5) * 1000:.0f} ms, p99 {told.latency(0.99) * 1000:.0f} ms")
    assert sum(told.statuses.values()) == told.events * len(RECEIVERS)
    assert set(told.statuses) <= {"delivered", "dead"}
    assert {len(each) for each in told.arrived[:2]} == {told.events}
    assert told.latency(0.99) <= HEALTHY_SECONDS_P99


@pytest.mark.parametrize("database", on("sqlite"), indirect=True)
def test_one_that_hangs_one_that_fails_and_one_that_resets_do_not_delay_a_healthy_one(database: Database) -> None:
    """Those that never answer are asked by one probe at a time, until they are disabled in the end."""
    behaviours = [None, hanging, answering(status(500)), resetting]
    with opened(database) as store:
        told = asyncio.run(run(World(store, PACE), behaviours, 300, 100.0, 300.0, disabling=True))
    assert len(told.arrived[0]) == told.events
    assert told.statuses["delivered"] == told.events
    assert told.statuses["dead"] == 3 * told.events
    assert told.latency(0.99) <= NOT_DELAYED_SECONDS_P99
