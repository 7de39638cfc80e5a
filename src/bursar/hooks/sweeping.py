"""What makes room: bodies after a while, then the messages themselves. That an event has counted is never forgotten."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from sqlalchemy import Connection

from bursar.accounts import repository as accounts
from bursar.hooks import repository
from bursar.hooks.repository import PREFIX
from bursar.kit.clock import MICROSECONDS_PER_SECOND, Clock, seconds
from bursar.kit.ids import lowest_id_at
from bursar.store.columns import INSTALLATION
from bursar.store.errors import StoreError
from bursar.store.store import Store
from bursar.store.unit import Change, Unit

ROWS_OF_A_STEP = 200  # so few that nobody waits long behind them
DAY = 86_400 * MICROSECONDS_PER_SECOND
BODIES_KEPT = 30 * DAY
MESSAGES_KEPT = 180 * DAY
UNVERIFIED_KEPT = 7 * DAY

FIRST_AFTER_SECONDS, INTERVAL_SECONDS = 120.0, 6 * 3_600.0

logger = logging.getLogger(__name__)

Find = Callable[[Connection, str, int], list[str]]
Make = Callable[[str, int, str], Change]


async def run_sweeping(store: Store, clock: Clock) -> None:
    """Until it is cancelled. What is swept is everybody's, so one process is enough."""
    await asyncio.sleep(FIRST_AFTER_SECONDS)
    while True:
        try:
            await delete_old(store, clock)
        except StoreError as problem:
            logger.warning("old messages of banks make room later: %s", problem)
        await asyncio.sleep(INTERVAL_SECONDS)


async def delete_old(store: Store, clock: Clock) -> int:
    """Tells how many were changed or deleted."""
    now = clock.now_microseconds()

    def bodies(connection: Connection, org_id: str, livemode: int) -> list[str]:
        return repository.with_old_bodies(connection, org_id, livemode, _before(now - BODIES_KEPT), ROWS_OF_A_STEP)

    def unverified(connection: Connection, org_id: str, livemode: int) -> list[str]:
        before = _before(now - UNVERIFIED_KEPT)
        return repository.old(connection, org_id, livemode, before, ROWS_OF_A_STEP, "unverified")

    def messages(connection: Connection, org_id: str, livemode: int) -> list[str]:
        return repository.old(connection, org_id, livemode, _before(now - MESSAGES_KEPT), ROWS_OF_A_STEP)

    done = 0
    org_ids = [organisation.id for organisation in await store.read(accounts.list_organisations)]
    for org_id in (INSTALLATION, *org_ids):
        for livemode in (0, 1):
            done += await _in_steps(store, org_id, livemode, bodies, repository.forgetting_body)
            done += await _in_steps(store, org_id, livemode, unverified, repository.deletion)
            done += await _in_steps(store, org_id, livemode, messages, repository.deletion)
    return done


async def _in_steps(store: Store, org_id: str, livemode: int, find: Find, make: Make) -> int:
    done = 0
    while found := await store.read(lambda connection: find(connection, org_id, livemode)):
        await store.commit(Unit([make(org_id, livemode, message_id) for message_id in found]))
        done += len(found)
        if len(found) < ROWS_OF_A_STEP:
            break
    return done


def _before(microseconds: int) -> str:
    return lowest_id_at(PREFIX, max(seconds(microseconds), 0))
