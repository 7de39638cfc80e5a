"""What payment sessions do by themselves: those that nobody paid in time come to their end."""

from __future__ import annotations

import asyncio
import logging

import msgspec

from bursar.http.authentication import Principal
from bursar.http.call import Call, Effect
from bursar.kit.clock import MICROSECONDS_PER_SECOND, Clock
from bursar.kit.errors import RequestError
from bursar.payment_sessions import repository, transaction_repository
from bursar.payment_sessions.schemas import Session
from bursar.payment_sessions.service import Found, read, told
from bursar.payments.operations import OperationService
from bursar.payments.params import IntentCancelParams
from bursar.store.errors import RowsExpected, StoreError
from bursar.store.log import SYSTEM_ACTOR, Origin
from bursar.store.store import Store
from bursar.store.unit import Unit

INTERVAL_SECONDS = 15
SESSIONS_OF_A_LOOK = 200
# A payment that was begun in time may end later: the bank is slow, or the payer still authenticates.
LOOK_AGAIN_SECONDS = 60
# After it nobody authenticates any more.
ABANDONED_SECONDS = 3_600
EXPIRED = "session_expired"

logger = logging.getLogger(__name__)


class SessionEnds:
    def __init__(self, store: Store, clock: Clock, operations: OperationService) -> None:
        self._store = store
        self._clock = clock
        self._operations = operations

    async def run(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL_SECONDS)
            try:
                await self.end_due()
            except StoreError as problem:
                logger.warning("payment sessions end later: %s", problem)
            except Exception:  # a defect, which must not end what ends everybody else's
                logger.exception("payment sessions cannot be looked for")

    async def end_due(self) -> int:
        """Each by itself, so that one that fails keeps none of the others. Tells how many were looked at."""
        now = self._clock.now_microseconds()
        due = await self._store.read(lambda connection: repository.find_due(connection, now, SESSIONS_OF_A_LOOK))
        for session in due:
            try:
                await self._end(session, now)
            except RowsExpected:
                logger.info("a payment session changed meanwhile", extra={"session": session.id})
            except (StoreError, RequestError) as problem:
                logger.warning("a payment session ends later: %s", problem, extra={"session": session.id})
            except Exception:
                logger.exception("a payment session cannot be ended", extra={"session": session.id})
        return len(due)

    async def _end(self, session: Session, now: int) -> None:
        found = await self._store.read(
            lambda connection: read(connection, session.org_id, session.livemode, session.id)
        )
        assert found is not None, "sessions are never deleted"
        intent = found.intent
        if found.session.status != "open":
            return
        if intent is not None and intent.status == "succeeded":
            await self._store.commit(_paid(found))
            return
        is_abandoned = now >= session.expires + ABANDONED_SECONDS * MICROSECONDS_PER_SECOND
        if intent is not None and (
            intent.status == "processing" or (intent.status == "requires_action" and not is_abandoned)
        ):
            later = msgspec.structs.replace(found.session, due=now + LOOK_AGAIN_SECONDS * MICROSECONDS_PER_SECOND)
            await self._store.commit(Unit([repository.update(found.session, later)]))
            return
        unit = _expired(found)
        if intent is not None and intent.status != "canceled":
            call = Call(Principal(session.org_id, session.livemode, SYSTEM_ACTOR), "", path={"intent": intent.id})
            effect = await self._operations.cancel(call, IntentCancelParams(cancellation_reason="abandoned"))
            assert isinstance(effect, Effect), "nothing is held, so no bank is asked"
            unit = Unit([*unit.changes, *effect.unit.changes], [*unit.entries, *effect.unit.entries])
        await self._store.commit(unit)


def _paid(found: Found) -> Unit:
    """By a method, in time or late: what was told elsewhere is now told here, too."""
    after = msgspec.structs.replace(found.session, status="paid", due=None)
    before = found.transaction
    settled = msgspec.structs.replace(before, state="captured")
    origin = Origin()
    return Unit(
        [repository.update(found.session, after), transaction_repository.update(before, settled)],
        [
            transaction_repository.entry("bursar.transaction.settled", settled, origin, before),
            told("bursar.payment_session.paid", after, origin, found.session),
        ],
    )


def _expired(found: Found) -> Unit:
    after = msgspec.structs.replace(found.session, status="expired", due=None)
    before = found.transaction
    canceled = msgspec.structs.replace(before, state="canceled", reason=EXPIRED)
    origin = Origin()
    return Unit(
        [repository.update(found.session, after), transaction_repository.update(before, canceled)],
        [
            transaction_repository.entry("bursar.transaction.canceled", canceled, origin, before),
            told("bursar.payment_session.expired", after, origin, found.session),
        ],
    )
