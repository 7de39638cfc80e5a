"""How long a key works: until it expires, is revoked, or its overlap after a rotation is over."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from bursar.accounts.directory import REMEMBERED_SECONDS, StoredKeys
from bursar.accounts.rules import DEVELOPMENT_KEYS, DEVELOPMENT_SECRET_KEY
from bursar.accounts.schemas import Kind
from bursar.accounts.service import AccountService, ShownOnce
from bursar.http.authentication import Principal
from bursar.kit.clock import MICROSECONDS_PER_SECOND, ManualClock
from bursar.kit.errors import Conflict, InvalidRequest, NotFound
from bursar.runtime import Runtime, running
from bursar.settings import Settings

SECRET = "a-secret-of-at-least-thirty-two-characters"


class Office:
    """The accounts of one installation on a clock that the test moves."""

    def __init__(self, runtime: Runtime) -> None:
        self.clock = ManualClock()
        self.runtime = runtime
        self.accounts = AccountService(runtime.store, runtime.ids, self.clock, SECRET)
        self.directory = self.directory_of_another_process()
        self.org_id = self.accounts.create_organisation("Shop").id

    def directory_of_another_process(
        self, secret: str = SECRET, previous: str | None = None, *, development: bool = False
    ) -> StoredKeys:
        return StoredKeys(self.runtime.store, self.clock, secret, previous, development=development)

    def key(self, kind: Kind = "secret", *, livemode: bool = False, expires_seconds: int | None = None) -> ShownOnce:
        expires = None
        if expires_seconds is not None:
            expires = self.clock.now_microseconds() + expires_seconds * MICROSECONDS_PER_SECOND
        permissions = ["customers.read"] if kind == "restricted" else None
        return self.accounts.create_key(self.org_id, kind, livemode=livemode, permissions=permissions, expires=expires)

    def find(self, api_key: str, directory: StoredKeys | None = None) -> Principal | None:
        """As a request does: from memory if it is there, else from the database."""
        directory = directory or self.directory
        return directory.cached(api_key) or asyncio.run(directory.find(api_key))


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with running(Settings(database_url=f"sqlite:///{tmp_path / 'bursar.db'}", secret_key=SECRET)) as runtime:
        yield Office(runtime)


def test_a_key_is_known_with_what_it_may_do(office: Office) -> None:
    shown = office.key("restricted", livemode=True)
    assert office.find(shown.api_key) == Principal(
        office.org_id, 1, shown.key.id, "restricted", frozenset({"customers.read"})
    )
    assert office.find(shown.api_key + "0") is None
    assert office.find(shown.api_key.upper()) is None


def test_a_key_ends_at_its_expiry_and_not_a_memory_later(office: Office) -> None:
    shown = office.key(expires_seconds=60)
    office.clock.advance(59)
    assert office.find(shown.api_key)
    office.clock.advance(1)
    assert office.find(shown.api_key) is None


def test_a_revoked_key_ends_within_the_seconds_that_keys_are_remembered(office: Office) -> None:
    shown = office.key()
    assert office.find(shown.api_key)
    office.accounts.revoke_key(shown.key.id)
    assert office.find(shown.api_key, office.directory_of_another_process()) is None
    office.clock.advance(REMEMBERED_SECONDS)
    assert office.find(shown.api_key) is None


def test_after_a_rotation_both_keys_work_until_the_overlap_is_over(office: Office) -> None:
    old = office.key("restricted", livemode=True)
    new = office.accounts.rotate_key(old.key.id, overlap_seconds=3_600)
    office.clock.advance(3_599)
    first, second = office.find(old.api_key), office.find(new.api_key)
    assert first
    assert second
    assert (first.org_id, first.livemode, first.kind, first.permissions) == (
        second.org_id,
        second.livemode,
        second.kind,
        second.permissions,
    )
    office.clock.advance(1)
    assert office.find(old.api_key) is None
    assert office.find(new.api_key)


def test_a_rotation_never_lengthens_the_life_of_the_old_key(office: Office) -> None:
    old = office.key(expires_seconds=60)
    office.accounts.rotate_key(old.key.id, overlap_seconds=3_600)
    office.clock.advance(60)
    assert office.find(old.api_key) is None


def test_a_rotation_without_overlap_ends_the_old_key_at_once(office: Office) -> None:
    old = office.key()
    office.accounts.rotate_key(old.key.id, overlap_seconds=0)
    assert office.find(old.api_key) is None


def test_a_key_that_has_ended_can_be_neither_rotated_nor_revoked_again(office: Office) -> None:
    shown = office.key()
    office.accounts.revoke_key(shown.key.id)
    with pytest.raises(Conflict):
        office.accounts.rotate_key(shown.key.id, 0)
    with pytest.raises(Conflict):
        office.accounts.revoke_key(shown.key.id)
    with pytest.raises(NotFound):
        office.accounts.revoke_key("key_nobody")


def test_after_a_change_of_the_installations_secret_keys_work_while_the_old_one_is_named(office: Office) -> None:
    shown = office.key()
    new_secret = "another-secret-of-thirty-two-characters"
    assert office.find(shown.api_key, office.directory_of_another_process(new_secret, SECRET))
    assert office.find(shown.api_key, office.directory_of_another_process(new_secret)) is None


def test_development_keys_are_refused_outside_development_even_where_they_are_stored(office: Office) -> None:
    office.accounts.seed_development()
    for api_key in DEVELOPMENT_KEYS:
        assert office.find(api_key) is None
        assert office.find(api_key, office.directory_of_another_process(development=True))
    office.accounts.seed_development()  # a second start finds them there
    assert office.find(DEVELOPMENT_SECRET_KEY) is None


@pytest.mark.parametrize(
    ("kind", "permissions"),
    [("restricted", []), ("restricted", ["everything"]), ("secret", ["customers.read"]), ("publishable", ["x"])],
)
def test_permissions_that_make_no_sense_are_refused(office: Office, kind: Kind, permissions: list[str]) -> None:
    with pytest.raises(InvalidRequest):
        office.accounts.create_key(office.org_id, kind, livemode=False, permissions=permissions)


def test_a_key_for_nobody_is_refused(office: Office) -> None:
    with pytest.raises(NotFound):
        office.accounts.create_key("acct_nobody", "secret", livemode=False)
