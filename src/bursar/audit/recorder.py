"""Reads and refusals on their way to the log: gathered in memory, written beside the requests."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from bursar.audit.rules import COUNTED, REFUSED, object_of, view, viewed_type
from bursar.http.authentication import ANONYMOUS, Principal
from bursar.http.call import Call
from bursar.http.endpoint import Endpoint
from bursar.http.metrics import Metrics
from bursar.kit.clock import MICROSECONDS_PER_SECOND, Clock, seconds
from bursar.kit.errors import RequestError
from bursar.kit.scrub import scrub_text
from bursar.limits.addresses import client_of
from bursar.store.columns import INSTALLATION
from bursar.store.errors import StoreBusy, StoreContention, StoreError, StoreUnavailable
from bursar.store.log import Entry, Origin
from bursar.store.store import Store
from bursar.store.unit import Unit

FLUSH_SECONDS = 1.0  # what a crash may lose
FLUSH_VIEWS = 500
VIEWS_MAX = 10_000  # some 10 MB; beyond it, and while the database is away for long, reads are only counted
UNIT_ENTRIES_MAX = 100  # a commit's few milliseconds: payments wait no longer behind it
CLOSE_SECONDS_MAX = 5.0
GROUP_SECONDS = 60
GROUPS_MAX = 1_000  # of refusals in a minute that are told apart
NOBODY = "anonymous"
_TRANSIENT = (StoreBusy, StoreContention, StoreUnavailable)

logger = logging.getLogger(__name__)


class View(NamedTuple):
    event_type: str
    endpoint: Endpoint
    call: Call
    query: bytes
    error: RequestError | None
    at: int


@dataclass(slots=True)
class Refusals:
    """The same refusal of the same caller, again and again: the first is told at once, the others once a minute."""

    org_id: str
    livemode: int
    origin: Origin
    endpoint: Endpoint
    error: RequestError
    first: int
    last: int
    times: int = 0
    # When the last entry for it was written; 0 before the first.
    told: int = 0


class AuditRecorder:
    """The dispatcher's recorder. Its methods neither wait nor fail; `run` writes what they gather."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._metrics: Metrics | None = None
        # With the endpoint itself, so that its number can belong to no other.
        self._types: dict[int, tuple[Endpoint, str | None]] = {}
        self._views: list[View] = []
        self._uncounted: Counter[tuple[str, int]] = Counter()
        self._refusals: dict[tuple[object, ...], Refusals] = {}
        self._wake = asyncio.Event()
        self._flushing = asyncio.Lock()

    def report_to(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def looked_at(self, call: Call, endpoint: Endpoint, query: bytes, error: RequestError | None = None) -> None:
        found = self._types.get(id(endpoint))
        if found is None:
            found = self._types[id(endpoint)] = (endpoint, viewed_type(endpoint))
        event_type = found[1]
        if event_type is None:
            return
        views = self._views
        if len(views) >= VIEWS_MAX:
            self._count(call.org_id, call.livemode, 1)
            return
        views.append(View(event_type, endpoint, call, query, error, self._clock.now_microseconds()))
        if len(views) >= FLUSH_VIEWS:
            self._wake.set()

    def refused(
        self, endpoint: Endpoint, principal: Principal | None, error: RequestError, address: str | None, request_id: str
    ) -> None:
        known = principal is not None and principal.kind != ANONYMOUS
        key: tuple[object, ...]
        if principal is not None and known:
            key = (principal.org_id, principal.livemode, principal.key_id, endpoint.operation_id, error.code)
            owner, actor = (principal.org_id, principal.livemode), principal.key_id
        else:
            key = (client_of(address), error.status, error.code)
            owner, actor = (INSTALLATION, 0), NOBODY
        if key not in self._refusals and len(self._refusals) >= GROUPS_MAX:
            # So many at once are a flood: how many, and why, is what counts of it.
            key, owner, actor, address = (error.status, error.code), (INSTALLATION, 0), NOBODY, None
        now = self._clock.now_microseconds()
        group = self._refusals.get(key)
        if group is None:
            origin = Origin(actor=actor, address=address, request_id=request_id)
            group = self._refusals[key] = Refusals(*owner, origin, endpoint, error, now, now)
        if not group.times:
            group.first = now
        group.times += 1
        group.last = now

    async def run(self) -> None:
        while True:
            try:
                async with asyncio.timeout(FLUSH_SECONDS):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()
            await self.flush()

    async def close(self) -> None:
        """Writes what there is, if the database still takes it."""
        try:
            async with asyncio.timeout(CLOSE_SECONDS_MAX):
                await self.flush(ending=True)
        except TimeoutError:
            logger.warning("%d reads and %d refusals were not written", len(self._views), len(self._refusals))

    async def flush(self, *, ending: bool = False) -> None:
        async with self._flushing:
            await self._flush_views()
            due = self._due(self._clock.now_microseconds(), ending=ending)
            for start in range(0, len(due), UNIT_ENTRIES_MAX):
                await self._tell(due[start : start + UNIT_ENTRIES_MAX])
            counted, self._uncounted = self._uncounted, Counter()
            if not await self._write([_counted(*owner, times) for owner, times in counted.items()]):
                self._uncounted += counted

    async def _flush_views(self) -> None:
        while self._views:
            batch = self._views[:UNIT_ENTRIES_MAX]
            try:
                # In a thread: a hundred of them are some milliseconds in which no request would be answered.
                entries = await asyncio.to_thread(_entries, batch)
                await self._store.commit(Unit([], entries))
            except _TRANSIENT as problem:
                logger.warning("reads are written to the log later: %s", problem)
                return
            except Exception:
                logger.exception("%d reads cannot be written to the log", len(batch))
                for one in batch:
                    self._count(one.call.org_id, one.call.livemode, 1)
            del self._views[: len(batch)]

    async def _tell(self, groups: Sequence[Refusals]) -> None:
        """What comes in while it is written belongs to the next entry."""
        now = self._clock.now_microseconds()
        entries, times = [_refusal(group) for group in groups], [group.times for group in groups]
        for group in groups:
            group.times = 0
        written = await self._write(entries)
        for group, count in zip(groups, times, strict=True):
            if written:
                group.told = now
            else:
                group.times += count

    async def _write(self, entries: list[Entry]) -> bool:
        if not entries:
            return True
        try:
            await self._store.commit(Unit([], entries))
        except StoreError as problem:
            logger.warning("%d entries are not in the log yet: %s", len(entries), problem)
            return False
        return True

    def _count(self, org_id: str, livemode: int, times: int) -> None:
        self._uncounted[org_id, livemode] += times
        if self._metrics is not None:
            self._metrics.reads_not_itemised.inc(times)

    def _due(self, now: int, *, ending: bool) -> list[Refusals]:
        """New refusals, and after each minute those that went on; whoever stopped is forgotten."""
        due = []
        for key, group in list(self._refusals.items()):
            minute_over = now - group.told >= GROUP_SECONDS * MICROSECONDS_PER_SECOND
            if group.times and (minute_over or ending):
                due.append(group)
            elif minute_over:
                del self._refusals[key]
        return due


def _entries(views: Sequence[View]) -> list[Entry]:
    return [
        Entry(
            one.call.org_id,
            one.call.livemode,
            one.event_type,
            object_of(one.call.path, one.error),
            msgspec.json.encode(view(one.endpoint, one.call.path, one.query, one.error, seconds(one.at))),
            None,
            one.call.origin(),
        )
        for one in views
    ]


def _refusal(group: Refusals) -> Entry:
    error = group.error
    document: dict[str, Any] = {
        "object": "refusal",
        "code": error.code,
        "first": seconds(group.first),
        "last": seconds(group.last),
        "method": group.endpoint.method,
        "operation": group.endpoint.operation_id,
        "param": None if error.param is None else scrub_text(error.param),
        "path": group.endpoint.path,
        "status": error.status,
        "times": group.times,
    }
    return Entry(group.org_id, group.livemode, REFUSED, None, msgspec.json.encode(document), None, group.origin)


def _counted(org_id: str, livemode: int, times: int) -> Entry:
    document = msgspec.json.encode({"object": "reads_counted", "times": times})
    return Entry(org_id, livemode, COUNTED, None, document)
