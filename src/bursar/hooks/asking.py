"""Asks banks about operations that unverified messages name: seldom, and never because of what they say of them.

Anybody can send such a message. So it costs the bank no more than a look now and then, whatever comes in.
"""

from __future__ import annotations

from sqlalchemy import Connection

from bursar.attempts import repository as attempts
from bursar.attempts.commands import Commands
from bursar.attempts.schemas import Attempt
from bursar.connectors.contract import Outcome
from bursar.hooks.budgets import Budgets
from bursar.hooks.figures import Figures
from bursar.hooks.matching import Matching, find_own_attempt
from bursar.hooks.repository import StoredMessage
from bursar.hooks.rules import Ending
from bursar.kit.clock import Clock
from bursar.store.errors import RowsExpected
from bursar.store.log import Origin
from bursar.store.store import Store
from bursar.store.unit import Unit

# In one process: of one operation, of one account, of all.
OPERATION_COUNT, OPERATION_SECONDS = 1, 60
ACCOUNT_COUNT, ACCOUNT_SECONDS = 6, 60
ALL_COUNT, ALL_SECONDS = 30, 60
SETTLE_REPEATS_MAX = 5


class Asking:
    def __init__(self, store: Store, clock: Clock, commands: Commands, matching: Matching, figures: Figures) -> None:
        self._store = store
        self._clock = clock
        self._commands = commands
        self._matching = matching
        self._figures = figures
        self._of_operation = Budgets(clock, OPERATION_COUNT, OPERATION_SECONDS)
        self._of_account = Budgets(clock, ACCOUNT_COUNT, ACCOUNT_SECONDS)
        self._of_all = Budgets(clock, ALL_COUNT, ALL_SECONDS)

    async def ask(self, message: StoredMessage) -> Ending:
        notes = [await self._look_at(message, operation_id) for operation_id in message.operations]
        told = "; ".join(note for note in notes if note is not None)
        return Ending("unverified", f"{message.reason} {told}".strip() if told else message.reason)

    async def _look_at(self, message: StoredMessage, operation_id: str) -> str | None:
        attempt = await self._store.read(lambda connection: find_own_attempt(connection, message, operation_id))
        if attempt is None or attempt.is_open:  # what is open is asked about in any case
            return None
        account = (message.connector, message.account)
        if not (self._of_operation.take(attempt.id) and self._of_account.take(account) and self._of_all.take()):
            return f"The bank was not asked about {attempt.id}: it has been asked enough."
        self._figures.asked(message.connector)
        outcome = await self._commands.inquire(attempt)
        if outcome.kind == "unknown":
            return f"The bank was asked about {attempt.id}, and cannot say."
        changed = await self._settle(message, attempt, outcome)
        return f"The bank was asked about {attempt.id}, and {'told something new' if changed else 'nothing is new'}."

    async def _settle(self, message: StoredMessage, attempt: Attempt, outcome: Outcome) -> bool:
        origin = Origin(request_id=message.request_id)

        def work(connection: Connection) -> tuple[bool, Unit]:
            current = attempts.find(connection, attempt.org_id, attempt.livemode, attempt.id)
            assert current is not None, "an attempt is never deleted"
            unit = self._matching.found_out(connection, current, outcome, origin)
            return bool(unit.changes), unit

        for repeats_left in reversed(range(SETTLE_REPEATS_MAX)):
            try:
                return bool(await self._store.transact(work))
            except RowsExpected:  # somebody else has heard of it at the same time
                if not repeats_left:
                    return False
        raise AssertionError("the loop above returns")
