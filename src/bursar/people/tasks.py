"""What is done by itself: what has ended makes room."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from sqlalchemy import Column, Connection, Table, bindparam, select

from bursar.kit.clock import MICROSECONDS_PER_SECOND, Clock
from bursar.people import keys
from bursar.people.lockout import PLACE_REMEMBERED
from bursar.people.tables import one_time_tokens, refresh_tokens, sessions, sign_in_failures, sign_in_places
from bursar.store.columns import INSTALLATION
from bursar.store.errors import StoreError
from bursar.store.store import Store
from bursar.store.unit import Change, Unit

INTERVAL_SECONDS = 3_600
FIRST_AFTER_SECONDS = 60  # a start has more urgent work
ROWS_MAX = 500  # of one transaction: short enough that no request waits long behind it
DAY = 86_400 * MICROSECONDS_PER_SECOND
FAILURES_KEPT = DAY
ENDED_KEPT = 30 * DAY  # so that a token that comes back late is still known as used


logger = logging.getLogger(__name__)


async def run_housekeeping(store: Store, clock: Clock) -> None:
    await asyncio.sleep(FIRST_AFTER_SECONDS)
    while True:
        try:
            await delete_ended(store, clock)
        except StoreError as problem:
            logger.warning("ended sessions make room later: %s", problem)
        await asyncio.sleep(INTERVAL_SECONDS)


async def delete_ended(store: Store, clock: Clock) -> int:
    """Sessions, tokens and counts that nobody asks for any more; tells how many rows went."""
    now = clock.now_microseconds()
    deleted = 0
    for sweep in SWEEPS:

        def work(connection: Connection, sweep: _Sweep = sweep) -> tuple[int, Unit]:
            return sweep.of(connection, now)

        while count := await store.transact(work):
            deleted += count

    def old_keys(connection: Connection) -> tuple[int, Unit]:
        changes = keys.obsolete(connection, now)
        return len(changes), Unit(changes)

    return deleted + int(await store.transact(old_keys))


class _Sweep:
    """Rows of one table whose time is long over."""

    def __init__(self, time: Column[Any], kept: int) -> None:
        table = time.table
        assert isinstance(table, Table)
        key = [column for column in table.primary_key if column.name != "org_id"]
        self._kept = kept
        self._find = select(*key).where(table.c.org_id == INSTALLATION, time < bindparam("before")).limit(ROWS_MAX)
        same = [column == bindparam(f"key_{number}") for number, column in enumerate(key)]
        self._delete = table.delete().where(table.c.org_id == bindparam("o"), *same)

    def of(self, connection: Connection, now: int) -> tuple[int, Unit]:
        rows = connection.execute(self._find, {"before": now - self._kept}).all()
        changes = [
            Change(self._delete, {"o": INSTALLATION} | {f"key_{number}": part for number, part in enumerate(row)})
            for row in rows
        ]
        return len(changes), Unit(changes)


SWEEPS = (
    _Sweep(refresh_tokens.c.expires, ENDED_KEPT),
    _Sweep(sessions.c.expires, ENDED_KEPT),
    _Sweep(one_time_tokens.c.expires, ENDED_KEPT),
    _Sweep(sign_in_failures.c.changed, FAILURES_KEPT),
    _Sweep(sign_in_places.c.seen, PLACE_REMEMBERED),
)
