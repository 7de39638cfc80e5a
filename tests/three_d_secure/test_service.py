"""Who may decide, and who gets to know what came of it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from bursar.attempts.schemas import Attempt, BankOrder
from bursar.kit.clock import ManualClock
from bursar.kit.errors import NotFound
from bursar.kit.ids import IdFactory
from bursar.store.errors import RowsExpected
from bursar.store.store import Store
from bursar.store.unit import Unit
from bursar.three_d_secure import repository, service
from bursar.three_d_secure.repository import PASSED, Authentication
from bursar.three_d_secure.service import AuthenticationService, Return, Waiting
from tests.databases import sqlite_database
from tests.vault.harness import opened


class Subject:
    """A payment that takes its time: it is pending for as many answers as it is told."""

    def __init__(self, pending: int) -> None:
        self.pending = pending
        self.decisions: list[bool] = []

    async def waiting(self, authentication: Authentication) -> Waiting | None:
        return Waiting("Tea", "20.00 USD")

    async def authenticated(self, authentication: Authentication, *, passed: bool, address: str | None) -> Return:
        self.decisions.append(passed)
        if len(self.decisions) <= self.pending:
            return Return("https://shop.example?pending", succeeded=False, pending=True)
        return Return("https://shop.example?done", succeeded=True)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with opened(sqlite_database(tmp_path)) as made:
        yield made


def begun(store: Store, subject: Subject, pending_seconds_max: float = 10) -> tuple[AuthenticationService, str, str]:
    """The service, and the two parts of the page's address."""
    authentications = AuthenticationService(
        store, IdFactory(ManualClock()), "https://pay.example/", pending_seconds_max=pending_seconds_max
    )
    authentications.register("pi", subject)
    order = BankOrder(connector="piggybank", merchant="m")
    attempt = Attempt(
        org_id="acct_1",
        livemode=0,
        id="att_1",
        kind="authorize",
        subject_id="pi_1",
        state="prepared",
        amount_minor=1,
        currency="usd",
        fence=1,
        tries=0,
        next_look=None,
        bank_reference=None,
        order=order,
    )
    url, change = authentications.begin(attempt, "pba_1", "https://shop.example")
    asyncio.run(store.commit(Unit([change])))
    assert url.startswith("https://pay.example/authenticate/acct_1.0.att_1/")
    return authentications, "acct_1.0.att_1", url.rpartition("/")[2]


def test_the_whole_address_is_the_key(store: Store) -> None:
    authentications, place, secret = begun(store, Subject(0))

    async def look() -> None:
        assert (await authentications.find(place, secret)).subject_id == "pi_1"
        places = ("", "acct_1", "acct_1.1.att_1", "acct_2.0.att_1", "acct_1.2.att_1", "acct_1.0.", "\x00.0.att_1", "…")
        for other in places:
            with pytest.raises(NotFound):
                await authentications.find(other, secret)
        for guess in ("", secret[:-1], secret + "0", secret.upper(), "ü"):
            with pytest.raises(NotFound):
                await authentications.find(place, guess)

    asyncio.run(look())


def test_a_decision_is_made_once(store: Store) -> None:
    authentications, place, secret = begun(store, Subject(0))

    async def decide() -> None:
        found = await authentications.find(place, secret)
        await store.commit(Unit([repository.decision(found, passed=True)]))
        with pytest.raises(RowsExpected):
            await store.commit(Unit([repository.decision(found, passed=False)]))
        after = await authentications.find(place, secret)
        assert after.state == PASSED
        assert await authentications.waiting(after) is None

    asyncio.run(decide())


def test_whoever_clicks_twice_waits_for_what_comes_of_the_first_click(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "PENDING_POLL_SECONDS", 0.001)
    subject = Subject(pending=3)
    authentications, place, secret = begun(store, subject)

    async def decide() -> Return:
        found = await authentications.find(place, secret)
        return await authentications.decide(found, passed=True, address=None)

    assert asyncio.run(decide()).url == "https://shop.example?done"
    assert len(subject.decisions) == 4


def test_nobody_waits_for_a_bank_for_ever(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "PENDING_POLL_SECONDS", 0.005)
    authentications, place, secret = begun(store, Subject(pending=1_000), pending_seconds_max=0.01)

    async def decide() -> Return:
        found = await authentications.find(place, secret)
        return await authentications.decide(found, passed=True, address=None)

    done = asyncio.run(decide())
    assert (done.pending, done.succeeded) == (True, False)
