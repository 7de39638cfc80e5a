"""With a second factor on, a password alone gives a challenge and nothing else."""

import asyncio

import pytest

from bursar.people.sign_in import CHALLENGE_SECONDS
from tests.people.harness import EMAIL, HOME, PASSWORD, WORK, House, Reply

WALLETS = "/api/v1/sample/wallets"


@pytest.fixture
def challenge(house: House) -> str:
    user = house.user(members={HOME: "owner", WORK: "viewer"})
    house.codes.of_user[user.id] = {"111111", "222222"}
    reply = house.login(organisation=WORK)
    assert (reply.status, reply.code) == (401, "second_factor_required")
    assert reply.json["error"]["expires_in"] == CHALLENGE_SECONDS
    return str(reply.json["error"]["challenge"])


def complete(house: House, challenge: str, code: str) -> Reply:
    return house.call("POST", "/api/v1/auth/second-factor", {"challenge": challenge, "code": code})


def test_a_challenge_and_a_code_complete_the_sign_in_as_it_was_begun(house: House, challenge: str) -> None:
    assert house.told("bursar.sign_in.succeeded") == []
    answer = complete(house, challenge, "111111").json
    assert answer["organisation"]["id"] == WORK
    assert house.call("GET", WALLETS, token=answer["access_token"]).status == 200
    assert [event["methods"] for event in house.told("bursar.sign_in.succeeded")] == [["password", "totp"]]


def test_a_challenge_works_once(house: House, challenge: str) -> None:
    assert complete(house, challenge, "111111").status == 200
    assert complete(house, challenge, "222222").code == "challenge_invalid"


def test_of_two_who_complete_a_challenge_at_once_one_gets_in(house: House, challenge: str) -> None:
    async def at_once() -> list[Reply]:
        bodies = [{"challenge": challenge, "code": code} for code in ("111111", "222222")]
        return await asyncio.gather(*(house.acall("POST", "/api/v1/auth/second-factor", body) for body in bodies))

    assert sorted(reply.status for reply in house.run(at_once())) == [200, 401]


def test_a_challenge_ends_after_five_minutes(house: House, challenge: str) -> None:
    house.clock.advance(CHALLENGE_SECONDS)
    assert complete(house, challenge, "111111").code == "challenge_invalid"


def test_a_wrong_code_can_be_corrected(house: House, challenge: str) -> None:
    wrong = complete(house, challenge, "999999")
    assert (wrong.status, wrong.code) == (401, "second_factor_failed")
    assert complete(house, challenge, "111111").status == 200


def test_password_and_code_may_come_together(house: House, challenge: str) -> None:
    assert house.login(code="111111").status == 200
    assert house.login(code="111111").code == "second_factor_failed"


def test_whoever_was_disabled_meanwhile_does_not_get_in(house: House, challenge: str) -> None:
    people = house.identity.people
    user = house.run(people.find_by_email(EMAIL))
    assert user is not None
    house.run(people.set_disabled(user, disabled=True))
    assert complete(house, challenge, "111111").code == "challenge_invalid"


def test_a_browser_gets_its_cookie_after_the_second_factor_only(house: House, challenge: str) -> None:
    begun = house.login(browser=True)
    assert begun.cookies == {}
    done = complete(house, begun.json["error"]["challenge"], "111111")
    assert set(done.cookies) == {"__Host-bursar_session", "__Host-bursar_device"}


def test_the_simplest_sign_in_needs_the_second_factor_too(house: House, challenge: str) -> None:
    reply = house.call("POST", "/signin", {"username": EMAIL, "password": PASSWORD})
    assert reply.code == "second_factor_required"
