"""From those who take messages in to those who process them, within one process."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from bursar.hooks.repository import StoredMessage
from bursar.store.signal import CommitSignal

# What does not fit in is found in the database.
WAITING_MAX = 1_000


class Arrivals:
    def __init__(self) -> None:
        # Told after each commit that had a message in it.
        self.committed = CommitSignal()
        self._waiting: deque[StoredMessage] = deque()
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
        return self._attended > 0 and len(self._waiting) < WAITING_MAX

    def put(self, message: StoredMessage) -> None:
        self._waiting.append(message)
        self.committed.tell()

    def take(self) -> StoredMessage | None:
        return self._waiting.popleft() if self._waiting else None

    def take_all(self) -> list[StoredMessage]:
        left = list(self._waiting)
        self._waiting.clear()
        return left
