"""What the server does by itself, now and then."""

from __future__ import annotations

import asyncio
import logging

from sqlalchemy import Connection

from bursar.accounts import repository as accounts
from bursar.http import idempotency
from bursar.ledger.tasks import keep_books
from bursar.runtime import Runtime
from bursar.store.errors import StoreError
from bursar.store.unit import Unit

INTERVAL_SECONDS = 600
FIRST_AFTER_SECONDS = 30  # a start has more urgent work
BOOKKEEPING_SECONDS = 60  # what came in since is added up at every read of a balance
ROWS_MAX = 500  # of one transaction: short enough that no request waits long behind it

logger = logging.getLogger(__name__)


async def run_housekeeping(runtime: Runtime) -> None:
    await asyncio.sleep(FIRST_AFTER_SECONDS)
    while True:
        try:
            await delete_expired_keys(runtime)
        except StoreError as problem:
            logger.warning("housekeeping goes on later: %s", problem)
        await asyncio.sleep(INTERVAL_SECONDS)


async def run_bookkeeping(runtime: Runtime) -> None:
    """Lets pending money mature and moves the snapshots of balances on."""
    while True:
        await asyncio.sleep(BOOKKEEPING_SECONDS)
        try:
            await keep_books(runtime.store, runtime.ids, runtime.clock)
        except StoreError as problem:
            logger.warning("the books are kept later: %s", problem)


async def delete_expired_keys(runtime: Runtime) -> int:
    """Idempotency keys are kept as long as promised, then make room."""
    deleted = 0
    now = runtime.clock.now_microseconds()
    for organisation in await runtime.store.read(accounts.list_organisations):

        def work(connection: Connection, org_id: str = organisation.id) -> tuple[int, Unit]:
            return idempotency.delete_expired(connection, org_id, now, ROWS_MAX), Unit()

        while count := await runtime.store.transact(work):
            deleted += count
    return deleted
