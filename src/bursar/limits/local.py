"""Buckets in this process: exact, and no more of them than fit."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import NamedTuple, Protocol

from bursar.limits.rules import Limit, level_at

BUCKETS_MAX = 50_000  # about 20 MB; whoever was away for longest begins anew with a full one


class Taken(NamedTuple):
    """Whether there was one more in the bucket, and what is taken of it now."""

    allowed: bool
    level: int


class SteadyClock(Protocol):
    def now_microseconds(self) -> int: ...


class MonotonicClock:
    """Never set: a limit is about time that passes, not about what o'clock it is."""

    def now_microseconds(self) -> int:
        return time.monotonic_ns() // 1000


class LocalBuckets:
    def __init__(self, clock: SteadyClock, buckets_max: int = BUCKETS_MAX) -> None:
        self._clock = clock
        self._buckets_max = buckets_max
        # By limit and client: when it will be full again, in the limit's own unit of time.
        self._full_at: OrderedDict[tuple[Limit, str], int] = OrderedDict()

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, limit: Limit, client: str) -> Taken:
        buckets = self._full_at
        key = (limit, client)
        now = self._clock.now_microseconds() * limit.count
        full_at = buckets.get(key)
        if full_at is None:
            if len(buckets) >= self._buckets_max:
                buckets.popitem(last=False)
            level = 0
        else:
            buckets.move_to_end(key)
            level = level_at(limit, full_at, now)
        after = level + limit.period
        if after > limit.capacity:
            buckets[key] = now + level
            return Taken(False, level)
        buckets[key] = now + after
        return Taken(True, after)
