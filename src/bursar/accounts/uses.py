"""When and from where each key was last used: gathered in memory, written now and then."""

from __future__ import annotations

from bursar.accounts import repository
from bursar.kit.clock import Clock
from bursar.store.store import Store
from bursar.store.unit import Unit

ROWS_MAX = 500  # of one commit: short enough that no request waits long behind it


class KeyUses:
    """Told of a use whenever a key had to be looked up: once in five seconds, so no request pays for it."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._uses: dict[tuple[str, str], tuple[int, str | None]] = {}

    def used(self, org_id: str, key_id: str, address: str | None) -> None:
        self._uses[(org_id, key_id)] = (self._clock.now_microseconds(), address)

    async def write(self) -> int:
        """Tells how many keys were written. What fails is kept for the next time, where nothing newer is known."""
        gathered, self._uses = list(self._uses.items()), {}
        for start in range(0, len(gathered), ROWS_MAX):
            part = gathered[start : start + ROWS_MAX]
            try:
                await self._store.commit(
                    Unit([repository.set_used(org_id, key_id, at, address) for (org_id, key_id), (at, address) in part])
                )
            except BaseException:
                self._uses = dict(gathered[start:]) | self._uses
                raise
        return len(gathered)
