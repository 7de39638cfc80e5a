"""Keys over their lifetime, with a clock that is told what time it is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bursar import tables  # noqa: F401 - makes them known to the schema
from bursar.accounts.service import AccountService
from bursar.events.sealing import LaneSealer
from bursar.kit.clock import MICROSECONDS_PER_SECOND, ManualClock
from bursar.kit.errors import InvalidRequest
from bursar.kit.ids import IdFactory
from bursar.store import schema
from bursar.store.engine import MEMORY_URL, Engines
from bursar.store.store import Store

HOUR = 3600 * MICROSECONDS_PER_SECOND
DAY = 24 * HOUR


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def accounts(clock: ManualClock) -> Iterator[AccountService]:
    engines = Engines(MEMORY_URL, readers=1, writers=1)
    schema.upgrade(engines.writing)
    store = Store(engines, lambda: LaneSealer(clock), readers=1)
    yield AccountService(store, IdFactory(clock), clock, "a secret of the test's own, long enough")
    store.close()


@pytest.fixture
def org_id(accounts: AccountService) -> str:
    return accounts.create_organisation("Test").id


def test_a_rotated_key_ends_after_the_overlap(accounts: AccountService, org_id: str, clock: ManualClock) -> None:
    old = accounts.create_key(org_id, "secret", livemode=False).key
    new = accounts.rotate_key(old.id, overlap_seconds=3600).key
    assert new.expires is None
    assert accounts.find(old.id).expires == clock.now_microseconds() + HOUR


def test_rotation_never_lengthens_a_life(accounts: AccountService, org_id: str, clock: ManualClock) -> None:
    soon = clock.now_microseconds() + HOUR
    old = accounts.create_key(org_id, "secret", livemode=False, expires=soon).key
    accounts.rotate_key(old.id, overlap_seconds=24 * 3600)
    assert accounts.find(old.id).expires == soon


def test_a_successor_lives_as_long_as_its_predecessor_was_meant_to(
    accounts: AccountService, org_id: str, clock: ManualClock
) -> None:
    old = accounts.create_key(org_id, "secret", livemode=False, expires=clock.now_microseconds() + 30 * DAY).key
    clock.advance(29 * 24 * 3600)
    new = accounts.rotate_key(old.id, overlap_seconds=0).key
    assert new.expires is not None
    assert old.expires is not None
    assert abs((new.expires - new.created) - (old.expires - old.created)) < MICROSECONDS_PER_SECOND


def test_a_name_that_no_column_holds_is_refused(accounts: AccountService, org_id: str) -> None:
    with pytest.raises(InvalidRequest, match="200"):
        accounts.create_key(org_id, "secret", livemode=False, name="x" * 201)
