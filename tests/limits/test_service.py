"""Which buckets a request takes from, and what its sender is told."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from bursar.http.authentication import Principal
from bursar.http.endpoint import Endpoint
from bursar.http.metrics import Metrics
from bursar.http.responses import Header, error_headers
from bursar.http.watching import LimitReached
from bursar.kit.clock import ManualClock
from bursar.limits.rules import read_limits
from bursar.limits.service import RequestLimits
from tests.limits.endpoints import (
    BROWSER,
    CUSTOMER,
    LOOK,
    OTHER_SERVER,
    PAY,
    PERSON,
    SERVER,
    SESSION,
    SIGN_IN,
    STRANGER,
)

HOME, OFFICE = "192.0.2.1", "192.0.2.2"


def limiter(text: str, clock: ManualClock | None = None, terms: "Terms | None" = None) -> RequestLimits:
    return RequestLimits(read_limits(f"{text}"), clock=clock or ManualClock(), terms=terms)


async def admitted(
    limits: RequestLimits, endpoint: Endpoint, principal: Principal | None, address: str | None = HOME
) -> dict[bytes, bytes]:
    return dict(await limits.admit(endpoint, principal, address))


async def refused(
    limits: RequestLimits, endpoint: Endpoint, principal: Principal | None, address: str | None = HOME
) -> LimitReached:
    with pytest.raises(LimitReached) as caught:
        await limits.admit(endpoint, principal, address)
    return caught.value


def test_who_has_no_limit_is_told_of_none() -> None:
    async def scenario() -> None:
        limits = limiter("")
        for _ in range(10_000):
            assert await limits.admit(PAY, SERVER, HOME) == []

    asyncio.run(scenario())


def test_a_limited_answer_says_what_is_left_and_when_it_is_whole_again() -> None:
    async def scenario() -> None:
        limits = limiter("key.payments=2/s burst 3")
        assert await admitted(limits, PAY, SERVER) == {
            b"ratelimit-policy": b'"key.payments";q=3;w=2',
            b"ratelimit": b'"key.payments";r=2;t=1',
        }
        await admitted(limits, PAY, SERVER)
        assert (await admitted(limits, PAY, SERVER))[b"ratelimit"] == b'"key.payments";r=0;t=2'
        error = await refused(limits, PAY, SERVER)
        assert error.status == 429
        assert error.code == "rate_limit"
        assert error.retry_after_seconds == 1
        assert dict(error.headers)[b"ratelimit"] == b'"key.payments";r=0;t=2'

    asyncio.run(scenario())


def test_time_brings_requests_back() -> None:
    async def scenario() -> None:
        clock = ManualClock()
        limits = limiter("address.sign_in=10/min", clock)
        for _ in range(10):
            await admitted(limits, SIGN_IN, STRANGER)
        assert (await refused(limits, SIGN_IN, STRANGER)).retry_after_seconds == 6
        clock.advance(6)
        await admitted(limits, SIGN_IN, STRANGER)
        await refused(limits, SIGN_IN, STRANGER)

    asyncio.run(scenario())


def test_keys_people_and_classes_count_each_for_itself() -> None:
    async def scenario() -> None:
        limits = limiter("key.payments=1/min; key.read=1/min; user.payments=1/min")
        await admitted(limits, PAY, SERVER)
        await refused(limits, PAY, SERVER)
        await admitted(limits, PAY, OTHER_SERVER)
        await admitted(limits, LOOK, SERVER)
        await admitted(limits, PAY, PERSON)
        await refused(limits, PAY, PERSON)

    asyncio.run(scenario())


def test_browsers_count_by_address_first_and_cannot_use_up_the_key_of_all() -> None:
    async def scenario() -> None:
        limits = limiter("address.payments=2/min; key.payments=3/min")
        told = await admitted(limits, PAY, BROWSER)
        assert told[b"ratelimit"] == b'"address.payments";r=1;t=30, "key.payments";r=2;t=20'
        assert told[b"ratelimit-policy"] == b'"address.payments";q=2;w=60, "key.payments";q=3;w=60'
        await admitted(limits, PAY, BROWSER)
        for _ in range(5):
            await refused(limits, PAY, BROWSER)
        await admitted(limits, PAY, BROWSER, OFFICE)
        assert "key.payments" in str(await refused(limits, PAY, BROWSER, OFFICE))

    asyncio.run(scenario())


def test_strangers_and_payers_count_by_address_and_ipv6_by_network() -> None:
    async def scenario() -> None:
        limits = limiter("address.sessions=1/min; address.sign_in=1/min")
        await admitted(limits, SESSION, CUSTOMER, "2001:db8::1")
        await refused(limits, SESSION, CUSTOMER, "2001:db8::ffff")
        await admitted(limits, SESSION, CUSTOMER, "2001:db8:0:1::1")
        await admitted(limits, SIGN_IN, STRANGER, None)
        await refused(limits, SIGN_IN, STRANGER, None)

    asyncio.run(scenario())


def test_who_was_not_recognised_is_counted_by_address_alone() -> None:
    async def scenario() -> None:
        limits = limiter("address.failures=2/min")
        await admitted(limits, PAY, None)
        await admitted(limits, LOOK, None)
        await refused(limits, PAY, None)
        assert await admitted(limits, PAY, SERVER) == {}, "whoever has a key is not kept out by a neighbour"

    asyncio.run(scenario())


@pytest.mark.parametrize(("text", "repeats"), [("key.payments=1/s", b"true"), ("key.payments=1/hour", b"false")])
def test_the_sdks_repeat_only_what_will_pass_soon(text: str, repeats: bytes) -> None:
    async def scenario() -> list[Header]:
        limits = limiter(text)
        await limits.admit(PAY, SERVER, HOME)
        return error_headers(await refused(limits, PAY, SERVER))

    headers = dict(asyncio.run(scenario()))
    assert headers[b"stripe-should-retry"] == repeats
    assert int(headers[b"retry-after"]) in (1, 3_600)


def test_refusals_are_counted_by_the_limit() -> None:
    async def scenario() -> bytes:
        limits, metrics = limiter("key.payments=1/min"), Metrics()
        limits.report_to(metrics)
        await limits.admit(PAY, SERVER, HOME)
        await refused(limits, PAY, SERVER)
        return metrics.render()

    assert b'bursar_limiter_refused_total{limit="key.payments"} 1.0' in asyncio.run(scenario())


@dataclass(frozen=True)
class OwnLimit:
    per_second: int
    burst: int


@dataclass
class OwnTerms:
    request_limits: Mapping[str, OwnLimit]


@dataclass
class Terms:
    """Knows nothing before it was asked, as the real ones after a while."""

    stored: dict[str, Mapping[str, OwnLimit]]
    known: dict[str, OwnTerms] = field(default_factory=dict)
    asked: int = 0

    def peek(self, org_id: str) -> OwnTerms | None:
        return self.known.get(org_id)

    async def of(self, org_id: str) -> OwnTerms:
        self.asked += 1
        self.known[org_id] = OwnTerms(self.stored.get(org_id, {}))
        return self.known[org_id]


def test_an_organisations_own_limits_hold_instead_once_they_are_known() -> None:
    async def scenario() -> None:
        terms = Terms({"acct_1": {"payments": OwnLimit(1, 2), "sessions": OwnLimit(1, 1)}})
        limits = limiter("address.sessions=3/min", terms=terms)
        assert await admitted(limits, PAY, SERVER) == {}, "nobody waits for them"
        await asyncio.sleep(0)
        assert (await admitted(limits, PAY, SERVER))[b"ratelimit"] == b'"key.payments";r=1;t=1'
        await admitted(limits, PAY, SERVER)
        await refused(limits, PAY, SERVER)
        assert await admitted(limits, PAY, OTHER_SERVER) == {}
        await admitted(limits, SESSION, CUSTOMER)
        await refused(limits, SESSION, CUSTOMER)
        await limits.close()

    asyncio.run(scenario())


def test_known_limits_hold_while_they_are_looked_up_anew_and_their_buckets_stay() -> None:
    async def scenario() -> None:
        terms = Terms({"acct_1": {"payments": OwnLimit(1, 1)}})
        limits = limiter("", terms=terms)
        await limits.admit(PAY, SERVER, HOME)
        await asyncio.sleep(0)
        await limits.admit(PAY, SERVER, HOME)
        terms.known.clear()
        await refused(limits, PAY, SERVER)
        await refused(limits, PAY, SERVER)
        await asyncio.sleep(0)
        assert terms.asked == 2, "one look-up at a time"
        await refused(limits, PAY, SERVER)
        await limits.close()

    asyncio.run(scenario())


def test_terms_that_cannot_be_read_limit_nobody_anew() -> None:
    class Broken(Terms):
        async def of(self, org_id: str) -> OwnTerms:
            raise OSError("the database is away")

    async def scenario() -> None:
        limits = limiter("", terms=Broken({}))
        for _ in range(3):
            assert await admitted(limits, PAY, SERVER) == {}
            await asyncio.sleep(0)
        await limits.close()

    asyncio.run(scenario())
