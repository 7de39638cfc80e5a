"""What waits for one receiver, and how much of it may be on its way at once."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from bursar.webhooks.delivery_repository import StoredDelivery
from bursar.webhooks.receiver import Receiver, RefusedReceiver
from bursar.webhooks.repository import ENABLED, StoredEndpoint
from bursar.webhooks.rules import Pace
from bursar.webhooks.signing import SigningKey

# Of one receiver, in memory; the rest waits in the database.
READY_MAX = 500
# Of all receivers together. Beyond it, each has only a few in memory.
READY_BYTES_MAX = 64 * 1024 * 1024
READY_WHEN_FULL_MAX = 8


@dataclass(slots=True)
class Job:
    delivery: StoredDelivery
    body: bytes


@dataclass(slots=True)
class Room:
    """How many bytes wait in memory, for all receivers."""

    bytes_held: int = 0


@dataclass(slots=True)
class EndpointQueue:
    """The database knows all that is due; this is the part of it that is about to be sent."""

    stored: StoredEndpoint
    room: Room
    receiver: Receiver | RefusedReceiver | None = None
    key: SigningKey | None = None
    previous_key: SigningKey | None = None
    ready: deque[Job] = field(default_factory=deque)
    # Events that are ready, on their way, or whose result is not durable yet.
    known: set[str] = field(default_factory=set)
    in_flight: int = 0
    # Doubles with each success up to the limit; after a failure, one at a time goes to see.
    places: int = 1
    failures: int = 0
    failing_since: int | None = None
    # Nothing is sent before then, by the event loop's clock.
    wait_until: float = 0.0
    # When the database may have something due that is not here, in microseconds; None when it has nothing.
    more_at: int | None = 0
    is_loading: bool = False
    # Results that became durable while something was being loaded, which may show them as they were before.
    recorded_meanwhile: set[str] = field(default_factory=set)
    # Whether it stands in the row for the next place.
    is_listed: bool = False
    # What it was told to stop for; a queue that was dropped is never sent from again.
    is_stopped: bool = False
    timer: asyncio.TimerHandle | None = None

    @property
    def is_active(self) -> bool:
        if self.is_stopped or self.receiver is None or self.key is None:
            return False
        return self.stored.status == ENABLED and not self.stored.is_paused

    @property
    def is_proven(self) -> bool:
        """Whether it has answered well lately, so that it surely gives its places back."""
        return self.failures == 0 and self.places > 1

    def signing_keys(self, now: int) -> Sequence[SigningKey]:
        assert self.key is not None, "only an active queue signs"
        if self.previous_key is not None and now < (self.stored.previous_secret_until or 0):
            return (self.key, self.previous_key)
        return (self.key,)

    def offer(self, job: Job) -> bool:
        """Whether there is room; if not, it is found in the database later. What is older goes first."""
        is_full = len(self.ready) >= READY_MAX or (
            self.room.bytes_held > READY_BYTES_MAX and len(self.ready) >= READY_WHEN_FULL_MAX
        )
        if is_full:
            return False
        self.ready.append(job)
        self.known.add(job.delivery.event_id)
        self.room.bytes_held += len(job.body)
        return True

    def take(self) -> Job:
        job = self.ready.popleft()
        self.room.bytes_held -= len(job.body)
        return job

    def clear(self) -> None:
        """What is ready goes back to the database, which has it anyway."""
        while self.ready:
            self.known.discard(self.take().delivery.event_id)
        self.more_at = 0

    def due_again(self, at: int) -> None:
        self.more_at = at if self.more_at is None else min(self.more_at, at)

    def recorded(self, event_id: str) -> None:
        self.known.discard(event_id)
        if self.is_loading:
            self.recorded_meanwhile.add(event_id)

    def succeeded(self, pace: Pace) -> None:
        self.failures = 0
        self.wait_until = 0.0
        self.places = min(self.places * 2, pace.places_of_endpoint)

    def failed(self, pace: Pace, now: float, not_before: float) -> None:
        self.failures += 1
        self.places = 1
        self.wait_until = max(now + pace.pause(self.failures), not_before)
