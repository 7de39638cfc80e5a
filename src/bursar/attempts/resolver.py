"""Drives every attempt that nobody finished to its end."""

from __future__ import annotations

import asyncio
import logging

import msgspec
from sqlalchemy import Connection

from bursar.attempts import repository, rules
from bursar.attempts.schemas import Attempt
from bursar.attempts.service import AttemptService, late_success
from bursar.connectors.contract import Outcome
from bursar.kit import crash
from bursar.kit.clock import Clock
from bursar.store.errors import RowsExpected, StoreError
from bursar.store.store import Store
from bursar.store.unit import Unit

POLL_SECONDS = 1.0
ATTEMPTS_AT_ONCE = 16  # enough to drain a backlog, few enough to leave the bank to those who pay right now
ATTEMPTS_OF_A_LOOK = 256
SETTLE_REPEATS_MAX = 5

logger = logging.getLogger(__name__)


class Resolver:
    """One in each process. The fence makes sure that only one of them settles an attempt."""

    def __init__(self, store: Store, clock: Clock, attempts: AttemptService) -> None:
        self._store = store
        self._clock = clock
        self._attempts = attempts
        self._places = asyncio.Semaphore(ATTEMPTS_AT_ONCE)

    async def run(self) -> None:
        while True:
            try:
                found = await self.resolve_due()
            except StoreError as problem:
                logger.warning("open attempts are looked at later: %s", problem)
                found = 0
            except Exception:  # a defect, which must not end what looks after all the others
                logger.exception("open attempts cannot be looked at")
                found = 0
            if found < ATTEMPTS_OF_A_LOOK:
                await asyncio.sleep(POLL_SECONDS)

    async def resolve_due(self) -> int:
        """Looks at all that is due; tells how many there were."""
        now = self._clock.now_microseconds()

        def query(connection: Connection) -> list[Attempt]:
            return repository.find_due(connection, now, ATTEMPTS_OF_A_LOOK)

        due = await self._store.read(query)
        await asyncio.gather(*(self._resolve_safely(attempt) for attempt in due))
        return len(due)

    async def _resolve_safely(self, attempt: Attempt) -> None:
        async with self._places:
            try:
                await self.resolve(attempt)
            except RowsExpected:
                logger.info("attempt taken over by another process", extra={"attempt": attempt.id})
            except StoreError as problem:
                logger.warning("attempt is looked at later: %s", problem, extra={"attempt": attempt.id})
            except Exception:
                # One that cannot be settled must not keep the others open. It stays open, and is looked at again.
                logger.exception("an attempt cannot be settled", extra={"attempt": attempt.id})

    async def resolve(self, attempt: Attempt) -> None:
        held = await self._claim(attempt)
        crash.reach("resolver_after_claim")
        if held.state in rules.ENDS_WITHOUT_MONEY:
            await self._check_end(held)
        elif held.state == "pending" and held.kind == "authorize":
            await self._look_at_waiting(held)
        elif rules.must_be_reversed(held, self._clock.now_microseconds()):
            held = msgspec.structs.replace(held, state="reversing")
            await self._settle(held, rules.undone(held, await self._attempts.commands.reverse(held)))
        else:
            await self._settle(held, await self._attempts.commands.find_out(held))

    async def _claim(self, attempt: Attempt) -> Attempt:
        """Takes the attempt over: whoever held it before can no longer settle it."""
        until = rules.leased_until(self._clock.now_microseconds(), rules.RESOLVER_LEASE_SECONDS)
        await self._store.commit(Unit([repository.claiming(attempt, until)]))
        return msgspec.structs.replace(attempt, fence=attempt.fence + 1, next_look=until)

    async def _look_at_waiting(self, held: Attempt) -> None:
        """The bank waits for its customer; once their time is over, what nobody approved must not stand."""
        outcome = await self._attempts.commands.inquire(held)
        is_waiting = outcome.kind == "action_required"
        if is_waiting and rules.is_over(held.outcome or outcome, self._clock.now_microseconds()):
            outcome = await self._attempts.commands.reverse(held)
        if outcome.reversed:
            outcome = rules.expired(held)
        await self._settle(held, outcome)

    async def _settle(self, held: Attempt, outcome: Outcome) -> None:
        if not rules.tells_something_new(held, outcome):
            waits = held.state == "pending" and rules.is_known(outcome)
            change = self._attempts.wait_on(held, outcome) if waits else self._attempts.conclude(held, outcome)
            await self._store.commit(Unit([change]))
            return
        for repeats_left in reversed(range(SETTLE_REPEATS_MAX)):
            try:
                effect = await self._attempts.settler_of(held).settle(held, outcome)
                effect.unit.changes.insert(0, self._attempts.conclude(held, outcome))  # the fence is what fails first
                crash.reach("resolver_before_commit")
                await self._store.commit(effect.unit)
            except RowsExpected:  # the subject changed meanwhile, or the fence is another's
                if not repeats_left or not await self._is_still_held(held):
                    raise
            else:
                return

    async def _is_still_held(self, held: Attempt) -> bool:
        now = await self._attempts.find(held.org_id, held.livemode, held.id)
        return now is not None and now.fence == held.fence and now.next_look is not None

    async def _check_end(self, held: Attempt) -> None:
        """An approval that was slower than its reversal, or came after the customer's time, is reversed again."""
        outcome = await self._attempts.commands.inquire(held)
        unit = Unit()
        if outcome.kind == "unknown":
            look = rules.next_look(self._clock.now_microseconds(), held.tries)
            unit.changes.append(repository.postponing(held, held.state, look))
        elif outcome.kind == "succeeded" and not outcome.reversed:
            unit.changes.append(self._attempts.reverse_again(held))
            unit.entries.append(late_success(held))
        else:
            assert held.outcome is not None
            unit.changes.append(repository.settling(held, held.outcome))
        await self._store.commit(unit)
