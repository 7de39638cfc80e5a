"""So many of something in a while, and no more, whoever asks for it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

from bursar.kit.clock import MICROSECONDS_PER_SECOND, Clock

KEYS_MAX = 10_000


class Budgets:
    """One for each key. Of a key that was forgotten for others, the budget begins anew."""

    def __init__(self, clock: Clock, count: int, seconds: int, keys_max: int = KEYS_MAX) -> None:
        self._clock = clock
        self._count = count
        self._period = seconds * MICROSECONDS_PER_SECOND // count
        self._keys_max = keys_max
        # When each would be whole again.
        self._whole_at: OrderedDict[Hashable, int] = OrderedDict()

    def take(self, key: Hashable = None) -> bool:
        """Whether there was one left; then it is used up."""
        now = self._clock.now_microseconds()
        whole_at = max(self._whole_at.get(key, 0), now)
        # A clock that was set back must not shut anybody out for as long.
        whole_at = min(whole_at, now + self._count * self._period)
        if whole_at - now > (self._count - 1) * self._period:
            return False
        self._whole_at[key] = whole_at + self._period
        self._whole_at.move_to_end(key)
        if len(self._whole_at) > self._keys_max:
            self._whole_at.popitem(last=False)
        return True
