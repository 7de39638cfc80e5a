"""Guessing stops after ten; the owner is never locked out by others."""

import asyncio
from collections import Counter

import pytest

from bursar.people.lockout import FAILURES_MAX, PAUSE_SECONDS
from bursar.people.sign_in import SIGNING_IN_MAX
from bursar.store.columns import INSTALLATION
from tests.databases import Database, on
from tests.people.harness import ADDRESS, EMAIL, HOME, PASSWORD, House, QuickHash, Reply, house_on

DEVICE = "__Host-bursar_device"


def fail(house: House, times: int, email: str = EMAIL, **options: object) -> list[str | None]:
    """From a new address each time, unless one is named."""
    codes = []
    for number in range(times):
        where = {"address": f"203.0.113.{number}"} | options
        codes.append(house.login(email, "wrong password", **where).code)
    return codes


def test_after_ten_failures_of_an_account_there_is_a_pause_of_half_an_hour(house: House) -> None:
    house.user()
    assert fail(house, FAILURES_MAX) == ["sign_in_failed"] * FAILURES_MAX
    refused = house.login(password=PASSWORD, address="192.0.2.9")
    assert (refused.status, refused.code) == (429, "sign_in_locked")
    assert refused.header("retry-after") == str(PAUSE_SECONDS)
    house.clock.advance(PAUSE_SECONDS - 1)
    assert house.login(address="192.0.2.9").status == 429
    house.clock.advance(1)
    assert house.login(address="192.0.2.9").status == 200


def test_nothing_is_hashed_in_a_pause(house: House) -> None:
    house.user()
    fail(house, FAILURES_MAX)
    assert isinstance(house.slow_hash, QuickHash)
    checked = house.slow_hash.checked
    house.login(address="192.0.2.9")
    assert house.slow_hash.checked == checked


def test_an_account_that_is_not_there_is_paused_just_the_same(house: House) -> None:
    house.user()
    for email in (EMAIL, "nobody@example.test"):
        fail(house, FAILURES_MAX, email)
        house.clock.advance(1_000)
    house.clock.advance(-1_000)
    replies = [house.login(email, "wrong password", address="192.0.2.9") for email in ("nobody@example.test",)]
    assert [reply.code for reply in replies] == ["sign_in_locked"]


def test_other_spellings_of_the_address_count_for_the_same_account(house: House) -> None:
    house.user()
    spellings = ["ADA@example.test", " ada@example.test", "Ada@Example.Test"]
    for number in range(FAILURES_MAX):
        house.login(spellings[number % 3], "wrong password", address=f"203.0.113.{number}")
    assert house.login(address="192.0.2.9").status == 429


def test_after_ten_failures_from_an_address_it_is_paused_for_all_accounts(house: House) -> None:
    house.user()
    codes = [
        house.login(f"somebody-{number}@example.test", "x" * 12, address="192.0.2.66").code for number in range(10)
    ]
    assert codes == ["sign_in_failed"] * 10
    assert house.login(address="192.0.2.66").code == "sign_in_locked"
    assert house.login(address="192.0.2.67").status == 200


def test_all_addresses_of_one_ipv6_network_are_one(house: House) -> None:
    house.user()
    for number in range(FAILURES_MAX):
        house.login(f"somebody-{number}@example.test", "x", address=f"2001:db8:1:2::{number:x}")
    assert house.login(address="2001:db8:1:2:ffff::1").status == 429
    assert house.login(address="2001:db8:1:3::1").status == 200


def test_an_ipv4_address_is_the_same_in_its_ipv6_form(house: House) -> None:
    house.user()
    for number in range(FAILURES_MAX):
        house.login(f"somebody-{number}@example.test", "x", address="::ffff:192.0.2.66")
    assert house.login(address="192.0.2.66").status == 429


def test_an_attacker_does_not_lock_out_the_owner_where_they_signed_in_before(house: House) -> None:
    house.user()
    assert house.login().status == 200
    for _ in range(3):
        fail(house, FAILURES_MAX + 2)
        assert house.login(address="192.0.2.9").status == 429
        assert house.login(address=ADDRESS).status == 200
        house.clock.advance(PAUSE_SECONDS)


def test_a_known_device_passes_from_everywhere(house: House) -> None:
    house.user()
    device = house.login(browser=True).cookies[DEVICE]
    fail(house, FAILURES_MAX)
    assert house.login(address="192.0.2.9").status == 429
    assert house.login(address="192.0.2.9", cookies={DEVICE: device}).status == 200
    assert house.login(address="192.0.2.10", cookies={DEVICE: device + "x"}).status == 429


def test_a_known_place_is_no_place_to_guess_from(house: House) -> None:
    """Its failures are counted on their own, as strictly."""
    house.user()
    device = house.login(browser=True).cookies[DEVICE]
    by_address = [house.login(password="wrong password").code for _ in range(FAILURES_MAX + 1)]
    assert by_address == ["sign_in_failed"] * FAILURES_MAX + ["sign_in_locked"]
    by_device = [house.login(password="wrong password", cookies={DEVICE: device}).code for _ in range(FAILURES_MAX + 1)]
    assert by_device == ["sign_in_failed"] * FAILURES_MAX + ["sign_in_locked"]
    assert house.login(address="192.0.2.9").status == 200


def test_the_device_of_one_person_is_worth_nothing_for_another(house: House) -> None:
    house.user()
    house.user("eve@example.test")
    device = house.login("eve@example.test", browser=True).cookies[DEVICE]
    fail(house, FAILURES_MAX, cookies={DEVICE: device})
    assert house.login(address="192.0.2.9", cookies={DEVICE: device}).status == 429


def test_whoever_was_right_starts_anew(house: House) -> None:
    house.user()
    fail(house, FAILURES_MAX - 1)
    assert house.login(address="192.0.2.9").status == 200
    fail(house, FAILURES_MAX - 1)
    assert house.login(address="192.0.2.10").status == 200


def test_an_attacker_with_an_account_of_their_own_gains_no_tries_by_signing_in(house: House) -> None:
    house.user()
    house.user("eve@example.test")
    codes: Counter[str | None] = Counter()
    for number in range(20):
        codes[house.login(f"victim-{number}@example.test", "a guess", address="192.0.2.66").code] += 1
        house.login("eve@example.test", address="192.0.2.66")
    assert codes == {"sign_in_failed": FAILURES_MAX, "sign_in_locked": 20 - FAILURES_MAX}


def test_failures_of_long_ago_are_forgotten(house: House) -> None:
    house.user()
    fail(house, FAILURES_MAX - 1)
    house.clock.advance(PAUSE_SECONDS)
    fail(house, FAILURES_MAX - 1)
    assert house.login(address="192.0.2.9").status == 200


def test_a_try_that_nobody_could_decide_does_not_count(house: House) -> None:
    house.user()
    assert isinstance(house.slow_hash, QuickHash)
    house.slow_hash.busy = True
    for _ in range(FAILURES_MAX * 2):
        assert house.login().status == 503
    house.slow_hash.busy = False
    assert house.login(address="192.0.2.9").status == 200


def test_a_right_password_is_no_failure_whatever_else_is_wrong(house: House) -> None:
    user = house.user()
    house.codes.of_user[user.id] = {"000000"}
    for number in range(FAILURES_MAX + 1):
        address = f"203.0.113.{number}"
        assert house.login(address=address).code == "second_factor_required"
    house.codes.of_user.clear()
    for _ in range(FAILURES_MAX + 1):
        assert house.login(organisation="acct_other").code == "membership_missing"
    token = house.token()
    for _ in range(FAILURES_MAX + 1):
        body = {"current_password": PASSWORD, "new_password": "password1234"}
        assert house.call("POST", "/api/v1/auth/password", body, token=token).code == "password_too_weak"


def test_a_flood_is_refused_before_anything_is_read_or_written(house: House) -> None:
    """More at once than the slow hash would let wait; each by an address and account of its own."""

    async def at_once() -> list[Reply]:
        calls = []
        for number in range(SIGNING_IN_MAX * 3):
            body = {"email": f"somebody-{number}@example.test", "password": "a guess"}
            calls.append(house.acall("POST", "/api/v1/org/login", body, address=f"203.0.113.{number}"))
        return await asyncio.gather(*calls)

    replies = Counter(reply.status for reply in house.run(at_once()))
    assert replies == {401: SIGNING_IN_MAX, 503: SIGNING_IN_MAX * 2}
    assert len(house.told("bursar.sign_in.failed")) == SIGNING_IN_MAX


@pytest.mark.parametrize("database", on("sqlite", "postgresql"), indirect=True)
def test_a_hundred_tries_at_once_in_two_processes_are_no_more_than_ten(database: Database) -> None:
    with house_on(database, writers=2) as house:
        house.user()
        others = house.application_of(house.identity_of_another_process())

        async def at_once() -> list[Reply]:
            body = {"email": EMAIL, "password": "wrong password"}
            return await asyncio.gather(
                *(
                    house.acall(
                        "POST",
                        "/api/v1/org/login",
                        body,
                        address=f"203.0.113.{number}",
                        application=others if number % 2 else house.application,
                    )
                    for number in range(40)
                )
            )

        codes = Counter(reply.code for reply in house.run(at_once()))
        assert codes["sign_in_failed"] == FAILURES_MAX
        assert codes["sign_in_locked"] == 40 - FAILURES_MAX
        assert isinstance(house.slow_hash, QuickHash)
        assert house.slow_hash.checked == FAILURES_MAX


def test_the_pause_outlives_the_process(house: House) -> None:
    house.user()
    fail(house, FAILURES_MAX)
    restarted = house.application_of(house.identity_of_another_process())
    assert house.login(address="192.0.2.9", application=restarted).status == 429


def test_the_log_is_told_of_a_pause_once(house: House) -> None:
    user = house.user()
    fail(house, FAILURES_MAX + 5)
    [pause] = house.told("bursar.sign_in.locked")
    assert (pause["log"], pause["user"], pause["of"]) == (HOME, user.id, "account")
    assert len(house.told("bursar.sign_in.failed")) == FAILURES_MAX
    fail(house, FAILURES_MAX, "nobody@example.test")
    assert [event["log"] for event in house.told("bursar.sign_in.locked")] == [HOME, INSTALLATION]


def test_guessing_the_second_factor_stops_after_ten_and_not_for_its_owner(house: House) -> None:
    user = house.user()
    house.codes.of_user[user.id] = {"000000", "000001"}
    assert house.login(code="000000").status == 200
    challenge = house.login(address="192.0.2.9").json["error"]["challenge"]
    body = {"challenge": challenge, "code": "123456"}
    codes = [
        house.call("POST", "/api/v1/auth/second-factor", body, address="192.0.2.9").code
        for _ in range(FAILURES_MAX + 1)
    ]
    assert codes == ["second_factor_failed"] * FAILURES_MAX + ["sign_in_locked"]
    assert house.login(code="000001").status == 200
