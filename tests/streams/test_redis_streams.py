"""Redis Streams, by a real server and its own client."""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.services import server_url
from tests.streams import harness

pytestmark = pytest.mark.service("redis")
PAYMENTS = [f"pi_{number:04}" for number in range(40)]


@pytest.fixture
def client() -> Any:
    return redis.Redis.from_url(server_url("redis") or "")


@pytest.fixture
def key() -> str:
    return f"events-{uuid.uuid4().hex}"


def test_events_arrive_with_their_ids_in_the_order_of_each_payment(tmp_path: Path, client: Any, key: str) -> None:
    async def scenario() -> None:
        with harness.opened(tmp_path) as store:
            await harness.tell(store, PAYMENTS)
            async with harness.running(harness.worker(store, harness.stream("redis", key, server_url("redis") or ""))):
                await harness.until_published(store, len(PAYMENTS) * len(harness.STEPS))

    asyncio.run(scenario())
    client.xgroup_create(key, "accounting", id="0")
    ((_, entries),) = client.xreadgroup("accounting", "one", {key: ">"}, count=1000)
    harness.check_story([fields[b"event"] for _, fields in entries], PAYMENTS)
    assert all(fields[b"id"].decode() in fields[b"event"].decode() for _, fields in entries)
    client.close()


def test_a_key_that_holds_something_else_is_said_and_mended(tmp_path: Path, client: Any, key: str) -> None:
    client.set(key, "no stream")

    async def scenario() -> None:
        with harness.opened(tmp_path) as store:
            await harness.tell(store, PAYMENTS[:1])
            async with harness.running(harness.worker(store, harness.stream("redis", key, server_url("redis") or ""))):
                state = await harness.until_state(store, "refused", "configuration_refused")
                assert state.detail == "The key holds something else than a stream."
                assert state.published == 0
                client.delete(key)
                await harness.until_published(store, len(harness.STEPS))
                await harness.until_state(store, "running", None)

    asyncio.run(scenario())
    harness.check_story([fields[b"event"] for _, fields in client.xrange(key)], PAYMENTS[:1])
    client.close()


def test_a_wrong_password_is_said_and_not_shown(tmp_path: Path, key: str) -> None:
    async def scenario() -> None:
        own = harness.stream(
            "redis", key, server_url("redis") or "", credentials={"username": "shop", "password": "hush-hush"}
        )
        with harness.opened(tmp_path) as store:
            await harness.tell(store, PAYMENTS[:1])
            async with harness.running(harness.worker(store, own)):
                state = await harness.until_state(store, "refused", "credentials_refused")
                assert "hush" not in repr(state)

    asyncio.run(scenario())
