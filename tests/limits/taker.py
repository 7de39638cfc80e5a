"""A worker process of its own: takes from one bucket on Redis as fast as it may, for as long as it is told.

Says "ready", waits for a line, and then tells how many requests got through, whether Redis was away, and when it
began, asked for the last time and was answered, by the clock that all processes of this machine share.
"""

import asyncio
import json
import sys
import time

from bursar.limits.rules import Limit
from bursar.limits.shared import SharedBuckets

WAIT_SECONDS_MAX = 20.0


async def main(url: str, client: str, count: int, burst: int, seconds: float) -> None:
    changes: list[bool] = []
    shared = SharedBuckets(url, on_change=changes.append, answer_seconds_max=WAIT_SECONDS_MAX)
    await shared.start()
    async with asyncio.timeout(WAIT_SECONDS_MAX):
        while not shared.available:  # noqa: ASYNC110 - it tries again by itself
            await asyncio.sleep(0.02)
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    limit = Limit("key.payments", count, 1, burst)
    allowed = away = 0
    began = asked = answered = time.monotonic()
    while (now := time.monotonic()) < began + seconds:
        asked = now
        taken = await shared.take(limit, client)
        answered = time.monotonic()
        if taken is None:
            away += 1
        elif taken.allowed:
            allowed += 1
        await asyncio.sleep(0.001)
    await shared.close()
    told = {"allowed": allowed, "away": away, "began": began, "asked": asked, "answered": answered}
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    url, client, count, burst, seconds = sys.argv[1:]
    asyncio.run(main(url, client, int(count), int(burst), float(seconds)))
