"""Google Cloud Pub/Sub. The destination is a topic, `projects/…/topics/…`; a message's ordering key is its payment.

Google takes one ordering key per call, so each message of a flight is a call of its own; all share one connection.
Its answer is the confirmation. An endpoint without TLS is an emulator's, and gets no credentials.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, ClassVar
from urllib.parse import urlsplit

import google.auth
import grpc  # type: ignore[import-untyped]
from google.api_core import exceptions
from google.auth.exceptions import GoogleAuthError
from google.oauth2.service_account import Credentials
from google.pubsub_v1 import PublisherAsyncClient, SubscriberAsyncClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcAsyncIOTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcAsyncIOTransport
from google.pubsub_v1.types import PublishRequest, PubsubMessage, Subscription

from bursar.streams.port import (
    CONFIRM_SECONDS_MAX,
    CONNECT_SECONDS_MAX,
    CONTENT_TYPE,
    Message,
    Problem,
    Sink,
    StreamProblem,
)

MESSAGE_BYTES_MAX = 10_000_000  # of a call, with everything that is in it
OVERHEAD_BYTES = 2_048
CALLS_BEFORE_OTHERS = 10  # begun in one go, about a millisecond: requests wait no longer
ACKNOWLEDGE_SECONDS_MAX = 60  # what a consumer of a subscription that we make has for one message
OF_THE_VENDOR = "pubsub.googleapis.com"
# A service account's file names an address where tokens are to be had. Ours are signed here, so none is ever asked.
TOKENS_OF_THE_VENDOR = "https://oauth2.googleapis.com/token"
NO_TOPIC = "There is no such topic; make it, or set declare."
NO_SUBSCRIPTION = "No subscription is attached to the topic, so nobody would get its messages; attach one."
_OPTIONS = (
    ("grpc.use_local_subchannel_pool", 1),  # a new connection is a new try, not the back-off of an earlier one
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.max_receive_message_length", 1024 * 1024),
    ("grpc.max_send_message_length", -1),  # the broker says what is too large
)


def make(sink: Sink) -> GooglePubSub:
    return GooglePubSub(sink)


class GooglePubSub:
    flight_max: ClassVar[int] = 200

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        room = MESSAGE_BYTES_MAX - OVERHEAD_BYTES
        self.message_bytes_max = min(sink.message_bytes_max or room, room)
        self._channel: Any = None
        self._client: Any = None

    async def open(self) -> None:
        try:
            self._channel = await self._connect()
            self._client = PublisherAsyncClient(transport=PublisherGrpcAsyncIOTransport(channel=self._channel))
            if self._sink.declare:
                await self._declare()
            else:
                await self._look()
        except (exceptions.GoogleAPICallError, GoogleAuthError, ValueError) as problem:
            raise _translated(problem) from None

    async def _connect(self) -> Any:
        place = urlsplit(self._sink.endpoint or f"https://{OF_THE_VENDOR}")
        host = f"[{place.hostname}]" if ":" in (place.hostname or "") else place.hostname
        if place.scheme == "http":
            options = (*_OPTIONS, ("grpc.enable_http_proxy", 0))  # emulators are near
            return grpc.aio.insecure_channel(f"dns:///{host}:{place.port or 80}", options)
        credentials = await asyncio.to_thread(_credentials, self._sink.credentials)
        return PublisherGrpcAsyncIOTransport.create_channel(
            f"dns:///{host}:{place.port or 443}", credentials=credentials, options=_OPTIONS
        )

    async def _look(self) -> None:
        """Google keeps no message that no subscription waits for, unless the topic itself shall."""
        patience: dict[str, Any] = {"retry": None, "timeout": CONNECT_SECONDS_MAX / 2}
        try:
            topic = await self._client.get_topic(topic=self._sink.destination, **patience)
            if "message_retention_duration" in topic:
                return
            pages = await self._client.list_topic_subscriptions(topic=self._sink.destination, **patience)
        except exceptions.PermissionDenied:
            return  # whoever may only publish is told nothing; publishing itself will say what is wrong
        if not pages.subscriptions:
            raise StreamProblem("destination_missing", NO_SUBSCRIPTION)

    async def _declare(self) -> None:
        """The topic, and a subscription of its name that keeps each payment's order."""
        patience: dict[str, Any] = {"retry": None, "timeout": CONNECT_SECONDS_MAX / 2}
        with suppress(exceptions.AlreadyExists):
            await self._client.create_topic(name=self._sink.destination, **patience)
        subscriber = SubscriberAsyncClient(transport=SubscriberGrpcAsyncIOTransport(channel=self._channel))
        wanted = Subscription(
            name=self._sink.destination.replace("/topics/", "/subscriptions/"),
            topic=self._sink.destination,
            enable_message_ordering=True,
            ack_deadline_seconds=ACKNOWLEDGE_SECONDS_MAX,
        )
        with suppress(exceptions.AlreadyExists):
            await subscriber.create_subscription(request=wanted, **patience)

    async def publish(self, flight: Sequence[Message]) -> list[Problem | None]:
        async with asyncio.TaskGroup() as group:
            calls = []
            for number, message in enumerate(flight, 1):
                calls.append(group.create_task(self._publish_one(message)))
                if number % CALLS_BEFORE_OTHERS == 0:
                    await asyncio.sleep(0)
        return [call.result() for call in calls]

    async def _publish_one(self, message: Message) -> Problem | None:
        sent = PubsubMessage(
            data=message.body,
            ordering_key=message.key,
            attributes={"content-type": CONTENT_TYPE, "ce-id": message.event_id, "ce-type": message.event_type},
        )
        request = PublishRequest(topic=self._sink.destination, messages=[sent])
        try:
            await self._client.publish(request=request, retry=None, timeout=CONFIRM_SECONDS_MAX - 1)
        except (exceptions.GoogleAPICallError, GoogleAuthError) as problem:
            return _translated(problem).problem
        return None

    async def close(self) -> None:
        channel, self._channel = self._channel, None
        if channel is not None:
            await channel.close()


def _credentials(given: dict[str, str]) -> Any:
    """Without any, those of this machine, which only the installation's own streams may use."""
    if not given:
        return google.auth.default(scopes=PublisherGrpcAsyncIOTransport.AUTH_SCOPES)[0]
    told = json.loads(given["service_account"])
    own = {name: told.get(name) for name in ("client_email", "private_key", "private_key_id")}
    own["token_uri"] = TOKENS_OF_THE_VENDOR
    return Credentials.from_service_account_info(own, always_use_jwt_access=True)  # type: ignore[no-untyped-call]


def _translated(problem: Exception) -> StreamProblem:
    if isinstance(problem, exceptions.Unauthenticated | GoogleAuthError | ValueError):
        return StreamProblem("credentials_refused", "Google does not know the service account, or its key.")
    if isinstance(problem, exceptions.PermissionDenied):
        return StreamProblem("not_allowed", "The service account may not do this with the topic.")
    if isinstance(problem, exceptions.NotFound):
        return StreamProblem("destination_missing", NO_TOPIC)
    if isinstance(problem, exceptions.InvalidArgument | exceptions.ResourceExhausted) and _is_of_size(problem.message):
        return StreamProblem("message_too_large", "Google takes no message of this size.")
    if isinstance(problem, exceptions.ResourceExhausted):
        return StreamProblem("destination_full", "The project's quota at Google is used up.")
    if isinstance(problem, exceptions.InvalidArgument):
        return StreamProblem("message_refused", "Google refused the call: INVALID_ARGUMENT.")
    if isinstance(problem, exceptions.FailedPrecondition):
        return StreamProblem("configuration_refused", "The topic's own settings keep Google from taking messages.")
    return StreamProblem("broker_away", f"Google does not answer: {type(problem).__name__}.")


def _is_of_size(told: str) -> bool:
    """Pub/Sub has no code of its own for what is too large, and gRPC in front of it says so in other words."""
    return any(words in told for words in ("size", "too large", "larger than max"))
