"""Buckets in one process: exact, bounded, and no prey to clocks."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.kit.clock import ManualClock
from bursar.limits.local import LocalBuckets
from bursar.limits.rules import MICROSECONDS, Limit


class Model:
    """A token bucket as the books have it, in fractions."""

    def __init__(self, limit: Limit, now: int) -> None:
        self.limit = limit
        self.tokens = Fraction(limit.burst)
        self.at = now

    def take(self, now: int) -> bool:
        flowed = Fraction(self.limit.count * max(now - self.at, 0), self.limit.seconds * MICROSECONDS)
        self.tokens = min(Fraction(self.limit.burst), self.tokens + flowed)
        self.at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True

    @property
    def refilled_after(self) -> Fraction:
        return (self.limit.burst - self.tokens) * self.limit.seconds / self.limit.count

    @property
    def one_more_after(self) -> Fraction:
        return max(Fraction(0), 1 - self.tokens) * self.limit.seconds / self.limit.count


limits = st.builds(
    Limit,
    st.just("key.read"),
    st.integers(1, 100_000),
    st.sampled_from([1, 60, 3_600, 86_400]),
    st.integers(1, 1_000),
)
waits = st.lists(st.integers(0, 5 * MICROSECONDS) | st.integers(0, 100) | st.integers(0, 10**12), max_size=60)


@given(limits, waits)
def test_a_bucket_does_exactly_what_the_model_does(limit: Limit, waits: list[int]) -> None:
    clock = ManualClock()
    buckets, model = LocalBuckets(clock), Model(limit, clock.microseconds)
    for wait in waits:
        clock.microseconds += wait
        allowed, level = buckets.take(limit, "somebody")
        assert allowed is model.take(clock.microseconds)
        assert limit.remaining(level) == int(model.tokens)
        assert limit.full_after_seconds(level) == -(-model.refilled_after // 1)
        if not allowed:
            assert limit.retry_after_seconds(level) == max(1, -(-model.one_more_after // 1))


@given(limits, st.integers(1, 200))
def test_no_more_get_through_at_once_than_the_burst(limit: Limit, extra: int) -> None:
    buckets = LocalBuckets(ManualClock())
    allowed = sum(buckets.take(limit, "somebody").allowed for _ in range(limit.burst + extra))
    assert allowed == limit.burst


@given(limits, st.integers(1, 10**15))
def test_a_clock_that_is_set_back_empties_a_bucket_at_most(limit: Limit, back: int) -> None:
    clock = ManualClock(10**16)
    buckets = LocalBuckets(clock)
    while buckets.take(limit, "somebody").allowed:
        pass
    clock.microseconds -= back
    _, level = buckets.take(limit, "somebody")
    clock.advance(limit.retry_after_seconds(level))
    assert buckets.take(limit, "somebody").allowed


def test_clients_do_not_share_a_bucket() -> None:
    buckets = LocalBuckets(ManualClock())
    limit = Limit("key.read", 1, 60, 1)
    assert buckets.take(limit, "one").allowed
    assert not buckets.take(limit, "one").allowed
    assert buckets.take(limit, "another").allowed


def test_limits_do_not_share_a_bucket() -> None:
    buckets = LocalBuckets(ManualClock())
    assert buckets.take(Limit("key.read", 1, 60, 1), "one").allowed
    assert buckets.take(Limit("key.write", 1, 60, 1), "one").allowed


def test_there_are_never_more_buckets_than_fit_and_the_least_used_goes_first() -> None:
    clock = ManualClock()
    buckets = LocalBuckets(clock, buckets_max=3)
    limit = Limit("address.sign_in", 1, 60, 1)
    for client in ("a", "b", "c", "a", "d"):
        buckets.take(limit, client)
    assert len(buckets) == 3
    assert not buckets.take(limit, "a").allowed, "it was used a moment ago"
    assert buckets.take(limit, "b").allowed, "it was not used for longest, and begins anew"


@pytest.mark.parametrize(
    ("count", "seconds", "burst", "policy"),
    [
        (100, 1, 500, b'"key.payments";q=500;w=5'),
        (10, 60, 10, b'"key.payments";q=10;w=60'),
        (3, 1, 10, b'"key.payments";q=10;w=4'),
    ],
)
def test_the_policy_tells_what_a_full_bucket_holds_and_how_long_it_takes_to_fill(
    count: int, seconds: int, burst: int, policy: bytes
) -> None:
    assert Limit("key.payments", count, seconds, burst).policy == policy
