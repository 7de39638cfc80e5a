"""A process that publishes, and is killed once the broker has confirmed and before the cursor has moved.

Arguments: the folder of the log, the stream as JSON, the number of flights after which it dies; with 0, somebody else
kills it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from bursar.streams.port import Message, Problem, Publisher, Sink
from bursar.streams.registry import make_publisher
from bursar.streams.schemas import InstallationStream
from tests.streams import harness


class Doomed:
    def __init__(self, publisher: Publisher, flights: int) -> None:
        self._publisher = publisher
        self._flights = flights
        self.flight_max = min(publisher.flight_max, 7)

    @property
    def message_bytes_max(self) -> int:
        return self._publisher.message_bytes_max

    async def open(self) -> None:
        await self._publisher.open()

    async def publish(self, flight: Sequence[Message]) -> list[Problem | None]:
        results = await self._publisher.publish(flight)
        self._flights -= 1
        if not self._flights:
            os.kill(os.getpid(), signal.SIGKILL)
        return results

    async def close(self) -> None:
        await self._publisher.close()


def main(folder: str, stream: str, flights: str) -> None:
    own = msgspec.json.decode(stream, type=InstallationStream)

    def make(sink: Sink) -> Publisher:
        return Doomed(make_publisher(sink), int(flights))  # type: ignore[return-value]

    with harness.opened(Path(folder)) as store:
        print("begins", flush=True)
        asyncio.run(harness.worker(store, own, make=make).run())


if __name__ == "__main__":
    main(*sys.argv[1:])
