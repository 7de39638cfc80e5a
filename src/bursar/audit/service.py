"""The log for those who may read it: in pages, as a whole, and proven."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace

import msgspec
from sqlalchemy import Connection

from bursar.audit import repository
from bursar.audit.repository import Step, Wanted
from bursar.audit.rules import EXPORTED, VERIFIED
from bursar.audit.schemas import AuditEntry, AuditExportParams, AuditListParams, AuditPage, Verification
from bursar.events import audit as log_audit
from bursar.events.audit import Report, TimeIsUp
from bursar.http.call import Call, Effect
from bursar.http.paging import read_search_cursor, search_cursor
from bursar.kit.clock import Clock
from bursar.kit.errors import Conflict
from bursar.kit.scrub import scrub
from bursar.store.log import Entry
from bursar.store.store import Store
from bursar.store.unit import Unit

URL = "/api/v1/audit"
VERIFY_SECONDS_MAX = 20.0  # less than what proxies wait
PAUSE_SECONDS = 0.002  # after each step of some milliseconds, so that requests get their turn
EXPORT_ROWS = 500  # in memory at a time
EXPORTS_MAX = 2  # at once in this process: each keeps a reading thread busy

Encode = Callable[[list[AuditEntry]], bytes]


class AuditService:
    def __init__(self, store: Store, clock: Clock, *, verify_seconds: float = VERIFY_SECONDS_MAX) -> None:
        self._store = store
        self._clock = clock
        self._verify_seconds = verify_seconds
        self._verifying = asyncio.Lock()
        self._exports = 0

    async def page(self, call: Call, params: AuditListParams) -> AuditPage:
        asked = repository.wanted(call.org_id, params, self._clock.now_microseconds())
        last_id = read_search_cursor(params.page)
        if last_id is not None:
            asked = replace(asked, high=min(asked.high, last_id))
        found = await self._step(asked, params.limit, newest_first=True)
        return AuditPage(
            data=found.rows,
            has_more=found.wanted is not None,
            next_page=None if found.wanted is None else search_cursor(found.wanted.high),
            url=URL,
        )

    async def verify(self, call: Call) -> Effect:
        """One at a time: it reads every row of the organisation. What came of it is in the log itself."""
        if self._verifying.locked():
            raise Conflict("The log is being verified already; try again when that is done.", code="lock_timeout")
        async with self._verifying:
            report = await asyncio.to_thread(self._walk, call.org_id)
        result = Verification(
            chains=report.chains,
            problems=report.problems,
            problems_unnamed=report.problems_unnamed,
            rows=report.rows,
            status="broken" if report.problems else "whole" if report.finished else "unfinished",
        )
        document = msgspec.json.encode(result)
        told = Entry(call.org_id, call.livemode, VERIFIED, None, document, None, call.origin())
        return Effect(result, Unit([], [told]), document)

    async def export(self, call: Call, params: AuditExportParams, encode: Encode) -> AsyncGenerator[bytes, None]:
        """What was asked for, oldest first, as it was when the export began. That it began is in the log itself."""
        now = self._clock.now_microseconds()
        asked = repository.until(repository.wanted(call.org_id, params, now), now)
        if self._exports >= EXPORTS_MAX:
            raise Conflict("Other exports are running; try again when they are done.", code="lock_timeout")
        self._exports += 1
        try:
            await self._store.commit(Unit([], [_exported(call, params)]))
            while True:
                found, encoded = await self._encoded_step(asked, encode)
                if encoded:
                    yield encoded
                if found is None:
                    return
                asked = found
        finally:
            self._exports -= 1

    async def _encoded_step(self, asked: Wanted, encode: Encode) -> tuple[Wanted | None, bytes]:
        """Encoded in the reading thread, too: the event loop only hands it on."""

        def read(connection: Connection) -> tuple[Wanted | None, bytes]:
            found = repository.step(connection, asked, EXPORT_ROWS, newest_first=False)
            return found.wanted, encode(found.rows) if found.rows else b""

        return await self._store.read(read)

    async def _step(self, asked: Wanted, rows_max: int, *, newest_first: bool) -> Step:
        return await self._store.read(
            lambda connection: repository.step(connection, asked, rows_max, newest_first=newest_first)
        )

    def _walk(self, org_id: str) -> Report:
        until = time.monotonic() + self._verify_seconds

        def step() -> None:
            if time.monotonic() > until:
                raise TimeIsUp
            time.sleep(PAUSE_SECONDS)

        with self._store.engines.reading.connect() as connection:
            return log_audit.verify(log_audit.snapshot(connection), org_id=org_id, step=step)


def _exported(call: Call, params: AuditExportParams) -> Entry:
    """Here everything that was asked for is told, as it says what somebody took away."""
    filters = {name: value for name, value in msgspec.to_builtins(params).items() if value}
    document = msgspec.json.encode({"object": "audit_export", "filters": scrub(filters)})
    return Entry(call.org_id, call.livemode, EXPORTED, None, document, None, call.origin())
