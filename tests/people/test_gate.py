"""Who is let in on the control plane, as whom, and what the others are told."""

import asyncio
import base64

import msgspec
import pytest

from bursar.http.authentication import USER, Principal
from bursar.kit.permissions import PLATFORM_ADMIN_PERMISSIONS, ROLES
from bursar.people import repository
from bursar.people.gate import origin_of
from bursar.store.unit import Unit
from tests.people.harness import EMAIL, HOME, WORK, House

WALLETS = "/api/v1/sample/wallets"
PAYOUTS = "/api/v1/sample/payouts"
INSTALLATION_WIDE = "/api/v1/sample/installation"
SELF = "/api/v1/sample/self"
REMEMBERED_SECONDS = 5


@pytest.fixture
def token(house: House) -> str:
    house.user()
    return house.token()


def test_without_a_credential_one_is_told_how_to_send_one(house: House) -> None:
    reply = house.call("GET", WALLETS)
    assert (reply.status, reply.code) == (401, "credentials_missing")


@pytest.mark.parametrize(
    "value", ["Bearer", "Bearer ", "Basic", "Basic x", "Digest a", "", "Bearer \xff", "Bearer a b", "Bearer nonsense"]
)
def test_malformed_credentials_are_refused(house: House, value: str) -> None:
    reply = house.call("GET", WALLETS, headers={"authorization": value})
    assert reply.status == 401
    assert reply.json["error"]["message"]


def test_more_than_one_credential_is_refused(house: House, token: str) -> None:
    bearer = ("authorization", f"Bearer {token}")
    cookie = house.login(browser=True).cookies["__Host-bursar_session"]
    session = ("cookie", f"__Host-bursar_session={cookie}")
    for headers in (
        [bearer, bearer],
        [bearer, session],
        [session, session],
        [("cookie", f"__Host-bursar_session={cookie}; __Host-bursar_session={cookie}")],
        [("authorization", "Basic c2tfdGVzdDo="), session],
    ):
        reply = house.call("GET", WALLETS, headers=headers)
        assert (reply.status, reply.code) == (401, "credentials_ambiguous")
    assert house.call("GET", WALLETS, headers=[bearer]).status == 200
    assert house.call("GET", WALLETS, headers=[session]).status == 200


def test_api_keys_act_for_their_organisation_in_their_mode(house: House) -> None:
    org_id = house.accounts.create_organisation("Shop").id
    for livemode in (False, True):
        key = house.accounts.create_key(org_id, "secret", livemode=livemode)
        seen = house.call("GET", WALLETS, token=key.api_key).json
        assert (seen["organisation"], seen["livemode"], seen["actor"]) == (org_id, int(livemode), key.key.id)
        basic = base64.b64encode(f"{key.api_key}:".encode()).decode()
        assert house.call("GET", WALLETS, headers={"authorization": f"Basic {basic}"}).status == 200
        own, other = ("live", "test") if livemode else ("test", "live")
        assert house.call("GET", WALLETS, token=key.api_key, headers={"bursar-mode": own}).status == 200
        refused = house.call("GET", WALLETS, token=key.api_key, headers={"bursar-mode": other})
        assert (refused.status, refused.json["error"]["param"]) == (400, "bursar-mode")
        elsewhere = house.call("GET", WALLETS, token=key.api_key, headers={"bursar-organisation": "acct_other"})
        assert elsewhere.status == 403


def test_a_key_may_what_keys_may_and_is_no_person(house: House) -> None:
    org_id = house.accounts.create_organisation("Shop").id
    secret = house.accounts.create_key(org_id, "secret", livemode=False).api_key
    restricted = house.accounts.create_key(org_id, "restricted", livemode=False, permissions=["wallets.read"]).api_key
    publishable = house.accounts.create_key(org_id, "publishable", livemode=False).api_key
    assert house.call("POST", WALLETS, {}, token=secret).status == 200
    assert house.call("GET", WALLETS, token=restricted).status == 200
    assert house.call("POST", WALLETS, {}, token=restricted).code == "permission_missing"
    assert house.call("GET", "/api/v1/sample/open", token=publishable).status == 200
    assert house.call("GET", WALLETS, token=publishable).code == "secret_key_required"
    for key in (secret, restricted, publishable):
        assert house.call("GET", SELF, token=key).status == 403
        assert house.call("GET", "/api/v1/auth/me", token=key).status == 403
        assert house.call("GET", "/api/v1/auth/sessions", token=key).status == 403


@pytest.mark.parametrize("role", sorted(ROLES))
def test_a_role_may_exactly_what_it_lists(house: House, role: str) -> None:
    house.user(members={HOME: role})
    token = house.token()
    for method, path, permission in (
        ("GET", WALLETS, "wallets.read"),
        ("POST", WALLETS, "wallets.write"),
        ("POST", PAYOUTS, "withdrawals.approve"),
        ("GET", INSTALLATION_WIDE, "platform.read"),
    ):
        reply = house.call(method, path, {} if method == "POST" else None, token=token)
        if permission in ROLES[role]:
            assert reply.status == 200, (role, permission)
        else:
            assert (reply.status, reply.json["error"]["param"]) == (403, permission)
            assert permission in reply.json["error"]["message"]


def test_people_choose_the_mode_by_a_header(house: House, token: str) -> None:
    for mode, livemode in (("test", 0), ("live", 1), ("LIVE", 1)):
        seen = house.call("GET", WALLETS, token=token, headers={"bursar-mode": mode}).json
        assert seen["livemode"] == livemode
    for wrong in ("", "both", "1"):
        reply = house.call("GET", WALLETS, token=token, headers={"bursar-mode": wrong})
        assert (reply.status, reply.json["error"]["param"]) == (400, "bursar-mode")
    twice = house.call("GET", WALLETS, token=token, headers=[("bursar-mode", "test"), ("bursar-mode", "live")])
    assert twice.status == 401


def test_a_removed_member_is_out_within_five_seconds(house: House, token: str) -> None:
    assert house.call("GET", WALLETS, token=token).status == 200
    house.members.known.clear()
    house.clock.advance(REMEMBERED_SECONDS)
    refused = house.call("GET", WALLETS, token=token)
    assert (refused.status, refused.code) == (403, "membership_missing")
    seen = house.call("GET", SELF, token=token).json
    assert seen["organisation"] == "installation"


def test_a_changed_role_holds_within_five_seconds(house: House, token: str) -> None:
    assert house.call("POST", WALLETS, {}, token=token).status == 200
    [(user_id, org_id)] = house.members.known
    house.members.add(user_id, org_id, "viewer")
    house.clock.advance(REMEMBERED_SECONDS)
    assert house.call("POST", WALLETS, {}, token=token).code == "permission_missing"


def test_somebody_disabled_and_an_ended_session_are_out_within_five_seconds_everywhere(house: House) -> None:
    user = house.user()
    other = house.application_of(house.identity_of_another_process())
    for end in ("disable", "end"):
        token = house.token()
        assert house.call("GET", WALLETS, token=token, application=other).status == 200
        if end == "end":
            house.call("POST", "/api/v1/auth/logout", {}, token=token)
        else:
            house.run(house.identity.people.set_disabled(user, disabled=True))
        assert house.call("GET", WALLETS, token=token).code == "session_ended"
        house.clock.advance(REMEMBERED_SECONDS)
        assert house.call("GET", WALLETS, token=token, application=other).code == "session_ended"
        if end == "disable":
            after = house.run(house.identity.people.required(user.id))
            house.run(house.identity.people.set_disabled(after, disabled=False))


def test_somebody_disabled_is_out_even_where_a_session_began_at_that_very_moment(house: House) -> None:
    user = house.user()
    token = house.token()
    disabled = msgspec.structs.replace(user, disabled=True, version=2)
    house.run(house.store.commit(Unit([repository.update(user, disabled)])))
    assert house.call("GET", WALLETS, token=token).code == "session_ended"


def test_requests_within_five_seconds_ask_the_memberships_once(house: House, token: str) -> None:
    house.call("GET", WALLETS, token=token)
    asked = house.members.asked
    for _ in range(5):
        house.call("GET", WALLETS, token=token)
    assert house.members.asked == asked


def test_platform_admins_look_everywhere_and_change_nothing_there(house: House) -> None:
    other = house.accounts.create_organisation("Somebody else's").id
    house.user(platform_admin=True)
    token = house.token()
    assert house.call("GET", INSTALLATION_WIDE, token=token).status == 200
    assert house.call("POST", WALLETS, {}, token=token).status == 200  # at home by their role
    there = {"bursar-organisation": other}
    seen = house.call("GET", WALLETS, token=token, headers=there).json
    assert (seen["organisation"], seen["role"]) == (other, "platform_admin")
    refused = house.call("POST", WALLETS, {}, token=token, headers=there)
    assert (refused.status, refused.json["error"]["param"]) == (403, "wallets.write")
    me = house.call("GET", "/api/v1/auth/me", token=token, headers=there).json
    assert me["permissions"] == sorted(PLATFORM_ADMIN_PERMISSIONS)
    for wrong in ("acct_nobody", "x y", "", "installation"):
        assert house.call("GET", WALLETS, token=token, headers={"bursar-organisation": wrong}).status == 404


def test_a_platform_admin_without_an_organisation_has_the_installation_only(house: House) -> None:
    house.user(platform_admin=True)
    house.members.known.clear()
    token = house.token()
    assert house.call("GET", INSTALLATION_WIDE, token=token).status == 200
    assert house.call("GET", WALLETS, token=token).status == 403


def test_others_cannot_name_an_organisation_that_they_are_not_signed_in_to(house: House) -> None:
    other = house.accounts.create_organisation("Somebody else's").id
    house.user(members={HOME: "owner", WORK: "owner"})
    token = house.token()
    assert house.call("GET", WALLETS, token=token, headers={"bursar-organisation": HOME}).status == 200
    replies = [
        house.call("GET", WALLETS, token=token, headers={"bursar-organisation": org_id})
        for org_id in (WORK, other, "acct_nobody")
    ]
    assert {(reply.status, reply.code) for reply in replies} == {(403, "permission_missing")}
    assert len({reply.body for reply in replies}) == 1


def test_what_is_dangerous_needs_a_fresh_proof(house: House) -> None:
    user = house.user()
    answer = house.login().json
    assert house.call("POST", PAYOUTS, {}, token=answer["access_token"]).status == 200
    house.clock.advance(590)
    token = house.call("POST", "/api/v1/auth/refresh", {"refresh_token": answer["refresh_token"]}).json["access_token"]
    assert house.call("POST", PAYOUTS, {}, token=token).status == 200
    house.clock.advance(11)
    refused = house.call("POST", PAYOUTS, {}, token=token)
    assert (refused.status, refused.code) == (403, "step_up_required")
    del user


def test_a_proof_counts_at_once_in_every_process(house: House) -> None:
    house.user()
    answer = house.login().json
    house.clock.advance(590)
    token = house.call("POST", "/api/v1/auth/refresh", {"refresh_token": answer["refresh_token"]}).json["access_token"]
    house.clock.advance(11)
    other = house.application_of(house.identity_of_another_process())
    assert house.call("POST", PAYOUTS, {}, token=token, application=other).code == "step_up_required"
    proof = house.call("POST", "/api/v1/auth/step-up", {"password": "seven plums on a green roof"}, token=token)
    assert proof.status == 200
    assert house.call("POST", PAYOUTS, {}, token=token, application=other).status == 200


def test_tokens_of_providers_are_asked_about_there(house: House) -> None:
    class Provider:
        async def principal(self, token: str, *, organisation: str | None, livemode: int) -> Principal | None:
            if not token.endswith(".theirs"):
                return None
            return Principal(
                organisation or WORK, livemode, "usr_provided", USER, frozenset({"wallets.read"}), "viewer"
            )

    house.identity.neighbours.provider_tokens = Provider()
    foreign = base64.urlsafe_b64encode(b'{"iss":"https://id.example.test"}').decode().rstrip("=")
    good, bad = f"e30.{foreign}.theirs", f"e30.{foreign}.forged"
    seen = house.call("GET", WALLETS, token=good, headers={"bursar-mode": "live"}).json
    assert (seen["organisation"], seen["livemode"], seen["actor"]) == (WORK, 1, "usr_provided")
    assert house.call("POST", WALLETS, {}, token=good).status == 403
    assert house.call("GET", WALLETS, token=bad).code == "token_invalid"
    assert house.call("GET", "/api/v1/auth/me", token=good).code == "session_required"


def test_whoever_says_that_we_issued_it_is_not_passed_on_to_providers(house: House) -> None:
    class Gullible:
        async def principal(self, token: str, *, organisation: str | None, livemode: int) -> Principal | None:
            raise AssertionError("asked about a token of ours")

    house.identity.neighbours.provider_tokens = Gullible()
    ours = base64.urlsafe_b64encode(b'{"iss":"https://pay.example.test"}').decode().rstrip("=")
    assert house.call("GET", WALLETS, token=f"e30.{ours}.x").code == "token_invalid"


def test_many_requests_of_one_session_at_once_are_all_let_in(house: House, token: str) -> None:
    async def at_once() -> set[int]:
        replies = await asyncio.gather(*(house.acall("GET", WALLETS, token=token) for _ in range(30)))
        return {reply.status for reply in replies}

    assert house.run(at_once()) == {200}


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Pay.example.test", "https://pay.example.test"),
        ("https://pay.example.test:443/base", "https://pay.example.test"),
        ("http://127.0.0.1:8420", "http://127.0.0.1:8420"),
        ("http://pay.example.test:80", "http://pay.example.test"),
        ("https://[2001:db8::1]:8443/", "https://[2001:db8::1]:8443"),
    ],
)
def test_an_origin_is_written_as_browsers_write_it(url: str, origin: str) -> None:
    assert origin_of(url) == origin


def test_a_public_endpoint_asks_for_no_credential_and_minds_none(house: House) -> None:
    house.user()
    reply = house.login(EMAIL, headers={"authorization": "Bearer rubbish"})
    assert reply.status == 200
