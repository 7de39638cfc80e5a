"""Apache Kafka. The destination is a topic; a message's key is its payment, so that a partition has its whole story.

The producer is idempotent and waits for all in-sync replicas. The event's id is in the header `ce_id`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any, ClassVar

from confluent_kafka import KafkaError, KafkaException, Producer

from bursar.streams.port import (
    CONFIRM_SECONDS_MAX,
    CONNECT_SECONDS_MAX,
    CONTENT_TYPE,
    Message,
    Problem,
    Sink,
    StreamProblem,
)

MESSAGE_BYTES_MAX = 1_000_000  # what brokers take by default
OVERHEAD_BYTES = 1_024
LINGER_MILLISECONDS = 1
POLL_SECONDS = 0.1
LOOK_SECONDS = 1.0
_HEADERS_OF_ALL = ("content-type", CONTENT_TYPE.encode())


def make(sink: Sink) -> Kafka:
    return Kafka(sink)


class Kafka:
    flight_max: ClassVar[int] = 2_000

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.message_bytes_max = (sink.message_bytes_max or MESSAGE_BYTES_MAX) - OVERHEAD_BYTES
        self._producer: Any = None
        # The last thing that went wrong with a connection: the client tries again by itself, and only tells.
        self._trouble: KafkaError | None = None

    async def open(self) -> None:
        await asyncio.to_thread(self._open)

    def _open(self) -> None:
        try:
            self._producer = Producer(self._settings())
            found = self._topics()
        except (KafkaException, ValueError) as problem:
            if self._producer is not None:
                self._producer.poll(0)
            raise _translated(self._trouble or _error_of(problem)) from None
        error = found.topics[self._sink.destination].error
        if error is not None:
            raise _translated(error)

    def _topics(self) -> Any:
        """The client itself would try for ever; it tells beside that what nothing can come of."""
        until = time.monotonic() + CONNECT_SECONDS_MAX - 1
        while True:
            try:
                return self._producer.list_topics(self._sink.destination, timeout=LOOK_SECONDS)
            except KafkaException:
                self._producer.poll(0)
                hopeless = self._trouble is not None and self._trouble.code() in _HOPELESS
                if hopeless or time.monotonic() > until:
                    raise

    def _settings(self) -> dict[str, Any]:
        sink = self._sink
        settings: dict[str, Any] = {
            "bootstrap.servers": sink.address,
            "client.id": "bursar",
            "enable.idempotence": True,
            "acks": "all",
            "linger.ms": LINGER_MILLISECONDS,
            "message.timeout.ms": int(CONFIRM_SECONDS_MAX * 1000) - 1000,
            "message.max.bytes": self.message_bytes_max + OVERHEAD_BYTES,
            "allow.auto.create.topics": False,
            "error_cb": self._remember,
            "log_level": 0,
            "security.protocol": ("SASL_" if sink.credentials else "") + ("SSL" if sink.tls else "PLAINTEXT"),
        }
        if sink.credentials:
            settings["sasl.mechanism"] = sink.sasl_mechanism or "PLAIN"
            settings["sasl.username"] = sink.credentials["username"]
            settings["sasl.password"] = sink.credentials["password"]
        return settings

    async def publish(self, flight: Sequence[Message]) -> list[Problem | None]:
        return await asyncio.to_thread(self._publish, flight)

    def _publish(self, flight: Sequence[Message]) -> list[Problem | None]:
        results: list[Problem | None] = [Problem("broker_away", "Kafka has not confirmed.")] * len(flight)
        left = len(flight)

        def delivered(number: int, error: KafkaError | None) -> None:
            nonlocal left
            left -= 1
            results[number] = None if error is None else _translated(error).problem

        for number, message in enumerate(flight):
            try:
                self._producer.produce(
                    self._sink.destination,
                    message.body,
                    key=message.key,
                    headers=[("ce_id", message.event_id.encode()), _HEADERS_OF_ALL],
                    on_delivery=lambda error, _message, number=number: delivered(number, error),
                )
            except KafkaException as problem:
                delivered(number, problem.args[0])
            except BufferError:
                delivered(number, KafkaError(KafkaError._QUEUE_FULL))
        until = time.monotonic() + CONFIRM_SECONDS_MAX - POLL_SECONDS
        while left and time.monotonic() < until:
            self._producer.poll(POLL_SECONDS)
        return results

    async def close(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.purge()
            await asyncio.to_thread(producer.flush, 1)

    def _remember(self, error: KafkaError) -> None:
        """The client goes on trying, so what matters is soon followed by what does not."""
        known = None if self._trouble is None else self._trouble.code()
        if error.code() in _CREDENTIALS or known not in _HOPELESS:
            self._trouble = error


def _error_of(problem: Exception) -> KafkaError:
    if isinstance(problem, KafkaException) and problem.args and isinstance(problem.args[0], KafkaError):
        return problem.args[0]
    return KafkaError(KafkaError._INVALID_ARG)


_CREDENTIALS = frozenset({KafkaError._AUTHENTICATION, KafkaError.SASL_AUTHENTICATION_FAILED})
_HOPELESS = _CREDENTIALS | {KafkaError._ALL_BROKERS_DOWN}
_NOT_ALLOWED = frozenset({KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED})
_MISSING = frozenset({KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION})
_TOO_LARGE = frozenset({KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.RECORD_LIST_TOO_LARGE})
_REFUSED = frozenset({KafkaError.INVALID_RECORD, KafkaError.INVALID_MSG, KafkaError.POLICY_VIOLATION})


def _translated(error: KafkaError) -> StreamProblem:
    code = error.code()
    if code in _CREDENTIALS:
        return StreamProblem("credentials_refused", "Kafka does not know the user name and password.")
    if code in _NOT_ALLOWED:
        return StreamProblem("not_allowed", "The user may not write to this topic.")
    if code in _MISSING:
        return StreamProblem("destination_missing", "There is no such topic.")
    if code in _TOO_LARGE:
        return StreamProblem("message_too_large", "The broker takes no message of this size.")
    if code in _REFUSED:
        return StreamProblem("message_refused", f"Kafka refused the message: {error.name()}.")
    if code == KafkaError._INVALID_ARG:
        return StreamProblem("configuration_refused", "The address or another setting cannot be read.")
    return StreamProblem("broker_away", f"Kafka does not answer: {error.name()}.")
