"""Registration: everything in one commit, prompt keys for a new address, and no word about who has an account."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bursar.kit.clock import MICROSECONDS_PER_SECOND
from bursar.store.unit import Unit
from tests.control.house import House, Reply, standing
from tests.memberships.people import PASSWORD, link_token, login, mails, new_email, owner, register

CONFIRM = "/api/v1/org/register/confirm"


def confirm(house: House, token: str, password: str = PASSWORD) -> Reply:
    return house.call("POST", CONFIRM, None, {"token": token, "password": password})


def test_everything_for_a_first_payment_is_in_the_answer(house: House) -> None:
    email = new_email()
    told = register(house, email, name="Ada", country="de", currency="eur", pin="395271").json
    assert told["status"] == "complete"
    assert told["organisation"]["name"] == "Plum Shop"
    assert (told["organisation"]["country"], told["organisation"]["currency"]) == ("DE", "eur")
    assert told["organisation"]["code"].startswith("ORG")
    assert [(one["primary"], one["livemode"], one["has_pin"]) for one in told["wallets"]] == [
        (True, False, True),
        (True, True, True),
    ]
    assert told["wallet"] == told["wallets"][0]
    assert (told["user"]["email"], told["user"]["name"], told["user"]["email_verified"]) == (email, "Ada", False)
    assert house.call("GET", "/v1/customers", told["keys"]["secret"]).status == 200
    assert house.call("GET", "/v1/customers", told["keys"]["publishable"]).status == 403
    token = told["access_token"]
    assert house.call("GET", "/api/v1/org/profile", token).json["id"] == told["organisation"]["id"]
    assert house.call("GET", "/api/v1/wallets", token).json["data"][0]["code"] == told["wallet"]["code"]
    contracts = house.call("GET", "/api/v1/contracts", token).json["data"]
    assert [(one["acquirer"], one["by_default"]) for one in contracts] == [("piggybank", False)]
    assert login(house, email).status == 200


def test_it_is_one_commit(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """If any part cannot be written, nothing of it is there, and the address is free."""
    email = new_email()
    before = house.rows_of("installation")
    original = type(house.runtime.contracts).new_contract

    def broken(*args: Any, **options: Any) -> tuple[Any, Unit]:
        contract, unit = original(*args, **options)
        unit.changes.append(unit.changes[0])  # the same row twice
        return contract, unit

    with monkeypatch.context() as patching:
        patching.setattr(type(house.runtime.contracts), "new_contract", broken)
        assert register(house, email).status == 409
    assert house.rows_of("installation")["users"] == before["users"]
    assert house.rows_of("installation")["one_time_tokens"] == before["one_time_tokens"]
    assert mails(house, email) == []
    assert register(house, email).json["status"] == "complete"


@pytest.mark.parametrize(
    ("wrong", "param", "code"),
    [
        ({"email": "no address"}, "email", "email_invalid"),
        ({"password": "short"}, "password", "password_too_short"),
        ({"password": "password12345"}, "password", "password_too_weak"),
        ({"password": "plumshopplumshop"}, "password", "password_too_weak"),
        ({"organization": "  "}, "organization", None),
        ({"organization": "x" * 201}, "organization", None),
        ({"category": " "}, "category", None),
        ({"acquiring_bank": "chase"}, "acquiring_bank", "acquirer_unknown"),
        ({"pin": "12345"}, "pin", "pin_invalid"),
        ({"pin": "123456"}, "pin", "pin_too_simple"),
        ({"country": "Germany"}, "country", None),
        ({"currency": "xxy"}, "currency", None),
        ({"org_id": "acct_1"}, "org_id", "parameter_unknown"),
        ({"status": "complete"}, "status", "parameter_unknown"),
        ({"role": "platform_admin"}, "role", "parameter_unknown"),
        ({"email_verified": True}, "email_verified", "parameter_unknown"),
    ],
)
def test_what_is_wrong_is_named(house: House, wrong: dict[str, Any], param: str, code: str | None) -> None:
    refused = register(house, **wrong)
    assert refused.status == 400, refused.json
    assert refused.error["param"] == param
    if code is not None:
        assert refused.error["code"] == code


def test_an_unknown_bank_is_refused_with_those_there_are(house: House) -> None:
    assert "piggybank" in register(house, acquiring_bank="chase").error["message"]


def test_a_wrong_request_says_the_same_of_a_known_address(house: House) -> None:
    known = owner(house).email
    for wrong in ({"password": "short"}, {"acquiring_bank": "chase"}, {"pin": "1"}, {"country": "x1"}):
        assert register(house, known, **wrong).json == register(house, **wrong).json


def test_a_known_address_gets_a_mail_and_the_caller_nothing_of_the_account(house: House) -> None:
    person = owner(house)
    told = register(house, person.email.upper(), organization="Second Shop").json
    assert told["status"] == "check_your_mail"
    assert {name for name, value in told.items() if value} == {"object", "status", "message"}
    assert [one["name"] for one in person.call("GET", "/auth/organisations").json["data"]] == ["Plum Shop"]
    (mail, _), *_ = mails(house, person.email, "registration_of_known_email")
    assert (mail.user, mail.data) == (person.user_id, {"organisation": "Second Shop"})


def test_the_reader_of_the_mail_gets_the_organisation_for_the_account_there_is(house: House) -> None:
    person = owner(house)
    verify(house, person.token, person.email)
    register(house, person.email, organization="Second Shop", password="quite another password here")
    token = link_token(house, person.email, "registration_of_known_email")
    assert confirm(house, token).error["code"] == "password_wrong", "who only reads the mail has not registered"
    told = confirm(house, token, "quite another password here").json
    assert told["status"] == "complete"
    assert told["access_token"] is None, "past a second factor nobody gets by a mail"
    assert house.call("GET", "/v1/customers", told["keys"]["secret"]).status == 200
    signed_in = login(house, person.email)
    assert sorted(one["name"] for one in signed_in.json["organisations"]) == ["Plum Shop", "Second Shop"]
    assert login(house, person.email, "quite another password here").status == 401, "the account's stays"
    assert confirm(house, token, "quite another password here").error["code"] == "token_invalid"


def verify(house: House, access_token: str, email: str) -> Reply:
    body = {"token": link_token(house, email, "email_verification")}
    return house.call("POST", "/api/v1/auth/email/verify", access_token, body)


def test_who_took_somebodys_address_first_loses_it_to_the_reader_of_its_mail(house: House) -> None:
    """An account that somebody else made with one's address is no way into what one does later."""
    from tests.second_factors.authenticator import Authenticator
    from tests.second_factors.test_passkeys import options_for, sign_in
    from tests.second_factors.test_passkeys import register as register_passkey

    thief = owner(house)  # with the victim's address
    device = Authenticator()
    assert register_passkey(thief, device).status == 200
    own = "the password of who reads the mail"
    register(house, thief.email, organization="The victim's", password=own)
    token = link_token(house, thief.email, "registration_of_known_email")
    assert confirm(house, token, own).json["status"] == "complete"
    assert login(house, thief.email).status == 401
    assert house.call("GET", "/api/v1/auth/totp", thief.token).status == 401
    assert sign_in(house, device.get(options_for(house))).status == 400
    assert login(house, thief.email, own).json["user"]["email_verified"] is True


def test_a_secret_of_the_registration_is_nowhere_in_the_database(house: House) -> None:
    email = new_email()
    told = register(house, email, pin="395271").json
    register(house, email, pin="395271")
    everything = json.dumps(house.rows_of("installation")) + json.dumps(house.rows_of(told["organisation"]["id"]))
    hidden = [PASSWORD, "395271", told["keys"]["secret"], told["refresh_token"], told["access_token"]]
    hidden += [token for _, token in mails(house, email)]
    assert [value for value in hidden if value in everything] == []


def test_a_retry_with_the_same_key_is_kept_for_nobody(house: House) -> None:
    body = {"organization": "Plum Shop", "email": new_email(), "password": PASSWORD, "category": "retail"}
    headers = {"idempotency-key": "same"}
    first = house.call("POST", "/api/v1/org/register", None, body, headers=headers)
    second = house.call("POST", "/api/v1/org/register", None, body, headers=headers)
    assert (first.json["status"], second.json["status"]) == ("complete", "check_your_mail")


def test_mails_to_one_address_are_bounded_and_nobody_is_told(house: House) -> None:
    person = owner(house)
    told = [register(house, person.email).json for _ in range(14)]
    assert all(one == told[0] for one in told)
    assert len(mails(house, person.email, "registration_of_known_email")) == 10


def test_a_waiting_registration_ends_after_a_day(house: House) -> None:
    person = owner(house)
    register(house, person.email)
    token = link_token(house, person.email, "registration_of_known_email")
    late = house.runtime.clock.now_microseconds() + 86_401 * MICROSECONDS_PER_SECOND
    with pytest.MonkeyPatch.context() as patching:
        patching.setattr(type(house.runtime.clock), "now_microseconds", lambda _self: late)
        assert confirm(house, token).error["code"] == "token_invalid"


def test_where_registration_is_closed_it_says_whom_to_ask() -> None:
    with standing(registration="closed") as closed:
        refused = register(closed)
        assert (refused.status, refused.error["code"]) == (403, "registration_closed")


def test_where_mails_are_read_first_a_known_address_cannot_be_told_from_a_new_one() -> None:
    with standing(registration="verified") as strict:
        email = new_email()
        first = register(strict, email)
        assert first.json["status"] == "check_your_mail"
        assert login(strict, email).status == 401
        token = link_token(strict, email, "registration_confirmation")
        assert confirm(strict, token, "a wrong but long password").error["code"] == "password_wrong"
        made = confirm(strict, token).json
        assert made["user"]["email_verified"] is True
        assert strict.call("GET", "/api/v1/members", made["access_token"]).status == 200
        again, unknown = register(strict, email), register(strict)
        assert (again.status, again.json) == (unknown.status, unknown.json) == (first.status, first.json)


def test_tries_of_a_password_at_a_link_are_bounded() -> None:
    with standing(registration="verified") as strict:
        email = new_email()
        register(strict, email)
        token = link_token(strict, email, "registration_confirmation")
        statuses = [confirm(strict, token, "a wrong but long password").status for _ in range(11)]
        assert statuses == [400] * 10 + [429]
