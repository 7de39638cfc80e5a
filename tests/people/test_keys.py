"""The keys that sign: replaced every month, known in advance, the same in all processes."""

import asyncio
import base64
import json

import pytest
from sqlalchemy import select, update

from bursar.people.keys import DAY, KEPT_AFTER, PUBLISHED_AHEAD, ROTATION
from bursar.people.tables import signing_keys
from bursar.people.tasks import delete_ended
from bursar.store.unit import Unit
from tests.databases import Database, on
from tests.people.harness import SECRET, House, house_on

WALLETS = "/api/v1/sample/wallets"
A_MINUTE = 61


def kid_of(token: str) -> str:
    kid = json.loads(base64.urlsafe_b64decode(token.split(".", maxsplit=1)[0] + "=="))["kid"]
    assert isinstance(kid, str)
    return kid


def published(house: House) -> list[str]:
    return [key["kid"] for key in house.call("GET", "/.well-known/jwks.json").json["keys"]]


def pass_time(house: House, microseconds: int) -> None:
    house.clock.advance(microseconds / 1_000_000)


def test_the_key_set_is_public_cacheable_and_without_anything_private(house: House) -> None:
    house.user()
    token = house.token()
    for path in ("/.well-known/jwks.json", "/api/v1/.well-known/jwks.json"):
        reply = house.call("GET", path)
        assert reply.status == 200
        [key] = reply.json["keys"]
        assert set(key) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
        assert (key["kid"], key["alg"], key["use"]) == (kid_of(token), "ES256", "sig")
        assert reply.header("cache-control") == "public, max-age=300"
        tag = reply.header("etag") or ""
        again = house.call("GET", path, headers={"if-none-match": tag})
        assert (again.status, again.body) == (304, b"")
    assert house.call("POST", "/.well-known/jwks.json").status == 405


def test_a_key_is_published_a_day_before_it_signs_and_until_its_tokens_are_over(house: House) -> None:
    house.user()
    first = kid_of(house.token())
    pass_time(house, ROTATION - PUBLISHED_AHEAD - DAY)
    assert published(house) == [first]
    pass_time(house, DAY)
    second = next(kid for kid in published(house) if kid != first)
    assert kid_of(house.token()) == first
    pass_time(house, PUBLISHED_AHEAD - 1)
    last = house.token()
    assert kid_of(last) == first
    pass_time(house, 1)
    assert kid_of(house.token()) == second
    pass_time(house, A_MINUTE * 1_000_000)
    assert house.call("GET", WALLETS, token=last).status == 200
    pass_time(house, KEPT_AFTER - 2 * A_MINUTE * 1_000_000)
    assert published(house) == [first, second]
    pass_time(house, 2 * A_MINUTE * 1_000_000)
    assert published(house) == [second]


def test_a_key_nobody_made_in_time_still_is_published_a_day_before_it_signs(house: House) -> None:
    """A server that slept for months goes on with the old key for that day."""
    house.user()
    first = kid_of(house.token())
    pass_time(house, 4 * ROTATION)
    assert kid_of(house.token()) == first
    second = next(kid for kid in published(house) if kid != first)
    pass_time(house, PUBLISHED_AHEAD)
    assert kid_of(house.token()) == second


def test_old_keys_make_room(house: House) -> None:
    house.user()
    for _ in range(3):
        house.token()
        pass_time(house, ROTATION)
    house.token()
    pass_time(house, PUBLISHED_AHEAD + KEPT_AFTER + DAY)
    house.run(delete_ended(house.store, house.clock))
    rows = house.store.read_blocking(lambda connection: connection.execute(select(signing_keys)).all())
    assert len(rows) == 1
    assert house.call("GET", WALLETS, token=house.token()).status == 200


def test_another_process_takes_tokens_of_a_key_that_it_has_not_seen_yet(house: House) -> None:
    house.user()
    other = house.identity_of_another_process()
    house.run(other.keys.published())
    application = house.application_of(other)
    assert house.call("GET", WALLETS, token=house.token(), application=application).status == 200


@pytest.mark.parametrize("database", on("sqlite", "postgresql"), indirect=True)
def test_processes_that_start_at_once_agree_on_one_key(database: Database) -> None:
    with house_on(database, writers=2) as house:
        processes = [house.identity_of_another_process() for _ in range(6)]

        async def all_at_once() -> list[str]:
            keys = await asyncio.gather(*(process.keys.current() for process in processes))
            return [key.kid for key in keys]

        assert len(set(house.run(all_at_once()))) == 1


def test_the_private_key_is_sealed_and_bound_to_its_row(house: House) -> None:
    house.user()
    token = house.token()
    rows = house.store.read_blocking(lambda connection: connection.execute(select(signing_keys)).all())
    assert b"PRIVATE" not in base64.b64decode(rows[0].sealed)
    _set(house, signs_from=rows[0].signs_from - 1)
    other = house.application_of(house.identity_of_another_process())
    assert house.call("GET", WALLETS, token=token, application=other).code == "token_invalid"


def _set(house: House, **values: int) -> None:
    async def work() -> None:
        await house.store.transact(
            lambda connection: (connection.execute(update(signing_keys).values(**values)), Unit())
        )

    house.run(work())


def test_after_a_change_of_the_secret_tokens_stay_good_while_the_old_one_is_named(house: House) -> None:
    house.user()
    token = house.token()
    refresh = house.login().json["refresh_token"]
    new_secret = "another-secret-of-thirty-two-characters"
    named = house.application_of(house.identity_of_another_process(secret=new_secret, previous=SECRET))
    assert house.call("GET", WALLETS, token=token, application=named).status == 200
    answer = house.call("POST", "/api/v1/auth/refresh", {"refresh_token": refresh}, application=named).json
    alone = house.application_of(house.identity_of_another_process(secret=new_secret))
    assert house.call("GET", WALLETS, token=token, application=alone).code == "token_invalid"
    refreshed = house.call(
        "POST", "/api/v1/auth/refresh", {"refresh_token": answer["refresh_token"]}, application=alone
    )
    assert refreshed.status == 200
    assert house.call("GET", WALLETS, token=refreshed.json["access_token"], application=alone).status == 200
