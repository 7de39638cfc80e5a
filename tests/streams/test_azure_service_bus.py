"""Azure Service Bus: a peer of ours, which its own client takes for the service on both sides."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest

from bursar.store.columns import INSTALLATION
from bursar.streams.port import Message, Sink
from bursar.streams.registry import make_publisher
from bursar.streams.repository import StreamKey
from tests.services import server_url
from tests.streams import harness

pytestmark = pytest.mark.service("service_bus")
PAYMENTS = [f"pi_{number:04}" for number in range(8)]
EVENTS = len(PAYMENTS) * len(harness.STEPS)
FLIGHT_OF_THE_DYING = 7


def place() -> Any:
    return urlsplit(server_url("service_bus") or "")


def keys() -> dict[str, str]:
    return {"shared_access_key_name": place().username, "shared_access_key": place().password}


def queue(kind: str = "") -> str:
    """What its name says is the matter with it."""
    return f"payments-{kind}-{uuid.uuid4().hex}"


def own_stream(name: str, port: int | None = None, **more: Any) -> Any:
    address = f"amqp://127.0.0.1:{port or place().port}"
    return harness.stream("azure_service_bus", name, address, **{"credentials": keys(), **more})


async def taken(name: str, payments: Sequence[str], of_each: int) -> list[Any]:
    """What is in the payments' sessions, which are empty afterwards."""
    from azure.servicebus.aio import ServiceBusClient

    told = keys()
    client = ServiceBusClient.from_connection_string(
        f"Endpoint=sb://127.0.0.1:{place().port};SharedAccessKeyName={told['shared_access_key_name']};"
        f"SharedAccessKey={told['shared_access_key']};UseDevelopmentEmulator=true"
    )

    async def of_one(payment: str) -> list[Any]:
        found: list[Any] = []
        async with client.get_queue_receiver(name, session_id=payment) as receiver:
            while True:
                wait = 0.1 if len(found) >= of_each else harness.SECONDS_MAX
                messages = await receiver.receive_messages(max_message_count=50, max_wait_time=wait)
                if not messages:
                    return found
                for message in messages:
                    await receiver.complete_message(message)
                found += messages

    async with client:
        sessions = await asyncio.gather(*map(of_one, payments))
    return [message for session in sessions for message in session]


def bodies(messages: Sequence[Any]) -> list[bytes]:
    return [b"".join(message.body) for message in messages]


def test_sessions_have_each_payment_in_order_and_a_killed_publisher_repeats_the_same_bytes(tmp_path: Path) -> None:
    name = queue()

    async def tell() -> None:
        with harness.opened(tmp_path) as store:
            await harness.tell(store, PAYMENTS)

    async def finish() -> None:
        with harness.opened(tmp_path) as store:
            async with harness.running(harness.worker(store, own_stream(name))):
                await harness.until_published(store, EVENTS)
        messages = await taken(name, PAYMENTS, len(harness.STEPS))
        assert len(messages) == EVENTS + FLIGHT_OF_THE_DYING
        harness.check_story(bodies(messages), PAYMENTS)
        for message, body in zip(messages, bodies(messages), strict=True):
            assert f'"id":"{message.message_id}"'.encode() in body
            assert f'"type":"{message.subject}"'.encode() in body
            assert f'"partitionkey":"{message.session_id}"'.encode() in body
            assert message.content_type == "application/cloudevents+json"
            assert message.application_properties[b"cloudEvents_id"] == message.message_id.encode()

    asyncio.run(tell())
    harness.die_publishing(tmp_path, own_stream(name), 1)
    asyncio.run(finish())


def test_what_keeps_events_from_a_queue_is_said(tmp_path: Path) -> None:
    expected = {
        "missing": ("refused", "destination_missing"),
        "vanished": ("refused", "destination_missing"),
        "forbidden": ("refused", "not_allowed"),
        "disabled": ("refused", "configuration_refused"),
        "full": ("retrying", "destination_full"),
        "picky": ("refused", "message_refused"),
        "unknown": ("refused", "credentials_refused"),
        "away": ("retrying", "broker_away"),
    }
    different = {
        "unknown": own_stream(queue(), credentials=keys() | {"shared_access_key": "aHVzaC1odXNo"}),
        "away": own_stream(queue(), port=9),
    }
    streams = [msgspec.structs.replace(different.get(kind) or own_stream(queue(kind)), name=kind) for kind in expected]

    async def scenario() -> None:
        with harness.opened(tmp_path) as store:
            await harness.tell(store, PAYMENTS[:2], steps=1)
            async with harness.running(harness.worker(store, *streams)):
                for kind, (state, reason) in expected.items():
                    told = await harness.until_state(store, state, reason, StreamKey(INSTALLATION, 0, kind))
                    assert told.published == 0
                    assert "aHVzaC1odXNo" not in repr(told)

    asyncio.run(scenario())


def test_what_is_too_large_is_told_by_reference(tmp_path: Path) -> None:
    name = queue()

    async def scenario() -> None:
        with harness.opened(tmp_path) as store:
            await harness.tell(store, PAYMENTS[:1], steps=2, padding=260_000)
            async with harness.running(harness.worker(store, own_stream(name))):
                await harness.until_published(store, 2)
            state = await harness.state_of(store)
            assert state is not None
            assert state.referenced == 2
        assert all(b'"dataref":"/v1/events/evt_' in body for body in bodies(await taken(name, PAYMENTS[:1], 2)))

    asyncio.run(scenario())


async def handed(name: str, sizes: Sequence[int]) -> tuple[list[str | None], list[int]]:
    """What became of messages of these sizes, and how large those are that arrived."""
    publisher = make_publisher(Sink("azure_service_bus", f"amqp://127.0.0.1:{place().port}", name, keys()))
    flight = [Message(f"evt_{number}", "type", PAYMENTS[number], b"x" * size) for number, size in enumerate(sizes)]
    try:
        await publisher.open()
        results = await publisher.publish(flight)
    finally:
        await publisher.close()
    arrived = [message.key for message, problem in zip(flight, results, strict=True) if problem is None]
    found = await taken(name, arrived, 1)
    return [problem and problem.reason for problem in results], sorted(map(len, bodies(found)))


def test_what_does_not_fit_into_one_batch_goes_in_several() -> None:
    """Too many bytes for one, one message that no link takes, and a queue that wants each session by itself."""

    async def scenario() -> Any:
        return await asyncio.gather(
            handed(queue(), [10, 300_000, 10, 200_000, 200_000]), handed(queue("partitioned"), [10, 20, 30])
        )

    (told, sizes), (told_singly, sizes_singly) = asyncio.run(scenario())
    assert told == [None, "message_too_large", None, None, None]
    assert sizes == [10, 10, 200_000, 200_000]
    assert told_singly == [None] * 3
    assert sizes_singly == [10, 20, 30]


def test_what_is_confirmed_counts_although_the_rest_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bursar.streams.brokers.azure_service_bus.CONFIRM_SECONDS_MAX", 0.0)
    told, sizes = asyncio.run(handed(queue("partitioned"), [10, 20, 30]))
    assert told == [None, "broker_away", "broker_away"]
    assert sizes == [10]


def test_a_broker_that_goes_away_and_comes_back_misses_nothing(tmp_path: Path) -> None:
    name = queue()

    async def scenario() -> None:
        proxy = harness.Proxy(place().port)
        await proxy.start()
        with harness.opened(tmp_path) as store:
            async with harness.running(harness.worker(store, own_stream(name, proxy.port))):
                await harness.tell(store, PAYMENTS[:4])
                await harness.until_published(store, EVENTS // 2)
                await proxy.stop()
                await harness.tell(store, PAYMENTS[4:])
                await harness.until_state(store, "retrying", "broker_away")
                await proxy.start()
                await harness.until_published(store, EVENTS)
        await proxy.stop()
        harness.check_story(bodies(await taken(name, PAYMENTS, len(harness.STEPS))), PAYMENTS)

    asyncio.run(scenario())


def test_a_cancellation_that_the_client_loses_ends_the_publisher_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    from azure.servicebus.aio import ServiceBusSender

    entered = asyncio.Event()

    async def losing(_: Any) -> None:
        """As a wait for a frame does on Python 3.11, when the frame comes together with the cancellation."""
        entered.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        await asyncio.Event().wait()

    monkeypatch.setattr(ServiceBusSender, "create_message_batch", losing)

    async def scenario() -> None:
        publisher = make_publisher(Sink("azure_service_bus", f"amqp://127.0.0.1:{place().port}", queue(), keys()))
        task = asyncio.create_task(publisher.open())
        await entered.wait()
        task.cancel()
        await asyncio.wait([task], timeout=harness.SECONDS_MAX)
        assert task.cancelled()
        await publisher.close()

    asyncio.run(scenario())
