"""Redis Streams. The destination is the stream's key; fields are `id`, `type`, `key` and `event`, the CloudEvent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from redis import exceptions
from redis.asyncio import Redis, RedisCluster

from bursar.streams.port import CONNECT_SECONDS_MAX, Message, Problem, Sink, StreamProblem

MESSAGE_BYTES_MAX = 1024 * 1024  # Redis would take 512 MB, its consumers would not
WRONG_TYPE = "WRONGTYPE"
NO_STREAM = "The key holds something else than a stream."


def make(sink: Sink) -> RedisStream:
    return RedisStream(sink)


class RedisStream:
    flight_max: ClassVar[int] = 500

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.message_bytes_max = sink.message_bytes_max or MESSAGE_BYTES_MAX
        self._client: Any = None

    async def open(self) -> None:
        options: dict[str, Any] = {"socket_timeout": CONNECT_SECONDS_MAX, "socket_connect_timeout": CONNECT_SECONDS_MAX}
        options |= self._sink.credentials
        try:
            self._client = Redis.from_url(self._sink.address, **options)
            told: dict[str, Any] = await self._client.info("cluster")
            if told.get("cluster_enabled"):
                await self._client.aclose()
                self._client = RedisCluster.from_url(self._sink.address, **options)
                await self._client.initialize()
            kind = await self._client.type(self._sink.destination)
        except (exceptions.RedisError, ValueError, OSError) as problem:
            raise _translated(problem) from None
        if kind not in (b"none", b"stream"):
            raise StreamProblem("configuration_refused", NO_STREAM)

    async def publish(self, flight: Sequence[Message]) -> list[Problem | None]:
        """In one transaction: all of them, or none."""
        pipeline = self._client.pipeline(transaction=True)
        for message in flight:
            fields = {
                "id": message.event_id,
                "type": message.event_type,
                "key": message.key,
                "event": message.body,
            }
            pipeline.xadd(self._sink.destination, fields)
        try:
            await pipeline.execute()
        except (exceptions.RedisError, OSError) as problem:
            raise _translated(problem) from None
        return [None] * len(flight)

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()


def _translated(problem: Exception) -> StreamProblem:
    text = str(problem)
    if isinstance(problem, exceptions.AuthenticationError) or "WRONGPASS" in text or "NOAUTH" in text:
        return StreamProblem("credentials_refused", "Redis does not know the user name and password.")
    if isinstance(problem, exceptions.NoPermissionError):
        return StreamProblem("not_allowed", "The user may not write to this stream.")
    if isinstance(problem, exceptions.OutOfMemoryError):
        return StreamProblem("destination_full", "Redis has no memory left.")
    if WRONG_TYPE in text:
        return StreamProblem("configuration_refused", NO_STREAM)
    if isinstance(problem, ValueError):
        return StreamProblem("configuration_refused", "The address cannot be read.")
    return StreamProblem("broker_away", f"Redis does not answer: {type(problem).__name__}.")
