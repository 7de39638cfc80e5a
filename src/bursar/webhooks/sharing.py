"""Which organisations a process looks after: they are in shards, and processes share those as evenly as it goes.

One that comes later asks for its part by holding a lease of that name. Whoever has the most gives one shard up, lets
what is on its way end first, and goes on so until each has as many as the others, or one more.
"""

from __future__ import annotations

import asyncio
import logging
import random
import zlib
from collections.abc import Awaitable, Callable, Mapping

from bursar.events.leases import Leases
from bursar.store.errors import StoreError

# As many processes can share the work.
SHARDS = 4
LEASE = "webhooks"
WISH = f"{LEASE}:wish"
LOOK_SECONDS = 3.0
# While something changes hands.
SOON_SECONDS = 0.2

logger = logging.getLogger(__name__)

# Begins nothing new for a shard's receivers from the call on; done when what is on its way has ended, or soon.
HandOver = Callable[[int], Awaitable[None]]


def shard_of(org_id: str) -> int:
    return zlib.crc32(org_id.encode()) % SHARDS


class Shards:
    """Those that this process holds."""

    def __init__(self, leases: Leases, hand_over: HandOver) -> None:
        self._leases = leases
        self._hand_over = hand_over
        self.held: frozenset[int] = frozenset()
        # Not ours any more, but nobody else's yet.
        self._leaving: dict[int, asyncio.Task[None]] = {}
        self._wishes = False

    async def look(self) -> float:
        """Takes, keeps and gives up; in how many seconds it wants to be called again."""
        holders = await self._leases.holders(LEASE)
        kept = await asyncio.gather(*(self._leases.hold(_lease(shard)) for shard in sorted(self.held)))
        held = {shard for shard, is_kept in zip(sorted(self.held), kept, strict=True) if is_kept}
        has_taken = await self._take_one(held, holders)
        await self._wish(is_wanting=not has_taken and len(held) < fair_share(holders, self._leases.holder))
        if not self._leaving and gives_one_up(holders, self._leases.holder, len(held)):
            shard = max(held)
            held.remove(shard)
            self._leave(shard)
        self.held = frozenset(held)
        return SOON_SECONDS if has_taken or self._wishes else LOOK_SECONDS

    async def close(self) -> None:
        """Whoever comes next need not wait."""
        for task in self._leaving.values():
            task.cancel()
        await asyncio.gather(*self._leaving.values(), return_exceptions=True)
        names = [_lease(shard) for shard in self.held] + ([WISH] if self._wishes else [])
        await asyncio.gather(*(self._leases.give_up(name) for name in names))

    async def _take_one(self, held: set[int], holders: Mapping[str, str]) -> bool:
        """One at a time, so that processes which start together share."""
        free = [
            shard
            for shard in range(SHARDS)
            if shard not in held and shard not in self._leaving and _lease(shard) not in holders
        ]
        # Where somebody waits for a part, no other one takes what was given up for them.
        if not free or (holders.get(WISH, self._leases.holder) != self._leases.holder and held):
            return False
        shard = random.choice(free)  # noqa: S311 - which one does not matter
        if not await self._leases.hold(_lease(shard)):
            return False
        held.add(shard)
        return True

    async def _wish(self, *, is_wanting: bool) -> None:
        if is_wanting:
            self._wishes = await self._leases.hold(WISH)
        elif self._wishes:
            self._wishes = False
            await self._leases.give_up(WISH)

    def _leave(self, shard: int) -> None:
        ended = self._hand_over(shard)
        task = self._leaving[shard] = asyncio.create_task(self._end(shard, ended))
        task.add_done_callback(lambda _: self._leaving.pop(shard, None))

    async def _end(self, shard: int, ended: Awaitable[None]) -> None:
        try:
            await ended
        finally:
            try:
                await self._leases.give_up(_lease(shard))
            except StoreError as problem:
                logger.warning("a share of the webhooks passes on when its lease ends: %s", problem)


def gives_one_up(holders: Mapping[str, str], own: str, held: int) -> bool:
    """Whether it is this process that has the most, and somebody wishes for more who has too few."""
    wishing = holders.get(WISH)
    if wishing is None or wishing == own:
        return False
    counts = dict.fromkeys(holders.values(), 0)
    for name, holder in holders.items():
        counts[holder] += name != WISH
    counts[own] = held
    if counts[wishing] >= fair_share(holders, own):
        return False
    most = max(counts, key=lambda holder: (counts[holder], holder))
    return most == own and held > counts[wishing] + 1


def fair_share(holders: Mapping[str, str], own: str) -> int:
    """What nobody should have less than, among those that are known and this one."""
    return SHARDS // len({*holders.values(), own})


def _lease(shard: int) -> str:
    return f"{LEASE}:{shard}"
