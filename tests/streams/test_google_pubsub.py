"""Google Cloud Pub/Sub: Google's own fake of it, asked and consumed by Google's own client."""

from __future__ import annotations

import asyncio
import queue
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bursar.store.columns import INSTALLATION
from bursar.streams.port import Message, Sink
from bursar.streams.registry import make_publisher
from bursar.streams.repository import StreamKey
from tests.streams import harness, pubsub_server
from tests.streams.pubsub_server import PubSub

pytestmark = pytest.mark.service("go")
PAYMENTS = [f"pi_{number:04}" for number in range(12)]
EVENTS = len(PAYMENTS) * len(harness.STEPS)
FLIGHT_OF_THE_DYING = 7


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PubSub]:
    with pubsub_server.running(tmp_path_factory.mktemp("pubsub")) as found, pytest.MonkeyPatch.context() as patch:
        # What Google's client reads: where the emulator is, and whose certificates to trust.
        patch.setenv("PUBSUB_EMULATOR_HOST", found.plain)
        patch.setenv("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", str(found.certificate))
        yield found


def topic(kind: str = "") -> str:
    """What its name says is the matter with it."""
    return f"projects/shop/topics/payments-{kind}-{uuid.uuid4().hex}"


def own_stream(server: PubSub, name: str, **more: Any) -> Any:
    return harness.stream("google_pubsub", name, **{"endpoint": f"http://{server.plain}", "declare": True, **more})


def taken(name: str, at_least: int) -> list[Any]:
    """What the topic's subscription gets, each message acknowledged."""
    from google.cloud.pubsub_v1 import SubscriberClient  # type: ignore[import-untyped]

    found: queue.Queue[Any] = queue.Queue()

    def take(message: Any) -> None:
        found.put(message)
        message.ack()

    with SubscriberClient() as subscriber:
        pulling = subscriber.subscribe(name.replace("/topics/", "/subscriptions/"), callback=take)
        messages = [found.get(timeout=harness.SECONDS_MAX) for _ in range(at_least)]
        pulling.cancel()
        pulling.result(timeout=harness.SECONDS_MAX)
    assert found.empty()
    return messages


def test_events_arrive_keyed_by_payment_and_a_killed_publisher_repeats_the_same_bytes(
    tmp_path: Path, server: PubSub
) -> None:
    name = topic()

    async def tell() -> None:
        with harness.opened(tmp_path) as store:
            await harness.tell(store, PAYMENTS)

    async def finish() -> None:
        with harness.opened(tmp_path) as store:
            async with harness.running(harness.worker(store, own_stream(server, name))):
                await harness.until_published(store, EVENTS)

    asyncio.run(tell())
    harness.die_publishing(tmp_path, own_stream(server, name), 1)
    asyncio.run(finish())
    messages = taken(name, EVENTS + FLIGHT_OF_THE_DYING)
    harness.check_story([message.data for message in messages], PAYMENTS)
    for message in messages:
        assert f'"id":"{message.attributes["ce-id"]}"'.encode() in message.data
        assert f'"type":"{message.attributes["ce-type"]}"'.encode() in message.data
        assert f'"partitionkey":"{message.ordering_key}"'.encode() in message.data
        assert message.attributes["content-type"] == "application/cloudevents+json"


def test_what_keeps_events_from_a_topic_is_said(tmp_path: Path, server: PubSub) -> None:
    guarded = f"https://{server.guarded}"
    expected = {
        "missing": ("refused", "destination_missing"),
        "unsubscribed": ("refused", "destination_missing"),
        "hidden": ("refused", "destination_missing"),
        "forbidden": ("refused", "not_allowed"),
        "keyless": ("refused", "configuration_refused"),
        "picky": ("refused", "message_refused"),
        "exhausted": ("retrying", "destination_full"),
        "unknown": ("refused", "credentials_refused"),
        "unreadable": ("refused", "credentials_refused"),
        "away": ("retrying", "broker_away"),
    }
    different: dict[str, dict[str, Any]] = {
        "missing": {"declare": False},
        "hidden": {"declare": False},  # whether it is there is told only when something is published
        "unknown": {"endpoint": guarded, "credentials": {"service_account": server.account_of_another()}},
        "unreadable": {
            "endpoint": guarded,
            "credentials": {"service_account": '{"client_email": "a@example.com", "private_key": "hush"}'},
        },
        "away": {"endpoint": "http://127.0.0.1:9"},
    }
    streams = {
        kind: msgspec.structs.replace(own_stream(server, topic(kind), **different.get(kind, {})), name=kind)
        for kind in expected
    }
    lonely = streams["unsubscribed"] = msgspec.structs.replace(streams["unsubscribed"], declare=False)
    make_topic(lonely.destination)

    async def scenario() -> None:
        with harness.opened(tmp_path) as store:
            await harness.tell(store, PAYMENTS[:2], steps=1)
            async with harness.running(harness.worker(store, *streams.values())):
                for kind, (state, reason) in expected.items():
                    told = await harness.until_state(store, state, reason, StreamKey(INSTALLATION, 0, kind))
                    assert told.published == 0
                    assert "hush" not in repr(told)

    asyncio.run(scenario())


def test_a_topic_that_gets_a_subscription_gets_everything(tmp_path: Path, server: PubSub) -> None:
    name = topic()

    async def scenario() -> None:
        with harness.opened(tmp_path) as store:
            await harness.tell(store, PAYMENTS[:1])
            own = own_stream(server, name, declare=False)
            async with harness.running(harness.worker(store, own)):
                await harness.until_state(store, "refused", "destination_missing")
                await asyncio.to_thread(subscribe, name)
                await harness.until_published(store, len(harness.STEPS))
                await harness.until_state(store, "running", None)

    asyncio.run(scenario())
    messages = taken(name, len(harness.STEPS))
    harness.check_story([message.data for message in messages], PAYMENTS[:1])


def make_topic(name: str) -> None:
    from google.cloud.pubsub_v1 import PublisherClient

    with PublisherClient() as publisher:
        publisher.create_topic(name=name)


def subscribe(name: str) -> None:
    from google.cloud.pubsub_v1 import SubscriberClient

    make_topic(name)
    with SubscriberClient() as subscriber:
        wanted = {"name": name.replace("/topics/", "/subscriptions/"), "topic": name, "enable_message_ordering": True}
        subscriber.create_subscription(request={**wanted, "ack_deadline_seconds": 60})


def test_a_service_account_signs_for_itself_and_asks_no_address_of_its_file(tmp_path: Path, server: PubSub) -> None:
    name = topic()

    async def scenario() -> None:
        own = own_stream(
            server, name, endpoint=f"https://{server.guarded}", credentials={"service_account": server.account}
        )
        with harness.opened(tmp_path) as store:
            await harness.tell(store, PAYMENTS[:1])
            async with harness.running(harness.worker(store, own)):
                await harness.until_published(store, len(harness.STEPS))

    asyncio.run(scenario())
    harness.check_story([message.data for message in taken(name, len(harness.STEPS))], PAYMENTS[:1])


@pytest.mark.parametrize("place", ["plain", "guarded"])
def test_a_message_that_is_too_large_for_google_or_for_grpc_holds_up_no_other(server: PubSub, place: str) -> None:
    name, is_plain = topic(), place == "plain"
    sink = Sink(
        "google_pubsub",
        "",
        name,
        {} if is_plain else {"service_account": server.account},
        declare=True,
        endpoint=f"http://{server.plain}" if is_plain else f"https://{server.guarded}",
    )
    bodies = [b"x", b"x" * 10_000_001, b"x"]

    async def scenario() -> list[Any]:
        publisher = make_publisher(sink)
        try:
            await publisher.open()
            return await publisher.publish(
                [Message(f"evt_{number}", "type", PAYMENTS[number], body) for number, body in enumerate(bodies)]
            )
        finally:
            await publisher.close()

    results = asyncio.run(scenario())
    assert [problem and problem.reason for problem in results] == [None, "message_too_large", None]
    assert {message.ordering_key for message in taken(name, 2)} == {PAYMENTS[0], PAYMENTS[2]}


def test_a_broker_that_goes_away_and_comes_back_misses_nothing(tmp_path: Path, server: PubSub) -> None:
    name = topic()

    async def scenario() -> None:
        proxy = harness.Proxy(int(server.plain.rpartition(":")[2]))
        await proxy.start()
        with harness.opened(tmp_path) as store:
            own = own_stream(server, name, endpoint=f"http://127.0.0.1:{proxy.port}")
            async with harness.running(harness.worker(store, own)):
                await harness.tell(store, PAYMENTS[:6])
                await harness.until_published(store, EVENTS // 2)
                await proxy.stop()
                await harness.tell(store, PAYMENTS[6:])
                await harness.until_state(store, "retrying", "broker_away")
                await proxy.start()
                await harness.until_published(store, EVENTS)
        await proxy.stop()

    asyncio.run(scenario())
    harness.check_story([message.data for message in taken(name, EVENTS)], PAYMENTS)
