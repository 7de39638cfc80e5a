"""What a broker must be able to do: take messages, and say which of them it has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal, NamedTuple, Protocol

from bursar.kit.errors import BursarError

CONTENT_TYPE = "application/cloudevents+json"
CONFIRM_SECONDS_MAX = 10.0  # for one flight; whoever publishes ends all of them before its lease does
CONNECT_SECONDS_MAX = 8.0

# `broker_away` is over by itself. What follows needs somebody: it is tried again all the same, only less often.
Reason = Literal[
    "broker_away",
    "credentials_refused",
    "not_allowed",
    "destination_missing",
    "destination_full",
    "message_too_large",
    "message_refused",
    "client_missing",
    "address_refused",
    "configuration_refused",
    "credentials_unreadable",
    "internal_error",
]


class Message(NamedTuple):
    """One event. The same event is the same bytes, whenever and however often it is sent."""

    event_id: str
    event_type: str
    # Messages of one key are published one after the other.
    key: str
    body: bytes
    # Whether it says only where the event is to be found.
    is_reference: bool = False


class Problem(NamedTuple):
    reason: Reason
    detail: str


class StreamProblem(BursarError):
    """Nothing can be published at the moment. `detail` is shown to whoever set the stream up: never a secret."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.problem = Problem(reason, detail)


@dataclass(frozen=True)
class Sink:
    """Where a stream leads to. Its words mean what the broker's own file says."""

    kind: str
    address: str
    destination: str
    credentials: dict[str, str] = field(repr=False, default_factory=dict)
    # Whether what is missing at the broker is made.
    declare: bool = False
    tls: bool = False
    region: str | None = None
    sasl_mechanism: str | None = None
    message_bytes_max: int | None = None
    # An address of the broker's interface instead of its vendor's own, such as a simulator's.
    endpoint: str | None = None


class Publisher(Protocol):
    """One connection to one sink. Whoever made it calls `open` once, then `publish`, and at the end `close`."""

    # How many messages it is handed at once, and how many bytes one may have.
    flight_max: ClassVar[int]

    @property
    def message_bytes_max(self) -> int: ...

    async def open(self) -> None:
        """Raises StreamProblem."""

    async def publish(self, flight: Sequence[Message]) -> list[Problem | None]:
        """For each message, None once the broker has confirmed that it keeps it, else why not.

        No two messages of a flight have the same key. Raises StreamProblem when nothing is known of any.
        """

    async def close(self) -> None:
        """Lets go, whatever state it is in; raises nothing."""
