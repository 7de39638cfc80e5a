"""A small peer that speaks AMQP 1.0 as Azure Service Bus does to its client: not the service, which runs nowhere else.

It knows one policy, by `$cbs` and shared access signatures, and queues with sessions, whose names say what is the
matter with them. It needs python-qpid-proton and nothing else, and ends with SIGTERM. Arguments: the port, the policy,
its key.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import sys
import time
import urllib.parse
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from proton import Condition, Delivery, Endpoint, Event, Link, Message, symbol  # type: ignore[import-not-found]
from proton.handlers import MessagingHandler  # type: ignore[import-not-found]
from proton.reactor import Container  # type: ignore[import-not-found]

CREDIT = 100
MESSAGE_BYTES_MAX = 256 * 1024  # the service's own, outside of its premium tier
ACCEPTED, UNAUTHORIZED, NOT_FOUND = 202, 401, 404  # answers to a token, which is for a queue
LOOK_SECONDS = 0.05
TIMEOUT = symbol("com.microsoft:timeout")  # how long somebody waits for a session, in milliseconds
TIMEOUT_DEFAULT_MILLISECONDS = 65_000
SESSION_FILTER = symbol("com.microsoft:session-filter")
LOCKED_UNTIL = symbol("com.microsoft:locked-until-utc")
LOCK_SECONDS = 300  # nothing is taken away earlier, as tests are over sooner
TICKS_OF_1970 = 621_355_968_000_000_000
# What a part of a queue's name does to whoever connects, and to what is sent to it.
CONNECTING = {
    "vanished": "amqp:not-found",
    "forbidden": "amqp:unauthorized-access",
    "disabled": "com.microsoft:entity-disabled",
}
SENDING = {"full": "amqp:resource-limit-exceeded", "picky": "amqp:not-allowed"}
DATA = b"\x00\x53\x75"


@dataclass
class Queue:
    """Its sessions, each with its messages in their order, and which of them somebody reads at the moment."""

    sessions: dict[str, deque[bytes]] = field(default_factory=dict)
    locked: set[str] = field(default_factory=set)

    def put(self, sent: bytes) -> None:
        message = Message()
        message.decode(sent)
        self.sessions.setdefault(message.group_id or "", deque()).append(sent)

    def lock(self, wanted: str | None) -> str | None:
        free = (name for name, waiting in self.sessions.items() if waiting and name not in self.locked)
        found = next(free, None) if wanted is None else wanted
        if found is None or found in self.locked:
            return None
        self.locked.add(found)
        return found


@dataclass
class Reading:
    """Somebody's lock on a session, and what they were sent and have not settled."""

    queue: Queue
    session: str
    sent: dict[str, bytes] = field(default_factory=dict)
    tags: int = 0


class Waiting:
    """Somebody who wants a session to read, and gets no answer before there is one, or it has taken too long."""

    def __init__(self, container: Container, link: Link, queue: Queue, until: float) -> None:
        self._container = container
        self._link = link
        self._queue = queue
        self._until = until

    def look(self) -> None:
        link = self._link
        if link.state & Endpoint.REMOTE_CLOSED:
            return
        asked = link.remote_source.filter
        asked.rewind()
        session = self._queue.lock(asked.get_dict().get(SESSION_FILTER) if asked.next() else None)
        if session is not None:
            link.served = Reading(self._queue, session)
            link.source.filter.clear()
            link.source.filter.put_dict({SESSION_FILTER: session})
            link.properties = {LOCKED_UNTIL: TICKS_OF_1970 + int((time.time() + LOCK_SECONDS) * 10_000_000)}
            link.open()
        elif time.monotonic() < self._until:
            self._container.schedule(LOOK_SECONDS, self)
        else:
            link.open()
            link.condition = _refusal(TIMEOUT)
            link.close()

    def on_timer_task(self, _: Event) -> None:
        self.look()


class Peer(MessagingHandler):  # type: ignore[misc]
    def __init__(self, port: int, policy: str, key: str) -> None:
        super().__init__(prefetch=CREDIT, auto_accept=False, auto_settle=False)
        # Messages are taken as the bytes that they are, so only what keeps connections and credit stays.
        del self.handlers[2:]
        self._port = port
        self._policy = policy
        self._key = key.encode()
        self._queues: dict[str, Queue] = {}

    def on_start(self, event: Event) -> None:
        event.container.listen(f"127.0.0.1:{self._port}")

    def on_link_remote_open(self, event: Event) -> None:
        link = event.link
        address = urllib.parse.urlsplit((link.remote_source if link.is_sender else link.remote_target).address).path
        link.source.copy(link.remote_source)
        link.target.copy(link.remote_target)
        link.rcv_settle_mode = link.remote_rcv_settle_mode
        link.snd_settle_mode = link.remote_snd_settle_mode
        if address == "$cbs":
            link.open()
            return
        name = address.strip("/")
        refusal = next((told for part, told in CONNECTING.items() if part in name), None)
        if not getattr(event.connection, "is_known", False):
            refusal = "amqp:unauthorized-access"
        queue = self._queues.setdefault(name, Queue())
        if refusal is None and link.is_sender:
            waiting = (link.remote_properties or {}).get(TIMEOUT, TIMEOUT_DEFAULT_MILLISECONDS) / 1000
            Waiting(event.container, link, queue, time.monotonic() + waiting).look()
            return
        link.max_message_size = MESSAGE_BYTES_MAX
        link.open()
        if refusal is None:
            link.served = queue
        else:
            link.condition = _refusal(refusal)
            link.close()

    def on_link_flow(self, event: Event) -> None:
        """Somebody has room for messages."""
        link = event.link
        reading = getattr(link, "served", None)
        if not link.is_sender or not isinstance(reading, Reading):
            return
        waiting = reading.queue.sessions.get(reading.session, deque())
        while link.credit and waiting:
            reading.tags += 1
            tag = str(reading.tags)
            reading.sent[tag] = waiting.popleft()
            link.delivery(tag)
            link.send(reading.sent[tag])
            link.advance()
        if link.drain_mode:
            link.drained()

    def on_delivery(self, event: Event) -> None:
        delivery = event.delivery
        if event.link.is_sender:
            self._settled(getattr(event.link, "served", None), delivery)
        elif delivery.readable and not delivery.partial:
            sent = event.link.recv(delivery.pending)
            event.link.advance()
            if event.link.remote_target.address == "$cbs":
                delivery.update(Delivery.ACCEPTED)
                self._authenticate(event, sent)
            elif hasattr(event.link, "served"):
                self._take(event, delivery, sent)
            delivery.settle()

    @staticmethod
    def _settled(reading: Reading | None, delivery: Delivery) -> None:
        if not delivery.updated:
            return
        if isinstance(reading, Reading):
            sent = reading.sent.pop(delivery.tag, None)
            if delivery.remote_state != Delivery.ACCEPTED and sent is not None:
                reading.queue.sessions[reading.session].appendleft(sent)
        delivery.update(delivery.remote_state)
        delivery.settle()

    def _take(self, event: Event, delivery: Delivery, sent: bytes) -> None:
        if len(sent) > MESSAGE_BYTES_MAX:
            event.link.condition = _refusal("amqp:link:message-size-exceeded")
            event.link.close()
            return
        name = event.link.remote_target.address.rpartition("/")[2]
        messages = list(_messages(sent))
        refusal = next((told for part, told in SENDING.items() if part in name), None)
        if "partitioned" in name and len(messages) > 1:
            refusal = "amqp:not-allowed"
        if refusal is None:
            for message in messages:
                event.link.served.put(message)
            delivery.update(Delivery.ACCEPTED)
            return
        delivery.local.condition = _refusal(refusal)
        delivery.update(Delivery.REJECTED)

    def _authenticate(self, event: Event, sent: bytes) -> None:
        request = Message()
        request.decode(sent)
        status = ACCEPTED if self._signed(request.body) else UNAUTHORIZED
        if status == ACCEPTED and "missing" in request.properties["name"]:
            status = NOT_FOUND
        event.connection.is_known = status == ACCEPTED
        reply = Message(correlation_id=request.id, properties={"status-code": status, "status-description": "told"})
        link = event.connection.link_head(0)
        while link is not None:
            if link.is_sender and link.remote_source.address == "$cbs":
                link.send(reply)
            link = link.next(0)

    def _signed(self, token: str) -> bool:
        told = dict(urllib.parse.parse_qsl(token.removeprefix("SharedAccessSignature ")))
        place, until = urllib.parse.quote_plus(told.get("sr", "")), told.get("se", "0")
        expected = base64.b64encode(hmac.digest(self._key, f"{place}\n{until}".encode(), hashlib.sha256)).decode()
        return told.get("skn") == self._policy and told.get("sig") == expected and int(until) > time.time()

    def on_link_closed(self, event: Event) -> None:
        self._give_up(event.link)

    def on_transport_closed(self, event: Event) -> None:
        link = event.connection.link_head(0) if event.connection else None
        while link is not None:
            self._give_up(link)
            link = link.next(0)

    @staticmethod
    def _give_up(link: Link) -> None:
        """What was not settled is for whoever comes next."""
        reading = getattr(link, "served", None)
        if isinstance(reading, Reading):
            link.served = None
            reading.queue.sessions[reading.session].extendleft(reversed(reading.sent.values()))
            reading.queue.locked.discard(reading.session)


def _refusal(condition: str) -> Condition:
    """With something in all of its parts: the client wants them all."""
    return Condition(condition, "refused", {symbol("peer"): "bursar"})


def _messages(sent: bytes) -> Iterator[bytes]:
    """A batch is several sections of data, each of them a message; anything else is a message by itself."""
    bodies = [content for code, content in _sections(sent) if code == 0x75]
    if bodies and all(body.startswith(b"\x00\x53") for body in bodies):
        yield from bodies
    else:
        yield sent


def _sections(sent: bytes) -> Iterator[tuple[int, bytes]]:
    """The code of each section, and its content without the length before it."""
    place = 0
    while place < len(sent):
        code, kind = sent[place + 2], sent[place + 3]
        place += 4
        if kind == 0x45:  # an empty list
            size = width = 0
        else:
            width = 1 if kind in (0xA0, 0xA1, 0xC0, 0xC1) else 4
            size = int.from_bytes(sent[place : place + width], "big")
        yield code, sent[place + width : place + width + size]
        place += width + size


if __name__ == "__main__":
    Container(Peer(int(sys.argv[1]), *sys.argv[2:])).run()
