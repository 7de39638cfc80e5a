"""Crash points, for tests: where the process shall end without any handler, and at which pass."""

from __future__ import annotations

import os
from typing import Literal, get_args

VARIABLE = "PIGGYBANK_CRASH_AT"
EXIT_CRASHED = 86
Point = Literal["before_journal", "after_journal_before_answer"]


class CrashPoint:
    def __init__(self, text: str) -> None:
        self._point, _, passes = text.partition(":")
        if self._point and self._point not in get_args(Point):
            raise ValueError(f"{VARIABLE} must be one of {', '.join(get_args(Point))}, and may end in :N")
        self._left = int(passes or 1)

    @property
    def is_set(self) -> bool:
        return bool(self._point)

    def passed(self, point: Point) -> None:
        if self._point == point:
            self._left -= 1
            if self._left <= 0:
                os._exit(EXIT_CRASHED)
