"""Amazon SQS. The destination is a queue's name; a FIFO queue keeps each payment's order, others promise none."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, ClassVar

from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]

from bursar.streams.brokers.amazon import (
    ATTRIBUTE_BYTES,
    BATCH_BYTES_MAX,
    CALLS_AT_ONCE,
    ENTRIES_MAX,
    FIFO,
    calls,
    client_of,
    entry_problem,
    translated,
)
from bursar.streams.port import Message, Problem, Sink


def make(sink: Sink) -> Queue:
    return Queue(sink)


class Queue:
    flight_max: ClassVar[int] = CALLS_AT_ONCE * ENTRIES_MAX

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        room = BATCH_BYTES_MAX - ATTRIBUTE_BYTES
        self.message_bytes_max = min(sink.message_bytes_max or room, room)
        self._client: Any = None
        self._url = ""

    async def open(self) -> None:
        await asyncio.to_thread(self._open)

    def _open(self) -> None:
        try:
            self._client = client_of(self._sink, "sqs")
            self._url = self._client.get_queue_url(QueueName=self._sink.destination)["QueueUrl"]
        except (BotoCoreError, ClientError, ValueError) as problem:
            raise translated(problem) from None

    async def publish(self, flight: Sequence[Message]) -> list[Problem | None]:
        results: list[Problem | None] = [None] * len(flight)
        await asyncio.gather(*(asyncio.to_thread(self._send, flight, call, results) for call in calls(flight)))
        return results

    def _send(self, flight: Sequence[Message], call: Sequence[int], results: list[Problem | None]) -> None:
        entries = [{"Id": str(number), **self._entry(flight[number])} for number in call]
        try:
            told = self._client.send_message_batch(QueueUrl=self._url, Entries=entries)
        except (BotoCoreError, ClientError) as problem:
            for number in call:
                results[number] = translated(problem).problem
            return
        for failed in told.get("Failed", ()):
            results[int(failed["Id"])] = entry_problem(failed)

    def _entry(self, message: Message) -> dict[str, Any]:
        entry: dict[str, Any] = {
            "MessageBody": message.body.decode(),
            "MessageAttributes": {"event_id": {"DataType": "String", "StringValue": message.event_id}},
        }
        if self._sink.destination.endswith(FIFO):
            entry |= {"MessageGroupId": message.key, "MessageDeduplicationId": message.event_id}
        return entry

    async def close(self) -> None:
        if self._client is not None:
            await asyncio.to_thread(self._client.close)
