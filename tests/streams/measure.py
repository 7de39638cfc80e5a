"""How many events of the log a stream replays in a second, each confirmed by its broker.

`scripts/services run rabbitmq nats redis -- .venv/bin/python -m tests.streams.measure rabbitmq kafka --events 50000`

The events are in the log before the worker starts. RabbitMQ has a durable quorum queue behind the exchange; Kafka is
librdkafka's own mock of a cluster, in a process of its own, so this says what we can do and not what its disks can.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import multiprocessing
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

import uvloop

from bursar.store.store import Store
from bursar.streams.schemas import InstallationStream
from tests.services import server_url
from tests.streams import harness

PAYMENTS_OF_A_COMMIT = 200
PADDING = 1_000  # with it, events are as long as those of payments
SECONDS_MAX = 600.0
KINDS = ("rabbitmq", "kafka", "nats", "redis")


def serve_kafka(pipe: Pipe) -> None:
    from confluent_kafka import Producer

    keeper = Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 3, "log_level": 0})
    brokers = keeper.list_topics(timeout=20).brokers.values()
    address = ",".join(f"{broker.host}:{broker.port}" for broker in brokers)
    maker = Producer({"bootstrap.servers": address, "allow.auto.create.topics": True})
    topic = f"bursar-{uuid.uuid4().hex}"
    maker.list_topics(topic, timeout=20)
    pipe.send((address, topic))
    pipe.poll(SECONDS_MAX)
    keeper.flush(1)


@contextmanager
def broker(kind: str) -> Iterator[InstallationStream]:
    name = f"bursar-{uuid.uuid4().hex}"
    if kind == "kafka":
        ours, theirs = multiprocessing.Pipe()
        child = multiprocessing.get_context("spawn").Process(target=serve_kafka, args=(theirs,), daemon=True)
        child.start()
        address, topic = ours.recv()
        try:
            yield harness.stream("kafka", topic, address)
        finally:
            child.kill()
        return
    url = server_url(kind)
    if url is None:
        raise SystemExit(f"There is no {kind}: start it by scripts/services.")
    if kind == "rabbitmq":
        guest = {"username": "guest", "password": "guest"}
        yield harness.stream(kind, name, url.replace("guest:guest@", ""), declare=True, credentials=guest)
    else:
        yield harness.stream(kind, name, url, declare=kind == "nats")


async def fill(store: Store, events: int) -> None:
    steps = len(harness.STEPS)
    for first in range(0, events // steps, PAYMENTS_OF_A_COMMIT):
        payments = [f"pi_{n:08}" for n in range(first, min(first + PAYMENTS_OF_A_COMMIT, events // steps))]
        await harness.tell(store, payments, padding=PADDING)


async def replay(store: Store, own: InstallationStream, events: int, profile: cProfile.Profile | None) -> None:
    began, used = time.perf_counter(), time.process_time()
    if profile:
        profile.enable()
    async with harness.running(harness.worker(store, own)):
        published = 0
        while published < events and time.perf_counter() - began < SECONDS_MAX:
            await asyncio.sleep(0.1)
            state = await harness.state_of(store)
            published = state.published if state else 0
        seconds, processor = time.perf_counter() - began, time.process_time() - used
        if profile:
            profile.disable()
    print(
        f"{own.kind}: {published} of {events} events confirmed in {seconds:.1f} s: {published / seconds:.0f}/s, "
        f"{processor / max(published, 1) * 1e6:.0f} µs of processor each"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("kinds", nargs="+", choices=KINDS)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--profile", action="store_true", help="say which functions the time went to")
    wishes = parser.parse_args()
    events = wishes.events // len(harness.STEPS) * len(harness.STEPS)
    profile = cProfile.Profile() if wishes.profile else None
    for kind in wishes.kinds:
        with (
            tempfile.TemporaryDirectory() as folder,
            harness.opened(Path(folder)) as store,
            broker(kind) as own,
            asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        ):
            runner.run(fill(store, events))
            runner.run(replay(store, own, events, profile))
    if profile:
        profile.print_stats("tottime")


if __name__ == "__main__":
    main()
