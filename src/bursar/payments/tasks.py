"""What payments do by themselves: releasing what nobody captured in time."""

from __future__ import annotations

import asyncio
import logging

from bursar.kit.clock import Clock
from bursar.kit.errors import RequestError
from bursar.payments import repository
from bursar.payments.operations import OperationService
from bursar.store.errors import StoreError
from bursar.store.store import Store

INTERVAL_SECONDS = 60
INTENTS_OF_A_LOOK = 100

logger = logging.getLogger(__name__)


async def run_expiry(store: Store, clock: Clock, operations: OperationService) -> None:
    while True:
        await asyncio.sleep(INTERVAL_SECONDS)
        try:
            await expire_overdue(store, clock, operations)
        except StoreError as problem:
            logger.warning("uncaptured payments are released later: %s", problem)
        except Exception:  # a defect, which must not end what releases everybody else's
            logger.exception("uncaptured payments cannot be looked for")


async def expire_overdue(store: Store, clock: Clock, operations: OperationService) -> int:
    """Each by itself, so that one that fails keeps none of the others."""
    now = clock.now_microseconds()
    overdue = await store.read(lambda connection: repository.find_overdue(connection, now, INTENTS_OF_A_LOOK))
    for org_id, livemode, intent_id in overdue:
        try:
            await operations.expire(org_id, livemode, intent_id)
        except (StoreError, RequestError) as problem:
            logger.warning("a payment is released later: %s", problem, extra={"payment_intent": intent_id})
        except Exception:
            logger.exception("a payment cannot be released", extra={"payment_intent": intent_id})
    return len(overdue)
