"""The SQL of processes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, select

from bursar.kit.clock import seconds
from bursar.processes.schemas import ProcessView
from bursar.processes.tables import running_processes as rows
from bursar.store.columns import INSTALLATION
from bursar.store.unit import Change

PROCESSES_SHOWN_MAX = 1_000
FORGOTTEN_AT_ONCE_MAX = 200

_INSERT = rows.insert()
_SEEN = (
    rows.update()
    .where(rows.c.org_id == bindparam("o"), rows.c.id == bindparam("i"))
    .values(seen=bindparam("now"), roles=bindparam("working_at"))
)
_DELETE = rows.delete().where(rows.c.org_id == bindparam("o"), rows.c.id == bindparam("i"))
_ALIVE = (
    select(rows)
    .where(rows.c.org_id == INSTALLATION, rows.c.seen >= bindparam("since"))
    .order_by(rows.c.id)
    .limit(PROCESSES_SHOWN_MAX)
)
_FORGOTTEN = (
    select(rows.c.id)
    .where(rows.c.org_id == INSTALLATION, rows.c.seen < bindparam("before"))
    .limit(FORGOTTEN_AT_ONCE_MAX)
)


def insertion(row: dict[str, Any]) -> Change:
    return Change(_INSERT, {"org_id": INSTALLATION} | row)


def seen(process_id: str, roles: str, now: int) -> Change:
    return Change(_SEEN, {"o": INSTALLATION, "i": process_id, "now": now, "working_at": roles}, rows_expected=1)


def deletion(process_id: str) -> Change:
    return Change(_DELETE, {"o": INSTALLATION, "i": process_id})


def find_alive(connection: Connection, since: int) -> list[ProcessView]:
    return [
        ProcessView(
            id=row.id,
            command=row.command,
            host=row.host,
            process_number=row.process_number,
            version=row.program_version,
            roles=row.roles.split(",") if row.roles else [],
            started=seconds(row.started),
            seen=seconds(row.seen),
        )
        for row in connection.execute(_ALIVE, {"since": since})
    ]


def find_forgotten(connection: Connection, before: int) -> Sequence[str]:
    return connection.execute(_FORGOTTEN, {"before": before}).scalars().all()
