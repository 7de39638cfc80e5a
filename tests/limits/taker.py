"""A worker process of its own: takes from one bucket on Redis as fast as it may, for as long as it is told.

Says "ready", waits for a line, and then tells how many requests got through, and whether Redis was away.
"""

import asyncio
import json
import sys

from bursar.limits.rules import Limit
from bursar.limits.shared import SharedBuckets


async def main(url: str, count: int, burst: int, seconds: float) -> None:
    changes: list[bool] = []
    shared = SharedBuckets(url, on_change=changes.append)
    await shared.start()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    limit, loop = Limit("key.payments", count, 1, burst), asyncio.get_running_loop()
    allowed = away = 0
    until = loop.time() + seconds
    while loop.time() < until:
        taken = await shared.take(limit, "key_shared")
        if taken is None:
            away += 1
        elif taken.allowed:
            allowed += 1
        await asyncio.sleep(0.001)
    await shared.close()
    print(json.dumps({"allowed": allowed, "away": away}), flush=True)


if __name__ == "__main__":
    url, count, burst, seconds = sys.argv[1:]
    asyncio.run(main(url, int(count), int(burst), float(seconds)))
