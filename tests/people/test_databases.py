"""The whole life of a session on every kind of database."""

from bursar.people.lockout import FAILURES_MAX
from bursar.people.tasks import delete_ended
from tests.databases import Database
from tests.people.harness import EMAIL, HOME, PASSWORD, WORK, House, house_on

WALLETS = "/api/v1/sample/wallets"


def test_people_sign_in_stay_and_leave(database: Database) -> None:
    with house_on(database) as house:
        user = house.user("Grüße@example.test", members={HOME: "owner", WORK: "viewer"})
        answer = house.login("grüße@example.test").json
        assert house.call("GET", WALLETS, token=answer["access_token"]).json["actor"] == user.id
        renewed = house.call("POST", "/api/v1/auth/refresh", {"refresh_token": answer["refresh_token"]}).json
        token = renewed["access_token"]
        assert house.call("POST", "/api/v1/auth/switch", {"organisation": WORK}, token=token).status == 200
        assert (
            house.call("PUT", "/api/v1/auth/me", {"name": "Ångström 漢字"}, token=token).json["name"] == "Ångström 漢字"
        )
        assert house.call("POST", "/api/v1/auth/step-up", {"password": PASSWORD}, token=token).status == 200
        body = {"current_password": PASSWORD, "new_password": "nine pears under a blue bridge"}
        assert house.call("POST", "/api/v1/auth/password", body, token=token).status == 200
        assert house.call("POST", "/api/v1/auth/logout", {"all": True}, token=token).json == {"ended": 1}
        _guess(house)
        house.clock.advance(400 * 86_400)
        assert house.run(delete_ended(house.store, house.clock)) >= 4
        assert house.call("GET", "/.well-known/jwks.json").status == 200


def _guess(house: House) -> None:
    codes = [house.login(EMAIL, "wrong", address=f"203.0.113.{number}").code for number in range(FAILURES_MAX + 1)]
    assert codes == ["sign_in_failed"] * FAILURES_MAX + ["sign_in_locked"]
