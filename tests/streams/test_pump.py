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
from bursar.store.unit import Change, Unit
from bursar.streams import repository
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
        failures = 0
        comes_back = False

        async def open(self) -> None:
            if self.failures < TRIES_OF_AN_HOUR or not self.comes_back:
                self.failures += 1
                raise StreamProblem("broker_away", "Nobody answers.")

    async def scenario() -> int:
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
                away.comes_back = True
                await harness.until_published(store, EVENTS)
                state = await harness.until_state(store, "running", None)
                assert (state.retry_at, state.detail) == (None, None)
        for broker in (away, other):
            harness.check_story(broker.kept, PAYMENTS)
        problems = registry.get_sample_value("bursar_stream_problems_total", labels | {"reason": "broker_away"})
        assert problems == away.failures
        return away.failures

    assert asyncio.run(scenario()) >= TRIES_OF_AN_HOUR


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


def test_what_a_broker_confirms_after_the_lease_has_been_let_go_of_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, seconds in (("LEASE_SECONDS", 2), ("RENEW_SECONDS", 1)):
        monkeypatch.setattr(f"bursar.events.leases.{name}", seconds)
    monkeypatch.setattr("bursar.streams.pump.RENEW_SECONDS", 0.1)

    class Slow(Broker):
        """What it was handed first arrives after the lease, unless the connection ends before."""

        def __init__(self) -> None:
            super().__init__()
            self.under_way: asyncio.Task[None] | None = None

        async def publish(self, flight: Sequence[Message]) -> list[Problem | None]:
            if self.under_way is None:
                self.under_way = asyncio.create_task(self._take_later(flight))
                await asyncio.shield(self.under_way)
                return [None] * len(flight)
            return await super().publish(flight)

        async def _take_later(self, flight: Sequence[Message]) -> None:
            await asyncio.sleep(3.5)
            self.kept += [message.body for message in flight]

        async def close(self) -> None:
            if self.under_way is not None:
                self.under_way.cancel()

    async def scenario() -> None:
        slow, other = Slow(), Broker()
        other.kept = slow.kept  # two processes, one broker
        with harness.opened(tmp_path) as store:
            await harness.tell(store, PAYMENTS[:1])
            first = harness.worker(store, own(harness.NAME, "0"), make=making(slow), pace=Pace(3.0, 3.0))
            second = harness.worker(store, own(harness.NAME, "0"), make=making(other))
            async with harness.running(first):

                async def sent() -> bool:
                    return slow.under_way is not None

                await harness.until(sent)
                async with harness.running(second):
                    await harness.until_published(store, len(harness.STEPS))
                    assert slow.under_way is not None
                    await asyncio.wait([slow.under_way])
        harness.check_story(slow.kept, PAYMENTS[:1])
        assert len(slow.kept) == len(harness.STEPS), "nothing old comes behind what is newer"

    asyncio.run(scenario())


def test_a_stream_that_cannot_be_read_ends_no_other(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    broken = StreamKey(harness.ORGANISATION, 0, "strm_broken")
    row = broken._asdict() | {"version": 1, "is_paused": 0, "credentials_sealed": None, "document": "{"}
    unread = [
        Change(repository.INSERT, row),
        repository.state_insertion(broken, repository.new_state(0)),
    ]

    async def scenario() -> None:
        broker = Broker()
        with harness.opened(tmp_path) as store:
            made = harness.worker(store, own(harness.NAME, "0"), make=making(broker))
            async with harness.running(made):
                await harness.tell(store, PAYMENTS[:1])
                await harness.until_published(store, len(harness.STEPS))
                await store.commit(Unit(unread))

                async def seen() -> bool:
                    return "strm_broken cannot be read" in caplog.text

                await harness.until(seen)
                await harness.tell(store, PAYMENTS[1:2])
                await harness.until_published(store, 2 * len(harness.STEPS))
        harness.check_story(broker.kept, PAYMENTS[:2])
        assert (broker.opened, caplog.text.count("cannot be read")) == (1, 1)

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
