"""Who may make whom what, as people find it."""

from __future__ import annotations

import json

import pyotp
import pytest

from bursar.kit.permissions import ROLES
from tests.control.house import LONG_AGO, House
from tests.memberships.people import PASSWORD, Someone, invited, link_token, login, mails, new_email, owner, register


def own_role(person: Someone, *permissions: str) -> str:
    made = person.call("POST", "/roles", {"name": f"Role {len(permissions)} {new_email()}", "permissions": permissions})
    assert made.status == 200, made.json
    return str(made.json["id"])


def test_members_are_listed_with_what_they_are(house: House) -> None:
    boss = owner(house)
    admin = invited(house, boss, "admin")
    role = own_role(boss, "wallets.read", "members.read")
    cashier = invited(house, boss, role)
    listed = boss.call("GET", "/members").json["data"]
    assert [(one["id"], one["role"]) for one in listed] == [
        (cashier.user_id, role),
        (admin.user_id, "admin"),
        (boss.user_id, "owner"),
    ]
    assert listed[0]["role_name"].startswith("Role 2")
    assert listed[1]["invited_by"] == boss.user_id
    assert cashier.call("GET", "/members").status == 200
    page = boss.call("GET", f"/members?limit=1&starting_after={cashier.user_id}").json
    assert [one["id"] for one in page["data"]] == [admin.user_id]
    assert page["has_more"] is True


def test_another_organisations_members_are_not_there(house: House) -> None:
    boss, stranger = owner(house), owner(house)
    nobody = boss.call("DELETE", "/members/usr_nobody")
    theirs = boss.call("DELETE", f"/members/{stranger.user_id}")
    assert (theirs.status, theirs.error["message"].replace(stranger.user_id, "usr_nobody")) == (
        404,
        nobody.error["message"],
    )
    assert boss.call("PUT", f"/members/{stranger.user_id}", {"role": "viewer"}).status == 404
    cursor = boss.call("GET", f"/members?starting_after={stranger.user_id}")
    assert cursor.status == 404


def test_only_an_owner_makes_and_unmakes_owners(house: House) -> None:
    boss = owner(house)
    admin, viewer = invited(house, boss, "admin"), invited(house, boss, "viewer")
    for refused in (
        admin.call("PUT", f"/members/{viewer.user_id}", {"role": "owner"}),
        admin.call("PUT", f"/members/{admin.user_id}", {"role": "owner"}),
        admin.call("POST", "/invitations", {"email": new_email(), "role": "owner"}),
        admin.call("PUT", f"/members/{boss.user_id}", {"role": "viewer"}),
        admin.call("DELETE", f"/members/{boss.user_id}"),
    ):
        assert (refused.status, refused.error["code"]) == (403, "owner_required")
    assert boss.call("PUT", f"/members/{viewer.user_id}", {"role": "owner"}).json["role"] == "owner"


def test_nobody_gives_what_they_lack_nor_touches_who_has_more(house: House) -> None:
    boss = owner(house)
    office = invited(house, boss, own_role(boss, "members.read", "members.write", "wallets.read"))
    more = own_role(boss, "wallets.read", "wallets.write")
    less = own_role(boss, "wallets.read")
    cashier = invited(house, boss, less)
    finance = invited(house, boss, "finance")
    for refused in (
        office.call("PUT", f"/members/{cashier.user_id}", {"role": more}),
        office.call("PUT", f"/members/{office.user_id}", {"role": "admin"}),
        office.call("POST", "/invitations", {"email": new_email(), "role": more}),
        office.call("PUT", f"/members/{finance.user_id}", {"role": less}),
        office.call("DELETE", f"/members/{finance.user_id}"),
    ):
        assert (refused.status, refused.error["code"]) == (403, "permission_missing"), refused.json
    assert office.call("DELETE", f"/members/{cashier.user_id}").status == 200


def test_the_last_owner_stays_one(house: House) -> None:
    boss = owner(house)
    for refused in (
        boss.call("DELETE", f"/members/{boss.user_id}"),
        boss.call("PUT", f"/members/{boss.user_id}", {"role": "admin"}),
        boss.call("DELETE", f"/auth/organisations/{boss.org_id}"),
    ):
        assert (refused.status, refused.error["code"]) == (409, "last_owner")
    heir = invited(house, boss, "owner")
    assert boss.call("DELETE", f"/auth/organisations/{boss.org_id}").json["left"] is True
    assert [one["id"] for one in heir.call("GET", "/members").json["data"]] == [heir.user_id]


def test_an_unknown_role_and_an_other_organisations_role_are_refused_alike(house: House) -> None:
    boss, stranger = owner(house), owner(house)
    member = invited(house, boss, "viewer")
    foreign = own_role(stranger, "wallets.read")
    for role in ("king", foreign, "platform_admin", "role_0"):
        refused = boss.call("PUT", f"/members/{member.user_id}", {"role": role})
        assert (refused.status, refused.error["code"], refused.error["param"]) == (400, "role_unknown", "role")


def test_a_role_that_somebody_has_or_is_invited_to_is_not_deleted(house: House) -> None:
    boss = owner(house)
    held, promised = own_role(boss, "wallets.read"), own_role(boss, "wallets.read", "audit.read")
    member = invited(house, boss, held)
    invitation = boss.call("POST", "/invitations", {"email": new_email(), "role": promised}).json
    for role in (held, promised):
        assert boss.call("DELETE", f"/roles/{role}").error["code"] == "role_in_use"
    boss.call("PUT", f"/members/{member.user_id}", {"role": "viewer"})
    boss.call("DELETE", f"/invitations/{invitation['id']}")
    for role in (held, promised):
        assert boss.call("DELETE", f"/roles/{role}").status == 200


def test_whoever_is_removed_may_nothing_and_sees_it_is_over(house: House) -> None:
    boss = owner(house)
    member = invited(house, boss, "admin")
    assert boss.call("DELETE", f"/members/{member.user_id}").status == 200
    # What was remembered for a few seconds lets nobody change members any more.
    refused = member.call("POST", "/invitations", {"email": new_email(), "role": "viewer"})
    assert refused.status == 403
    assert login(house, member.email).json["organisations"] == []


def test_one_person_belongs_to_several_organisations(house: House) -> None:
    first, second = owner(house), owner(house)
    told = second.call("POST", "/invitations", {"email": first.email, "role": "viewer"})
    assert told.status == 200
    body = {"token": link_token(house, first.email, "invitation")}
    joined = first.call("POST", "/auth/organisations", body)
    assert joined.json == {
        "id": second.org_id,
        "object": "organisation",
        "name": "Plum Shop",
        "role": "viewer",
        "permissions": sorted(ROLES["viewer"]),
    }
    mine = first.call("GET", "/auth/organisations").json["data"]
    assert [(one["id"], one["role"]) for one in mine] == [(first.org_id, "owner"), (second.org_id, "viewer")]
    switched = first.call("POST", "/auth/switch", {"organisation": second.org_id})
    assert switched.status == 200, switched.json
    assert first.call("DELETE", f"/auth/organisations/{second.org_id}").status == 200
    assert [one["id"] for one in first.call("GET", "/auth/organisations").json["data"]] == [first.org_id]


def test_an_organisation_that_one_is_not_in_cannot_be_left(house: House) -> None:
    one, other = owner(house), owner(house)
    nothing = one.call("DELETE", "/auth/organisations/acct_nothing")
    theirs = one.call("DELETE", f"/auth/organisations/{other.org_id}")
    assert theirs.status == nothing.status == 404
    assert theirs.error["message"].replace(other.org_id, "acct_nothing") == nothing.error["message"]


def test_changes_need_a_fresh_proof(house: House) -> None:
    stale = house.person(owner(house).org_id, proved_at=LONG_AGO)
    for method, path, body in (
        ("PUT", "members/usr_1", {"role": "viewer"}),
        ("DELETE", "members/usr_1", None),
        ("POST", "invitations", {"email": "a@example.test", "role": "viewer"}),
        ("PUT", "org/sign-in-rules", {"second_factor_required": True}),
    ):
        reply = house.call(method, f"/api/v1/{path}", stale, body)
        assert reply.error.get("code") == "step_up_required", path


def test_what_is_injected_is_refused(house: House) -> None:
    boss = owner(house)
    member = invited(house, boss, "viewer")
    for extra in ({"org_id": "acct_1"}, {"status": "accepted"}, {"permissions": ["wallets.write"]}):
        for method, path, body in (
            ("PUT", f"/members/{member.user_id}", {"role": "viewer"}),
            ("POST", "/invitations", {"email": new_email(), "role": "viewer"}),
        ):
            assert boss.call(method, path, body | extra).error["code"] == "parameter_unknown"
    for extra in ({"role": "owner"}, {"org_id": "acct_1"}, {"email": "other@example.test"}):
        accept = {"token": "x", "password": PASSWORD} | extra
        reply = house.call("POST", "/api/v1/auth/invitations/accept", None, accept)
        assert reply.error["code"] == "parameter_unknown"


def test_an_organisation_may_demand_a_second_factor(house: House) -> None:
    boss = owner(house)
    member = invited(house, boss, "finance")
    refused = boss.call("PUT", "/org/sign-in-rules", {"second_factor_required": True})
    assert refused.error["code"] == "second_factor_missing", "whoever demands it has one"
    secret = boss.call("POST", "/auth/totp").json["secret"]
    assert boss.call("POST", "/auth/totp/confirm", {"code": pyotp.TOTP(secret).now()}).status == 200
    assert boss.call("PUT", "/org/sign-in-rules", {"second_factor_required": True}).status == 200
    assert boss.call("GET", "/members").status == 200

    signed_in = login(house, member.email)
    member.token = signed_in.json["access_token"]
    assert member.call("GET", "/wallets").status == 403, "without one nothing is possible here"
    setup = member.call("POST", "/auth/totp").json
    assert member.call("POST", "/auth/totp/confirm", {"code": pyotp.TOTP(setup["secret"]).now()}).status == 200
    assert member.call("GET", "/wallets").status == 200
    factors = {one["id"]: one["second_factor"] for one in boss.call("GET", "/members").json["data"]}
    assert factors == {boss.user_id: True, member.user_id: True}


def test_everything_is_told_in_the_organisations_log_and_no_token_is(house: House) -> None:
    boss = owner(house)
    member = invited(house, boss, "viewer")
    boss.call("PUT", f"/members/{member.user_id}", {"role": "support"})
    boss.call("DELETE", f"/members/{member.user_id}")
    rows = house.rows_of(boss.org_id)["events"]
    for name in ("invitation.created", "mail.requested", "invitation.accepted", "member.added", "member.updated"):
        assert any(f"bursar.{name}'" in row for row in rows), name
    assert any("bursar.member.removed'" in row for row in rows)
    changed = next(row for row in rows if "bursar.member.updated'" in row)
    assert '"previous_attributes":{"role":"viewer"}' in changed
    used = [token for _, token in mails(house, member.email)]
    assert used
    everything = json.dumps(house.rows_of(boss.org_id)) + json.dumps(house.rows_of("installation"))
    assert not any(token in everything for token in used)


def test_registering_makes_somebody_an_owner(house: House) -> None:
    told = register(house).json
    listed = house.call("GET", "/api/v1/members", told["access_token"]).json["data"]
    assert [(one["id"], one["role"]) for one in listed] == [(told["user"]["id"], "owner")]


@pytest.mark.parametrize("path", ["members", "invitations", "org/sign-in-rules"])
def test_api_keys_see_no_people(house: House, path: str) -> None:
    refused = house.call("GET", f"/api/v1/{path}", owner(house).keys["secret"])
    assert (refused.status, refused.error["code"]) == (403, "permission_missing")
