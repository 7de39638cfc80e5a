"""Payments that wait for their customer at the bank: settled by whoever hears first that it is over.

Several may hear it: the bank's own message, the customer who comes back, the resolver. Each asks the bank, and the
attempt's fence lets one of them write what came of it.
"""

from __future__ import annotations

from sqlalchemy import Connection

from bursar.attempts import repository as attempts
from bursar.attempts import rules
from bursar.attempts.schemas import Attempt
from bursar.attempts.service import AttemptService
from bursar.connectors.contract import Outcome
from bursar.payments.settlement import Settlement
from bursar.store.errors import RowsExpected
from bursar.store.log import Origin
from bursar.store.store import Store
from bursar.store.unit import Unit

SETTLE_REPEATS_MAX = 5


class WaitingPayments:
    def __init__(self, store: Store, attempt_service: AttemptService, settlement: Settlement) -> None:
        self._store = store
        self._attempts = attempt_service
        self._settlement = settlement

    def settled(self, connection: Connection, attempt: Attempt, outcome: Outcome, origin: Origin) -> Unit:
        """What the bank's answer makes of a payment that waits; nothing where it waits still."""
        if outcome.reversed:
            outcome = rules.expired(attempt)
        if attempt.state != "pending" or not rules.tells_something_new(attempt, outcome):
            return Unit()
        unit = self._settlement.settle_within(connection, attempt, outcome, origin).unit
        unit.changes.insert(0, self._attempts.conclude(attempt, outcome))
        return unit

    async def look(self, attempt: Attempt, origin: Origin) -> Attempt:
        """Asks the bank, and tells how the attempt stands then."""
        if attempt.state != "pending" or attempt.kind != "authorize":
            return attempt
        outcome = await self._attempts.commands.inquire(attempt)

        def work(connection: Connection) -> tuple[None, Unit]:
            current = attempts.find(connection, attempt.org_id, attempt.livemode, attempt.id)
            assert current is not None, "an attempt is never deleted"
            return None, self.settled(connection, current, outcome, origin)

        for repeats_left in reversed(range(SETTLE_REPEATS_MAX)):
            try:
                await self._store.transact(work)
                break
            except RowsExpected:  # somebody else has heard of it at the same time
                if not repeats_left:
                    break
        current = await self._attempts.find(attempt.org_id, attempt.livemode, attempt.id)
        assert current is not None, "an attempt is never deleted"
        return current
