"""Changes to a world behind the server's back, in its database and in the bank's journal."""

import itertools
import json
from collections.abc import Callable
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Table, select

from bursar.attempts.tables import attempts
from bursar.events.tables import events
from bursar.ledger.tables import balance_transactions, ledger_postings
from tests.books.world import Corruption, Journal, World

_numbers = itertools.count(1)
Find = Callable[[World], dict[str, Any]]


def the(name: str) -> Find:
    return lambda world: {"id": world.ids[name]}


def event(name: str, event_type: str) -> Find:
    return lambda world: {"object_id": world.ids[name], "event_type": event_type}


def change(table: Table, where: Find, **values: Any) -> Callable[[World], Corruption]:
    """A value may be a function of what was there."""

    def plant(world: World) -> Corruption:
        def corrupt(connection: Connection) -> None:
            for row in rows(connection, table, **where(world)):
                new = {name: value(getattr(row, name)) if callable(value) else value for name, value in values.items()}
                replace(connection, table, row, **new)

        return corrupt

    return plant


def delete(table: Table, where: Find) -> Callable[[World], Corruption]:
    def plant(world: World) -> Corruption:
        def corrupt(connection: Connection) -> None:
            for row in rows(connection, table, **where(world)):
                connection.execute(table.delete().where(*key_of(table, row)))

        return corrupt

    return plant


def double(table: Table, where: Find, **values: Any) -> Callable[[World], Corruption]:
    """The same row once more, under another id and with other values where they are named."""

    def plant(world: World) -> Corruption:
        def corrupt(connection: Connection) -> None:
            for row in rows(connection, table, **where(world)):
                connection.execute(table.insert().values(row._asdict() | {"id": copied(row.id)} | values))

        return corrupt

    return plant


def rows(connection: Connection, table: Table, **where: Any) -> list[Row[Any]]:
    conditions = [table.c[name] == value for name, value in where.items()]
    found = list(connection.execute(select(table).where(*conditions)))
    assert found, f"{table.name} has no {where}"
    return found


def replace(connection: Connection, table: Table, row: Row[Any], **values: Any) -> None:
    assert connection.execute(table.update().where(*key_of(table, row)).values(**values)).rowcount == 1


def key_of(table: Table, row: Row[Any]) -> list[Any]:
    return [column == getattr(row, column.name) for column in table.primary_key]


def copied(object_id: str) -> str:
    """An id of its own that sorts behind the one it is a copy of."""
    return f"{object_id[:-6]}zz{next(_numbers):04}"


def members(**changes: Any) -> Callable[[str], str]:
    """A document with other members."""

    def changed(document: str) -> str:
        told = json.loads(document)
        about = told["object"] if isinstance(told.get("object"), dict) else told
        about |= changes
        return json.dumps(told)

    return changed


def attempt_of(connection: Connection, world: World, name: str, kind: str = "authorize") -> Row[Any]:
    """The last operation of a kind for what the name stands for."""
    found = rows(connection, attempts, subject_id=world.ids[name], kind=kind)
    return max(found, key=lambda row: str(row.id))


def group_of(connection: Connection, operation_id: str) -> list[Row[Any]]:
    return rows(connection, ledger_postings, operation_id=operation_id)


def copy_group(connection: Connection, of: str, **values: Any) -> str:
    """The same group once more, with its balance transaction; returns the new transaction's id."""
    group = group_of(connection, of)
    old, new = group[0].transaction_id, copied(group[0].transaction_id)
    for row in group:
        connection.execute(ledger_postings.insert().values(row._asdict() | {"transaction_id": new} | values))
    for row in connection.execute(select(balance_transactions).where(balance_transactions.c.id == old)):
        document = row.document.replace(old, new)
        connection.execute(balance_transactions.insert().values(row._asdict() | {"id": new, "document": document}))
    return new


def event_of(connection: Connection, object_id: str, event_type: str) -> Row[Any]:
    return rows(connection, events, object_id=object_id, event_type=event_type)[-1]


def entries_of(journal: Journal, reference: str) -> list[int]:
    return [place for place, entry in enumerate(journal) if entry.reference == reference]


def altered(journal: Journal, reference: str, **values: Any) -> Journal:
    """The journal with another entry in place of an operation's."""
    (place,) = entries_of(journal, reference)
    changed = msgspec.structs.replace(journal[place], **values)
    return [*journal[:place], changed, *journal[place + 1 :]]


def without(journal: Journal, reference: str) -> Journal:
    (place,) = entries_of(journal, reference)
    return journal[:place] + journal[place + 1 :]


def behind(journal: Journal, **values: Any) -> Journal:
    """The journal with one entry more at its end."""
    last = journal[-1]
    blank = type(last)(seq=last.seq + 1, at=last.at, kind="")
    return [*journal, msgspec.structs.replace(blank, **values)]
