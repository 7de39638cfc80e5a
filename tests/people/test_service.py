"""Users: made once for each address, changed with a trace, never shown with what is secret."""

import asyncio

import pytest
from sqlalchemy import Connection

from bursar.http.authentication import ANONYMOUS, Principal
from bursar.http.call import Call
from bursar.kit.errors import NotFound
from bursar.people.schemas import User
from bursar.people.service import DuplicateEmail
from bursar.people.tasks import delete_ended
from bursar.store.columns import INSTALLATION
from bursar.store.errors import DuplicateKey
from bursar.store.unit import Unit
from tests.databases import Database, on
from tests.people.harness import EMAIL, HOME, PASSWORD, WORK, House, house_on


def test_an_address_belongs_to_one_user_in_any_spelling(house: House) -> None:
    house.user()
    with pytest.raises(DuplicateEmail):
        house.user(EMAIL.upper())


@pytest.mark.parametrize("database", on("sqlite", "postgresql"), indirect=True)
def test_of_many_who_register_one_address_at_once_one_does(database: Database) -> None:
    with house_on(database, writers=2) as house:

        def work(connection: Connection) -> tuple[User, Unit]:
            return house.identity.people.new_user(
                connection, email=EMAIL, name="", password_hash=None, email_verified=False, now=1
            )

        async def at_once() -> list[object]:
            calls = (house.store.transact(work) for _ in range(10))
            outcomes: list[object] = await asyncio.gather(*calls, return_exceptions=True)
            return outcomes

        outcomes = [type(outcome) for outcome in house.run(at_once())]
        assert outcomes.count(User) == 1
        assert set(outcomes) <= {User, DuplicateEmail, DuplicateKey}


def test_the_log_is_told_of_a_user_without_what_is_secret(house: House) -> None:
    house.user()
    [created] = house.told("bursar.user.created")
    assert (created["log"], created["email"], created["has_password"]) == (INSTALLATION, EMAIL, True)
    assert "quick:" not in str(created)


def test_changes_are_told_in_all_organisations_of_the_user(house: House) -> None:
    user = house.user(members={HOME: "owner", WORK: "viewer"})
    house.run(house.identity.people.set_platform_admin(user, platform_admin=True))
    assert [(event["log"], event["platform_admin"]) for event in house.told("bursar.user.updated")] == [
        (HOME, True),
        (WORK, True),
    ]


def test_disabling_ends_the_sessions(house: House) -> None:
    user = house.user()
    house.login()
    house.run(house.identity.people.set_disabled(user, disabled=True))
    assert [event["reason"] for event in house.told("bursar.session.ended")] == ["disabled"]


def test_a_new_password_can_be_set_and_sessions_ended_by_whoever_resets_it(house: House) -> None:
    user = house.user()
    house.login()
    people = house.identity.people
    after = house.run(people.set_password(user, house.run(people.hash_password("another one"))))
    assert house.run(people.end_sessions(after)) == 1
    assert house.login().status == 401
    assert house.login(password="another one").status == 200


def test_another_feature_signs_in_whom_it_knows(house: House) -> None:
    user = house.user(password=None)
    call = Call(Principal(INSTALLATION, 0, ANONYMOUS, ANONYMOUS), "req_1", "192.0.2.1")
    tokens = house.run(house.identity.people.sign_in(user, None, call, methods=["provider"]))
    assert tokens.session.methods == ("provider",)
    assert house.call("GET", "/api/v1/sample/wallets", token=tokens.access_token).status == 200


def test_users_are_found_by_id_and_address(house: House) -> None:
    user = house.user()
    people = house.identity.people
    assert house.run(people.find_by_id(user.id)) == house.run(people.find_by_email(" ADA@example.test")) == user
    assert house.run(people.find_by_id("usr_nobody")) is None
    assert house.run(people.find_by_email("x" * 5000)) is None
    with pytest.raises(NotFound):
        house.run(people.required("usr_nobody"))
    assert PASSWORD not in repr(user)


def test_what_has_ended_makes_room_and_nothing_else(house: House) -> None:
    house.user()
    first = house.login().json
    house.login(password="wrong password")
    house.run(house.identity.one_time.issue("invitation", "x", 60))
    assert house.run(delete_ended(house.store, house.clock)) == 0
    house.clock.advance(61 * 86_400)
    second = house.login().json
    deleted = house.run(delete_ended(house.store, house.clock))
    # A session with its refresh token, a one-time token, and two counts of failures but the address's renewed one.
    assert deleted >= 4
    assert house.run(delete_ended(house.store, house.clock)) == 0
    assert house.call("POST", "/api/v1/auth/refresh", {"refresh_token": first["refresh_token"]}).status == 401
    assert house.call("POST", "/api/v1/auth/refresh", {"refresh_token": second["refresh_token"]}).status == 200
