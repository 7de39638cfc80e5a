"""Takes messages of banks in: each once, with its effect in one commit, and nothing acknowledged before that."""

from __future__ import annotations

import dataclasses
import logging
from functools import partial

from sqlalchemy import Connection

from bursar.attempts.commands import Commands
from bursar.attempts.schemas import Attempt
from bursar.connectors.contract import BankDispute, BankEvent, InquireDispute, WebhookRefused
from bursar.connectors.registry import Registry, merchant_of
from bursar.hooks import repository
from bursar.hooks.matching import AskBank, Matching, Message, Verdict
from bursar.kit.clock import Clock, seconds
from bursar.kit.errors import Conflict, Unavailable
from bursar.kit.ids import may_be_id
from bursar.store.columns import INSTALLATION, ORG_ID_LENGTH
from bursar.store.errors import DuplicateKey, RowsExpected
from bursar.store.log import Origin
from bursar.store.store import Store
from bursar.store.unit import Unit

TAKE_REPEATS_MAX = 20

logger = logging.getLogger(__name__)


class HookService:
    def __init__(self, store: Store, clock: Clock, registry: Registry, commands: Commands, matching: Matching) -> None:
        self._store = store
        self._clock = clock
        self._registry = registry
        self._commands = commands
        self._matching = matching

    async def receive(self, connector: str, headers: dict[str, str], body: bytes, origin: Origin) -> None:
        """Returns once all of it is durable. Raises WebhookRefused for what was not signed by the bank, and a
        RequestError for what must come again.
        """
        now = seconds(self._clock.now_microseconds())
        for event in self._registry.connector(connector).read_webhook(headers, body, now):
            if not may_be_id(event.event_id):
                raise WebhookRefused("The message has no id.")
            org_id, livemode = _place(event)
            await self.take_in(Message(connector, org_id, livemode, event, origin))

    async def take_in(self, message: Message) -> None:
        for _ in range(TAKE_REPEATS_MAX):
            if await self._is_known(message):
                return
            try:
                verdict: Verdict = await self._store.transact(partial(self._judged, message))
            except AskBank as asking:
                message = await self._ask(message, asking.question)
            except (DuplicateKey, RowsExpected):
                continue  # the same message, or another change of what it is about, came first
            else:
                _tell(message, verdict)
                return
        raise Conflict("What this is about changes all the time; send it again.", code="lock_timeout")

    def _judged(self, message: Message, connection: Connection) -> tuple[Verdict, Unit]:
        if message.org_id == INSTALLATION:
            verdict = Verdict("unmatched", "the merchant is none of ours")
        else:
            verdict = self._matching.judge(connection, message)
        now = self._clock.now_microseconds()
        stored = repository.insertion(
            *message.place, message.connector, message.event, verdict.state, now, verdict.note
        )
        # First, so that a message that is there already is what a second one stumbles over.
        return verdict, Unit([stored, *verdict.unit.changes], verdict.unit.entries)

    async def _is_known(self, message: Message) -> bool:
        return await self._store.read(
            lambda connection: repository.is_known(
                connection, *message.place, message.connector, message.event.event_id
            )
        )

    async def _ask(self, message: Message, question: Attempt | BankDispute) -> Message:
        if isinstance(question, Attempt):
            outcome = await self._commands.inquire(question)
            if outcome.kind == "unknown":
                raise _unreachable()
            return dataclasses.replace(message, outcome=outcome)
        account = self._registry.account_for(message.org_id, bool(message.livemode))
        order = InquireDispute(account=account, dispute_id=question.dispute_id)
        answer = await self._registry.connector(message.connector).dispute(order)
        if answer.dispute is None:
            raise _unreachable()
        return dataclasses.replace(message, dispute=answer.dispute)


def _place(event: BankEvent) -> tuple[str, int]:
    """Whose it is. A merchant that cannot be one of ours is the installation's affair."""
    try:
        org_id, livemode = merchant_of(event.merchant)
    except ValueError:
        return INSTALLATION, 0
    if len(org_id) > ORG_ID_LENGTH or not may_be_id(org_id):
        return INSTALLATION, 0
    return org_id, int(livemode)


def _unreachable() -> Unavailable:
    return Unavailable("The bank cannot be asked about this right now; send it again.")


def _tell(message: Message, verdict: Verdict) -> None:
    if verdict.state == "unmatched":
        logger.warning(
            "a message of a bank matches nothing: %s",
            verdict.note,
            extra={"connector": message.connector, "event": message.event.event_id, "org_id": message.org_id},
        )
