"""Tokens that work once."""

import asyncio

import pytest
from sqlalchemy import select

from bursar.people.one_time import OneTimeTokens
from bursar.people.tables import one_time_tokens
from tests.databases import Database, on
from tests.people.harness import House, house_on


@pytest.fixture
def tokens(house: House) -> OneTimeTokens:
    return house.identity.one_time


def test_a_token_gives_its_subject_once(house: House, tokens: OneTimeTokens) -> None:
    token = house.run(tokens.issue("invitation", '{"a": 1}', 60))
    assert house.run(tokens.peek("invitation", token)) == '{"a": 1}'
    assert house.run(tokens.take("invitation", token)) == '{"a": 1}'
    assert house.run(tokens.take("invitation", token)) is None
    assert house.run(tokens.peek("invitation", token)) is None


def test_a_token_is_worth_nothing_for_another_purpose(house: House, tokens: OneTimeTokens) -> None:
    token = house.run(tokens.issue("invitation", "x", 60))
    assert house.run(tokens.take("password reset", token)) is None
    assert house.run(tokens.take("invitation", token)) == "x"


def test_a_token_expires(house: House, tokens: OneTimeTokens) -> None:
    token = house.run(tokens.issue("invitation", "x", 60))
    house.clock.advance(60)
    assert house.run(tokens.take("invitation", token)) is None


def test_a_token_has_256_bits_and_is_kept_as_a_keyed_hash(house: House, tokens: OneTimeTokens) -> None:
    token = house.run(tokens.issue("invitation", "x", 60))
    assert len(token) == 43
    rows = house.store.read_blocking(lambda connection: connection.execute(select(one_time_tokens)).all())
    assert token not in str(rows)


@pytest.mark.parametrize("token", ["", "x", "ü", "x" * 10_000])
def test_what_is_no_token_is_taken_for_none(house: House, tokens: OneTimeTokens, token: str) -> None:
    assert house.run(tokens.take("invitation", token)) is None


@pytest.mark.parametrize("database", on("sqlite", "postgresql"), indirect=True)
def test_of_many_who_take_it_at_once_one_gets_it(database: Database) -> None:
    with house_on(database, writers=2) as house:
        tokens = house.identity.one_time
        token = house.run(tokens.issue("invitation", "x", 60))

        async def at_once() -> list[str | None]:
            return await asyncio.gather(*(tokens.take("invitation", token) for _ in range(10)))

        assert sorted(map(str, house.run(at_once()))) == ["None"] * 9 + ["x"]
