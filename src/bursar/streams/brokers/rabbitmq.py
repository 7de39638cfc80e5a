"""RabbitMQ. The destination is an exchange; the routing key is the event's type, the message's id is the event's.

Confirms tell that a message is where it goes: with quorum queues, on most of the cluster's disks. `mandatory` makes
a message that no queue takes come back, instead of being lost without a word.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Any, ClassVar

import aio_pika
from aiormq import exceptions as protocol
from aiormq.abc import ChannelFrame
from pamqp.common import FieldTable

from bursar.streams.brokers.amqp_frames import Publishing
from bursar.streams.port import CONNECT_SECONDS_MAX, Message, Problem, Sink, StreamProblem

MESSAGE_BYTES_MAX = 1024 * 1024  # far below the broker's own limit, as quorum queues keep much in memory
QUORUM: FieldTable = {"x-queue-type": "quorum"}
EVERYTHING = "#"
_NOT_TAKEN = Problem("destination_missing", "No queue is bound to the exchange for this type of event.")
_FULL = Problem("destination_full", "The broker refused the message: a queue is full, or cannot be written.")

_TOO_LARGE = Problem("message_too_large", "The broker takes no message of this size.")
_LIMIT = re.compile(r"max size '?(\d+)")


def make(sink: Sink) -> RabbitMQ:
    return RabbitMQ(sink)


class RabbitMQ:
    flight_max: ClassVar[int] = 1_000

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.message_bytes_max = sink.message_bytes_max or MESSAGE_BYTES_MAX
        self._connection: Any = None
        self._channel: Any = None
        self._publishing: Any = None
        # What the broker says that it takes at most, once it has refused a message.
        self._limit_told: int | None = None

    async def open(self) -> None:
        sink = self._sink
        try:
            url = aio_pika.connection.make_url(sink.address)
            if sink.credentials:
                url = url.with_user(sink.credentials["username"]).with_password(sink.credentials["password"])
            self._connection = await aio_pika.connect(url, timeout=CONNECT_SECONDS_MAX)
            channel = await self._connection.channel(publisher_confirms=True, on_return_raises=True)
            if sink.declare:
                exchange = await channel.declare_exchange(sink.destination, aio_pika.ExchangeType.TOPIC, durable=True)
                queue = await channel.declare_queue(sink.destination, durable=True, arguments=QUORUM)
                await queue.bind(exchange, EVERYTHING)
            else:
                await channel.get_exchange(sink.destination, ensure=True)
            self._channel = under = await channel.get_underlay_channel()
            self._publishing = Publishing(under.number, sink.destination, under.max_content_size)
        except Exception as problem:
            raise _translated(problem) from None

    async def publish(self, flight: Sequence[Message]) -> list[Problem | None]:
        results = await self._publish_once(flight)
        if _TOO_LARGE not in results:
            return results
        # One message was, and the broker has closed the channel for all. It is told apart, and the others go again.
        limit = self._limit_told or max(len(message.body) for message in flight) // 2
        self.message_bytes_max = min(self.message_bytes_max, limit)
        await self.close()
        await self.open()
        again = [
            number
            for number, result in enumerate(results)
            if result == _TOO_LARGE and len(flight[number].body) <= self.message_bytes_max
        ]
        if again:
            found = await self._publish_once([flight[number] for number in again])
            results = [*results]
            for number, result in zip(again, found, strict=True):
                results[number] = result
        return results

    async def _publish_once(self, flight: Sequence[Message]) -> list[Problem | None]:
        """All of them in one write, and then their confirmations, which come in any order and many at once.

        The client's own way has a task, an encoder and a write for each message; its channel is used beneath that.
        """
        channel, publishing = self._channel, self._publishing
        try:
            async with channel.lock:
                confirmations = self._expected(flight)
                frames = b"".join(map(publishing.of, flight))
                await channel.write_queue.put(ChannelFrame(payload=frames, should_close=False))
        except protocol.ChannelInvalidStateError as problem:
            raise _translated(problem) from None
        try:
            await asyncio.wait(confirmations)
        finally:
            for message in flight:
                channel.message_id_delivery_tag.pop(message.event_id, None)
        return [self._outcome(confirmation.exception()) for confirmation in confirmations]

    def _outcome(self, told: BaseException | None) -> Problem | None:
        if told is None:
            return None
        if isinstance(told, protocol.PublishError):
            return _NOT_TAKEN
        if isinstance(told, protocol.DeliveryError):
            return _FULL
        if not isinstance(told, Exception):
            raise told
        problem = _translated(told).problem
        if problem == _TOO_LARGE and (limit := _LIMIT.search(str(told))):
            self._limit_told = int(limit[1])
        return problem

    def _expected(self, flight: Sequence[Message]) -> list[asyncio.Future[Any]]:
        """The broker counts what it is sent, and confirms numbers; what it cannot hand on it returns by its id."""
        channel = self._channel
        number: int = channel.delivery_tag
        confirmations = []
        for message in flight:
            number += 1
            confirmations.append(channel.create_future())
            channel.confirmations[number] = confirmations[-1]
            channel.message_id_delivery_tag[message.event_id] = number
        channel.delivery_tag = number
        return confirmations

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()


def _translated(problem: Exception) -> StreamProblem:
    text = str(problem)
    if isinstance(problem, protocol.ProbableAuthenticationError | protocol.AuthenticationError):
        return StreamProblem("credentials_refused", "RabbitMQ does not know the user name and password.")
    if isinstance(problem, protocol.ChannelNotFoundEntity) or "NOT_FOUND - no exchange" in text:
        return StreamProblem("destination_missing", "There is no such exchange; make it, or set declare.")
    if isinstance(problem, protocol.ChannelAccessRefused) or "ACCESS_REFUSED" in text:
        return StreamProblem("not_allowed", "The user may not do this with the exchange or its queue.")
    if isinstance(problem, protocol.ChannelPreconditionFailed) or "PRECONDITION_FAILED" in text:
        if "size" in text:
            return StreamProblem(*_TOO_LARGE)
        return StreamProblem("configuration_refused", "The exchange or queue is there with other properties.")
    if "NOT_ALLOWED" in text or "vhost" in text:
        return StreamProblem("not_allowed", "The virtual host is not there, or not for this user.")
    if isinstance(problem, ValueError):
        return StreamProblem("configuration_refused", "The address cannot be read.")
    return StreamProblem("broker_away", f"RabbitMQ does not answer: {type(problem).__name__}.")
