"""Passkeys, against an authenticator of software that can also lie."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from bursar.kit.clock import MICROSECONDS_PER_SECOND
from bursar.second_factors import rules
from tests.control.house import House, Reply
from tests.memberships.people import Someone, owner
from tests.second_factors.authenticator import Authenticator, bytes_of, text_of

PASSKEYS = "/api/v1/auth/passkeys"


def register(person: Someone, device: Authenticator, name: str = "Laptop", **claims: Any) -> Reply:
    options = person.call("POST", "/auth/passkeys/registration").json["public_key"]
    return person.call("POST", "/auth/passkeys", {"credential": device.create(options, **claims), "name": name})


def options_for(house: House, purpose: str = "sign_in") -> dict[str, Any]:
    found: dict[str, Any] = house.call("POST", f"{PASSKEYS}/options", None, {"purpose": purpose}).json["public_key"]
    return found


def sign_in(house: House, credential: dict[str, Any], **more: Any) -> Reply:
    return house.call("POST", f"{PASSKEYS}/sign-in", None, {"credential": credential, **more})


def with_passkey(house: House, **options: Any) -> tuple[Someone, Authenticator]:
    person, device = owner(house), Authenticator(**options)
    reply = register(person, device)
    assert reply.status == 200, reply.json
    return person, device


@pytest.mark.parametrize("kind", ["es256", "eddsa"])
def test_a_passkey_signs_in_without_a_password(house: House, kind: Literal["es256", "eddsa"]) -> None:
    person, device = with_passkey(house, kind=kind)
    reply = sign_in(house, device.get(options_for(house)))
    assert reply.status == 200, reply.json
    assert reply.json["user"]["id"] == person.user_id
    assert reply.json["organisation"]["id"] == person.org_id
    assert house.call("GET", "/api/v1/members", reply.json["access_token"]).status == 200


def test_a_refused_passkey_is_a_failed_sign_in_in_the_log(house: House) -> None:
    person, device = with_passkey(house)
    credential = device.get(options_for(house))
    assert sign_in(house, credential).status == 200
    assert sign_in(house, credential).error["code"] == "challenge_expired", "an answer is good for once"
    told = person.call("GET", "/audit?type=bursar.sign_in.failed").json["data"]
    assert [entry["after"]["reason"] for entry in told] == ["challenge_expired"]
    assert [entry["after"]["user"] for entry in told] == [person.user_id]


def test_a_passkey_is_seen_renamed_and_taken_away(house: House) -> None:
    person, device = owner(house), Authenticator()
    made = register(person, device, "Laptop").json
    assert len(made["recovery_codes"]) == rules.RECOVERY_CODES
    second = register(person, Authenticator(), "Phone").json
    assert second["recovery_codes"] is None, "whoever has codes keeps them"
    assert person.call("PUT", f"/auth/passkeys/{made['id']}", {"name": "Old laptop"}).json["name"] == "Old laptop"
    listed = person.call("GET", "/auth/passkeys").json["data"]
    assert [one["name"] for one in listed] == ["Phone", "Old laptop"]
    assert person.call("GET", "/auth/second-factors").json["passkeys"] == 2
    assert person.call("DELETE", f"/auth/passkeys/{made['id']}").json["deleted"] is True
    assert sign_in(house, device.get(options_for(house))).error["code"] == "passkey_unknown"


def test_nobody_sees_or_takes_away_somebody_elses_passkey(house: House) -> None:
    person, _ = with_passkey(house)
    mine = person.call("GET", "/auth/passkeys").json["data"][0]["id"]
    other = owner(house)
    nothing = other.call("DELETE", "/auth/passkeys/psk_nothing")
    theirs = other.call("DELETE", f"/auth/passkeys/{mine}")
    assert (theirs.status, theirs.error["code"]) == (nothing.status, nothing.error["code"]) == (404, "resource_missing")
    assert other.call("PUT", f"/auth/passkeys/{mine}", {"name": "Mine"}).status == 404
    assert len(person.call("GET", "/auth/passkeys").json["data"]) == 1


def test_a_password_is_not_enough_beside_a_passkey_and_the_passkey_completes_it(house: House) -> None:
    person, device = with_passkey(house)
    refused = person.sign_in()
    assert refused.error["code"] == "second_factor_required"
    proof = house.call(
        "POST", f"{PASSKEYS}/proof", None, {"credential": device.get(options_for(house, "second_factor"))}
    )
    body = {"challenge": refused.error["challenge"], "code": proof.json["code"]}
    assert house.call("POST", "/api/v1/auth/second-factor", None, body).status == 200
    again = {"challenge": person.sign_in().error["challenge"], "code": proof.json["code"]}
    assert house.call("POST", "/api/v1/auth/second-factor", None, again).status == 401, "a proof works once"


def test_a_proof_is_worth_nothing_for_somebody_else(house: House) -> None:
    _, device = with_passkey(house)
    other, _ = with_passkey(house)
    proof = house.call(
        "POST", f"{PASSKEYS}/proof", None, {"credential": device.get(options_for(house, "second_factor"))}
    )
    body = {"challenge": other.sign_in().error["challenge"], "code": proof.json["code"]}
    assert house.call("POST", "/api/v1/auth/second-factor", None, body).status == 401


def test_a_passkey_steps_up(house: House) -> None:
    person, device = with_passkey(house)
    credential = device.get(options_for(house, "step_up"))
    proof = house.call("POST", f"{PASSKEYS}/proof", None, {"credential": credential, "purpose": "step_up"}).json
    reply = person.call("POST", "/auth/step-up", {"code": proof["code"]})
    assert reply.status == 200, reply.json


def test_a_challenge_is_answered_once(house: House) -> None:
    person, device = with_passkey(house)
    options = options_for(house)
    assert sign_in(house, device.get(options)).status == 200
    assert sign_in(house, device.get(options)).error["code"] == "challenge_expired"
    registration = person.call("POST", "/auth/passkeys/registration").json["public_key"]
    assert person.call("POST", "/auth/passkeys", {"credential": Authenticator().create(registration)}).status == 200
    again = person.call("POST", "/auth/passkeys", {"credential": Authenticator().create(registration)})
    assert again.error["code"] == "challenge_expired"


@pytest.mark.parametrize("asked", ["second_factor", "step_up"])
def test_what_was_signed_for_less_does_not_sign_in(house: House, asked: str) -> None:
    """The person may not have been looked at then, only the device."""
    _, device = with_passkey(house)
    assert sign_in(house, device.get(options_for(house, asked))).error["code"] == "challenge_expired"


def test_without_a_look_at_the_person_nobody_signs_in_but_a_password_is_completed(house: House) -> None:
    person, device = with_passkey(house, verifies_user=False)
    assert sign_in(house, device.get(options_for(house))).error["code"] == "passkey_invalid"
    credential = device.get(options_for(house, "second_factor"))
    code = house.call("POST", f"{PASSKEYS}/proof", None, {"credential": credential}).json["code"]
    body = {"challenge": person.sign_in().error["challenge"], "code": code}
    assert house.call("POST", "/api/v1/auth/second-factor", None, body).status == 200


def test_a_counter_that_does_not_rise_is_a_copy_and_told_of(house: House) -> None:
    person, device = with_passkey(house)
    assert sign_in(house, device.get(options_for(house))).status == 200
    device.counter = 0
    assert sign_in(house, device.get(options_for(house))).error["code"] == "passkey_copied"
    rows = house.rows_of(person.org_id)["events"]
    assert any("bursar.passkey.copied" in row for row in rows)


def test_an_authenticator_that_does_not_count_stays_welcome(house: House) -> None:
    _, device = with_passkey(house, counts=False)
    for _ in range(3):
        assert sign_in(house, device.get(options_for(house))).status == 200


@pytest.mark.parametrize(
    "claims",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://localhost:9999"},
        {"type": "webauthn.create"},
        {"type": "payment.get"},
    ],
)
def test_what_another_page_or_ceremony_signed_is_refused(house: House, claims: dict[str, Any]) -> None:
    _, device = with_passkey(house)
    assert sign_in(house, device.get(options_for(house), **claims)).error["code"] == "passkey_invalid"


def test_a_passkey_of_another_page_is_not_registered(house: House) -> None:
    person = owner(house)
    refused = register(person, Authenticator(), origin="https://evil.example")
    assert refused.error["code"] == "passkey_invalid"
    foreign = Authenticator()
    options = person.call("POST", "/auth/passkeys/registration").json["public_key"]
    options["rp"] = {"id": "evil.example", "name": "Evil"}
    assert person.call("POST", "/auth/passkeys", {"credential": foreign.create(options)}).status == 400


def test_a_challenge_for_one_person_registers_nothing_for_another(house: House) -> None:
    victim, thief = owner(house), owner(house)
    options = thief.call("POST", "/auth/passkeys/registration").json["public_key"]
    reply = victim.call("POST", "/auth/passkeys", {"credential": Authenticator().create(options)})
    assert reply.error["code"] == "challenge_expired"


def test_a_credential_is_registered_once(house: House) -> None:
    person, device = with_passkey(house)
    assert register(person, device).error["code"] == "passkey_exists"
    assert register(owner(house), device).error["code"] == "passkey_exists"


def test_the_handle_of_another_person_is_refused(house: House) -> None:
    other, _ = with_passkey(house)
    _, device = with_passkey(house)
    credential = device.get(options_for(house), handle=other.user_id.encode())
    assert sign_in(house, credential).error["code"] == "passkey_unknown"


@pytest.mark.parametrize("part", ["signature", "authenticatorData", "clientDataJSON"])
def test_one_changed_bit_is_refused(house: House, part: str) -> None:
    _, device = with_passkey(house)
    credential = device.get(options_for(house))
    raw = bytearray(bytes_of(credential["response"][part]))
    raw[len(raw) // 2] ^= 1
    credential["response"][part] = text_of(bytes(raw))
    assert sign_in(house, credential).status == 400


@pytest.mark.parametrize("rubbish", ["", "!", "e30", "bnVsbA", "W10", "eyJjaGFsbGVuZ2UiOiAxfQ", "4".ljust(5000, "4")])
def test_rubbish_is_refused_in_every_member(house: House, rubbish: str) -> None:
    person, device = with_passkey(house)
    for member in ("clientDataJSON", "authenticatorData", "signature", "userHandle"):
        credential = device.get(options_for(house))
        credential["response"][member] = rubbish
        assert sign_in(house, credential).status == 400, member
    for member in ("clientDataJSON", "attestationObject"):
        created = Authenticator().create(person.call("POST", "/auth/passkeys/registration").json["public_key"])
        created["response"][member] = rubbish
        assert person.call("POST", "/auth/passkeys", {"credential": created}).status == 400, member


def test_options_tell_nobody_who_has_which_passkey(house: House) -> None:
    with_passkey(house)
    options = options_for(house)
    assert options["allowCredentials"] == []
    assert options["userVerification"] == "required"
    assert options_for(house, "second_factor")["userVerification"] == "preferred"
    assert "localhost" in options["rpId"]


def test_asking_for_options_fills_no_table(house: House) -> None:
    before = house.rows_of("installation")
    for _ in range(20):
        options_for(house)
    assert house.rows_of("installation") == before


def test_somebody_who_is_disabled_does_not_sign_in(house: House) -> None:
    import msgspec

    person, device = with_passkey(house)
    people = house.runtime.people
    user = house.runner.run(people.required(person.user_id))
    _, unit = house.runner.run(people.change(user, msgspec.structs.replace(user, disabled=True)))
    house.commit(unit)
    assert sign_in(house, device.get(options_for(house))).status == 401


def test_a_person_has_a_bounded_number_of_passkeys(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "PASSKEYS_MAX", 2)
    person, _ = with_passkey(house)
    assert register(person, Authenticator()).status == 200
    assert register(person, Authenticator()).status == 400


def test_spent_challenges_are_forgotten_once_they_are_too_old_anyway(house: House) -> None:
    _, device = with_passkey(house)
    assert sign_in(house, device.get(options_for(house))).status == 200
    factors = house.runtime.second_factors
    house.runner.run(factors.forget_challenges())
    assert house.rows_of("installation")["spent_challenges"], "these could still be answered again"
    late = house.runtime.clock.now_microseconds() + 2 * rules.CHALLENGE_SECONDS * MICROSECONDS_PER_SECOND
    with pytest.MonkeyPatch.context() as patching:
        patching.setattr(type(house.runtime.clock), "now_microseconds", lambda _self: late)
        house.runner.run(factors.forget_challenges())
    assert not house.rows_of("installation")["spent_challenges"]


@pytest.mark.parametrize(
    ("public_url", "party", "origin"),
    [
        ("https://pay.example.com", "pay.example.com", "https://pay.example.com"),
        ("https://pay.example.com:8443/", "pay.example.com", "https://pay.example.com:8443"),
        ("http://127.0.0.1:8420", "localhost", "http://localhost:8420"),
        ("http://[::1]:8420", "localhost", "http://localhost:8420"),
    ],
)
def test_passkeys_are_of_the_public_address(public_url: str, party: str, origin: str) -> None:
    assert rules.relying_party(public_url) == (party, [origin])
