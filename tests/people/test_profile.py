"""What is one's own: name, password, the proof of who one is."""

import pytest
from sqlalchemy import select

from bursar.http.idempotency import idempotency_keys
from bursar.people.lockout import FAILURES_MAX
from bursar.people.tables import users
from bursar.store.unit import Unit
from tests.people.harness import EMAIL, HOME, PASSWORD, House, Reply

ME, PASSWORD_PATH, STEP_UP = "/api/v1/auth/me", "/api/v1/auth/password", "/api/v1/auth/step-up"
WALLETS = "/api/v1/sample/wallets"
NEW = "nine pears under a blue bridge"


@pytest.fixture
def token(house: House) -> str:
    house.user()
    return house.token()


def change(house: House, token: str, current: str, new: str) -> Reply:
    body = {"current_password": current, "new_password": new}
    return house.call("POST", PASSWORD_PATH, body, token=token)


def test_one_sees_oneself(house: House, token: str) -> None:
    me = house.call("GET", ME, token=token).json
    assert (me["user"]["email"], me["role"], me["organisation"]["id"]) == (EMAIL, "owner", HOME)
    assert "wallets.write" in me["permissions"]
    assert me["session"].startswith("ses_")


def test_one_changes_ones_name_and_locale(house: House, token: str) -> None:
    changed = house.call("PUT", ME, {"name": "  Ada   Lovelace ", "locale": "de-DE"}, token=token).json
    assert (changed["name"], changed["locale"]) == ("Ada Lovelace", "de-DE")
    assert house.call("PUT", ME, {"locale": None}, token=token).json["locale"] is None
    assert house.call("GET", ME, token=token).json["user"]["name"] == "Ada Lovelace"
    assert len(house.told("bursar.user.updated", HOME)) == 2
    house.call("PUT", ME, {}, token=token)
    assert len(house.told("bursar.user.updated")) == 2


@pytest.mark.parametrize(
    "body", [{"email": "eve@example.test"}, {"platform_admin": True}, {"disabled": False}, {"id": "usr_x"}]
)
def test_what_is_not_ones_own_to_change_is_refused(house: House, token: str, body: dict[str, object]) -> None:
    refused = house.call("PUT", ME, body, token=token)
    assert (refused.status, refused.code) == (400, "parameter_unknown")


@pytest.mark.parametrize("locale", ["", "-", "de_DE!", "x" * 40, 5])
def test_a_locale_that_is_none_is_refused(house: House, token: str, locale: object) -> None:
    reply = house.call("PUT", ME, {"locale": locale}, token=token)
    assert (reply.status, reply.json["error"].get("param")) == (400, "locale")


def test_a_change_of_password_ends_the_other_sessions(house: House, token: str) -> None:
    other = house.login().json
    assert change(house, token, PASSWORD, NEW).status == 200
    assert house.call("GET", WALLETS, token=token).status == 200
    assert house.call("GET", WALLETS, token=other["access_token"]).code == "session_ended"
    assert house.call("POST", "/api/v1/auth/refresh", {"refresh_token": other["refresh_token"]}).status == 401
    assert house.login(password=PASSWORD).status == 401
    assert house.login(password=NEW).status == 200
    [event] = house.told("bursar.user.password_changed", HOME)
    assert "quick:" not in str(event)


def test_a_wrong_current_password_changes_nothing_and_is_counted(house: House, token: str) -> None:
    for _ in range(FAILURES_MAX):
        refused = change(house, token, "wrong password", NEW)
        assert (refused.status, refused.code, refused.json["error"]["param"]) == (
            400,
            "password_wrong",
            "current_password",
        )
    assert change(house, token, PASSWORD, NEW).code == "sign_in_locked"
    assert house.login().status == 200  # a stolen session does not lock out its owner
    assert change(house, house.token(), PASSWORD, NEW).status == 200


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("short", "password_too_short"),
        ("x" * 129, "password_too_long"),
        ("password1234", "password_too_weak"),
        ("aaaaaaaaaaaaaaa", "password_too_weak"),
        ("ada@example.test1", "password_too_weak"),
        ("qwertyuiop123", "password_too_weak"),
    ],
)
def test_a_new_password_that_is_guessed_first_is_refused(house: House, token: str, password: str, code: str) -> None:
    refused = change(house, token, PASSWORD, password)
    assert (refused.status, refused.code, refused.json["error"]["param"]) == (400, code, "new_password")
    assert house.login().status == 200


def test_who_has_no_password_is_told_how_to_get_one(house: House, token: str) -> None:
    user = house.run(house.identity.people.find_by_email(EMAIL))
    assert user is not None

    async def forget() -> None:
        statement = users.update().values(password_hash=None)
        await house.store.transact(lambda connection: (connection.execute(statement), Unit()))

    house.run(forget())
    refused = change(house, token, PASSWORD, NEW)
    assert (refused.status, refused.json["error"]["param"]) == (400, "current_password")


def test_one_proves_again_who_one_is_by_password_or_code(house: House) -> None:
    user = house.user()
    token = house.token()
    house.codes.of_user[user.id] = {"111111"}
    house.clock.advance(100)
    proof = house.call("POST", STEP_UP, {"password": PASSWORD}, token=token).json
    assert proof["proved_at"] == house.clock.now_microseconds() // 1_000_000
    house.clock.advance(100)
    assert house.call("POST", STEP_UP, {"code": "111111"}, token=token).json["proved_at"] == proof["proved_at"] + 100
    session = house.call("GET", "/api/v1/auth/sessions", token=token).json["data"][0]
    assert session["methods"] == ["password", "totp"]
    assert len(house.told("bursar.session.proved", HOME)) == 2


def test_a_proof_that_is_none_is_refused_and_counted(house: House, token: str) -> None:
    for body in ({}, {"password": PASSWORD, "code": "1"}):
        assert house.call("POST", STEP_UP, body, token=token).status == 400
    codes = [
        house.call("POST", STEP_UP, {"password": "wrong"} if number % 2 else {"code": "000000"}, token=token).code
        for number in range(FAILURES_MAX + 1)
    ]
    assert codes[-1] == "sign_in_locked"
    assert set(codes[:-1]) == {"password_wrong", "second_factor_failed"}
    assert house.login().status == 200


def test_no_answer_about_oneself_is_kept_for_retries(house: House, token: str) -> None:
    """Under the same idempotency key a sign-in gives other tokens: they are kept nowhere."""
    headers = {"idempotency-key": "one"}
    first = house.login(headers=headers).json
    second = house.login(headers=headers).json
    assert first["refresh_token"] != second["refresh_token"]
    house.call("POST", STEP_UP, {"password": PASSWORD}, token=token, headers=headers)
    rows = house.store.read_blocking(lambda connection: connection.execute(select(idempotency_keys)).all())
    assert rows == []
