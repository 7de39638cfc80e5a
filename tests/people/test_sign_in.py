"""Signing in by password: what the answer holds, who is refused, what the log is told."""

import msgspec
import pytest

from bursar.kit.slow_hash import SlowHash
from bursar.people import repository
from bursar.people.rules import DEVELOPMENT_EMAIL, DEVELOPMENT_PASSWORD
from bursar.store.columns import INSTALLATION
from bursar.store.engine import MEMORY_URL
from bursar.store.unit import Unit
from tests.databases import Database
from tests.people.harness import ADDRESS, EMAIL, HOME, PASSWORD, WORK, House, house_on

WALLETS = "/api/v1/sample/wallets"


def test_a_sign_in_gives_tokens_and_says_who_and_where(house: House) -> None:
    user = house.user(members={HOME: "owner", WORK: "viewer"})
    reply = house.login()
    assert reply.status == 200
    answer = reply.json
    assert (answer["token_type"], answer["expires_in"], answer["csrf_token"]) == ("Bearer", 600, None)
    assert len(answer["refresh_token"]) == 43
    assert answer["user"]["id"] == user.id
    assert answer["organisation"] == {"id": HOME, "name": f"The {HOME}", "role": "owner"}
    assert [one["id"] for one in answer["organisations"]] == [HOME, WORK]
    assert reply.cookies == {}
    seen = house.call("GET", WALLETS, token=answer["access_token"]).json
    assert seen == {"organisation": HOME, "livemode": 0, "actor": user.id, "kind": "user", "role": "owner"}


def test_nothing_secret_is_in_the_answer_about_a_person(house: House) -> None:
    house.user()
    answer = house.login().json
    assert set(answer["user"]) == {
        "id",
        "object",
        "email",
        "name",
        "email_verified",
        "platform_admin",
        "disabled",
        "locale",
        "has_password",
        "created",
    }
    assert "quick:" not in str(answer)


@pytest.mark.parametrize(
    "spelling", ["ADA@example.test", " ada@example.test ", "ada@EXAMPLE.test", "ａda@example.test"]
)
def test_an_address_is_found_in_every_spelling_of_it(house: House, spelling: str) -> None:
    house.user()
    assert house.login(spelling).status == 200


def test_a_password_is_the_same_however_its_letters_are_composed(house: House) -> None:
    house.user(password="grün wie die Wiese")
    assert house.login(password="gru\u0308n wie die Wiese").status == 200


def test_whoever_is_wrong_is_told_the_same_whatever_was_wrong(house: House) -> None:
    house.user()
    house.user("provider@example.test", None)
    gone = house.user("gone@example.test")
    house.run(_disable(house, gone.id))
    replies = [
        house.login("nobody@example.test", address="192.0.2.1"),
        house.login(EMAIL, "wrong password", address="192.0.2.2"),
        house.login("provider@example.test", address="192.0.2.3"),
        house.login("gone@example.test", address="192.0.2.4"),
        house.login("no address at all", address="192.0.2.5"),
        house.login(EMAIL, "x" * 1000, address="192.0.2.6"),
        house.login("", "", address="192.0.2.7"),
    ]
    assert {reply.status for reply in replies} == {401}
    assert len({reply.body for reply in replies}) == 1
    assert replies[0].code == "sign_in_failed"
    reasons = [event["reason"] for event in house.told("bursar.sign_in.failed")]
    assert reasons == [
        "unknown_email",
        "wrong_password",
        "no_password",
        "disabled",
        "unknown_email",
        "wrong_password",
        "unknown_email",
    ]


async def _disable(house: House, user_id: str) -> None:
    await house.identity.people.set_disabled(await house.identity.people.required(user_id), disabled=True)


def test_the_log_of_the_organisation_is_told_of_sign_ins(house: House) -> None:
    user = house.user()
    house.login()
    house.login(password="wrong password")
    [success] = house.told("bursar.sign_in.succeeded")
    assert (success["log"], success["user"], success["actor"], success["address"]) == (HOME, user.id, user.id, ADDRESS)
    assert success["methods"] == ["password"]
    [failure] = house.told("bursar.sign_in.failed")
    assert (failure["log"], failure["user"], failure["address"]) == (HOME, user.id, ADDRESS)


def test_a_failure_is_told_in_all_organisations_of_the_person(house: House) -> None:
    house.user(members={HOME: "owner", WORK: "viewer"})
    house.login(password="wrong password")
    assert [event["log"] for event in house.told("bursar.sign_in.failed")] == [HOME, WORK]


def test_a_failure_of_nobody_is_told_to_the_installation_without_the_address(house: House) -> None:
    """People type passwords where the address belongs."""
    house.login("my secret typed in the wrong place", "x")
    [failure] = house.told("bursar.sign_in.failed")
    assert (failure["log"], failure["user"]) == (INSTALLATION, None)
    assert "secret" not in str(failure)


def test_one_signs_in_to_the_organisation_that_one_names(house: House) -> None:
    house.user(members={HOME: "owner", WORK: "viewer"})
    answer = house.login(organisation=WORK).json
    assert answer["organisation"]["id"] == WORK
    assert house.call("GET", WALLETS, token=answer["access_token"]).json["organisation"] == WORK


def test_an_organisation_that_one_is_not_in_is_refused_like_one_that_is_not_there(house: House) -> None:
    house.user()
    house.user("other@example.test", members={WORK: "owner"})
    replies = [house.login(organisation=org_id) for org_id in (WORK, "acct_nowhere", "x")]
    assert {(reply.status, reply.code) for reply in replies} == {(403, "membership_missing")}
    assert len({reply.body for reply in replies}) == 1


def test_somebody_without_any_organisation_can_sign_in_and_may_only_what_is_their_own(house: House) -> None:
    house.user()
    house.members.known.clear()
    answer = house.login().json
    assert (answer["organisation"], answer["organisations"]) == (None, [])
    token = answer["access_token"]
    assert house.call("GET", "/api/v1/auth/me", token=token).json["permissions"] == []
    refused = house.call("GET", WALLETS, token=token)
    assert (refused.status, refused.code) == (403, "membership_missing")


@pytest.mark.parametrize("field", ["org_id", "role", "status", "platform_admin", "user", "methods", "proved_at"])
def test_injected_fields_are_refused(house: House, field: str) -> None:
    house.user()
    reply = house.login(**{field: "x"})
    assert (reply.status, reply.json["error"]["param"]) == (400, field)
    token = house.token()
    for method, path, body in (
        ("PUT", "/api/v1/auth/me", {}),
        ("POST", "/api/v1/auth/switch", {"organisation": HOME}),
        ("POST", "/api/v1/auth/refresh", {"refresh_token": "x"}),
        ("POST", "/api/v1/auth/logout", {}),
        ("POST", "/api/v1/auth/step-up", {"password": PASSWORD}),
        ("POST", "/api/v1/auth/password", {"current_password": PASSWORD, "new_password": PASSWORD}),
        ("POST", "/signin", {"username": EMAIL, "password": PASSWORD}),
    ):
        refused = house.call(method, path, {**body, field: "x"}, token=token)
        assert (refused.status, refused.code) == (400, "parameter_unknown"), path


def test_the_simplest_sign_in_gives_one_token_that_works(house: House) -> None:
    user = house.user()
    answer = house.call("POST", "/signin", {"username": EMAIL, "password": PASSWORD}).json
    assert set(answer) == {"token", "expires_in"}
    assert house.call("GET", WALLETS, token=answer["token"]).json["actor"] == user.id
    house.clock.advance(answer["expires_in"] - 1)
    assert house.call("GET", WALLETS, token=answer["token"]).status == 200
    house.clock.advance(1)
    assert house.call("GET", WALLETS, token=answer["token"]).code == "token_expired"


def test_the_simplest_sign_in_refuses_like_the_other(house: House) -> None:
    house.user()
    reply = house.call("POST", "/signin", {"username": EMAIL, "password": "wrong password"})
    assert (reply.status, reply.code) == (401, "sign_in_failed")


def test_the_known_user_of_dev_mode_is_refused_outside_of_it() -> None:
    with house_on(Database("memory", MEMORY_URL), SlowHash()) as house:
        house.identity.seed_development(HOME)
        house.identity.seed_development(HOME)  # a second start finds them there
        assert house.login(DEVELOPMENT_EMAIL, DEVELOPMENT_PASSWORD).code == "sign_in_failed"
        of_development = house.application_of(house.identity_of_another_process(development=True))
        assert house.login(DEVELOPMENT_EMAIL, DEVELOPMENT_PASSWORD, application=of_development).status == 200


def test_a_hash_that_was_made_with_weaker_parameters_is_made_anew(house: House) -> None:
    user = house.user()
    weak = msgspec.structs.replace(user, password_hash=f"weak:{PASSWORD}", version=2)
    house.run(house.store.commit(Unit([repository.update(user, weak)])))
    house.login()
    assert house.run(house.identity.people.required(user.id)).password_hash == f"quick:{PASSWORD}"
