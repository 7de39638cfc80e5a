"""Takes events to a broker in their order, flight by flight."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import NamedTuple

from bursar.events.reader import LoggedEvent
from bursar.streams.cloud_events import message_of, reference_of
from bursar.streams.port import CONFIRM_SECONDS_MAX, Message, Problem, Publisher, StreamProblem
from bursar.streams.rules import flights

# Then no further flight begins, and what has arrived is written down first. It matters where a broker is slow and many
# events are of one payment, which leave one by one. How long the last flight may take is for whoever holds the lease.
SHIP_SECONDS_MAX = 5.0
MESSAGES_BEFORE_OTHERS = 100  # made in one go, about a millisecond: requests wait no longer


class Shipped(NamedTuple):
    # How many of the first events the broker has for sure.
    taken: int
    # How many of them were told by reference, as they were too large.
    referenced: int
    # What kept the next one from it.
    problem: Problem | None


async def ship(publisher: Publisher, events: Sequence[LoggedEvent]) -> Shipped:
    """Behind the first event that is not taken others may be: they will be sent again, and are the same again.

    Raises StreamProblem.
    """
    messages = await _messages(publisher, events)
    planned = flights(messages, publisher.flight_max)
    until = time.monotonic() + SHIP_SECONDS_MAX
    for place, flight in enumerate(planned):
        if place and time.monotonic() > until:
            return _shipped(messages, min(number for later in planned[place:] for number in later), None)
        refused = await _send(publisher, events, messages, flight)
        if refused:
            behind = (number for later in planned[place + 1 :] for number in later)
            return _shipped(messages, min((*refused, *behind)), next(iter(refused.values())))
    return _shipped(messages, len(messages), None)


async def _messages(publisher: Publisher, events: Sequence[LoggedEvent]) -> list[Message]:
    messages = []
    for number, event in enumerate(events, 1):
        messages.append(message_of(event, publisher.message_bytes_max))
        if number % MESSAGES_BEFORE_OTHERS == 0:
            await asyncio.sleep(0)
    return messages


async def _send(
    publisher: Publisher, events: Sequence[LoggedEvent], messages: list[Message], flight: Sequence[int]
) -> dict[int, Problem]:
    """What was refused, and why. What the broker finds too large goes once more as a reference."""
    refused = await _confirmed(publisher, messages, flight)
    oversized = [number for number, problem in refused.items() if problem.reason == "message_too_large"]
    if oversized:
        for number in oversized:
            messages[number] = reference_of(events[number])
            del refused[number]
        refused |= await _confirmed(publisher, messages, oversized)
    return refused


async def _confirmed(publisher: Publisher, messages: Sequence[Message], flight: Sequence[int]) -> dict[int, Problem]:
    try:
        async with asyncio.timeout(CONFIRM_SECONDS_MAX):
            results = await publisher.publish([messages[number] for number in flight])
    except TimeoutError:
        raise StreamProblem("broker_away", f"No confirmation within {CONFIRM_SECONDS_MAX:.0f} s.") from None
    return {number: problem for number, problem in zip(flight, results, strict=True) if problem is not None}


def _shipped(messages: Sequence[Message], taken: int, problem: Problem | None) -> Shipped:
    return Shipped(taken, sum(message.is_reference for message in messages[:taken]), problem)
