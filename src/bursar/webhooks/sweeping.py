"""What makes room, and what ends with its endpoint: in steps so short that nobody waits long behind one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
from sqlalchemy import Connection, bindparam, select

from bursar.events.reader import PREFIX as EVENT_PREFIX
from bursar.kit.clock import MICROSECONDS_PER_SECOND, Clock, seconds
from bursar.kit.ids import lowest_id_at
from bursar.store.log import Entry, Origin
from bursar.store.repeating import transact_again
from bursar.store.store import Store
from bursar.store.unit import Change, Unit
from bursar.webhooks import delivery_repository as deliveries
from bursar.webhooks import repository
from bursar.webhooks.delivery_repository import DEAD, DELIVERED, PENDING
from bursar.webhooks.managed import document_of
from bursar.webhooks.repository import DELETED, DISABLED, ENABLED, EndpointKey, StoredEndpoint
from bursar.webhooks.rules import DISABLED as DISABLED_EVENT
from bursar.webhooks.tables import webhook_deliveries

ROWS_OF_A_STEP = 200
DAY = 86_400 * MICROSECONDS_PER_SECOND
DELIVERED_KEPT = 30 * DAY
DEAD_KEPT = 90 * DAY  # long enough for somebody to see them and send them again

_table = webhook_deliveries.c
_FIND_OLD = (
    select(_table.event_id)
    .where(
        _table.org_id == bindparam("o"),
        _table.livemode == bindparam("m"),
        _table.endpoint_id == bindparam("n"),
        _table.event_id < bindparam("before_event"),
        _table.status == bindparam("s"),
        _table.finished_at < bindparam("before"),
    )
    .limit(ROWS_OF_A_STEP)
)

FindEvents = Callable[[Connection], Sequence[str]]


async def disable(store: Store, clock: Clock, key: EndpointKey, reason: str) -> None:
    """With a notice in the log, which its owner is told by."""

    def work(connection: Connection) -> tuple[None, Unit]:
        before = repository.find(connection, key)
        if before is None or before.status != ENABLED:
            return None, Unit()
        after = before._replace(
            status=DISABLED,
            disabled_reason=reason,
            disabled_at=clock.now_microseconds(),
            endpoint=msgspec.structs.replace(before.endpoint, status="disabled"),
        )
        entry = Entry(key.org_id, key.livemode, DISABLED_EVENT, key.id, document_of(after), origin=Origin())
        return None, Unit([repository.change(before, after)], [entry])

    await transact_again(store, work)


async def end(store: Store, clock: Clock, stored: StoredEndpoint) -> None:
    """What is pending for an endpoint that hears nothing any more dies, to be seen and sent again; with one that is
    deleted, everything goes."""
    key = stored.key
    if stored.status == DISABLED:

        def find(connection: Connection) -> Sequence[str]:
            now = repository.find(connection, key)
            if now is None or now.status != DISABLED:  # somebody has enabled it again meanwhile
                return []
            return deliveries.some_of(connection, key, PENDING, ROWS_OF_A_STEP)

        await _in_steps(store, find, _giving_up(key, clock))
    elif stored.status == DELETED:
        await _in_steps(store, lambda connection: deliveries.any_of(connection, key, ROWS_OF_A_STEP), _deleting(key))
        await store.commit(Unit([repository.removal(key)]))


async def delete_old(store: Store, clock: Clock, key: EndpointKey) -> int:
    """What arrived long ago, and what has been dead for long."""
    now = clock.now_microseconds()
    deleted = 0
    for status, kept in ((DELIVERED, DELIVERED_KEPT), (DEAD, DEAD_KEPT)):
        row = {
            "o": key.org_id,
            "m": key.livemode,
            "n": key.id,
            "before_event": lowest_id_at(EVENT_PREFIX, max(seconds(now - kept), 0)),
            "s": status,
            "before": now - kept,
        }

        def find(connection: Connection, row: dict[str, object] = row) -> Sequence[str]:
            return list(connection.execute(_FIND_OLD, row).scalars())

        deleted += await _in_steps(store, find, _deleting(key))
    return deleted


async def _in_steps(store: Store, find: FindEvents, change: Callable[[str], list[Change]]) -> int:
    done = 0
    while event_ids := await store.read(find):
        await store.commit(Unit([each for event_id in event_ids for each in change(event_id)]))
        done += len(event_ids)
        if len(event_ids) < ROWS_OF_A_STEP:
            break
    return done


def _giving_up(key: EndpointKey, clock: Clock) -> Callable[[str], list[Change]]:
    return lambda event_id: [deliveries.giving_up(key, event_id, clock.now_microseconds(), "endpoint_disabled")]


def _deleting(key: EndpointKey) -> Callable[[str], list[Change]]:
    return lambda event_id: deliveries.deletion(key, event_id)
