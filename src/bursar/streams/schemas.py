"""Streams on the wire."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from bursar.http.params import Params
from bursar.streams.port import Sink

KindName = Literal["rabbitmq", "kafka", "nats", "redis", "sqs", "sns", "google_pubsub", "azure_service_bus"]
State = Literal["waiting", "running", "retrying", "refused", "paused"]
Name = Annotated[str, Meta(min_length=1, max_length=80)]
Address = Annotated[str, Meta(max_length=500, pattern="^[!-~]*$")]
Destination = Annotated[str, Meta(min_length=1, max_length=300, pattern="^[!-~]+$")]
EventName = Annotated[str, Meta(min_length=1, max_length=80)]
EventNames = Annotated[list[EventName], Meta(min_length=1, max_length=100)]
Region = Annotated[str, Meta(min_length=1, max_length=40, pattern="^[a-z0-9-]+$")]
Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]
MessageBytes = Annotated[int, Meta(ge=4_096, le=64 * 1024 * 1024)]
CredentialName = Annotated[str, Meta(min_length=1, max_length=40)]
CredentialValue = Annotated[str, Meta(min_length=1, max_length=4_000)]
Credentials = Annotated[dict[CredentialName, CredentialValue], Meta(max_length=4)]


class StreamDocument(msgspec.Struct, kw_only=True, frozen=True):
    """What is stored of a stream, without what is secret."""

    name: str
    kind: KindName
    address: str = ""
    destination: str
    events: list[str]
    declare: bool = False
    tls: bool = False
    region: str | None = None
    sasl_mechanism: Mechanism | None = None
    message_bytes_max: int | None = None
    endpoint: str | None = None

    def sink(self, credentials: dict[str, str]) -> Sink:
        return Sink(
            self.kind,
            self.address,
            self.destination,
            credentials,
            self.declare,
            self.tls,
            self.region,
            self.sasl_mechanism,
            self.message_bytes_max,
            self.endpoint,
        )


class Stream(msgspec.Struct, kw_only=True):
    id: str
    object: Literal["stream"] = "stream"
    name: str
    kind: KindName
    address: str
    destination: str
    events: list[str]
    has_credentials: bool
    declare: bool
    tls: bool
    region: str | None
    sasl_mechanism: Mechanism | None
    message_bytes_max: int | None
    endpoint: str | None
    livemode: bool
    created: int
    state: State
    # Why nothing is published at the moment, in a word and in a sentence.
    state_reason: str | None
    state_detail: str | None
    state_since: int
    next_try: int | None
    # Events that brokers have confirmed, and how many of them were told by reference as they were too large.
    published: int
    referenced: int
    last_event: str | None
    last_published: int | None


class InstallationStreamState(msgspec.Struct, kw_only=True):
    """One of the installation's own: how it is doing, as its settings are in the settings."""

    # Its name there.
    id: str
    object: Literal["installation_stream"] = "installation_stream"
    kind: KindName
    destination: str
    events: list[str]
    state: State
    state_reason: str | None
    state_detail: str | None
    state_since: int | None
    next_try: int | None
    published: int
    referenced: int
    last_event: str | None
    last_published: int | None


class DeletedStream(msgspec.Struct, kw_only=True):
    id: str
    object: Literal["stream"] = "stream"
    deleted: Literal[True] = True


class StreamParams(Params, kw_only=True):
    name: Name
    kind: KindName
    destination: Destination
    address: Address = ""
    events: EventNames = msgspec.field(default_factory=lambda: ["*"])
    credentials: Credentials | None = None
    declare: bool = False
    tls: bool = False
    region: Region | None = None
    sasl_mechanism: Mechanism | None = None
    message_bytes_max: MessageBytes | None = None
    endpoint: Address | None = None
    # Where it begins: with what happens from now on, or with the first event that there is.
    begin: Literal["now", "beginning"] = "now"


class StreamChangeParams(Params, kw_only=True):
    name: Name | UnsetType = UNSET
    destination: Destination | UnsetType = UNSET
    address: Address | UnsetType = UNSET
    events: EventNames | UnsetType = UNSET
    credentials: Credentials | UnsetType | None = UNSET
    declare: bool | UnsetType = UNSET
    tls: bool | UnsetType = UNSET
    region: Region | UnsetType | None = UNSET
    sasl_mechanism: Mechanism | UnsetType | None = UNSET
    message_bytes_max: MessageBytes | UnsetType | None = UNSET
    endpoint: Address | UnsetType | None = UNSET
    paused: bool | UnsetType = UNSET


class InstallationStream(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """One of the installation's own, in its settings. It carries every organisation's events."""

    name: Annotated[str, Meta(pattern="^[a-z0-9-]{1,20}$")]
    kind: KindName
    destination: Destination
    address: Address = ""
    events: EventNames = msgspec.field(default_factory=lambda: ["*"])
    credentials: Credentials = msgspec.field(default_factory=dict)
    declare: bool = False
    tls: bool = False
    region: Region | None = None
    sasl_mechanism: Mechanism | None = None
    message_bytes_max: MessageBytes | None = None
    endpoint: Address | None = None
    begin: Literal["now", "beginning"] = "now"

    def document(self) -> StreamDocument:
        return StreamDocument(**{name: getattr(self, name) for name in StreamDocument.__struct_fields__})


decode_document = msgspec.json.Decoder(StreamDocument).decode
_installation = msgspec.json.Decoder(list[InstallationStream])


def read_installation_streams(text: str) -> list[InstallationStream]:
    """From the setting. Raises ValueError, which says where it is wrong."""
    found = _installation.decode(text) if text else []
    names = [stream.name for stream in found]
    if len(set(names)) != len(names):
        raise ValueError("two streams have the same name")
    return found
