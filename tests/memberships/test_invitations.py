"""Invitations: for one address, for seven days, once; and nobody learns from them who has an account."""

from __future__ import annotations

import pytest

from bursar.kit.clock import MICROSECONDS_PER_SECOND
from bursar.memberships import rules
from bursar.memberships.mails import Mail
from tests.control.house import House, Reply
from tests.memberships.people import PASSWORD, Someone, invited, link_token, login, mails, new_email, owner

ACCEPT, LOOK = "/api/v1/auth/invitations/accept", "/api/v1/auth/invitations/look"


def invite(person: Someone, email: str | None = None, role: str = "viewer") -> Reply:
    return person.call("POST", "/invitations", {"email": email or new_email(), "role": role})


def accept(house: House, token: str, password: str = PASSWORD, **more: str) -> Reply:
    return house.call("POST", ACCEPT, None, {"token": token, "password": password, **more})


def is_invalid(reply: Reply) -> bool:
    return reply.status == 400 and reply.error["code"] == "invitation_invalid"


def test_somebody_new_chooses_a_password_and_is_in(house: House) -> None:
    boss, email = owner(house), new_email()
    assert invite(boss, email.upper(), "support").json["email"] == email
    token = link_token(house, email, "invitation")
    look = house.call("POST", LOOK, None, {"token": token}).json
    assert (look["organisation"], look["role"], look["has_account"]) == ("Plum Shop", "support", False)
    told = accept(house, token, name="Grace").json
    assert (told["user"]["email"], told["user"]["name"], told["user"]["email_verified"]) == (email, "Grace", True)
    assert (told["organisation"]["id"], told["organisation"]["role"]) == (boss.org_id, "support")
    assert is_invalid(accept(house, token)), "a link works once"
    assert is_invalid(house.call("POST", LOOK, None, {"token": token}))
    assert [one["status"] for one in boss.call("GET", "/invitations").json["data"]] == ["accepted"]


def test_who_has_an_account_needs_its_password(house: House) -> None:
    boss, guest = owner(house), owner(house)
    invite(boss, guest.email)
    token = link_token(house, guest.email, "invitation")
    assert house.call("POST", LOOK, None, {"token": token}).json["has_account"] is True
    refused = accept(house, token, "another good password of mine")
    assert (refused.status, refused.error["code"]) == (401, "sign_in_failed")
    told = accept(house, token)
    assert told.status == 200, told.json
    assert told.json["organisation"]["id"] == boss.org_id
    assert house.call("GET", "/api/v1/members", told.json["access_token"]).status in (200, 403)
    refreshed = house.call("POST", "/api/v1/auth/refresh", None, {"refresh_token": told.json["refresh_token"]})
    assert refreshed.json["organisation"]["id"] == boss.org_id


def test_who_is_signed_in_accepts_with_the_link_alone_but_only_their_own(house: House) -> None:
    boss, guest, thief = owner(house), owner(house), owner(house)
    invite(boss, guest.email)
    body = {"token": link_token(house, guest.email, "invitation")}
    refused = thief.call("POST", "/auth/organisations", body)
    assert (refused.status, refused.error["code"]) == (403, "invitation_for_another")
    assert guest.call("POST", "/auth/organisations", body).json["id"] == boss.org_id
    assert is_invalid(guest.call("POST", "/auth/organisations", body))


def test_inviting_tells_nobody_whether_an_address_has_an_account(house: House) -> None:
    boss, guest = owner(house), owner(house)
    known, unknown = invite(boss, guest.email).json, invite(boss).json
    volatile = ("id", "email", "created", "expires")
    assert {name: value for name, value in known.items() if name not in volatile} == {
        name: value for name, value in unknown.items() if name not in volatile
    }


def test_a_new_link_replaces_the_one_before(house: House) -> None:
    boss, email = owner(house), new_email()
    invitation = invite(boss, email).json
    first = link_token(house, email, "invitation")
    assert boss.call("POST", f"/invitations/{invitation['id']}/resend", {}).status == 200
    second = link_token(house, email, "invitation")
    assert first != second
    assert is_invalid(accept(house, first))
    assert accept(house, second).status == 200


def test_it_is_sent_a_bounded_number_of_times(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "ROUNDS_MAX", 2)
    boss = owner(house)
    path = f"/invitations/{invite(boss).json['id']}/resend"
    assert boss.call("POST", path, {}).status == 200
    assert boss.call("POST", path, {}).error["code"] == "invitation_sent_too_often"


def test_an_organisation_has_a_bounded_number_of_open_invitations(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "INVITATIONS_PENDING_MAX", 2)
    boss = owner(house)
    assert [invite(boss).status for _ in range(3)] == [200, 200, 400]


def test_a_revoked_one_is_worth_nothing(house: House) -> None:
    boss, email = owner(house), new_email()
    path = f"/invitations/{invite(boss, email).json['id']}"
    assert boss.call("DELETE", path).json["status"] == "revoked"
    assert is_invalid(accept(house, link_token(house, email, "invitation")))
    assert boss.call("DELETE", path).error["code"] == "invitation_unexpected_state"
    assert invite(boss, email).status == 200, "another one may be made"


def test_one_open_invitation_for_an_address_at_a_time_and_none_for_members(house: House) -> None:
    boss, email = owner(house), new_email()
    assert invite(boss, email).status == 200
    assert invite(boss, email).error["code"] == "invitation_exists"
    member = invited(house, boss, "viewer")
    assert invite(boss, member.email).error["code"] == "member_exists"


def test_after_seven_days_it_is_over_and_another_may_follow(house: House) -> None:
    boss, email = owner(house), new_email()
    invite(boss, email)
    token = link_token(house, email, "invitation")
    late = house.runtime.clock.now_microseconds() + (rules.INVITATION_SECONDS + 1) * MICROSECONDS_PER_SECOND
    with pytest.MonkeyPatch.context() as patching:
        patching.setattr(type(house.runtime.clock), "now_microseconds", lambda _self: late)
        assert is_invalid(accept(house, token))
        again = login(house, boss.email).json["access_token"]
        listed = house.call("GET", "/api/v1/invitations", again).json["data"]
        assert [one["status"] for one in listed] == ["expired"]
        body = {"email": email, "role": "viewer"}
        assert house.call("POST", "/api/v1/invitations", again, body).status == 200


@pytest.mark.parametrize("fate", ["removed", "demoted", "left"])
def test_who_may_no_longer_give_a_role_has_not_given_it(house: House, fate: str) -> None:
    boss = owner(house)
    inviter, email = invited(house, boss, "owner"), new_email()
    assert invite(inviter, email, "owner").status == 200
    token = link_token(house, email, "invitation")
    if fate == "removed":
        boss.call("DELETE", f"/members/{inviter.user_id}")
    elif fate == "demoted":
        boss.call("PUT", f"/members/{inviter.user_id}", {"role": "admin"})
    else:
        inviter.call("DELETE", f"/auth/organisations/{boss.org_id}")
    assert is_invalid(accept(house, token))


def test_a_role_that_has_grown_since_is_not_given_by_who_lacks_what_it_gained(house: House) -> None:
    boss = owner(house)
    permissions = ["members.read", "members.write", "wallets.read"]
    office = invited(
        house, boss, boss.call("POST", "/roles", {"name": "Office", "permissions": permissions}).json["id"]
    )
    role = boss.call("POST", "/roles", {"name": "Till", "permissions": ["wallets.read"]}).json["id"]
    email = new_email()
    assert invite(office, email, role).status == 200
    more = {"permissions": ["wallets.read", "wallets.write"]}
    assert boss.call("PUT", f"/roles/{role}", more).status == 200
    assert is_invalid(accept(house, link_token(house, email, "invitation")))


def test_a_retry_with_the_same_key_invites_once_and_gets_the_same_answer(house: House) -> None:
    boss, email = owner(house), new_email()
    headers = {"idempotency-key": "same", "authorization": f"Bearer {boss.token}"}
    body = {"email": email, "role": "viewer"}
    first, second = (house.call("POST", "/api/v1/invitations", None, body, headers=headers) for _ in range(2))
    assert first.json == second.json
    assert second.headers["idempotent-replayed"] == "true"
    assert len(mails(house, email)) == 1


def test_another_organisations_invitation_is_not_there(house: House) -> None:
    boss, stranger = owner(house), owner(house)
    theirs = invite(stranger).json["id"]
    for method, path in (("DELETE", ""), ("POST", "/resend")):
        foreign = boss.call(method, f"/invitations/{theirs}{path}", {})
        nothing = boss.call(method, f"/invitations/inv_nothing{path}", {})
        assert foreign.status == nothing.status == 404
        assert foreign.error["message"].replace(theirs, "inv_nothing") == nothing.error["message"]
    assert boss.call("GET", "/invitations").json["data"] == []


@pytest.mark.parametrize("password", ["short", "password1234", "plumshopplumshop"])
def test_a_weak_password_is_refused_and_the_link_goes_on_working(house: House, password: str) -> None:
    boss, email = owner(house), new_email()
    invite(boss, email)
    token = link_token(house, email, "invitation")
    refused = accept(house, token, password)
    assert (refused.status, refused.error["param"]) == (400, "password")
    assert accept(house, token).status == 200


@pytest.mark.parametrize("token", ["x", "0" * 43, "'; drop table users; --"])
def test_guessed_links_all_get_the_same_words(house: House, token: str) -> None:
    assert is_invalid(accept(house, token))
    assert is_invalid(house.call("POST", LOOK, None, {"token": token}))


def test_the_link_of_another_purpose_is_none(house: House) -> None:
    boss = owner(house)
    assert is_invalid(accept(house, link_token(house, boss.email, "email_verification")))


def test_a_mail_says_what_its_template_needs_and_its_seal_holds(house: House) -> None:
    boss, email = owner(house), new_email()
    invite(boss, email, "finance")
    mail, token = mails(house, email, "invitation")[0]
    assert mail.data == {"organisation": "Plum Shop", "inviter": boss.email, "role": "finance"}
    assert token
    import msgspec

    moved: Mail = msgspec.structs.replace(mail, email="thief@example.test")
    assert house.runtime.mails.opened(moved).token is None
