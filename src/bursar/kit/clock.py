"""Time, as microseconds UTC in one integer. Everything that asks the time is handed a clock."""

from __future__ import annotations

import time
from typing import Protocol

MICROSECONDS_PER_SECOND = 1_000_000


class Clock(Protocol):
    def now_microseconds(self) -> int: ...


class SystemClock:
    def now_microseconds(self) -> int:
        return time.time_ns() // 1000


class ManualClock:
    """Stands still until it is told otherwise."""

    def __init__(self, microseconds: int = 1_800_000_000 * MICROSECONDS_PER_SECOND) -> None:
        self.microseconds = microseconds

    def now_microseconds(self) -> int:
        return self.microseconds

    def advance(self, seconds: float) -> None:
        self.microseconds += int(seconds * MICROSECONDS_PER_SECOND)


def seconds(microseconds: int) -> int:
    return microseconds // MICROSECONDS_PER_SECOND
