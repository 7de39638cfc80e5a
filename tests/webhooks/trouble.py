"""The run that everything is tried by: many events, some receivers in trouble, and what the healthy ones see of it."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

from tests.webhooks.receivers import OK, Behaviour, Received, Receiver, receiving, status
from tests.webhooks.world import World, hasty

TROUBLE = 0.3  # of all requests to a receiver in trouble
HANG_SECONDS = 30.0  # longer than any try may take
# Tries that are as many as the product's, and follow each other sooner. One in three fails, so that of as many in
# a row all fail once in ten million.
PACE = hasty(
    waits_seconds=(0.05, 0.1, 0.2) + (0.3,) * 11,
    total_seconds_max=0.5,
    connect_seconds_max=0.5,
    pause_seconds_max=0.2,
)


@dataclass(frozen=True)
class Told:
    """What came of a run."""

    statuses: dict[str, int]
    # Of the healthy receivers: from the commit of an event to its arrival.
    latencies: list[float]
    arrived: list[set[str]]
    events: int

    def latency(self, share: float) -> float:
        return sorted(self.latencies)[int(len(self.latencies) * share)]


def in_trouble(seed: int) -> Behaviour:
    """Errors, hangs and resets, by chance."""
    chance = random.Random(seed)  # noqa: S311 - the order of a test

    async def behave(_received: Received, writer: asyncio.StreamWriter) -> bool:
        if chance.random() >= TROUBLE:
            writer.write(OK)
            return True
        kind = chance.choice(("error", "hang", "reset"))
        if kind == "error":
            writer.write(status(chance.choice((500, 502, 503))))
            return True
        if kind == "hang":
            await asyncio.sleep(HANG_SECONDS)
            return False
        writer.transport.abort()
        return False

    return behave


async def run(
    world: World,
    behaviours: Sequence[Behaviour | None],
    events: int,
    events_per_second: float,
    seconds_max: float,
    disabling: bool = False,
) -> Told:
    """Behaviours of the receivers, None for a healthy one.

    With `disabling`, those that fail are disabled, but only once everything has been told and the healthy ones have
    all of it: to an endpoint that is disabled while events still come, the later ones are not sent at all.
    """
    told = events + 1
    async with AsyncExitStack() as stack:
        receivers = [await stack.enter_async_context(receiving(behaviour)) for behaviour in behaviours]
        healthy = [receiver for receiver, behaviour in zip(receivers, behaviours, strict=True) if behaviour is None]
        async with world.working():
            for receiver in receivers:
                await world.listen(receiver.url)
            await world.tell(1, "customer.created")
            for receiver in healthy:
                await receiver.until_received(1, seconds_max)
            committed: dict[str, float] = {}
            began = time.monotonic()
            for number in range(events):
                await asyncio.sleep(max(0.0, began + number / events_per_second - time.monotonic()))
                await world.tell(1, "charge.succeeded", name=str(number))
                committed[str(number)] = time.monotonic()
            if disabling:
                await world.until_taken_in(told * len(receivers), seconds_max)
                for receiver in healthy:
                    await receiver.until(lambda receiver=receiver: len(_events(receiver)) == told, seconds_max)  # type: ignore[misc]
            else:
                rows = await world.until_none_pending(seconds_max, told * len(receivers))
        if disabling:
            async with world.working(replace(world.pace, disabled_after_seconds=0.1)):
                rows = await world.until_none_pending(seconds_max, told * len(receivers))
    statuses: dict[str, int] = {}
    for row in rows:
        statuses[row.status] = statuses.get(row.status, 0) + 1
    latencies = [latency for receiver in healthy for latency in _latencies(receiver, committed)]
    return Told(statuses, latencies, [_events(receiver) for receiver in receivers], told)


def _events(receiver: Receiver) -> set[str]:
    return {one.event_id for one in receiver.received}


def _latencies(receiver: Receiver, committed: dict[str, float]) -> list[float]:
    found: dict[str, float] = {}
    for one in receiver.received:
        name = json.loads(one.body)["data"]["object"].get("name")
        if name is not None:
            found.setdefault(name, one.at - committed[name])
    return list(found.values())
