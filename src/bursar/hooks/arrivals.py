"""From those who take messages in to those who process them, within one process."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from bursar.hooks.repository import StoredMessage
from bursar.hooks.schemas import State
from bursar.store.signal import CommitSignal

# What does not fit in is found in the database.
WAITING_MAX = 1_000


class Arrivals:
    def __init__(self) -> None:
        # Told after each commit that had a message in it.
        self.committed = CommitSignal()
        self._waiting: dict[State, deque[StoredMessage]] = {"received": deque(), "unverified": deque()}
        self._attended = 0

    @contextmanager
    def attended(self) -> Iterator[None]:
        """While somebody processes in this process what arrives here."""
        self._attended += 1
        try:
            yield
        finally:
            self._attended -= 1

    @property
    def has_room(self) -> bool:
        return self._attended > 0 and sum(map(len, self._waiting.values())) < WAITING_MAX

    def put(self, message: StoredMessage) -> None:
        self._waiting[message.state].append(message)
        self.committed.tell()

    def take(self, state: State) -> StoredMessage | None:
        """Whoever takes one has a place for it: what waits, waits here, where it is counted."""
        waiting = self._waiting[state]
        return waiting.popleft() if waiting else None

    def take_all(self) -> list[StoredMessage]:
        left = [message for waiting in self._waiting.values() for message in waiting]
        for waiting in self._waiting.values():
            waiting.clear()
        return left
