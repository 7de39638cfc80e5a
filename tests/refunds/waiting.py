"""For what the bank does by itself a moment later."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

SECONDS_MAX = 20.0
POLL_SECONDS = 0.1


def wait_until(look: Callable[[], T], arrived: Callable[[T], bool]) -> T:
    """What is seen once it is as it should be; fails where that does not come."""
    deadline = time.monotonic() + SECONDS_MAX
    while True:
        seen = look()
        if arrived(seen):
            return seen
        assert time.monotonic() < deadline, f"after {SECONDS_MAX:g} s it is still {seen}"
        time.sleep(POLL_SECONDS)
