"""NATS JetStream. The destination is how subjects begin; the event's type follows: `bursar.payment_intent.succeeded`.

The event's id is the message's `Nats-Msg-Id`, so JetStream itself drops what comes twice within its window.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, ClassVar

from nats import errors
from nats.aio.client import Client
from nats.js import errors as stream_errors
from nats.js.api import StreamConfig

from bursar.streams.port import (
    CONFIRM_SECONDS_MAX,
    CONNECT_SECONDS_MAX,
    CONTENT_TYPE,
    Message,
    Problem,
    Sink,
    StreamProblem,
)

HEADER_BYTES = 512  # beside the body
PENDING_BYTES_MAX = 16 * 1024 * 1024
NO_STREAM = "No stream of JetStream has this subject; make one, or set declare."


def make(sink: Sink) -> JetStream:
    return JetStream(sink)


class JetStream:
    flight_max: ClassVar[int] = 500

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._client: Any = None
        self._stream: Any = None
        # Why the server let go of us: the client tells it beside the exception.
        self._told: Exception | None = None
        self.message_bytes_max = sink.message_bytes_max or 0

    async def open(self) -> None:
        given = dict(self._sink.credentials)
        access = {"user": given.pop("username", None), "password": given.pop("password", None), **given}
        try:
            self._client = Client()
            await self._client.connect(
                self._sink.address,
                name="bursar",
                allow_reconnect=False,
                connect_timeout=CONNECT_SECONDS_MAX,
                pending_size=PENDING_BYTES_MAX,
                error_cb=self._remember,
                **access,
            )
            self._stream = self._client.jetstream(timeout=CONFIRM_SECONDS_MAX)
            if self._sink.declare:
                await self._declare()
            else:
                await self._stream.find_stream_name_by_subject(f"{self._sink.destination}.any")
        except (errors.Error, OSError, ValueError, TimeoutError) as problem:
            raise _translated(self._told or problem) from None
        room: int = self._client.max_payload - HEADER_BYTES
        self.message_bytes_max = min(self._sink.message_bytes_max or room, room)

    async def publish(self, flight: Sequence[Message]) -> list[Problem | None]:
        results = await asyncio.gather(*map(self._publish_one, flight), return_exceptions=True)
        return [None if result is None else _outcome(result) for result in results]

    async def _publish_one(self, message: Message) -> None:
        headers = {
            "Nats-Msg-Id": message.event_id,
            "Content-Type": CONTENT_TYPE,
            "partitionkey": message.key,
        }
        subject = f"{self._sink.destination}.{message.event_type}"
        await self._stream.publish(subject, message.body, headers=headers)

    async def close(self) -> None:
        if self._client is not None:
            try:
                await self._client.close()
            finally:
                # The client forgets a socket that was cut under it, or that was not let in.
                transport = self._client._transport
                if transport is not None:
                    transport.close()

    async def _declare(self) -> None:
        name = self._sink.destination.replace(".", "-")
        try:
            await self._stream.stream_info(name)
        except stream_errors.NotFoundError:
            await self._stream.add_stream(StreamConfig(name=name, subjects=[f"{self._sink.destination}.>"]))

    async def _remember(self, problem: Exception) -> None:
        self._told = problem


def _outcome(result: BaseException) -> Problem:
    if isinstance(result, Exception):
        return _translated(result).problem
    raise result


def _translated(problem: Exception) -> StreamProblem:
    text = str(problem).lower()
    if isinstance(problem, errors.AuthorizationError) or "authorization violation" in text:
        return StreamProblem("credentials_refused", "NATS does not know the user name and password, or the token.")
    if "permissions violation" in text:
        return StreamProblem("not_allowed", "The user may not publish to this subject.")
    if isinstance(problem, stream_errors.NoStreamResponseError | stream_errors.NotFoundError):
        return StreamProblem("destination_missing", NO_STREAM)
    if isinstance(problem, stream_errors.ServiceUnavailableError):
        return StreamProblem("configuration_refused", "This server has no JetStream, or it is not ready.")
    if isinstance(problem, errors.MaxPayloadError) or "message size exceeds" in text:
        return StreamProblem("message_too_large", "The broker takes no message of this size.")
    if isinstance(problem, stream_errors.APIError):
        return StreamProblem("destination_full", f"JetStream refused the message: code {problem.err_code}.")
    if isinstance(problem, ValueError):
        return StreamProblem("configuration_refused", "The address cannot be read.")
    return StreamProblem("broker_away", f"NATS does not answer: {type(problem).__name__}.")
