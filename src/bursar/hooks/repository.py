"""The inbox' SQL."""

from __future__ import annotations

from typing import Literal, NamedTuple

import msgspec
from sqlalchemy import Connection, bindparam, select

from bursar.connectors.contract import BankEvent
from bursar.hooks.tables import bank_events
from bursar.store.unit import Change

# `known`: it changed nothing. `unmatched`: nobody here knows what it is about, so a person must look at it.
State = Literal["applied", "known", "unmatched"]

INSERT = bank_events.insert()
_IS_KNOWN = select(bank_events.c.event_id).where(
    bank_events.c.org_id == bindparam("o"),
    bank_events.c.livemode == bindparam("m"),
    bank_events.c.connector == bindparam("c"),
    bank_events.c.event_id == bindparam("e"),
)
_UNMATCHED = (
    select(bank_events)
    .where(bank_events.c.state == "unmatched")
    .order_by(bank_events.c.received.desc())
    .limit(bindparam("rows"))
)


class Received(NamedTuple):
    org_id: str
    livemode: int
    connector: str
    event_id: str
    kind: str
    state: State
    received: int
    note: str | None
    event: BankEvent


def insertion(
    org_id: str, livemode: int, connector: str, event: BankEvent, state: State, received: int, note: str | None
) -> Change:
    return Change(
        INSERT,
        {
            "org_id": org_id,
            "livemode": livemode,
            "connector": connector,
            "event_id": event.event_id,
            "kind": event.kind,
            "state": state,
            "received": received,
            "note": note,
            "document": msgspec.json.encode(event).decode(),
        },
    )


def is_known(connection: Connection, org_id: str, livemode: int, connector: str, event_id: str) -> bool:
    place = {"o": org_id, "m": livemode, "c": connector, "e": event_id}
    return connection.execute(_IS_KNOWN, place).first() is not None


def find_unmatched(connection: Connection, rows: int) -> list[Received]:
    """The newest of all organisations, for people who watch over the installation."""
    return [
        Received(
            row.org_id,
            row.livemode,
            row.connector,
            row.event_id,
            row.kind,
            row.state,
            row.received,
            row.note,
            _decoder.decode(row.document),
        )
        for row in connection.execute(_UNMATCHED, {"rows": rows})
    ]


_decoder = msgspec.json.Decoder(BankEvent)
