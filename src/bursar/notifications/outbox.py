"""Works the outbox off: claims a message, sends it, and commits what became of it.

A crash between sending and the commit sends it again once the claim has run out, under the same Message-ID.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from email.message import EmailMessage
from functools import partial
from typing import Protocol

import msgspec
from sqlalchemy import Connection

from bursar.http.endpoint import encode
from bursar.kit.clock import MICROSECONDS_PER_SECOND, Clock
from bursar.kit.recipients import is_telephone
from bursar.notifications import repository, rules
from bursar.notifications.composing import Composer, Sender, Surroundings
from bursar.notifications.push import RECIPIENT
from bursar.notifications.rules import DIGESTED, FAILED, GATHERED, SENT, WAITING, WAITING_FOR_SETTINGS
from bursar.notifications.schemas import StoredMessage
from bursar.notifications.smtp import NotNow, Refused
from bursar.notifications.views import view
from bursar.store.errors import DuplicateKey, RowsExpected, StoreError
from bursar.store.log import Entry
from bursar.store.store import Store
from bursar.store.unit import Unit

CONCURRENCY = 8
CLAIM_SECONDS = 120  # longer than sending can take
ROWS_OF_A_LOOK = 100
DIGEST_ROWS_MAX = 2_000
TOO_LATE = "It could not be sent before it was of no use any more."

logger = logging.getLogger(__name__)


class Unready(Exception):
    """A setting is missing that it could be sent by."""


class Letters(Protocol):
    async def send(self, message: EmailMessage, sender: str, recipient: str) -> None: ...


class Pushes(Protocol):
    async def send(self, url: str, title: str, body: str) -> None: ...


# The address that a message to a target, or to a telephone, goes by.
AddressOf = Callable[[StoredMessage], Awaitable[str | None]]


class Outbox:
    def __init__(
        self,
        store: Store,
        clock: Clock,
        composer: Composer,
        sender: Sender,
        letters: Letters | None,
        pushes: Pushes,
        address_of: AddressOf,
        concurrency: int = CONCURRENCY,
    ) -> None:
        self._store = store
        self._clock = clock
        self._composer = composer
        self._sender = sender
        self._letters = letters
        self._pushes = pushes
        self._address_of = address_of
        self._concurrency = concurrency
        self._sending: dict[tuple[str, int, str], asyncio.Task[None]] = {}

    async def look(self) -> int:
        """Begins to send what is due, as far as there is room; tells how many it began with."""
        free = self._concurrency - len(self._sending)
        if free <= 0:
            return 0
        now = self._clock.now_microseconds()
        wanted = free + len(self._sending)
        found = await self._store.read(
            lambda connection: [
                *repository.due(connection, WAITING, now, max(wanted, ROWS_OF_A_LOOK)),
                *repository.due(connection, WAITING_FOR_SETTINGS, now, ROWS_OF_A_LOOK),
            ]
        )
        parked = [message for message in found if self._must_wait(message, now)]
        if parked:
            await self._store.commit(Unit([repository.parking(message) for message in parked]))
        begun = 0
        for message in found:
            place = (message.org_id, message.livemode, message.id)
            if message in parked or place in self._sending:
                continue
            if begun == free:
                break
            begun += 1
            task = asyncio.create_task(self._carry_out(message))
            self._sending[place] = task
            task.add_done_callback(partial(self._done, place))
        return begun

    async def settled(self) -> None:
        """Until what was begun is done with."""
        while self._sending:
            await asyncio.gather(*self._sending.values(), return_exceptions=True)
            await asyncio.sleep(0)

    async def close(self) -> None:
        for task in self._sending.values():
            task.cancel()
        await self.settled()

    async def revive(self) -> None:
        """When settings may have come: once, as the process begins."""
        now = self._clock.now_microseconds()
        await self._store.commit(Unit([repository.revival(now, letters=self._letters is not None)]))

    async def gather_digests(self) -> int:
        """One message of all that somebody wanted to be told once a day."""
        now = self._clock.now_microseconds()
        found = await self._store.read(lambda connection: repository.due(connection, GATHERED, now, DIGEST_ROWS_MAX))
        heaps: dict[tuple[str, int, str | None, str, str], list[StoredMessage]] = {}
        for message in found:
            place = (message.org_id, message.livemode, message.user_id, message.recipient, message.language)
            heaps.setdefault(place, []).append(message)
        for heap in heaps.values():
            heap.sort(key=lambda message: message.id)
            forget_at = now + rules.KEPT_SECONDS * MICROSECONDS_PER_SECOND
            changes = [repository.insertion(_digest(heap, now))]
            changes += [repository.gathering(message, now, forget_at) for message in heap]
            try:
                await self._store.commit(Unit(changes))
            except (RowsExpected, DuplicateKey):  # another process has made it
                continue
        return len(heaps)

    async def forget(self) -> int:
        """What is done with makes room after a while."""
        now = self._clock.now_microseconds()

        def query(connection: Connection) -> list[StoredMessage]:
            ends = (SENT, FAILED, DIGESTED)
            return [row for end in ends for row in repository.due(connection, end, now, ROWS_OF_A_LOOK)]

        old = await self._store.read(query)
        if old:
            await self._store.commit(Unit([repository.forgetting(message) for message in old]))
        return len(old)

    def _must_wait(self, message: StoredMessage, now: int) -> bool:
        is_letter = message.channel == "email"
        return message.state == WAITING and is_letter and self._letters is None and message.expires > now

    def _done(self, place: tuple[str, int, str], _task: asyncio.Task[None]) -> None:
        self._sending.pop(place, None)

    async def _carry_out(self, message: StoredMessage) -> None:
        now = self._clock.now_microseconds()
        try:
            await self._store.commit(Unit([repository.claim(message, now + CLAIM_SECONDS * MICROSECONDS_PER_SECOND)]))
        except RowsExpected:  # another process has it
            return
        except StoreError as problem:
            logger.warning("a message is sent later: %s", problem, extra={"message_id": message.id})
            return
        claimed = msgspec.structs.replace(message, state=WAITING, tries=message.tries + 1)
        after = await self._outcome(claimed)
        entries = []
        if after.state in (SENT, FAILED):
            entries = [told(after)]
        try:
            await self._store.commit(Unit([repository.settlement(claimed, after)], entries))
        except StoreError as problem:  # it comes again when the claim has run out
            logger.warning("what became of a message is not known: %s", problem, extra={"message_id": message.id})

    async def _outcome(self, claimed: StoredMessage) -> StoredMessage:
        """What became of it. Never raises, but when it is cancelled."""
        now = self._clock.now_microseconds()
        if claimed.expires <= now:
            return _ended(claimed, FAILED, now, claimed.problem or TOO_LATE)
        try:
            await self._send(claimed)
        except Refused as problem:
            return _ended(claimed, FAILED, self._clock.now_microseconds(), str(problem))
        except Unready as problem:
            return msgspec.structs.replace(
                claimed, state=WAITING_FOR_SETTINGS, next_at=claimed.expires, problem=str(problem)
            )
        except NotNow as problem:
            return self._later(claimed, str(problem))
        except Exception as problem:  # a defect, which must not end what sends everybody else's
            logger.exception("a message cannot be made", extra={"message_id": claimed.id})
            return self._later(claimed, f"A defect: {type(problem).__name__}.")
        return _ended(claimed, SENT, self._clock.now_microseconds(), None)

    async def _send(self, message: StoredMessage) -> None:
        def query(connection: Connection) -> Surroundings:
            return self._composer.surroundings(connection, message)

        around = await self._store.read(query)
        if message.channel == "email":
            if self._letters is None:
                raise Unready("No mail server is set.")
            made = self._composer.email(message, around, self._sender)
            await self._letters.send(made, self._sender.address, message.recipient)
            return
        address = await self._address_of(message)
        if address is None:
            raise Unready("There is no target that it could be sent by.")
        title, line = self._composer.line(message, around)
        if RECIPIENT in address:
            if not is_telephone(message.recipient):
                raise Refused("The recipient is no telephone number like +4915112345678.")
            address = address.replace(RECIPIENT, message.recipient)
        await self._pushes.send(address, title, line)

    def _later(self, claimed: StoredMessage, problem: str) -> StoredMessage:
        now = self._clock.now_microseconds()
        next_at = rules.next_try(claimed.tries, now)
        if next_at >= claimed.expires:
            return _ended(claimed, FAILED, now, problem)
        return msgspec.structs.replace(claimed, next_at=next_at, problem=problem)


def told(message: StoredMessage) -> Entry:
    """The log's own account of it."""
    happened = "bursar.message.sent" if message.state == SENT else "bursar.message.failed"
    return Entry(message.org_id, message.livemode, happened, message.id, encode(view(message)))


def _ended(message: StoredMessage, state: str, now: int, problem: str | None) -> StoredMessage:
    return msgspec.structs.replace(
        message,
        state=state,
        problem=problem,
        finished=now,
        next_at=now + rules.KEPT_SECONDS * MICROSECONDS_PER_SECOND,
        sealed=None,
    )


def _digest(heap: list[StoredMessage], now: int) -> StoredMessage:
    first = heap[0]
    items = [{"template": message.template, "data": message.data} for message in heap[: rules.DIGEST_ITEMS_MAX]]
    return StoredMessage(
        org_id=first.org_id,
        livemode=first.livemode,
        id=rules.message_id(first.event_id, "digest", first.recipient),
        event_id=first.event_id,
        channel="email",
        template="digest",
        language=first.language,
        recipient=first.recipient,
        user_id=first.user_id,
        data={"items": items, "count": len(heap)},
        next_at=now,
        created=now,
        expires=now + rules.WAIT_SECONDS_MAX * MICROSECONDS_PER_SECOND,
    )
