"""Azure Service Bus. The destination is a queue or a topic; a message's session is its payment, its id the event's.

A flight leaves in as few batches as the link allows; Service Bus takes all of a batch or nothing. What it refuses as a
batch goes message by message, as partitioned entities take no two sessions in one. An address without TLS is an
emulator's.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine, Sequence
from typing import Any, ClassVar
from urllib.parse import urlsplit

from azure.core.credentials import AzureNamedKeyCredential
from azure.servicebus import ServiceBusMessage, exceptions
from azure.servicebus.aio import ServiceBusClient

from bursar.streams.port import (
    CONFIRM_SECONDS_MAX,
    CONTENT_TYPE,
    Message,
    Problem,
    Reason,
    Sink,
    StreamProblem,
)

OVERHEAD_BYTES = 2_048
FRAMES_OF_OPENING = 3  # how much it takes and why it is refused, if it is
MESSAGES_BEFORE_OTHERS = 20  # made in one go, about a millisecond: requests wait no longer
CANCELLATIONS_MAX, CANCELLATION_SECONDS_MAX = 10, 0.2
SEND_SECONDS_MAX = CONFIRM_SECONDS_MAX / 2 - 1
PATIENCE: dict[str, Any] = {"retry_total": 0}  # we try again ourselves, and say so
OF_ONE_MESSAGE: frozenset[Reason] = frozenset({"message_refused", "message_too_large"})
NOT_FOUND = 404  # what the service answers to whoever asks for the right to send to nothing
_TOO_LARGE = Problem("message_too_large", "Service Bus takes no message of this size.")
_SLOW = Problem("broker_away", "Service Bus takes too long to confirm.")
_NOT_TAKEN: tuple[Reason, str] = ("message_refused", "Service Bus refused the message.")
_TOLD: dict[str, tuple[Reason, str]] = {
    "amqp:not-found": ("destination_missing", "There is no such queue or topic."),
    "amqp:unauthorized-access": ("not_allowed", "The policy may not send here."),
    "com.microsoft:auth-failed": ("not_allowed", "The policy may not send here."),
    "com.microsoft:entity-disabled": ("configuration_refused", "The queue or topic is disabled."),
    "amqp:resource-limit-exceeded": ("destination_full", "The queue or topic is full."),
    "amqp:link:message-size-exceeded": _TOO_LARGE,
    "amqp:not-allowed": _NOT_TAKEN,
    "com.microsoft:argument-error": _NOT_TAKEN,
    "com.microsoft:argument-out-of-range": _NOT_TAKEN,
}
# The client writes each failure down with its whole stack; we say it once, in our own words.
logging.getLogger("azure.servicebus").setLevel(logging.CRITICAL)


def make(sink: Sink) -> AzureServiceBus:
    return AzureServiceBus(sink)


class AzureServiceBus:
    flight_max: ClassVar[int] = 200  # one by one, they must be through before the flight is given up

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.message_bytes_max = sink.message_bytes_max or 0
        self._client: Any = None
        self._sender: Any = None
        self._room = 0
        self._in_batches = True
        self._late_at = 0.0

    async def open(self) -> None:
        try:
            self._client = _client(self._sink)
            # Queues and topics are sent to alike.
            self._sender = self._client.get_queue_sender(self._sink.destination)
            _let_no_socket_stay(self._sender)
            # Connects, and tells how much the link takes.
            self._room = (await _apart(self._sender.create_message_batch())).max_size_in_bytes - OVERHEAD_BYTES
            await _apart(self._listen())
        except Exception as problem:
            raise _translated(problem) from None
        room = self._room - OVERHEAD_BYTES
        self.message_bytes_max = min(self._sink.message_bytes_max or room, room)

    async def _listen(self) -> None:
        """The client takes a link for open before it has read that the service closes it again, and why."""
        connection = self._sender._handler
        await connection.do_work_async(batch=FRAMES_OF_OPENING)
        connection._link.get_state()

    async def publish(self, flight: Sequence[Message]) -> list[Problem | None]:
        self._late_at = time.monotonic() + CONFIRM_SECONDS_MAX / 2
        results: list[Problem | None] = []
        while len(results) < len(flight):
            told = await self._send_some(flight[len(results) :])
            results += told
            problem = next((one for one in told if one is not None and one != _TOO_LARGE), None)
            if problem is None and self._is_late():
                problem = _SLOW  # what is confirmed counts, before the whole flight is given up
            if problem is not None:
                # The broker is full, or gone, or somebody must mend what stands in front: what follows waits.
                results += [problem] * (len(flight) - len(results))
        return results

    def _is_late(self) -> bool:
        return time.monotonic() > self._late_at

    async def _send_some(self, waiting: Sequence[Message]) -> list[Problem | None]:
        """What became of the first of them, at least one."""
        batch = await self._batch(waiting)
        if not batch:
            return [_TOO_LARGE]
        if len(batch) > 1:
            problem = await self._send(batch)
            if problem is None or problem.reason not in OF_ONE_MESSAGE:
                return [problem] * len(batch)
        told: list[Problem | None] = []
        for message in waiting[: len(batch)]:
            problem = await self._send(_made(message))
            told.append(problem)
            if (problem is not None and problem != _TOO_LARGE) or self._is_late():
                break
        if len(batch) > 1 and not any(told):
            self._in_batches = False
        return told

    async def _batch(self, waiting: Sequence[Message]) -> Any:
        """As many of the first as fit; none where not even one does."""
        batch = await self._sender.create_message_batch(self._room)
        for number, message in enumerate(waiting if self._in_batches else waiting[:1], 1):
            try:
                batch.add_message(_made(message))
            except exceptions.MessageSizeExceededError:
                break
            if number % MESSAGES_BEFORE_OTHERS == 0:
                await asyncio.sleep(0)
        return batch

    async def _send(self, sent: Any) -> Problem | None:
        problem = await self._send_once(sent)
        if problem is not None and problem.reason == "broker_away" and not self._is_late():
            # Service Bus closes what was idle for some minutes; the client opens it again when something is sent.
            return await self._send_once(sent)
        return problem

    async def _send_once(self, sent: Any) -> Problem | None:
        try:
            await _apart(self._sender.send_messages(sent, timeout=SEND_SECONDS_MAX))
        except Exception as problem:
            return _translated(problem).problem
        return None

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await _apart(client.close())


def _client(sink: Sink) -> Any:
    place = urlsplit(sink.address)
    name, key = sink.credentials["shared_access_key_name"], sink.credentials["shared_access_key"]
    host = f"[{place.hostname}]" if ":" in (place.hostname or "") else place.hostname
    if place.scheme == "amqp":
        return ServiceBusClient.from_connection_string(
            f"Endpoint=sb://{host}:{place.port or 5672};SharedAccessKeyName={name};SharedAccessKey={key};"
            "UseDevelopmentEmulator=true",
            **PATIENCE,
        )
    return ServiceBusClient(str(host), AzureNamedKeyCredential(name, key), **PATIENCE)


async def _apart(work: Coroutine[Any, Any, Any]) -> Any:
    """In a task of its own: the client loses a cancellation that meets a frame, and would go on as if none had come."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait([task])
    finally:
        for _ in range(CANCELLATIONS_MAX):
            if task.done():
                break
            task.cancel()
            await asyncio.wait([task], timeout=CANCELLATION_SECONDS_MAX)
    return task.result()


def _let_no_socket_stay(sender: Any) -> None:
    """The client forgets the socket of a connection that was cut, so it is closed here."""
    forget = sender._close_handler

    async def close() -> None:
        connection = getattr(sender._handler, "_connection", None)
        try:
            await forget()
        finally:
            if connection is not None:
                await connection._transport.close()

    sender._close_handler = close


def _made(message: Message) -> ServiceBusMessage:
    """The attributes are what subscriptions filter by."""
    return ServiceBusMessage(
        message.body,
        message_id=message.event_id,
        session_id=message.key,
        subject=message.event_type,
        content_type=CONTENT_TYPE,
        application_properties={"cloudEvents_id": message.event_id, "cloudEvents_type": message.event_type},
    )


def _translated(problem: Exception) -> StreamProblem:
    if isinstance(problem, exceptions.ServiceBusAuthenticationError):
        if getattr(problem.inner_exception, "status_code", None) == NOT_FOUND:
            return StreamProblem(*_TOLD["amqp:not-found"])
        return StreamProblem("credentials_refused", "Service Bus does not know the policy, or its key.")
    if isinstance(problem, exceptions.MessageSizeExceededError):
        return StreamProblem(*_TOO_LARGE)
    told = _TOLD.get(_condition(problem))
    if told is not None:
        return StreamProblem(*told)
    return StreamProblem("broker_away", f"Service Bus does not answer: {type(problem).__name__}.")


def _condition(problem: Exception) -> str:
    """The word of AMQP for what is wrong; the client keeps it in several ways."""
    told = getattr(problem, "condition", None) or getattr(problem, "_condition", None)
    told = getattr(told, "value", told)
    return told.decode() if isinstance(told, bytes) else str(told)
