"""Apache Kafka: librdkafka's own mock of a cluster, and the vendor's client on both sides."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.streams import harness

pytestmark = pytest.mark.service("kafka")
PAYMENTS = [f"pi_{number:04}" for number in range(40)]
EVENTS = len(PAYMENTS) * len(harness.STEPS)


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """The addresses of three brokers, which live as long as the producer that has them inside."""
    from confluent_kafka import Producer

    keeper = Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 3, "log_level": 0})
    brokers = keeper.list_topics(timeout=10).brokers.values()
    yield ",".join(f"{broker.host}:{broker.port}" for broker in brokers)
    keeper.flush(1)


@pytest.fixture
def topic(cluster: str) -> str:
    """The mock makes a topic when somebody who may asks for it; our publisher does not."""
    from confluent_kafka import Producer

    name = f"bursar-{uuid.uuid4().hex}"
    maker = Producer({"bootstrap.servers": cluster, "allow.auto.create.topics": True})
    maker.list_topics(name, timeout=10)
    return name


def consumed(cluster: str, topic: str, at_least: int) -> list[Any]:
    from confluent_kafka import Consumer

    consumer = Consumer(
        {"bootstrap.servers": cluster, "group.id": f"accounting-{topic}", "auto.offset.reset": "earliest"}
    )
    consumer.subscribe([topic])
    found: list[Any] = []
    until = time.monotonic() + 30
    while len(found) < at_least and time.monotonic() < until:
        message = consumer.poll(0.5)
        if message is not None and message.error() is None:
            found.append(message)
    consumer.close()
    return found


def test_events_arrive_keyed_by_payment_in_order(tmp_path: Path, cluster: str, topic: str) -> None:
    async def scenario() -> None:
        with harness.opened(tmp_path) as store:
            await harness.tell(store, PAYMENTS)
            async with harness.running(harness.worker(store, harness.stream("kafka", topic, cluster))):
                await harness.until_published(store, EVENTS)

    asyncio.run(scenario())
    messages = consumed(cluster, topic, EVENTS)
    harness.check_story([message.value() for message in messages], PAYMENTS)
    assert len({message.partition() for message in messages}) > 1
    for message in messages:
        assert dict(message.headers())["ce_id"] in message.value()
        assert b'"partitionkey":"' + message.key() + b'"' in message.value()


def test_a_killed_publisher_repeats_the_same_bytes(tmp_path: Path, cluster: str, topic: str) -> None:
    async def tell() -> None:
        with harness.opened(tmp_path) as store:
            await harness.tell(store, PAYMENTS)

    async def finish() -> None:
        with harness.opened(tmp_path) as store:
            async with harness.running(harness.worker(store, harness.stream("kafka", topic, cluster))):
                await harness.until_published(store, EVENTS)

    asyncio.run(tell())
    harness.die_publishing(tmp_path, harness.stream("kafka", topic, cluster), 2)
    asyncio.run(finish())
    messages = consumed(cluster, topic, EVENTS + 14)
    assert len(messages) == EVENTS + 14
    harness.check_story([message.value() for message in messages], PAYMENTS)


def test_a_missing_topic_is_said(tmp_path: Path, cluster: str) -> None:
    async def scenario() -> None:
        with harness.opened(tmp_path) as store:
            await harness.tell(store, PAYMENTS[:1])
            async with harness.running(harness.worker(store, harness.stream("kafka", "nowhere", cluster))):
                await harness.until_state(store, "refused", "destination_missing")

    asyncio.run(scenario())


def test_an_event_longer_than_a_message_may_be_is_told_by_reference(tmp_path: Path, cluster: str, topic: str) -> None:
    async def scenario() -> None:
        with harness.opened(tmp_path) as store:
            await harness.tell(store, PAYMENTS[:1], padding=1_000_000)
            async with harness.running(harness.worker(store, harness.stream("kafka", topic, cluster))):
                await harness.until_published(store, len(harness.STEPS))

    asyncio.run(scenario())
    messages = consumed(cluster, topic, len(harness.STEPS))
    assert all(b'"dataref":"/v1/events/evt_' in message.value() for message in messages)


def test_a_cluster_that_is_away_is_said(tmp_path: Path, topic: str) -> None:
    async def scenario() -> None:
        with harness.opened(tmp_path) as store:
            await harness.tell(store, PAYMENTS[:1])
            async with harness.running(harness.worker(store, harness.stream("kafka", topic, "127.0.0.1:9"))):
                await harness.until_state(store, "retrying", "broker_away")

    asyncio.run(scenario())
