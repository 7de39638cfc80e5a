"""Crash points, for tests: named places at which the process can be told to end, as if it had been killed.

BURSAR_TEST_CRASH_AT names one, and may say at which pass: `before_send:3`. It is read once, at import, so that a point
costs an empty call wherever nobody asks for a crash. BURSAR_DEVELOPMENT must be set beside it, which `bursar serve`
refuses: so no server that takes real payments can be told to crash.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from typing import Literal, get_args

from bursar.kit.errors import BursarError

VARIABLE = "BURSAR_TEST_CRASH_AT"
DEVELOPMENT_VARIABLE = "BURSAR_DEVELOPMENT"
EXIT_CRASHED = 86
Point = Literal[
    "after_first_commit",
    "before_send",
    "after_answer_of_bank",
    "before_second_commit",
    "after_second_commit",
    "resolver_after_claim",
    "resolver_before_commit",
]
POINTS: tuple[Point, ...] = get_args(Point)


class CrashRefused(BursarError):
    """The variable names no point, or this is not development."""


def armed(environment: Mapping[str, str], end: Callable[[int], object] = os._exit) -> Callable[[Point], None]:
    """What is called at every point."""
    text = environment.get(VARIABLE, "")
    if not text:
        return _pass_by
    if environment.get(DEVELOPMENT_VARIABLE, "").lower() not in ("1", "true"):
        raise CrashRefused(f"{VARIABLE} is set. That is for tests: unset it, or set {DEVELOPMENT_VARIABLE}.")
    point, _, passes = text.partition(":")
    if point not in POINTS or not (passes or "1").isdecimal() or not int(passes or 1):
        raise CrashRefused(f"{VARIABLE} must be one of {', '.join(POINTS)}, and may end in :N for the N-th pass.")
    return _Armed(point, int(passes or 1), end).reach


class _Armed:
    def __init__(self, point: str, passes: int, end: Callable[[int], object]) -> None:
        self._point = point
        self._left = passes
        self._end = end
        self._lock = threading.Lock()

    def reach(self, point: Point) -> None:
        if point != self._point:
            return
        with self._lock:
            self._left -= 1
            if self._left == 0:
                self._end(EXIT_CRASHED)


def _pass_by(_point: Point) -> None:
    """Nobody asked for a crash."""


reach = armed(os.environ)
