"""Refresh tokens: exchanged at each use, a used one ends the session, two at once are one."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from bursar.people.session_rules import ABSOLUTE_SECONDS, IDLE_SECONDS, RETRY_SECONDS
from bursar.people.tables import refresh_tokens
from tests.databases import Database, on
from tests.people.harness import HOME, House, Reply, house_on

REFRESH = "/api/v1/auth/refresh"
WALLETS = "/api/v1/sample/wallets"


def refresh(house: House, token: str) -> Reply:
    return house.call("POST", REFRESH, {"refresh_token": token})


@pytest.fixture
def answer(house: House) -> dict[str, Any]:
    house.user()
    reply: dict[str, Any] = house.login().json
    return reply


def test_a_refresh_token_is_exchanged_for_its_successor(house: House, answer: dict[str, Any]) -> None:
    house.clock.advance(600)
    assert house.call("GET", WALLETS, token=answer["access_token"]).status == 401
    renewed = refresh(house, answer["refresh_token"]).json
    assert renewed["refresh_token"] != answer["refresh_token"]
    assert renewed["organisation"]["id"] == HOME
    assert house.call("GET", WALLETS, token=renewed["access_token"]).status == 200


def test_a_used_token_ends_the_whole_session(house: House, answer: dict[str, Any]) -> None:
    second = refresh(house, answer["refresh_token"]).json
    house.clock.advance(RETRY_SECONDS + 1)
    stolen = refresh(house, answer["refresh_token"])
    assert (stolen.status, stolen.code) == (401, "refresh_token_invalid")
    assert refresh(house, second["refresh_token"]).status == 401
    house.clock.advance(5)
    assert house.call("GET", WALLETS, token=second["access_token"]).code == "session_ended"
    assert [event["reason"] for event in house.told("bursar.session.ended", HOME)] == ["refresh_token_reused"]


def test_whoever_asks_again_at_once_gets_the_same_successor(house: House, answer: dict[str, Any]) -> None:
    """An answer may get lost, or two pages may ask at the same moment."""
    first = refresh(house, answer["refresh_token"]).json
    house.clock.advance(RETRY_SECONDS)
    again = refresh(house, answer["refresh_token"]).json
    assert again["refresh_token"] == first["refresh_token"]
    assert refresh(house, first["refresh_token"]).status == 200


def test_a_retry_after_the_successor_was_used_is_a_theft(house: House, answer: dict[str, Any]) -> None:
    first = refresh(house, answer["refresh_token"]).json
    second = refresh(house, first["refresh_token"]).json
    assert refresh(house, answer["refresh_token"]).status == 401
    assert refresh(house, second["refresh_token"]).status == 401


@pytest.mark.parametrize("database", on("sqlite", "postgresql"), indirect=True)
def test_many_refreshes_at_once_are_one(database: Database) -> None:
    with house_on(database, writers=2) as house:
        house.user()
        token = house.login().json["refresh_token"]

        async def all_at_once() -> list[Reply]:
            calls = (house.acall("POST", REFRESH, {"refresh_token": token}) for _ in range(8))
            return await asyncio.gather(*calls)

        replies = house.run(all_at_once())
        assert {reply.status for reply in replies} == {200}
        assert len({reply.json["refresh_token"] for reply in replies}) == 1
        rows = house.store.read_blocking(lambda connection: connection.execute(select(refresh_tokens)).all())
        assert len(rows) == 2
        assert refresh(house, replies[0].json["refresh_token"]).status == 200


def test_each_use_gives_thirty_days_more_but_never_more_than_ninety(house: House, answer: dict[str, Any]) -> None:
    token = answer["refresh_token"]
    house.clock.advance(IDLE_SECONDS - 1)
    for _ in range(2):
        token = refresh(house, token).json["refresh_token"]
        house.clock.advance(IDLE_SECONDS - 1)
    token = refresh(house, token).json["refresh_token"]
    house.clock.advance(2)
    assert refresh(house, token).status == 200  # in the last second
    house.clock.advance(ABSOLUTE_SECONDS - 3 * (IDLE_SECONDS - 1))
    assert refresh(house, token).status == 401


def test_an_unused_token_ends_after_thirty_days(house: House, answer: dict[str, Any]) -> None:
    house.clock.advance(IDLE_SECONDS + 1)
    assert refresh(house, answer["refresh_token"]).status == 401


def test_somebody_disabled_cannot_refresh(house: House, answer: dict[str, Any]) -> None:
    people = house.identity.people
    user = house.run(people.required(answer["user"]["id"]))
    house.run(people.set_disabled(user, disabled=True))
    assert refresh(house, answer["refresh_token"]).status == 401


def test_what_is_kept_of_a_token_is_a_keyed_hash(house: House, answer: dict[str, Any]) -> None:
    rows = house.store.read_blocking(lambda connection: connection.execute(select(refresh_tokens)).all())
    assert len(rows) == 1
    assert answer["refresh_token"] not in str(rows)
    assert rows[0].token_hash == house.identity.secrets.hash("refresh tokens", answer["refresh_token"])
