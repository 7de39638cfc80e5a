"""RabbitMQ, by a real server and the vendor-neutral client of AMQP."""

from __future__ import annotations

import asyncio
import gc
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aio_pika
import pytest

from bursar.store.unit import Unit
from tests.services import server_url
from tests.streams import harness

pytestmark = pytest.mark.service("rabbitmq")
PAYMENTS = [f"pi_{number:04}" for number in range(40)]
EVENTS = len(PAYMENTS) * len(harness.STEPS)
GUEST = {"username": "guest", "password": "guest"}


@pytest.fixture
def name() -> str:
    return f"bursar-{uuid.uuid4().hex}"


def port() -> int:
    return urlsplit(server_url("rabbitmq") or "").port or 0


def own_stream(name: str, at: int = 0, **more: Any) -> Any:
    return harness.stream(
        "rabbitmq", name, f"amqp://127.0.0.1:{at or port()}/", **{"credentials": GUEST, "declare": True, **more}
    )


@asynccontextmanager
async def channel() -> AsyncIterator[aio_pika.abc.AbstractChannel]:
    connection = await aio_pika.connect(server_url("rabbitmq"))
    async with connection:
        yield await connection.channel()


async def taken(name: str, at_least: int) -> list[aio_pika.abc.AbstractIncomingMessage]:
    """What is in the queue, which is gone afterwards."""
    found: list[aio_pika.abc.AbstractIncomingMessage] = []
    async with channel() as own, asyncio.timeout(harness.SECONDS_MAX):
        queue = await own.get_queue(name)
        while True:
            message = await queue.get(fail=False)
            if message is not None:
                await message.ack()
                found.append(message)
            elif len(found) >= at_least:
                break
            else:
                await asyncio.sleep(0.05)
        await own.queue_delete(name)
        await own.exchange_delete(name)
    return found


def test_events_arrive_confirmed_and_in_the_order_of_each_payment(tmp_path: Path, name: str) -> None:
    async def scenario() -> None:
        with harness.opened(tmp_path) as store:
            await harness.tell(store, PAYMENTS)
            async with harness.running(harness.worker(store, own_stream(name))):
                await harness.until_published(store, EVENTS)
        messages = await taken(name, EVENTS)
        harness.check_story([message.body for message in messages], PAYMENTS)
        told = json.loads(messages[0].body)
        assert messages[0].message_id == told["id"]
        assert messages[0].routing_key == messages[0].type == told["type"]
        assert messages[0].content_type == "application/cloudevents+json"
        assert messages[0].delivery_mode == aio_pika.DeliveryMode.PERSISTENT

    asyncio.run(scenario())


# The client drops its own half-made connection when it is not let in.
@pytest.mark.filterwarnings("ignore:.*Connection.close:pytest.PytestUnraisableExceptionWarning")
def test_a_missing_exchange_and_a_wrong_password_are_said(tmp_path: Path, name: str) -> None:
    async def scenario() -> None:
        with harness.opened(tmp_path) as store:
            await harness.tell(store, PAYMENTS[:1])
            async with harness.running(harness.worker(store, own_stream(name, declare=False))):
                state = await harness.until_state(store, "refused", "destination_missing")
                assert state.retry_at is not None
            wrong = own_stream(name, credentials={"username": "guest", "password": "hush-hush"})
            async with harness.running(harness.worker(store, wrong)):
                state = await harness.until_state(store, "refused", "credentials_refused")
                assert "hush" not in repr(state)
            async with harness.running(harness.worker(store, own_stream(name))):
                await harness.until_published(store, len(harness.STEPS))
        harness.check_story([message.body for message in await taken(name, len(harness.STEPS))], PAYMENTS[:1])

    asyncio.run(scenario())
    gc.collect()  # here, and not in whichever test comes next


def test_what_no_queue_takes_is_not_lost(tmp_path: Path, name: str) -> None:
    async def scenario() -> None:
        with harness.opened(tmp_path) as store:
            await harness.tell(store, PAYMENTS[:1])
            async with channel() as own:
                exchange = await own.declare_exchange(name, aio_pika.ExchangeType.TOPIC, durable=True)
                async with harness.running(harness.worker(store, own_stream(name, declare=False))):
                    await harness.until_state(store, "refused", "destination_missing")
                    queue = await own.declare_queue(name, durable=True, arguments={"x-queue-type": "quorum"})
                    await queue.bind(exchange, "#")
                    await harness.until_published(store, len(harness.STEPS))
        harness.check_story([message.body for message in await taken(name, len(harness.STEPS))], PAYMENTS[:1])

    asyncio.run(scenario())


def test_what_the_broker_finds_too_large_is_told_by_reference_and_the_rest_whole(tmp_path: Path, name: str) -> None:
    async def scenario() -> None:
        small, large = PAYMENTS[:3], "pi_large"
        with harness.opened(tmp_path) as store:
            entries = [harness.entry(payment, 0) for payment in small]
            await store.commit(Unit([], [*entries, harness.entry(large, 0, padding=2_100_000)]))
            # More than the broker takes: it says so by closing the channel, whatever else is on its way there.
            async with harness.running(harness.worker(store, own_stream(name, message_bytes_max=4_000_000))):
                await harness.until_published(store, len(small) + 1)
                await harness.tell_step(store, [large], 1, padding=2_100_000)
                await harness.until_published(store, len(small) + 2)
                state = await harness.until_state(store, "running", None)
        assert state.referenced == 2
        told = {}
        for message in await taken(name, len(small) + 2):
            told[message.message_id] = json.loads(message.body)
        assert sorted(one["partitionkey"] for one in told.values()) == sorted([*small, large, large])
        assert all(("dataref" in one) == (one["partitionkey"] == large) for one in told.values())

    asyncio.run(scenario())


def test_a_broker_that_goes_away_and_comes_back_misses_nothing(tmp_path: Path, name: str) -> None:
    async def scenario() -> None:
        proxy = harness.Proxy(port())
        await proxy.start()
        with harness.opened(tmp_path) as store:
            async with harness.running(harness.worker(store, own_stream(name, proxy.port))):
                await harness.tell(store, PAYMENTS[:20])
                await harness.until_published(store, EVENTS // 2)
                await proxy.stop()
                await harness.tell(store, PAYMENTS[20:])
                state = await harness.until_state(store, "retrying", "broker_away")
                assert state.published == EVENTS // 2
                await proxy.start()
                await harness.until_published(store, EVENTS)
                await harness.until_state(store, "running", None)
        await proxy.stop()
        harness.check_story([message.body for message in await taken(name, EVENTS)], PAYMENTS)

    asyncio.run(scenario())


def test_a_publisher_killed_behind_the_confirmation_repeats_the_same_bytes(tmp_path: Path, name: str) -> None:
    async def tell() -> None:
        with harness.opened(tmp_path) as store:
            await harness.tell(store, PAYMENTS)

    async def finish() -> None:
        with harness.opened(tmp_path) as store:
            async with harness.running(harness.worker(store, own_stream(name))):
                await harness.until_published(store, EVENTS)
        messages = await taken(name, EVENTS + 1)
        assert len(messages) > EVENTS
        harness.check_story([message.body for message in messages], PAYMENTS)

    asyncio.run(tell())
    for flights in (1, 3):
        harness.die_publishing(tmp_path, own_stream(name), flights)
    asyncio.run(finish())
