"""The pump itself, with brokers that do what a test wants."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Literal

import pytest
from prometheus_client import CollectorRegistry

from bursar.store.columns import INSTALLATION
from bursar.streams.port import Message, Problem, Publisher, Sink, StreamProblem
from bursar.streams.registry import MakePublisher
from bursar.streams.repository import StreamKey
from bursar.streams.rules import Pace
from bursar.streams.schemas import InstallationStream
from tests.databases import Database
from tests.streams import harness

PAYMENTS = [f"pi_{number:04}" for number in range(30)]
EVENTS = len(PAYMENTS) * len(harness.STEPS)
# Half a minute between two of them, once it has been away for long.
TRIES_OF_AN_HOUR = 120
FULL = Problem("destination_full", "No room.")


class Broker:
    """Keeps what it takes. `moods` decides what it does with each flight."""

    flight_max: ClassVar[int] = 10

    def __init__(self, seed: int | None = None) -> None:
        self.message_bytes_max = 1_000_000
        self.kept: list[bytes] = []
        self.opened = 0
        self._chance = random.Random(seed) if seed is not None else None  # noqa: S311 - the mood of a test

    async def open(self) -> None:
        self.opened += 1

    async def publish(self, flight: Sequence[Message]) -> list[Problem | None]:
        results: list[Problem | None] = []
        for message in flight:
            mood = self._chance.random() if self._chance else 0.0
            if mood > 0.97:
                raise StreamProblem("broker_away", "Gone, with what came before.")
            if mood > 0.9:
                results.append(FULL)
                continue
            self.kept.append(message.body)
            results.append(None)
        return results

    async def close(self) -> None:
        pass


def making(*brokers: Publisher) -> MakePublisher:
    found = {str(number): broker for number, broker in enumerate(brokers)}

    def make(sink: Sink) -> Publisher:
        return found[sink.destination]

    return make


def own(name: str, destination: str, begin: Literal["now", "beginning"] = "beginning") -> InstallationStream:
    return InstallationStream(name=name, kind="redis", destination=destination, begin=begin)


def test_a_broker_of_bad_moods_gets_everything_in_order(tmp_path: Path) -> None:
    async def scenario() -> Broker:
        broker = Broker(seed=7)
        with harness.opened(tmp_path) as store:
            await harness.tell(store, PAYMENTS)
            made = harness.worker(
                store, own(harness.NAME, "0"), make=making(broker), pace=Pace(0.001, 0.005, 0.001, 0.005)
            )
            async with harness.running(made):
                await harness.until_published(store, EVENTS)
        return broker

    broker = asyncio.run(scenario())
    assert broker.opened > 3
    harness.check_story(broker.kept, PAYMENTS)


def test_each_database_keeps_a_streams_place_and_state(tmp_path: Path, database: Database) -> None:
    class Moody(Broker):
        async def open(self) -> None:
            await super().open()
            if self.opened < 3:
                raise StreamProblem("broker_away", "Nobody answers.")

    async def scenario() -> None:
        broker = Moody()
        with harness.opened(tmp_path, database.url) as store:
            for payments in (PAYMENTS[:5], PAYMENTS[5:]):
                await harness.tell(store, payments)
                async with harness.running(harness.worker(store, own(harness.NAME, "0"), make=making(broker))):
                    await harness.until_published(store, len(broker.kept) + len(payments) * len(harness.STEPS))
                    state = await harness.until_state(store, "running", None)
            assert (state.published, state.referenced) == (EVENTS, 0)
        harness.check_story(broker.kept, PAYMENTS)
        assert len(broker.kept) == EVENTS

    asyncio.run(scenario())


def test_one_that_hangs_holds_up_no_other(tmp_path: Path) -> None:
    class Hanging(Broker):
        async def publish(self, flight: Sequence[Message]) -> list[Problem | None]:
            await asyncio.Event().wait()
            raise AssertionError

    async def scenario() -> None:
        broker = Broker()
        with harness.opened(tmp_path) as store:
            await harness.tell(store, PAYMENTS)
            make = making(broker, Hanging())
            async with harness.running(harness.worker(store, own("hangs", "1"), own(harness.NAME, "0"), make=make)):
                await harness.until_published(store, EVENTS)
        harness.check_story(broker.kept, PAYMENTS)

    asyncio.run(scenario())


def test_a_broker_that_is_away_for_an_hour_loses_nothing_and_holds_up_no_other(tmp_path: Path) -> None:
    class Away(Broker):
        tries = 0

        async def open(self) -> None:
            self.tries += 1
            if self.tries <= TRIES_OF_AN_HOUR:
                raise StreamProblem("broker_away", "Nobody answers.")

    async def scenario() -> None:
        away, other = Away(), Broker()
        registry = CollectorRegistry()
        labels = {"stream": harness.NAME, "kind": "redis"}
        with harness.opened(tmp_path) as store:
            own_streams = (own(harness.NAME, "0"), own("other", "1"))
            made = harness.worker(store, *own_streams, make=making(away, other), pace=Pace(0.001, 0.01))
            made.figures.report_to(registry)
            async with harness.running(made):
                await harness.tell(store, PAYMENTS[:10])
                state = await harness.until_state(store, "retrying", "broker_away")
                assert state.retry_at is not None
                assert state.detail == "Nobody answers."

                async def told() -> bool:
                    return registry.get_sample_value("bursar_stream_lag_events", labels) == 10 * len(harness.STEPS)

                await harness.until(told)
                assert (registry.get_sample_value("bursar_stream_lag_seconds", labels) or 0.0) > 0
                await harness.tell(store, PAYMENTS[10:])
                await harness.until_published(store, EVENTS, StreamKey(INSTALLATION, 0, "other"))
                await harness.until_published(store, EVENTS)
                state = await harness.until_state(store, "running", None)
                assert (state.retry_at, state.detail) == (None, None)
        for broker in (away, other):
            harness.check_story(broker.kept, PAYMENTS)
        problems = registry.get_sample_value("bursar_stream_problems_total", labels | {"reason": "broker_away"})
        assert problems == TRIES_OF_AN_HOUR

    asyncio.run(scenario())


def test_what_has_arrived_at_a_slow_broker_is_written_down_on_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bursar.streams.shipping.SHIP_SECONDS_MAX", 0.0)

    async def scenario() -> None:
        broker = Broker()
        with harness.opened(tmp_path) as store:
            await harness.tell(store, PAYMENTS[:2])
            async with harness.running(harness.worker(store, own(harness.NAME, "0"), make=making(broker))):
                await harness.until_published(store, 2 * len(harness.STEPS))
        # Each time one flight, with one event of each of the two: all arrive in their order, and none twice.
        harness.check_story(broker.kept, PAYMENTS[:2])
        assert len(broker.kept) == 2 * len(harness.STEPS)

    asyncio.run(scenario())


def test_a_defect_is_said_and_does_not_end_the_worker(tmp_path: Path) -> None:
    class Defective(Broker):
        async def open(self) -> None:
            await super().open()
            if self.opened < 3:
                raise ZeroDivisionError

    async def scenario() -> None:
        broker = Defective()
        with harness.opened(tmp_path) as store:
            await harness.tell(store, PAYMENTS)
            async with harness.running(harness.worker(store, own(harness.NAME, "0"), make=making(broker))):
                await harness.until_state(store, "retrying", "internal_error")
                await harness.until_published(store, EVENTS)

    asyncio.run(scenario())


def test_from_now_on_means_what_comes_even_across_a_restart(tmp_path: Path) -> None:
    async def scenario() -> None:
        broker = Broker()
        with harness.opened(tmp_path) as store:
            make = making(broker)
            first = harness.worker(store, own(harness.NAME, "0", "now"), make=make)
            async with harness.running(first):  # nothing has happened yet: it has no place in any chain
                await harness.until_state(store, "running", None)
            await harness.tell(store, PAYMENTS)
            second = harness.worker(store, own(harness.NAME, "0", "now"), make=make)
            async with harness.running(second):
                await harness.until_published(store, EVENTS)
        harness.check_story(broker.kept, PAYMENTS)

    asyncio.run(scenario())


def test_two_processes_do_not_both_publish(tmp_path: Path) -> None:
    async def scenario() -> None:
        broker = Broker()
        with harness.opened(tmp_path) as store:
            make = making(broker)
            one = harness.worker(store, own(harness.NAME, "0"), make=make)
            other = harness.worker(store, own(harness.NAME, "0"), make=make)
            async with harness.running(one), harness.running(other):
                await harness.tell(store, PAYMENTS)
                await harness.until_published(store, EVENTS)
        assert len(broker.kept) == EVENTS
        assert broker.opened == 1

    asyncio.run(scenario())


def test_figures_tell_what_was_published_and_how_far_behind_it_is(tmp_path: Path) -> None:
    async def scenario() -> CollectorRegistry:
        registry = CollectorRegistry()
        with harness.opened(tmp_path) as store:
            await harness.tell(store, PAYMENTS)
            made = harness.worker(store, own(harness.NAME, "0"), make=making(Broker()))
            made.figures.report_to(registry)
            async with harness.running(made):
                await harness.until_published(store, EVENTS)
                labels = {"stream": harness.NAME, "kind": "redis"}

                async def caught_up() -> bool:
                    return registry.get_sample_value("bursar_stream_lag_events", labels) == 0

                await harness.until(caught_up)
                assert registry.get_sample_value("bursar_stream_published_total", labels) == EVENTS
                assert registry.get_sample_value("bursar_stream_lag_seconds", labels) == 0
                assert registry.get_sample_value("bursar_stream_unconfirmed_events", labels) == 0
                assert (registry.get_sample_value("bursar_stream_broker_seconds_count", labels) or 0) > 0
        return registry

    asyncio.run(scenario())
