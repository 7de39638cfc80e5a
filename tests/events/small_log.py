"""A log small enough to tamper with everywhere: two organisations, both modes, two lanes, fourteen rows."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, select

from bursar import runtime  # noqa: F401 - its imports make the tables known
from bursar.events.chain import ChainKey
from bursar.events.sealing import LaneSealer
from bursar.events.tables import event_heads, events
from bursar.kit.clock import ManualClock
from bursar.store import schema
from bursar.store.engine import Engines
from bursar.store.log import Entry, Origin
from bursar.store.store import Store
from bursar.store.unit import Unit

Row = dict[str, Any]

FULL = Origin("key_1", "192.0.2.1", "req_00000000000000000000001", "order-1")
BARE = Origin()

# Organisation, mode, rows: what each of the two writers commits, in this order.
FIRST_LANE = [("acct_one", 0, 3), ("acct_one", 1, 2), ("acct_two", 0, 2)]
SECOND_LANE = [("acct_one", 0, 3), ("acct_two", 0, 1), ("acct_two", 1, 3)]
ROWS = sum(rows for _, _, rows in FIRST_LANE + SECOND_LANE)
CHAINS = len(FIRST_LANE + SECOND_LANE)


def build(file: Path) -> Engines:
    """Writes the log as the product does: by a store whose writers seal what they commit."""
    engines = open_engines(file)
    schema.upgrade(engines.writing)
    clock = ManualClock()
    with _store(file, clock) as first, _store(file, clock) as second:
        # Both hold a lease at once, so the second must take a lane of its own.
        for store, plan in ((first, FIRST_LANE), (second, SECOND_LANE)):
            for org_id, livemode, rows in plan:
                for number in range(rows):
                    append(store, org_id, livemode, number)
                    clock.advance(0.001)
    return engines


def open_engines(file: Path) -> Engines:
    return Engines(f"sqlite:///{file}", readers=2, writers=2)


@contextmanager
def _store(file: Path, clock: ManualClock) -> Iterator[Store]:
    store = Store(open_engines(file), lambda: LaneSealer(clock), writers=1, readers=1)
    try:
        yield store
    finally:
        store.close()


def append(store: Store, org_id: str, livemode: int, number: int) -> None:
    document = f'{{"id":"cus_{number}","name":"Zoë"}}'.encode()
    entry = Entry(
        org_id,
        livemode,
        "customer.created" if number % 2 else "customer.updated",
        f"cus_{number}" if number else None,
        document,
        b'{"name":null}' if number % 2 else None,
        FULL if number % 2 else BARE,
    )
    store.transact_blocking(lambda _: (None, Unit([], [entry])))


def rows_of(connection: Connection) -> list[Row]:
    """In the order of the chains, each from its beginning."""
    order = (events.c.org_id, events.c.livemode, events.c.lane, events.c.sequence_number)
    return [dict(row) for row in connection.execute(select(events).order_by(*order)).mappings()]


def heads_of(connection: Connection) -> list[Row]:
    order = (event_heads.c.org_id, event_heads.c.livemode, event_heads.c.lane)
    return [dict(row) for row in connection.execute(select(event_heads).order_by(*order)).mappings()]


def chains_of(connection: Connection) -> dict[ChainKey, list[Row]]:
    chains: dict[ChainKey, list[Row]] = {}
    for row in rows_of(connection):
        chains.setdefault(key_of(row), []).append(row)
    return chains


def key_of(row: Row) -> ChainKey:
    return ChainKey(row["org_id"], row["livemode"], row["lane"])


def delete(connection: Connection, table: Table, row: Row) -> None:
    keys = [column == row[column.name] for column in table.primary_key]
    assert connection.execute(table.delete().where(*keys)).rowcount == 1


def insert(connection: Connection, table: Table, row: Row) -> None:
    connection.execute(table.insert(), row)


def replace(connection: Connection, table: Table, row: Row, **changes: Any) -> None:
    keys = [column == row[column.name] for column in table.primary_key]
    assert connection.execute(table.update().where(*keys).values(**changes)).rowcount == 1
