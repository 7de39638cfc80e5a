"""A worker as a process of its own, to be killed: `python -m tests.webhooks.delivering_process DATABASE_URL`.

Its leases are short, as the next one waits for them.
"""

from __future__ import annotations

import asyncio
import sys

from bursar.events import leases
from bursar.webhooks import sharing
from tests.databases import Database
from tests.webhooks.world import World, hasty, opened

LEASE_SECONDS = 1


async def work(world: World) -> None:
    await world.worker(hasty(waits_seconds=(0.1,) * 100)).run()


def main() -> None:
    leases.LEASE_SECONDS = LEASE_SECONDS
    leases.RENEW_SECONDS = 0
    sharing.LOOK_SECONDS = 0.2
    with opened(Database("any", sys.argv[1])) as store:
        asyncio.run(work(World(store)))


if __name__ == "__main__":
    main()
