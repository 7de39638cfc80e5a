"""Workers and brokers killed at whatever moment: nothing is lost, and what comes twice is the same bytes."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import redis

from bursar.streams.schemas import InstallationStream
from tests.services import server_url
from tests.streams import harness
from tests.streams.own_brokers import OwnBroker, OwnNats, OwnRabbitMQ, OwnRedis

PAYMENTS_OF_A_LIFE = 12
EVENTS_OF_A_LIFE = PAYMENTS_OF_A_LIFE * len(harness.STEPS)
ROOT = Path(__file__).resolve().parents[2]
# The client forgets to close a socket that was cut under it.
FORGOTTEN_SOCKETS = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@contextmanager
def living(folder: Path, own: InstallationStream) -> Iterator[subprocess.Popen[bytes]]:
    """A process that carries the stream until it is killed. It says so when it begins."""
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.streams.dying", str(folder), msgspec.json.encode(own).decode(), "0"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"},
        stdout=subprocess.PIPE,
    )
    assert child.stdout is not None
    with child.stdout:
        try:
            assert child.stdout.readline() == b"begins\n"
            yield child
        finally:
            child.kill()
            child.wait()


def payments_of(life: int) -> list[str]:
    return [f"pi_{life:04}_{number:02}" for number in range(PAYMENTS_OF_A_LIFE)]


def all_payments(lives: int) -> list[str]:
    return [payment for life in range(lives) for payment in payments_of(life)]


def lives_of_workers(folder: Path, kills: int) -> list[bytes]:
    """What the broker has got, after so many workers were killed while they published."""
    chance = random.Random(kills)  # noqa: S311 - moments of a test
    own = harness.stream("redis", f"events-{uuid.uuid4().hex}", server_url("redis") or "")

    async def tell(life: int) -> None:
        with harness.opened(folder) as store:
            await harness.tell(store, payments_of(life))

    async def finish() -> None:
        with harness.opened(folder) as store:
            async with harness.running(harness.worker(store, own)):
                await harness.until_published(store, EVENTS_OF_A_LIFE * kills)

    async def first_of_it(client: Any, before: int) -> None:
        async def begun() -> bool:
            return bool(client.xlen(own.destination) > before)

        await harness.until(begun, pause=0.001)
        await asyncio.sleep(chance.random() * 0.03)

    with redis.Redis.from_url(server_url("redis") or "") as client:
        for life in range(kills):
            asyncio.run(tell(life))
            before: Any = client.xlen(own.destination)
            with living(folder, own):
                asyncio.run(first_of_it(client, before))
            harness.forget_leases(folder)
        asyncio.run(finish())
        entries: Any = client.xrange(own.destination)
        client.delete(own.destination)
    return [fields[b"event"] for _, fields in entries]


@pytest.mark.service("redis")
def test_a_killed_worker_loses_nothing(tmp_path: Path) -> None:
    harness.check_story(lives_of_workers(tmp_path, 3), all_payments(3))


@pytest.mark.slow
@pytest.mark.service("redis")
def test_a_worker_killed_a_hundred_times_loses_nothing(tmp_path: Path) -> None:
    bodies = lives_of_workers(tmp_path, 100)
    harness.check_story(bodies, all_payments(100))
    # Or no kill came between a confirmation and the cursor, and nothing was tried.
    assert len(bodies) > 100 * EVENTS_OF_A_LIFE


async def lives_of_a_broker(folder: Path, broker: OwnBroker, kills: int, life_seconds_max: float) -> list[bytes]:
    """What the broker has kept, after it was killed so often while it was published to."""
    chance = random.Random(kills)  # noqa: S311 - moments of a test
    with harness.opened(folder) as store:
        async with harness.running(harness.worker(store, broker.stream())):
            for life in range(kills):
                broker.start()
                await broker.listening()
                await harness.tell(store, payments_of(life))
                await asyncio.sleep(chance.random() * life_seconds_max)
                broker.kill()
            broker.start()
            await broker.listening()
            await harness.until_published(store, EVENTS_OF_A_LIFE * kills)
            await harness.until_state(store, "running", None)
        return await broker.bodies(EVENTS_OF_A_LIFE * kills)


def check_lives(tmp_path: Path, broker: OwnBroker, kills: int, life_seconds_max: float = 0.3) -> None:
    try:
        bodies = asyncio.run(lives_of_a_broker(tmp_path, broker, kills, life_seconds_max))
        harness.check_story(bodies, all_payments(kills))
    finally:
        broker.kill()


def folder_of(tmp_path: Path) -> Path:
    folder = tmp_path / "broker"
    folder.mkdir()
    return folder


@FORGOTTEN_SOCKETS
@pytest.mark.parametrize("kind", [OwnNats, OwnRedis], ids=["nats", "redis"])
@pytest.mark.service("nats", "redis")
def test_a_killed_broker_loses_nothing(tmp_path: Path, kind: type[OwnBroker]) -> None:
    check_lives(tmp_path, kind(folder_of(tmp_path)), 3)


@FORGOTTEN_SOCKETS
@pytest.mark.slow
@pytest.mark.parametrize("kind", [OwnNats, OwnRedis], ids=["nats", "redis"])
@pytest.mark.service("nats", "redis")
def test_a_broker_killed_a_hundred_times_loses_nothing(tmp_path: Path, kind: type[OwnBroker]) -> None:
    check_lives(tmp_path, kind(folder_of(tmp_path)), 100)


@FORGOTTEN_SOCKETS
@pytest.mark.slow
@pytest.mark.service("rabbitmq")
def test_a_killed_quorum_queue_loses_nothing(tmp_path: Path) -> None:
    """Ten times, as each of its starts takes seconds."""
    broker = OwnRabbitMQ(tmp_path)
    try:
        check_lives(tmp_path, broker, 10, 2.0)
    finally:
        shutil.rmtree(broker.folder, ignore_errors=True)
