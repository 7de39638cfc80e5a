"""Which events a stream carries, in which flights they leave, and how patient it is. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from bursar.events.rules import INTERNAL_PREFIX, PUBLIC_TYPES
from bursar.kit.errors import InvalidRequest
from bursar.streams.port import Message, Reason, Sink

EVERYTHING = "*"
# Events of our own that a stream may ask for by name; they are not among "all", which are those of the official API.
SELECTABLE_GROUPS = (
    "bursar.late_payment.",
    "bursar.payment_session.",
    "bursar.transaction.",
    "bursar.wallet.",
    "bursar.wallet_payment.",
    "bursar.wallet_transfer.",
    "bursar.withdrawal.",
)
_PUBLIC = frozenset(PUBLIC_TYPES)


class Filter:
    """Which events a stream carries."""

    __slots__ = ("_everything", "_groups", "_types")

    def __init__(self, wanted: Sequence[str]) -> None:
        self._everything = EVERYTHING in wanted
        self._types = frozenset(name for name in wanted if not name.endswith("*"))
        self._groups = tuple(name[:-1] for name in wanted if name.endswith(".*"))

    def wants(self, event_type: str) -> bool:
        if event_type.startswith(INTERNAL_PREFIX):
            if not event_type.startswith(SELECTABLE_GROUPS):
                return False
        elif self._everything:
            return True
        return event_type in self._types or (bool(self._groups) and event_type.startswith(self._groups))


def check_events(names: Sequence[str]) -> list[str]:
    """Each once. Raises InvalidRequest for what no event can match."""
    for index, name in enumerate(names):
        if not _can_match(name):
            raise InvalidRequest(
                f"'{name}' is no type of event that streams carry; use a type such as payment_intent.succeeded, a "
                "group such as charge.*, or * for all.",
                param=f"events[{index}]",
            )
    return list(dict.fromkeys(names))


def _can_match(name: str) -> bool:
    if name == EVERYTHING or name in _PUBLIC:
        return True
    group, star, rest = name.partition("*")
    if name.startswith(INTERNAL_PREFIX):
        return not rest and group.startswith(SELECTABLE_GROUPS) and (not star or group.endswith("."))
    return bool(star) and not rest and group.endswith(".") and any(one.startswith(group) for one in PUBLIC_TYPES)


def flights(messages: Sequence[Message], flight_max: int) -> list[list[int]]:
    """The messages' numbers, in groups that may be under way at once: none has two of the same key.

    So a message that the broker refuses is never overtaken by a later one of the same payment, whatever the broker
    does with what it was sent in one go.
    """
    found: list[list[int]] = []
    # Of each key, the first flight that its next message may leave with; of all, the first that still has room.
    next_of: dict[str, int] = {}
    first_open = 0
    for number, message in enumerate(messages):
        place = max(next_of.get(message.key, 0), first_open)
        while place < len(found) and len(found[place]) >= flight_max:
            place += 1
        if place == len(found):
            found.append([])
        found[place].append(number)
        next_of[message.key] = place + 1
        while first_open < len(found) and len(found[first_open]) >= flight_max:
            first_open += 1
    return found


# What somebody must mend: trying again soon would only fill the broker's log.
MENDED_BY_PEOPLE: frozenset[Reason] = frozenset(
    {
        "credentials_refused",
        "not_allowed",
        "destination_missing",
        "message_refused",
        "client_missing",
        "address_refused",
        "configuration_refused",
        "credentials_unreadable",
    }
)


@dataclass(frozen=True)
class Pace:
    """How patient the worker is. Tests are less so."""

    wait_seconds_first: float = 0.5
    wait_seconds_max: float = 30.0
    people_wait_seconds_first: float = 5.0
    people_wait_seconds_max: float = 60.0

    def wait(self, failures: int, reason: Reason, chance: float) -> float:
        """Before the next try, after so many failures in a row; `chance` is between 0 and 1."""
        slow = reason in MENDED_BY_PEOPLE
        first = self.people_wait_seconds_first if slow else self.wait_seconds_first
        longest = self.people_wait_seconds_max if slow else self.wait_seconds_max
        return min(first * 2.0 ** min(failures - 1, 20), longest) * (0.8 + 0.4 * chance)


@dataclass(frozen=True)
class Kind:
    """What a stream to this kind of broker must and may say."""

    schemes: tuple[str, ...] = ()  # of its address; without any, it has none, or hosts with ports
    hosts: bool = False
    credentials: tuple[frozenset[str], ...] = (frozenset(),)  # each one a set that is complete
    options: frozenset[str] = frozenset()
    needs_region: bool = False


_NOBODY: frozenset[str] = frozenset()
_PASSWORD = frozenset({"username", "password"})
_AMAZON = (frozenset({"access_key_id", "secret_access_key"}), _NOBODY)
KINDS: Mapping[str, Kind] = {
    "rabbitmq": Kind(("amqp", "amqps"), credentials=(_PASSWORD, _NOBODY), options=frozenset({"declare"})),
    "kafka": Kind(hosts=True, credentials=(_PASSWORD, _NOBODY), options=frozenset({"tls", "sasl_mechanism"})),
    "nats": Kind(
        ("nats", "tls"), credentials=(_PASSWORD, frozenset({"token"}), _NOBODY), options=frozenset({"declare"})
    ),
    "redis": Kind(("redis", "rediss"), credentials=(_PASSWORD, frozenset({"password"}), _NOBODY)),
    "sqs": Kind(credentials=_AMAZON, options=frozenset({"region", "endpoint"}), needs_region=True),
    "sns": Kind(credentials=_AMAZON, options=frozenset({"region", "endpoint"}), needs_region=True),
    "google_pubsub": Kind(
        credentials=(frozenset({"service_account"}), _NOBODY), options=frozenset({"declare", "endpoint"})
    ),
    "azure_service_bus": Kind(
        ("sb", "amqp"), credentials=(frozenset({"shared_access_key_name", "shared_access_key"}),)
    ),
}
# Emulators speak without TLS, and whatever they keep is soon gone: production has none.
_EMULATED = {"google_pubsub": ("endpoint", "http://"), "azure_service_bus": ("address", "amqp://")}
_TOPIC_OF_GOOGLE = re.compile("projects/[^/]+/topics/[^/]+")
MESSAGE_BYTES_MIN = 4_096  # a reference to an event always fits


def check_sink(sink: Sink) -> None:
    """Raises InvalidRequest for what cannot work, before anybody waits for it."""
    kind = KINDS[sink.kind]
    if kind.schemes and sink.address.partition("://")[0] not in kind.schemes:
        example = f"{kind.schemes[0]}://broker.example.com"
        raise InvalidRequest(f"A stream to {sink.kind} needs an address such as {example}.", param="address")
    if kind.schemes and "@" in sink.address:
        raise InvalidRequest("Send user names and passwords in credentials, which are sealed.", param="address")
    if "?" in sink.address or "#" in sink.address:
        # Clients take options there, such as names of files on this machine.
        raise InvalidRequest("The address must end with its path, without ? or #.", param="address")
    if kind.hosts and ("://" in sink.address or not sink.address):
        raise InvalidRequest("The address is hosts with ports, such as kafka.example.com:9092.", param="address")
    if not kind.schemes and not kind.hosts and sink.address:
        raise InvalidRequest(f"A stream to {sink.kind} has no address; see region and endpoint.", param="address")
    if frozenset(sink.credentials) not in kind.credentials:
        sets = " or ".join(", ".join(sorted(one)) or "none" for one in kind.credentials)
        raise InvalidRequest(f"Credentials for {sink.kind} are: {sets}.", param="credentials")
    for name in ("declare", "tls", "region", "sasl_mechanism", "endpoint"):
        if getattr(sink, name) and name not in kind.options:
            raise InvalidRequest(f"A stream to {sink.kind} has no {name}.", param=name)
    if kind.needs_region and not sink.region:
        raise InvalidRequest(f"A stream to {sink.kind} needs a region, such as eu-central-1.", param="region")
    if sink.kind == "google_pubsub":
        _check_google(sink)
    if sink.kind == "azure_service_bus":
        _check_azure(sink)


def is_emulator(sink: Sink) -> bool:
    place, beginning = _EMULATED.get(sink.kind, ("address", ""))
    return bool(beginning) and str(getattr(sink, place) or "").startswith(beginning)


class _ServiceAccount(msgspec.Struct):
    """What of a service account's file is needed."""

    client_email: str
    private_key: str


def _check_google(sink: Sink) -> None:
    if not _TOPIC_OF_GOOGLE.fullmatch(sink.destination):
        raise InvalidRequest("The destination is a topic's full name: projects/…/topics/….", param="destination")
    if sink.endpoint and not sink.endpoint.startswith(("https://", "http://")):
        raise InvalidRequest("The endpoint is an address such as https://pubsub.example.com.", param="endpoint")
    if not sink.credentials:
        return
    if is_emulator(sink):
        raise InvalidRequest("An endpoint without TLS is an emulator's, and takes no credentials.", param="credentials")
    try:
        msgspec.json.decode(sink.credentials["service_account"], type=_ServiceAccount)
    except (msgspec.DecodeError, UnicodeError):
        raise InvalidRequest(
            "service_account is the content of the key file that Google made, in JSON.", param="credentials"
        ) from None


def _check_azure(sink: Sink) -> None:
    if ";" in "".join(sink.credentials.values()):
        # They become parts of a connection string, where it would begin another part.
        raise InvalidRequest("Send the name and the key of the policy by themselves.", param="credentials")
