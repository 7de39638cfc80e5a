"""What happens to the books without anybody asking: pending money matures, snapshots move on.

Both may run in every process at once. Each step is read first and then committed on the condition that
nobody has moved it meanwhile; who is too late has done nothing and need not try again.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from bursar.accounts.repository import list_organisations
from bursar.kit.clock import Clock, seconds
from bursar.kit.ids import IdFactory
from bursar.ledger import accounts, balances, repository, rules
from bursar.ledger.balances import GRACE_DAYS, Pending, Release
from bursar.store.errors import DuplicateKey, RowsExpected
from bursar.store.store import Store
from bursar.store.unit import Unit

# Wallets and days of one commit: some hundred rows, behind which no payment waits long.
MATURED_MAX = 100
# Fewer postings than this are added up sooner than a snapshot is written.
SNAPSHOT_POSTINGS_MIN = 1_000

logger = logging.getLogger(__name__)


class Due(NamedTuple):
    release: Release | None
    pending: list[Pending]
    open_day: int
    is_all: bool


async def keep_books(store: Store, ids: IdFactory, clock: Clock) -> None:
    """One round through all organisations."""
    for organisation in await store.read(list_organisations):
        for livemode in (0, 1):
            await release_due(store, ids, clock, organisation.id, livemode)
            await take_snapshots(store, clock, organisation.id, livemode)


async def release_due(store: Store, ids: IdFactory, clock: Clock, org_id: str, livemode: int) -> int:
    """Moves what has become available, a posting for each wallet, currency and day; tells how many it moved."""
    moved = 0
    while True:
        due = await store.read(lambda connection: find_due(connection, org_id, livemode, clock.now_microseconds()))
        unit = release_unit(ids, org_id, livemode, due)
        if unit is None:
            return moved
        try:
            await store.commit(unit)
        except (RowsExpected, DuplicateKey):
            logger.debug("another process released the due money of %s first", org_id)
            return moved
        moved += len(due.pending)
        if due.is_all:
            return moved


def find_due(connection: Connection, org_id: str, livemode: int, now: int) -> Due:
    today = accounts.day_of(now)
    of = balances.books(connection, org_id, livemode)
    release = balances.find_release(of)
    found: list[Pending] = []
    last_day = None
    for pending in balances.pending_accounts(of, today, until_day=today):
        if len(found) == MATURED_MAX:
            return Due(release, found, release.open_day if release else 0, is_all=False)
        if pending.day < today - GRACE_DAYS:
            last_day = max(last_day or 0, pending.day)
        if pending.amount_minor:
            found.append(pending)
    # Only past days that were there: a clock that ran ahead for a while closes none that is still to come.
    open_day = max(release.open_day if release else 0, last_day + 1 if last_day is not None else 0)
    return Due(release, found, open_day, is_all=True)


def release_unit(ids: IdFactory, org_id: str, livemode: int, due: Due) -> Unit | None:
    """None where there is nothing to do."""
    if not due.pending and due.open_day == (due.release.open_day if due.release else 0):
        return None
    changes = [balances.release_change(org_id, livemode, due.release, due.open_day)]
    for wallet, currency, day, amount_minor in due.pending:
        stamp = rules.Stamp(*ids.new_with_time(repository.PREFIX))
        booking = rules.mature(wallet, currency, day, amount_minor)
        changes += repository.changes_of(org_id, livemode, None, currency, stamp, booking)
    return Unit(changes)


async def take_snapshots(
    store: Store, clock: Clock, org_id: str, livemode: int, *, postings_min: int = SNAPSHOT_POSTINGS_MIN
) -> int:
    """Moves the snapshots of busy accounts on; tells how many steps that took."""
    now = clock.now_microseconds()
    steps = 0
    for account in await store.read(lambda connection: _accounts(connection, org_id, livemode, accounts.day_of(now))):
        steps += await _move_on(store, org_id, livemode, account, seconds(now), postings_min)
    return steps


async def _move_on(store: Store, org_id: str, livemode: int, account: str, now_seconds: int, postings_min: int) -> int:
    steps = 0
    while True:
        step = await store.read(
            lambda connection: balances.next_step(
                balances.Books(connection, org_id, livemode), account, now_seconds, postings_min
            )
        )
        if step is None:
            return steps
        try:
            await store.commit(Unit([balances.snapshot_change(org_id, livemode, step)]))
        except (RowsExpected, DuplicateKey):
            logger.debug("another process moved the snapshot of %s first", account)
            return steps
        steps += 1
        if step.is_last:
            return steps


def _accounts(connection: Connection, org_id: str, livemode: int, today: int) -> Sequence[str]:
    return list(balances.open_accounts(balances.books(connection, org_id, livemode), today))
