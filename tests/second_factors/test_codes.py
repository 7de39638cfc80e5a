"""One-time codes and recovery codes: each works once, and nothing of them is stored that could be read."""

from __future__ import annotations

import json
import time

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from bursar.events.tables import events
from bursar.http.call import Call
from bursar.http.gates import NOBODY
from bursar.kit.clock import MICROSECONDS_PER_SECOND
from bursar.kit.ids import ALPHABET
from bursar.kit.sealing import SealBroken, Sealing
from bursar.second_factors import rules
from bursar.second_factors.tables import totp_secrets
from bursar.store.columns import metadata
from tests.control.house import LONG_AGO, House
from tests.memberships.people import Someone, owner


def now_code(secret: str, steps: int = 0) -> str:
    return pyotp.TOTP(secret).generate_otp(int(time.time()) // 30 + steps)


def with_totp(house: House) -> tuple[Someone, str, list[str]]:
    """Whose code of the half minute before is used up, so that today's still works."""
    person = owner(house)
    secret = person.call("POST", "/auth/totp").json["secret"]
    confirmed = person.call("POST", "/auth/totp/confirm", {"code": now_code(secret, -1)})
    assert confirmed.status == 200, confirmed.json
    return person, secret, confirmed.json["recovery_codes"]


def finish(house: House, person: Someone, code: str) -> int:
    challenge = person.sign_in().error["challenge"]
    return house.call("POST", "/api/v1/auth/second-factor", None, {"challenge": challenge, "code": code}).status


def test_an_app_counts_only_after_a_first_right_code(house: House) -> None:
    person = owner(house)
    setup = person.call("POST", "/auth/totp").json
    assert setup["otpauth_url"].startswith("otpauth://totp/Bursar:person")
    assert person.call("GET", "/auth/totp").json["active"] is False
    assert person.sign_in().status == 200, "nothing is asked for yet"
    wrong = person.call("POST", "/auth/totp/confirm", {"code": "000000"})
    assert (wrong.status, wrong.error["code"]) == (400, "code_invalid")
    right = person.call("POST", "/auth/totp/confirm", {"code": now_code(setup["secret"])})
    assert right.json["active"] is True
    assert len(set(right.json["recovery_codes"])) == rules.RECOVERY_CODES
    refused = person.sign_in()
    assert (refused.status, refused.error["code"]) == (401, "second_factor_required")


def test_a_setup_that_was_begun_anew_forgets_the_secret_before(house: House) -> None:
    person = owner(house)
    first = person.call("POST", "/auth/totp").json["secret"]
    second = person.call("POST", "/auth/totp").json["secret"]
    assert first != second
    assert person.call("POST", "/auth/totp/confirm", {"code": now_code(first)}).error["code"] == "code_invalid"
    assert person.call("POST", "/auth/totp/confirm", {"code": now_code(second)}).status == 200
    assert person.call("POST", "/auth/totp").error["code"] == "totp_exists"


def test_a_code_signs_in_once(house: House) -> None:
    person, secret, _ = with_totp(house)
    code = now_code(secret)
    assert finish(house, person, code) == 200
    assert finish(house, person, code) == 401, "a second time it is known to whoever has looked over the shoulder"
    assert finish(house, person, now_code(secret, -1)) == 401, "an older one is worth no more than a used one"


def test_a_recovery_code_stands_in_once_and_however_it_is_written(house: House) -> None:
    person, _, codes = with_totp(house)
    written = codes[0].upper().replace("-", " ").replace("0", "O").replace("1", "l")
    assert finish(house, person, written) == 200
    assert finish(house, person, codes[0]) == 401
    assert person.call("GET", "/auth/recovery-codes").status == 200
    assert person.call("GET", "/auth/recovery-codes").json["left"] == rules.RECOVERY_CODES - 1


def test_new_recovery_codes_replace_those_before(house: House) -> None:
    person, _, codes = with_totp(house)
    fresh = person.call("POST", "/auth/recovery-codes").json["codes"]
    assert set(fresh).isdisjoint(codes)
    assert finish(house, person, codes[3]) == 401
    assert finish(house, person, fresh[3]) == 200


def test_recovery_codes_are_no_factor_by_themselves(house: House) -> None:
    person = owner(house)
    assert person.call("POST", "/auth/recovery-codes").error["code"] == "second_factor_missing"
    other, _, codes = with_totp(house)
    assert other.call("DELETE", "/auth/totp").status == 200
    assert other.sign_in().status == 200
    assert house.runner.run(house.runtime.second_factors.check(other.user_id, codes[0], _call())) is None


def test_whoever_begins_again_after_taking_all_away_gets_new_codes(house: House) -> None:
    person, _, codes = with_totp(house)
    assert person.call("DELETE", "/auth/totp").status == 200
    secret = person.call("POST", "/auth/totp").json["secret"]
    again = person.call("POST", "/auth/totp/confirm", {"code": now_code(secret)}).json["recovery_codes"]
    assert again is not None
    assert set(again).isdisjoint(codes)


def test_taking_a_factor_away_or_adding_one_needs_a_fresh_proof(house: House) -> None:
    stale = house.person(owner(house).org_id, proved_at=LONG_AGO)
    for method, path in (
        ("POST", "totp"),
        ("POST", "totp/confirm"),
        ("DELETE", "totp"),
        ("POST", "recovery-codes"),
        ("POST", "passkeys/registration"),
        ("POST", "passkeys"),
        ("DELETE", "passkeys/psk_1"),
    ):
        reply = house.call(method, f"/api/v1/auth/{path}", stale, {} if method == "POST" else None)
        assert (reply.status, reply.error.get("code")) == (403, "step_up_required"), path


def test_the_first_factor_ends_the_sessions_that_began_by_the_password_alone(house: House) -> None:
    person = owner(house)
    other = person.sign_in().json["access_token"]
    assert house.call("GET", "/api/v1/auth/totp", other).status == 200
    secret = person.call("POST", "/auth/totp").json["secret"]
    assert person.call("POST", "/auth/totp/confirm", {"code": now_code(secret)}).status == 200
    assert house.call("GET", "/api/v1/auth/totp", other).status == 401
    assert person.call("GET", "/auth/totp").json["active"] is True


def test_keys_have_no_second_factors(house: House) -> None:
    key = owner(house).keys["secret"]
    assert house.call("GET", "/api/v1/auth/second-factors", key).status == 403


def test_no_secret_and_no_code_can_be_read_in_the_database(house: House) -> None:
    person, secret, codes = with_totp(house)
    used = now_code(secret)
    assert finish(house, person, used) == 200

    def everything(connection: object) -> str:
        texts = []
        for table in metadata.sorted_tables:
            texts += [str(tuple(row)) for row in connection.execute(select(table))]  # type: ignore[attr-defined]
        return "\n".join(texts)

    text = house.runtime.store.read_blocking(everything)
    for hidden in (secret, *codes, *(code.replace("-", "") for code in codes)):
        assert hidden not in text


def test_a_sealed_secret_opens_for_nobody_else(house: House) -> None:
    one, _, _ = with_totp(house)
    other, other_secret, _ = with_totp(house)

    def sealed(connection: object) -> str:
        query = select(totp_secrets.c.sealed).where(totp_secrets.c.user_id == one.user_id)
        return str(connection.execute(query).scalar_one())  # type: ignore[attr-defined]

    stolen = house.runtime.store.read_blocking(sealed)
    sealing = Sealing(house.runtime.identity.secrets.keys("totp secret"))
    assert sealing.unseal(stolen, one.user_id)
    with pytest.raises(SealBroken):
        sealing.unseal(stolen, other.user_id)
    with pytest.raises(SealBroken):
        Sealing([bytes(32)]).unseal(stolen, one.user_id)
    assert other_secret


def test_what_happened_is_told_to_the_organisation_without_a_secret(house: House) -> None:
    person, secret, codes = with_totp(house)
    assert finish(house, person, codes[1]) == 200
    assert person.call("DELETE", "/auth/totp").status == 200

    def told(connection: object) -> list[tuple[str, str]]:
        query = select(events.c.event_type, events.c.data).where(events.c.org_id == person.org_id)
        return [(row.event_type, row.data) for row in connection.execute(query.order_by(events.c.id))]  # type: ignore[attr-defined]

    found = house.runtime.store.read_blocking(told)
    types = [name for name, _ in found]
    for name in ("totp.begun", "totp.added", "recovery_codes.created", "recovery_code.used", "totp.removed"):
        assert f"bursar.{name}" in types
    assert secret not in json.dumps(found)
    assert codes[1] not in json.dumps(found)


def test_a_retry_of_what_is_shown_once_is_kept_nowhere(house: House) -> None:
    person = owner(house)
    headers = {"idempotency-key": "same", "authorization": f"Bearer {person.token}", "content-type": "application/json"}
    first = house.call("POST", "/api/v1/auth/totp", None, b"{}", headers=headers)
    second = house.call("POST", "/api/v1/auth/totp", None, b"{}", headers=headers)
    assert first.json["secret"] != second.json["secret"]


def _call() -> Call:
    return Call(NOBODY, "req_test")


@given(
    now=st.integers(1_700_000_000, 2_500_000_000),
    drift=st.integers(-3, 3),
    last=st.integers(-3, 3),
)
def test_a_code_is_right_around_its_half_minute_and_never_after_a_later_one(now: int, drift: int, last: int) -> None:
    secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    step = now // 30
    code = pyotp.TOTP(secret).generate_otp(step + drift)
    found = rules.matching_step(secret, code, now * MICROSECONDS_PER_SECOND, step + last)
    around = {pyotp.TOTP(secret).generate_otp(step + one): step + one for one in (-1, 0, 1) if one > last}
    assert found == around.get(code)


def test_codes_are_drawn_from_the_whole_alphabet_and_written_in_groups() -> None:
    drawn = [code for _ in range(50) for code in rules.new_recovery_codes()]
    assert len(set(drawn)) == len(drawn)
    assert {character for code in drawn for character in code} == {*ALPHABET, "-"}
    assert all(rules.plain_recovery_code(code) == code.replace("-", "") for code in drawn)


def test_the_challenge_of_another_purpose_person_or_time_does_not_hold() -> None:
    key, now = b"k" * 32, 1_800_000_000 * MICROSECONDS_PER_SECOND
    challenge = rules.new_challenge(key, "sign_in", "usr_1", now)
    assert rules.challenge_holds(key, challenge, "sign_in", "usr_1", now)
    late = now + rules.CHALLENGE_SECONDS * MICROSECONDS_PER_SECOND
    assert not rules.challenge_holds(key, challenge, "sign_in", "usr_1", late)
    assert not rules.challenge_holds(key, challenge, "step_up", "usr_1", now)
    assert not rules.challenge_holds(key, challenge, "sign_in", "usr_2", now)
    assert not rules.challenge_holds(b"l" * 32, challenge, "sign_in", "usr_1", now)
    for place in range(len(challenge)):
        broken = challenge[:place] + bytes([challenge[place] ^ 1]) + challenge[place + 1 :]
        assert not rules.challenge_holds(key, broken, "sign_in", "usr_1", now)
    assert not rules.challenge_holds(key, b"", "sign_in", "usr_1", now)
