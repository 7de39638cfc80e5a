"""Work that one process does at a time, of however many there are: whoever holds the lease.

A lease only keeps others from doing the same work beside its holder. What must not happen twice is kept from it by
conditional updates, such as that of a cursor: a holder that slept too long finds that somebody else went on.
"""

from __future__ import annotations

import os
import socket
import uuid

from sqlalchemy import Connection, bindparam, select

from bursar.events.tables import work_leases
from bursar.kit.clock import MICROSECONDS_PER_SECOND, Clock
from bursar.store.columns import INSTALLATION
from bursar.store.errors import DuplicateKey, RowsExpected
from bursar.store.store import Store
from bursar.store.unit import Change, Unit

LEASE_SECONDS = 15  # a process that died is followed after this long
RENEW_SECONDS = 5

INSERT = work_leases.insert()
TAKE = (
    work_leases.update()
    .where(
        work_leases.c.org_id == INSTALLATION,
        work_leases.c.name == bindparam("n"),
        work_leases.c.holder == bindparam("expected_holder"),
        work_leases.c.until == bindparam("expected_until"),
    )
    .values(holder=bindparam("new_holder"), until=bindparam("new_until"))
)
_FIND = select(work_leases.c.holder, work_leases.c.until).where(
    work_leases.c.org_id == INSTALLATION, work_leases.c.name == bindparam("n")
)
# The character behind the colon: everything from there on no longer begins with the group's name.
_FIND_GROUP = select(work_leases.c.name, work_leases.c.holder).where(
    work_leases.c.org_id == INSTALLATION,
    work_leases.c.name > bindparam("low"),
    work_leases.c.name < bindparam("high"),
    work_leases.c.until > bindparam("now"),
)


class Leases:
    """One process's leases."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self.holder = f"{socket.gethostname()[:32]}:{os.getpid()}:{uuid.uuid4().hex[:12]}"

    async def hold(self, name: str) -> bool:
        """Takes the lease, or renews it when it runs out soon; tells whether it is ours now."""
        return await self.hold_for(name) > 0

    async def hold_for(self, name: str, *, renew: bool = False) -> float:
        """The same: for how many seconds from the moment of the call it is ours, 0 if it is not.

        With `renew` it is ours for all the time that a lease has.
        """
        now = self._clock.now_microseconds()

        def query(connection: Connection) -> tuple[str, int] | None:
            row = connection.execute(_FIND, {"n": name}).first()
            return (row.holder, row.until) if row else None

        found = await self._store.read(query)
        until = now + LEASE_SECONDS * MICROSECONDS_PER_SECOND
        if found is None:
            row = {"org_id": INSTALLATION, "name": name, "holder": self.holder, "until": until}
            return LEASE_SECONDS if await self._commit(Change(INSERT, row)) else 0.0
        holder, known_until = found
        if holder != self.holder and known_until > now:
            return 0.0
        left = (known_until - now) / MICROSECONDS_PER_SECOND
        if holder == self.holder and left > LEASE_SECONDS - RENEW_SECONDS and not renew:
            return left
        return LEASE_SECONDS if await self._commit(self._taking(name, holder, known_until, until)) else 0.0

    async def holders(self, group: str) -> dict[str, str]:
        """Who holds what at present, of all leases whose names begin with the group's and a colon."""
        row = {"low": f"{group}:", "high": f"{group};", "now": self._clock.now_microseconds()}

        def query(connection: Connection) -> dict[str, str]:
            return {one.name: one.holder for one in connection.execute(_FIND_GROUP, row)}

        return await self._store.read(query)

    async def give_up(self, name: str) -> None:
        """For a process that ends: whoever comes next need not wait."""

        def query(connection: Connection) -> tuple[str, int] | None:
            row = connection.execute(_FIND, {"n": name}).first()
            return (row.holder, row.until) if row else None

        found = await self._store.read(query)
        if found is not None and found[0] == self.holder:
            await self._commit(self._taking(name, found[0], found[1], 0))

    def _taking(self, name: str, holder: str, known_until: int, until: int) -> Change:
        row = {
            "n": name,
            "expected_holder": holder,
            "expected_until": known_until,
            "new_holder": self.holder,
            "new_until": until,
        }
        return Change(TAKE, row, rows_expected=1)

    async def _commit(self, change: Change) -> bool:
        try:
            await self._store.commit(Unit([change]))
        except (RowsExpected, DuplicateKey):  # another process was faster
            return False
        return True
