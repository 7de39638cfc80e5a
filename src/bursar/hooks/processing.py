"""Takes one message to its end: each of its events once, in the commit of its effect, or says when to look again."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Sequence
from functools import partial

import msgspec
from sqlalchemy import Connection

from bursar.attempts.commands import Commands
from bursar.attempts.schemas import Attempt
from bursar.connectors.contract import BankDispute, BankEvent, InquireDispute
from bursar.connectors.registry import Registry
from bursar.hooks import repository, rules
from bursar.hooks.asking import Asking
from bursar.hooks.figures import Figures
from bursar.hooks.matching import AskBank, Matching, Message, Verdict
from bursar.hooks.repository import StoredMessage
from bursar.hooks.rules import Ending
from bursar.hooks.shown import document_of
from bursar.kit.clock import Clock
from bursar.kit.errors import Conflict, RequestError, Unavailable
from bursar.store.errors import DuplicateKey, RowsExpected, StoreError
from bursar.store.log import Entry
from bursar.store.store import Store
from bursar.store.unit import Unit

TAKE_REPEATS_MAX = 20
# What people should hear of, in the log.
TROUBLE = frozenset({"unmatched", "contradicted", "failed"})

logger = logging.getLogger(__name__)

_read_events = msgspec.json.Decoder(list[BankEvent]).decode


Conclude = Callable[[Verdict], Unit]


class TakenOver(Exception):
    """Another process has it now."""


class Processing:
    def __init__(
        self,
        store: Store,
        clock: Clock,
        registry: Registry,
        commands: Commands,
        matching: Matching,
        figures: Figures,
    ) -> None:
        self._store = store
        self._clock = clock
        self._registry = registry
        self._commands = commands
        self._matching = matching
        self._figures = figures
        self._asking = Asking(store, clock, commands, matching, figures)

    async def claim(self, message: StoredMessage) -> StoredMessage | None:
        """Nobody else processes it from now on; None where somebody does already."""
        until = rules.leased_until(self._clock.now_microseconds())
        try:
            await self._store.commit(Unit([repository.claiming(message, until)]))
        except RowsExpected:
            return None
        return message._replace(next_at=until)

    async def release(self, message: StoredMessage) -> None:
        """Whoever comes next need not wait for the lease."""
        try:
            await self._store.commit(Unit([repository.claiming(message, self._clock.now_microseconds())]))
        except RowsExpected:
            logger.info("a message of a bank was taken over", extra={"incoming_webhook": message.id})

    async def process(self, held: StoredMessage) -> Ending | None:
        """How it stands afterwards; None where another process has taken it over. Raises a StoreError while the
        database is away: then it is found again when the lease is over.
        """
        try:
            if held.state == "unverified":
                return await self._end(held, await self._asking.ask(held))
            return await self._take_in(held)
        except TakenOver:
            return None
        except RequestError as waiting:
            now = self._clock.now_microseconds()
            return await self._end_safely(held, rules.postponed(waiting.message, held.received, held.tries, now))
        except StoreError:
            raise
        except Exception as defect:
            logger.exception("a message of a bank cannot be processed", extra={"incoming_webhook": held.id})
            now = self._clock.now_microseconds()
            return await self._end_safely(held, rules.defective(type(defect).__name__, held.tries, now))

    async def _take_in(self, held: StoredMessage) -> Ending:
        events = _read_events(held.events_document)
        if not events:
            return await self._end(held, Ending("processed", "nothing in it is for us"))
        verdicts, waiting = await self._settled_before(held, events[:-1])
        if waiting is not None:  # the message comes to rest another time; its last event need not wait for that
            await self._settled(held, Message(held, events[-1]), None)
            raise waiting
        ending: list[Ending] = []

        def conclude(verdict: Verdict) -> Unit:
            now = self._clock.now_microseconds()
            seen = [(one.state, one.note) for one in (*verdicts, verdict)]
            ending[:] = [rules.ending(seen, held.received, held.tries, now)]
            return self._concluding(held, ending[0], now)

        await self._settled(held, Message(held, events[-1]), conclude)
        self._tell(held, ending[0])
        return ending[0]

    async def _settled_before(
        self, held: StoredMessage, events: Sequence[BankEvent]
    ) -> tuple[list[Verdict], RequestError | None]:
        """All but the last one, and what the first of them that must wait waits for."""
        verdicts: list[Verdict] = []
        waiting: RequestError | None = None
        for event in events:
            try:
                verdicts.append(await self._settled(held, Message(held, event), None))
            except RequestError as problem:
                waiting = waiting or problem
        return verdicts, waiting

    async def _settled(self, held: StoredMessage, message: Message, conclude: Conclude | None) -> Verdict:
        """One event. With the last one the message itself comes to rest, in the same commit."""
        for _ in range(TAKE_REPEATS_MAX):
            try:
                verdict: Verdict = await self._store.transact(partial(self._judged, message, conclude))
            except AskBank as asking:
                message = await self._ask(message, asking.question)
            except (DuplicateKey, RowsExpected):
                # The same event, or another change of what it is about, came first; or another process has it.
                await self._check_held(held)
            else:
                return verdict
        raise Conflict("what this is about changes all the time")

    def _judged(self, message: Message, conclude: Conclude | None, connection: Connection) -> tuple[Verdict, Unit]:
        stored, event = message.stored, message.event
        unit = Unit()
        known = repository.find_event(connection, stored, event.event_id)
        if known is not None:
            # By this message, if a process died between two of its events or somebody asked for it once more.
            is_own = known.webhook_id == stored.id
            verdict = (
                Verdict(known.state, known.note) if is_own else Verdict("duplicate", _counted_by(known.webhook_id))
            )
        else:
            verdict = self._matching.judge(connection, message)
            if verdict.state != "unmatched":  # that may count later
                now = self._clock.now_microseconds()
                unit.changes.append(repository.event_insertion(stored, event, verdict.state, now, verdict.note))
            # Behind it: an event that is there already is what a second one stumbles over.
            unit.changes += verdict.unit.changes
            unit.entries += verdict.unit.entries
        if conclude is not None:
            concluding = conclude(verdict)
            unit.changes += concluding.changes
            unit.entries += concluding.entries
        return verdict, unit

    async def _check_held(self, held: StoredMessage) -> None:
        now = await self._store.read(lambda connection: repository.find(connection, *held[:3]))
        if now is None or now.next_at != held.next_at:
            raise TakenOver

    async def _ask(self, message: Message, question: Attempt | BankDispute) -> Message:
        if isinstance(question, Attempt):
            outcome = await self._commands.inquire(question)
            if outcome.kind == "unknown":
                raise _unreachable()
            return dataclasses.replace(message, outcome=outcome)
        org_id, livemode = message.place
        account = self._registry.account_for(org_id, bool(livemode))
        order = InquireDispute(account=account, dispute_id=question.dispute_id)
        answer = await self._registry.connector(message.connector).dispute(order)
        if answer.dispute is None:
            raise _unreachable()
        return dataclasses.replace(message, dispute=answer.dispute)

    async def _end_safely(self, held: StoredMessage, ending: Ending) -> Ending | None:
        try:
            return await self._end(held, ending)
        except TakenOver:
            return None

    async def _end(self, held: StoredMessage, ending: Ending) -> Ending:
        try:
            await self._store.commit(self._concluding(held, ending, self._clock.now_microseconds()))
        except RowsExpected:
            raise TakenOver from None
        self._tell(held, ending)
        return ending

    def _concluding(self, held: StoredMessage, ending: Ending, now: int) -> Unit:
        unit = Unit([repository.ending(held, ending, now)])
        if ending.state in TROUBLE:
            rests = held._replace(state=ending.state, reason=ending.reason, next_at=None, tries=held.tries + 1)
            event_type = f"bursar.incoming_webhook.{ending.state}"
            unit.entries.append(Entry(held.org_id, held.livemode, event_type, held.id, document_of(rests)))
        return unit

    def _tell(self, held: StoredMessage, ending: Ending) -> None:
        if ending.next_at is not None:
            return
        self._figures.ended(held.connector, ending.state)
        if ending.state in TROUBLE:
            logger.warning(
                "a message of a bank is %s: %s",
                ending.state,
                ending.reason,
                extra={"connector": held.connector, "incoming_webhook": held.id, "org_id": held.org_id},
            )


def _counted_by(webhook_id: str | None) -> str:
    return f"its event has counted by {webhook_id}" if webhook_id else "its event has counted before"


def _unreachable() -> Unavailable:
    return Unavailable("the bank cannot be asked about this right now")
