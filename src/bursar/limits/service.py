"""The limiter of the running server: which buckets a request takes from, and what it is told of them."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Protocol

from bursar.http.authentication import PUBLISHABLE, RESTRICTED, SECRET, USER, Principal
from bursar.http.endpoint import Endpoint
from bursar.http.metrics import Metrics
from bursar.http.responses import Header
from bursar.http.watching import LimitReached
from bursar.limits.addresses import client_of
from bursar.limits.local import LocalBuckets, MonotonicClock, SteadyClock, Taken
from bursar.limits.rules import ADDRESS, FAILURES, KEY, SESSIONS, Limit, Limits, class_of
from bursar.limits.rules import USER as USERS
from bursar.limits.shared import SharedBuckets
from bursar.store.columns import INSTALLATION

ORGANISATIONS_REMEMBERED_MAX = 20_000
_FREE: list[Header] = []
_KINDS = {SECRET: KEY, RESTRICTED: KEY, PUBLISHABLE: KEY, USER: USERS}

logger = logging.getLogger(__name__)


class RequestLimit(Protocol):
    @property
    def per_second(self) -> int: ...

    @property
    def burst(self) -> int: ...


class OrganisationTerms(Protocol):
    @property
    def request_limits(self) -> Mapping[str, RequestLimit]: ...


class TermsSource(Protocol):
    """What organisations have set for themselves."""

    def peek(self, org_id: str) -> OrganisationTerms | None: ...

    async def of(self, org_id: str) -> OrganisationTerms: ...


class Own:
    """The limits that one organisation has set, by class."""

    __slots__ = ("limits", "source")

    def __init__(self, source: Mapping[str, RequestLimit]) -> None:
        self.source = source
        self.limits = {
            f"{kind}.{name}": Limit(f"{kind}.{name}", set_.per_second, 1, set_.burst)
            for name, set_ in source.items()
            for kind in (KEY, USERS, ADDRESS)
        }


class RequestLimits:
    def __init__(
        self,
        limits: Limits,
        *,
        clock: SteadyClock | None = None,
        terms: TermsSource | None = None,
        redis_url: str | None = None,
    ) -> None:
        self._limits = limits
        self._terms = terms
        self._local = LocalBuckets(clock or MonotonicClock())
        self._shared = SharedBuckets(redis_url, on_change=self._redis_changed) if redis_url else None
        self._metrics: Metrics | None = None
        # With the endpoint itself, so that its number can belong to no other.
        self._classes: dict[int, tuple[Endpoint, str]] = {}
        self._own: OrderedDict[str, Own] = OrderedDict()
        self._looking_up: dict[str, asyncio.Task[None]] = {}

    def report_to(self, metrics: Metrics) -> None:
        self._metrics = metrics

    async def start(self) -> None:
        if self._shared is not None:
            await self._shared.start()

    async def close(self) -> None:
        for task in list(self._looking_up.values()):
            task.cancel()
        await asyncio.gather(*self._looking_up.values(), return_exceptions=True)
        if self._shared is not None:
            await self._shared.close()

    async def admit(self, endpoint: Endpoint, principal: Principal | None, address: str | None) -> list[Header]:
        """Takes one from each bucket that the request counts in, and tells what is left."""
        found = self._classes.get(id(endpoint))
        if found is None:
            found = self._classes[id(endpoint)] = (endpoint, class_of(endpoint))
        route_class = found[1]
        if principal is None:
            limit = self._limits[f"{ADDRESS}.{FAILURES}"]
            return _FREE if limit is None else await self._take(limit, client_of(address), _FREE)
        kind = _KINDS.get(principal.kind)
        headers = _FREE
        if kind is None or principal.kind == PUBLISHABLE:
            # The address comes first: one browser must not use up what all the others have together.
            name = f"{ADDRESS}.{route_class}"
            limit, client = self._limits.get(name), client_of(address)
            if kind is None and route_class == SESSIONS:
                everybodys, limit = limit, self._limit_of(principal.org_id, name)
                client = client if limit is everybodys else f"{principal.org_id}:{client}"
            if limit is not None:
                headers = await self._take(limit, client, headers)
        if kind is not None:
            limit = self._limit_of(principal.org_id, f"{kind}.{route_class}")
            if limit is not None:
                headers = await self._take(limit, principal.key_id, headers)
        return headers

    async def _take(self, limit: Limit, client: str, so_far: Sequence[Header]) -> list[Header]:
        taken: Taken | None = None
        if self._shared is not None:
            taken = await self._shared.take(limit, client)
            if taken is None and self._metrics is not None:
                self._metrics.limiter_fallback_requests.inc()
        if taken is None:
            taken = self._local.take(limit, client)
        if taken.allowed:
            return _headers(limit, taken.level, so_far)
        if self._metrics is not None:
            self._metrics.limiter_refused.labels(limit.name).inc()
        raise _reached(limit, taken.level, so_far)

    def _limit_of(self, org_id: str, name: str) -> Limit | None:
        """The organisation's own limit, or else the installation's."""
        if self._terms is None or org_id == INSTALLATION:
            return self._limits.get(name)
        terms = self._terms.peek(org_id)
        own = self._own.get(org_id)
        if terms is None:
            # What was known a moment ago holds while it is looked up anew: no request waits for that.
            if org_id not in self._looking_up:
                self._looking_up[org_id] = asyncio.create_task(self._look_up(org_id, self._terms))
        elif own is None or own.source is not terms.request_limits:
            own = self._remember(org_id, terms.request_limits)
        if own is not None and own.limits:
            found = own.limits.get(name)
            if found is not None:
                return found
        return self._limits.get(name)

    async def _look_up(self, org_id: str, terms: TermsSource) -> None:
        try:
            found = await terms.of(org_id)
            self._remember(org_id, found.request_limits)
        except Exception as problem:
            logger.debug("the limits of %s stay as they were: %s", org_id, problem)
        finally:
            del self._looking_up[org_id]

    def _remember(self, org_id: str, source: Mapping[str, RequestLimit]) -> Own:
        own = self._own.get(org_id)
        if own is not None and own.source == source:
            own.source = source  # the same limits, so the same buckets
        else:
            own = self._own[org_id] = Own(source)
        self._own.move_to_end(org_id)
        if len(self._own) > ORGANISATIONS_REMEMBERED_MAX:
            self._own.popitem(last=False)
        return own

    def _redis_changed(self, available: bool) -> None:
        if self._metrics is not None:
            self._metrics.limiter_fallback.set(0 if available else 1)


def _headers(limit: Limit, level: int, so_far: Sequence[Header]) -> list[Header]:
    state = b"%b;r=%d;t=%d" % (limit.quoted_name, limit.remaining(level), limit.full_after_seconds(level))
    if not so_far:
        return [(b"ratelimit-policy", limit.policy), (b"ratelimit", state)]
    return [(name, value + b", " + mine) for (name, value), mine in zip(so_far, (limit.policy, state), strict=True)]


def _reached(limit: Limit, level: int, so_far: Sequence[Header]) -> LimitReached:
    wait_seconds = limit.retry_after_seconds(level)
    per = "second" if limit.seconds == 1 else f"{limit.seconds} seconds"
    return LimitReached(
        f"Too many requests: the limit {limit.name} lets {limit.count} through every {per}, and {limit.burst} at once. "
        f"Try again in {wait_seconds} s; the headers RateLimit and RateLimit-Policy tell what is left.",
        retry_after_seconds=wait_seconds,
        headers=_headers(limit, level, so_far),
    )
