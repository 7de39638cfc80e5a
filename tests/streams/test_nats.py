"""NATS JetStream, by a real server and its own client."""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import nats
import pytest

from tests.services import server_url
from tests.streams import harness
from tests.streams.own_brokers import OwnNats

pytestmark = pytest.mark.service("nats")
PAYMENTS = [f"pi_{number:04}" for number in range(40)]
EVENTS = len(PAYMENTS) * len(harness.STEPS)


@pytest.fixture
def name() -> str:
    return f"bursar-{uuid.uuid4().hex}"


def own_stream(name: str, address: str | None = None, **more: Any) -> Any:
    return harness.stream("nats", name, address or server_url("nats") or "", **{"declare": True, **more})


async def taken(name: str, at_least: int) -> list[Any]:
    client = await nats.connect(server_url("nats") or "")
    try:
        found: list[Any] = []
        stream = client.jetstream()
        subscription = await stream.pull_subscribe(f"{name}.>", durable="accounting")
        while True:
            try:
                # Once everything is there, a moment more shows whether there is too much.
                messages = await subscription.fetch(100, timeout=harness.SECONDS_MAX if len(found) < at_least else 0.2)
            except TimeoutError:
                break
            for message in messages:
                await message.ack()
            found += messages
        await stream.delete_stream(name)
        return found
    finally:
        await client.close()


def test_events_arrive_and_the_broker_itself_drops_what_comes_twice(tmp_path: Path, name: str) -> None:
    async def scenario() -> None:
        with harness.opened(tmp_path) as store:
            async with harness.running(harness.worker(store, own_stream(name))):
                await harness.until_published(store, EVENTS)
        messages = await taken(name, EVENTS)
        assert len(messages) == EVENTS
        harness.check_story([message.data for message in messages], PAYMENTS)
        assert messages[0].subject == f"{name}.payment_intent.created"
        assert messages[0].headers["Nats-Msg-Id"].encode() in messages[0].data

    async def tell() -> None:
        with harness.opened(tmp_path) as store:
            await harness.tell(store, PAYMENTS)

    asyncio.run(tell())
    harness.die_publishing(tmp_path, own_stream(name), 2)
    asyncio.run(scenario())


def test_what_the_server_finds_too_large_is_told_by_reference(tmp_path: Path, name: str) -> None:
    async def scenario() -> None:
        with harness.opened(tmp_path) as store:
            await harness.tell(store, PAYMENTS[:1], padding=1_048_000)
            async with harness.running(harness.worker(store, own_stream(name))):
                await harness.until_published(store, len(harness.STEPS))
            state = await harness.state_of(store)
            assert state is not None
            assert state.referenced == len(harness.STEPS)
        messages = await taken(name, len(harness.STEPS))
        assert len(messages) == len(harness.STEPS)
        assert all(b'"dataref":"/v1/events/evt_' in message.data for message in messages)
        assert b'"url":"/v1/payment_intents/pi_0000"' in messages[0].data

    asyncio.run(scenario())


def test_a_subject_without_a_stream_is_said(tmp_path: Path, name: str) -> None:
    async def scenario() -> None:
        with harness.opened(tmp_path) as store:
            await harness.tell(store, PAYMENTS[:1])
            async with harness.running(harness.worker(store, own_stream(name, declare=False))):
                await harness.until_state(store, "refused", "destination_missing")

    asyncio.run(scenario())


def test_a_wrong_password_is_said_and_not_shown_and_a_right_one_mends_it(tmp_path: Path) -> None:
    own, folder = OwnNats(tmp_path / "nats"), tmp_path / "log"
    own.folder.mkdir()
    folder.mkdir()
    own.access = ("--user", "shop", "--pass", "hush-hush")

    async def scenario() -> None:
        await own.listening()
        with harness.opened(folder) as store:
            await harness.tell(store, PAYMENTS[:1])
            for password, state, reason in (("hush", "refused", "credentials_refused"), ("hush-hush", "running", None)):
                made = harness.stream(
                    "nats",
                    "payments",
                    f"nats://127.0.0.1:{own.port}",
                    declare=True,
                    credentials={"username": "shop", "password": password},
                )
                async with harness.running(harness.worker(store, made)):
                    assert "hush" not in repr(await harness.until_state(store, state, reason))
                    if reason is None:
                        await harness.until_published(store, len(harness.STEPS))

    own.start()
    try:
        asyncio.run(scenario())
    finally:
        own.kill()


def test_a_broker_that_goes_away_and_comes_back_misses_nothing(tmp_path: Path, name: str) -> None:
    async def scenario() -> None:
        proxy = harness.Proxy(urlsplit(server_url("nats") or "").port or 0)
        await proxy.start()
        with harness.opened(tmp_path) as store:
            own = own_stream(name, f"nats://127.0.0.1:{proxy.port}")
            async with harness.running(harness.worker(store, own)):
                await harness.tell(store, PAYMENTS[:20])
                await harness.until_published(store, EVENTS // 2)
                await proxy.stop()
                await harness.tell(store, PAYMENTS[20:])
                await harness.until_state(store, "retrying", "broker_away")
                await proxy.start()
                await harness.until_published(store, EVENTS)
        await proxy.stop()
        harness.check_story([message.data for message in await taken(name, EVENTS)], PAYMENTS)

    asyncio.run(scenario())
