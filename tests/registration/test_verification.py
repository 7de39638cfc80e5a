"""Links to verify an address and to choose a new password."""

from __future__ import annotations

from collections import Counter

import pyotp
import pytest
from sqlalchemy import Engine, event

from bursar.kit.clock import MICROSECONDS_PER_SECOND
from bursar.people.lockout import FAILURES_MAX
from bursar.registration.verification import RESET_SECONDS
from tests.control.house import House, Reply
from tests.memberships.people import PASSWORD, link_token, login, mails, new_email, owner

FORGOT, RESET = "/api/v1/auth/password/forgot", "/api/v1/auth/password/reset"
NEW = "eleven quiet harbours at noon"


def forgot(house: House, email: str) -> Reply:
    return house.call("POST", FORGOT, None, {"email": email})


def reset(house: House, token: str, password: str = NEW) -> Reply:
    return house.call("POST", RESET, None, {"token": token, "password": password})


def test_an_address_is_verified_by_who_has_account_and_mail(house: House) -> None:
    person, other = owner(house), owner(house)
    body = {"token": link_token(house, person.email, "email_verification")}
    assert other.call("POST", "/auth/email/verify", body).error["code"] == "token_invalid"
    assert person.call("POST", "/auth/email/verify", body).json["email"] == person.email
    assert person.call("GET", "/auth/me").json["user"]["email_verified"] is True
    assert person.call("POST", "/auth/email/verify", body).error["code"] == "token_invalid"
    assert person.call("POST", "/auth/email/resend", {}).error["code"] == "email_verified"


def test_the_mail_is_sent_again(house: House) -> None:
    person = owner(house)
    assert person.call("POST", "/auth/email/resend", {}).status == 200
    assert len(mails(house, person.email, "email_verification")) == 2


def test_a_forgotten_password_is_chosen_anew_and_ends_all_sessions(house: House) -> None:
    person = owner(house)
    assert forgot(house, person.email.upper()).status == 200
    token = link_token(house, person.email, "password_reset")
    assert reset(house, token).json["sessions_ended"] == 1
    assert person.call("GET", "/auth/me").status == 401
    assert person.sign_in().status == 401
    assert login(house, person.email, NEW).status == 200
    assert reset(house, token, PASSWORD).error["code"] == "token_invalid", "a link works once"


def test_a_new_password_ends_the_pause_that_others_caused(house: House) -> None:
    person = owner(house)
    right = {"email": person.email, "password": NEW}
    for number in range(FAILURES_MAX):
        body = {"email": person.email, "password": "a wrong guess of somebody"}
        house.call("POST", "/api/v1/org/login", None, body, address=f"203.0.113.{number + 1}")
    forgot(house, person.email)
    token = link_token(house, person.email, "password_reset")
    refused = house.call("POST", "/api/v1/org/login", None, right, address="192.0.2.9")
    assert (refused.status, refused.error["code"]) == (429, "sign_in_locked")
    assert reset(house, token).status == 200
    assert house.call("POST", "/api/v1/org/login", None, right, address="192.0.2.9").status == 200


def test_the_answer_is_the_same_for_whoever_has_no_account(house: House) -> None:
    person = owner(house)
    known, unknown = forgot(house, person.email), forgot(house, new_email())
    assert (known.status, known.json) == (unknown.status, unknown.json)
    assert forgot(house, "no address at all").json == known.json


def test_the_work_is_the_same_for_whoever_has_no_account(house: House) -> None:
    """And so is the time that it takes: the same statements, each as often."""
    known, unknown = owner(house).email, new_email()
    for email in (new_email(), known, unknown):  # the first time loads what is needed, and counts for the first time
        forgot(house, email)
    assert statements_of(house, known) == statements_of(house, unknown)


def statements_of(house: House, email: str) -> Counter[str]:
    """What is asked of the database."""
    found: Counter[str] = Counter()

    def heard(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        found[statement] += 1

    event.listen(Engine, "before_cursor_execute", heard)
    try:
        forgot(house, email)
    finally:
        event.remove(Engine, "before_cursor_execute", heard)
    assert any("INTO events" in statement for statement in found), found
    return found


def test_a_weak_password_leaves_the_link_as_it_was(house: House) -> None:
    person = owner(house)
    forgot(house, person.email)
    token = link_token(house, person.email, "password_reset")
    refused = reset(house, token, "password1234")
    assert (refused.status, refused.error["param"]) == (400, "password")
    assert reset(house, token).status == 200


def test_after_an_hour_the_link_is_too_old(house: House) -> None:
    person = owner(house)
    forgot(house, person.email)
    token = link_token(house, person.email, "password_reset")
    late = house.runtime.clock.now_microseconds() + (RESET_SECONDS + 1) * MICROSECONDS_PER_SECOND
    with pytest.MonkeyPatch.context() as patching:
        patching.setattr(type(house.runtime.clock), "now_microseconds", lambda _self: late)
        assert reset(house, token).error["code"] == "token_invalid"


@pytest.mark.parametrize("token", ["x", "0" * 43])
def test_guessed_links_are_refused(house: House, token: str) -> None:
    assert reset(house, token).error["code"] == "token_invalid"


def test_the_link_for_nobody_resets_nobody(house: House) -> None:
    """What is made for an unknown address is a token, too; its subject is nobody."""
    token = house.runner.run(house.runtime.identity.one_time.issue("password reset", "usr_nobody", 60))
    assert reset(house, token).error["code"] == "token_invalid"


def test_a_verified_accounts_second_factor_stays_and_an_unverified_ones_goes(house: House) -> None:
    for is_verified in (True, False):
        person = owner(house)
        if is_verified:
            body = {"token": link_token(house, person.email, "email_verification")}
            assert person.call("POST", "/auth/email/verify", body).status == 200
        secret = person.call("POST", "/auth/totp").json["secret"]
        assert person.call("POST", "/auth/totp/confirm", {"code": pyotp.TOTP(secret).now()}).status == 200
        forgot(house, person.email)
        assert reset(house, link_token(house, person.email, "password_reset")).status == 200
        assert login(house, person.email, NEW).status == (401 if is_verified else 200)


def test_mails_are_bounded_and_the_answer_stays_the_same(house: House) -> None:
    person = owner(house)
    answers = [forgot(house, person.email).json for _ in range(13)]
    assert all(answer == answers[0] for answer in answers)
    assert len(mails(house, person.email, "password_reset")) == 10


def test_unknown_members_are_refused(house: House) -> None:
    for path, body in ((FORGOT, {"email": "a@b.c"}), (RESET, {"token": "x", "password": NEW})):
        for extra in ({"user": "usr_1"}, {"email_verified": True}, {"status": "active"}):
            assert house.call("POST", path, None, body | extra).error["code"] == "parameter_unknown"
