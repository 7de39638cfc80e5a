"""Card verification codes between two requests: in the memory of this process, and nowhere else."""

from __future__ import annotations

from collections import OrderedDict

from bursar.kit.clock import MICROSECONDS_PER_SECOND, Clock

KEPT_SECONDS = 15 * 60  # as long as a customer may take between entering a card and paying
CODES_MAX = 10_000


class RecentCodes:
    """Codes by the id of what they came with. Each is handed out once; the oldest make room."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._codes: OrderedDict[str, tuple[str, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._codes)

    def __repr__(self) -> str:
        return f"RecentCodes({len(self)})"

    def put(self, owner_id: str, code: str) -> None:
        now = self._clock.now_microseconds()
        self._drop_expired(now)
        self._codes[owner_id] = (code, now + KEPT_SECONDS * MICROSECONDS_PER_SECOND)
        self._codes.move_to_end(owner_id)
        while len(self._codes) > CODES_MAX:
            self._codes.popitem(last=False)

    def take(self, owner_id: str) -> str | None:
        """The code, if it is still known; from now on it is not."""
        now = self._clock.now_microseconds()
        self._drop_expired(now)
        found = self._codes.pop(owner_id, None)
        return found[0] if found is not None else None

    def _drop_expired(self, now: int) -> None:
        """They lie in the order in which they came, so the expired are in front."""
        while self._codes:
            owner_id, (_, until) = next(iter(self._codes.items()))
            if now < until:
                return
            del self._codes[owner_id]
