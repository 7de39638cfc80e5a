"""Codes by e-mail and text message: each works once, for its person and purpose, and nothing of them can be read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import bindparam, delete, select, update

from bursar.events.tables import events
from bursar.kit.recipients import masked
from bursar.kit.sealing import Sealing
from bursar.notifications.composing import CODES_SEALED_FOR
from bursar.notifications.tables import notification_messages
from bursar.people.lockout import FAILURES_MAX, SENDINGS_MAX, SENDINGS_OF_ADDRESS_MAX
from bursar.people.tables import sign_in_failures
from bursar.second_factors import rules
from bursar.second_factors.tables import sent_codes
from bursar.store.columns import INSTALLATION, metadata
from bursar.store.unit import Change, Unit
from tests.control.house import LONG_AGO, House, Reply
from tests.memberships.people import Someone, link_token, login, owner

FACTORS = "/auth/code-factors"
_FORGET_TRIES = delete(sign_in_failures).where(sign_in_failures.c.org_id == bindparam("o"))
_EXPIRE = update(sent_codes).where(sent_codes.c.org_id == bindparam("o")).values(expires=bindparam("at"))
_numbers = iter(range(1_000_000, 10_000_000))


@pytest.fixture(autouse=True)
def nothing_was_tried_before(house: House) -> None:
    """All tests come from one address."""
    house.commit(Unit([Change(_FORGET_TRIES, {"o": INSTALLATION})]))


def telephone() -> str:
    return f"+49151{next(_numbers)}"


def sent(house: House, person: Someone) -> list[tuple[str, str]]:
    """The codes that wait to be sent to somebody, newest first, each with where it goes to."""
    query = select(notification_messages).where(
        notification_messages.c.template == "code", notification_messages.c.user_id == person.user_id
    )
    rows = house.runtime.store.read_blocking(
        lambda connection: connection.execute(query.order_by(notification_messages.c.id.desc())).all()
    )
    sealing = Sealing(house.runtime.identity.secrets.keys(CODES_SEALED_FOR))
    return [(sealing.unseal(row.sealed, row.id, row.recipient).decode(), row.recipient) for row in rows]


def verified(house: House) -> Someone:
    person = owner(house)
    token = link_token(house, person.email, "email_verification")
    assert person.call("POST", "/auth/email/verify", {"token": token}).status == 200
    return person


def added(house: House, person: Someone, channel: str) -> dict[str, Any]:
    body = {"channel": channel} | ({"telephone": telephone()} if channel == "sms" else {})
    begun = person.call("POST", FACTORS, body)
    assert begun.status == 200, begun.json
    code = sent(house, person)[0][0]
    made = person.call("POST", f"{FACTORS}/confirm", {"channel": channel, "code": code})
    assert made.status == 200, made.json
    return dict(made.json)


def having(house: House, channel: str = "sms") -> Someone:
    person = verified(house)
    added(house, person, channel)
    return person


def challenge_of(person: Someone) -> str:
    return str(person.sign_in().error["challenge"])


def ask(house: House, challenge: str, channel: str = "sms", **more: Any) -> Reply:
    body = {"challenge": challenge, "channel": channel}
    return house.call("POST", "/api/v1/auth/second-factor/send", None, body, **more)


def finish(house: House, challenge: str, code: str) -> Reply:
    return house.call("POST", "/api/v1/auth/second-factor", None, {"challenge": challenge, "code": code})


def other_than(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


def expire(house: House) -> None:
    house.commit(Unit([Change(_EXPIRE, {"o": INSTALLATION, "at": 1})]))


def told(house: House, person: Someone) -> list[tuple[str, dict[str, Any]]]:
    query = select(events.c.event_type, events.c.data).where(
        events.c.org_id == person.org_id, events.c.event_type.like("bursar.code_factor.%")
    )
    rows = house.runtime.store.read_blocking(lambda found: found.execute(query.order_by(events.c.id)).all())
    return [(row.event_type, json.loads(row.data)["object"]) for row in rows]


@pytest.mark.parametrize("channel", ["email", "sms"])
def test_codes_by_a_channel_sign_in_and_prove_again_who_one_is(house: House, channel: str) -> None:
    person = verified(house)
    other = person.sign_in().json["access_token"]
    made = added(house, person, channel)
    recipient = sent(house, person)[0][1]
    assert (recipient == person.email) is (channel == "email")
    assert made["recipient"] == masked(recipient) != recipient
    assert len(made["recovery_codes"]) == rules.RECOVERY_CODES
    assert house.call("GET", "/api/v1/auth/me", other).status == 401, "it began by the password alone"

    (shown,) = person.call("GET", "/auth/second-factors").json["code_factors"]
    assert shown == {name: made[name] for name in ("object", "channel", "recipient", "created")}
    challenge = challenge_of(person)
    assert ask(house, challenge, channel).json == {"object": "sent_code", "channel": channel, "expires_in": 600}
    code, where = sent(house, person)[0]
    assert where == recipient
    signed_in = finish(house, challenge, f"{code[:3]} {code[3:]}")
    assert signed_in.status == 200, signed_in.json

    token = signed_in.json["access_token"]
    assert house.call("POST", "/api/v1/auth/step-up/send", token, {"channel": channel}).status == 200
    proved = house.call("POST", "/api/v1/auth/step-up", token, {"code": sent(house, person)[0][0]})
    assert proved.status == 200, proved.json
    assert house.call("DELETE", f"/api/v1{FACTORS}/{channel}", token).json["deleted"] is True
    assert person.sign_in().status == 200
    assert [event_type for event_type, _ in told(house, person)] == [
        f"bursar.code_factor.{what}" for what in ("added", "used", "used", "removed")
    ]
    assert {document["recipient"] for _, document in told(house, person)} == {masked(recipient)}


def test_a_second_factor_beside_the_first_brings_no_new_recovery_codes(house: House) -> None:
    person = having(house, "email")
    assert added(house, person, "sms")["recovery_codes"] is None
    assert person.call("POST", FACTORS, {"channel": "email"}).error["code"] == "code_factor_exists"


def test_nothing_that_is_stored_or_told_has_the_code_in_it(house: House) -> None:
    person = having(house)
    ask(house, challenge_of(person))
    code = sent(house, person)[0][0]
    for table in metadata.sorted_tables:
        for row in house.runtime.store.read_blocking(lambda found, table=table: found.execute(select(table)).all()):
            assert f'"{code}"' not in str(row), table.name
            assert code not in row, table.name


def test_a_code_works_once(house: House) -> None:
    person = having(house)
    challenge = challenge_of(person)
    ask(house, challenge)
    code = sent(house, person)[0][0]
    assert finish(house, challenge, code).status == 200
    assert finish(house, challenge_of(person), code).error["code"] == "second_factor_failed"
    assert login(house, person.email, code=code).error["code"] == "second_factor_failed"


def test_a_newer_code_replaces_the_older(house: House) -> None:
    person = having(house)
    challenge = challenge_of(person)
    ask(house, challenge)
    older = sent(house, person)[0][0]
    ask(house, challenge)
    newer = sent(house, person)[0][0]
    if older != newer:  # once in a million they are alike
        assert finish(house, challenge, older).status == 401
    assert finish(house, challenge, newer).status == 200


def test_a_code_ends_after_ten_minutes(house: House) -> None:
    person = having(house)
    challenge = challenge_of(person)
    ask(house, challenge)
    expire(house)
    assert finish(house, challenge, sent(house, person)[0][0]).error["code"] == "second_factor_failed"
    house.runner.run(house.runtime.second_factors.forget_challenges())
    left = house.runtime.store.read_blocking(lambda found: found.execute(select(sent_codes)).all())
    assert [row for row in left if row.user_id == person.user_id] == []


def test_a_code_endures_five_wrong_tries(house: House) -> None:
    person = having(house)
    challenge = challenge_of(person)
    ask(house, challenge)
    code = sent(house, person)[0][0]
    for _ in range(rules.CODE_TRIES_MAX):
        assert finish(house, challenge, other_than(code)).error["code"] == "second_factor_failed"
    assert finish(house, challenge, code).error["code"] == "second_factor_failed"
    ask(house, challenge)
    code = sent(house, person)[0][0]
    for _ in range(FAILURES_MAX - rules.CODE_TRIES_MAX - 1):
        finish(house, challenge, other_than(code))
    assert finish(house, challenge, code).status == 429, "all codes together are counted, too"


def test_a_code_is_worth_nothing_to_another_person_or_for_another_purpose(house: House) -> None:
    person, other = having(house), having(house)
    mine, theirs = challenge_of(person), challenge_of(other)
    ask(house, mine)
    code = sent(house, person)[0][0]
    assert finish(house, theirs, code).status == 401
    stepping = person.call("POST", "/auth/step-up", {"code": code})
    assert stepping.error["code"] == "second_factor_failed", "it is for signing in"
    person.call("POST", "/auth/step-up/send", {"channel": "sms"})
    proof = sent(house, person)[0][0]
    if proof != code:
        assert finish(house, mine, proof).status == 401, "it is for proving again"
    assert finish(house, mine, code).status == 200


def test_whoever_has_no_such_factor_is_answered_alike_and_nothing_is_sent(house: House) -> None:
    person = having(house, "email")
    challenge = challenge_of(person)
    before = sent(house, person)
    assert ask(house, challenge, "sms").json == {"object": "sent_code", "channel": "sms", "expires_in": 600}
    assert sent(house, person) == before
    assert ask(house, "a challenge of nobody").error["code"] == "challenge_invalid"


def test_a_factor_that_was_taken_away_has_no_codes_left(house: House) -> None:
    person = having(house, "email")
    added(house, person, "sms")
    challenge = challenge_of(person)
    ask(house, challenge)
    assert person.call("DELETE", f"{FACTORS}/sms").status == 200
    assert finish(house, challenge, sent(house, person)[0][0]).status == 401
    assert person.call("DELETE", f"{FACTORS}/sms").error["code"] == "code_factor_missing"


def test_nobody_is_flooded_with_codes(house: House) -> None:
    person = having(house)  # one was sent for that
    challenge = challenge_of(person)
    answers = [ask(house, challenge) for _ in range(SENDINGS_MAX)]
    assert [answer.status for answer in answers] == [200] * (SENDINGS_MAX - 1) + [429]
    assert answers[-1].error["code"] == "codes_paused"
    assert len(sent(house, person)) == SENDINGS_MAX
    assert ask(house, challenge, "email").status == 429, "whichever channel"
    assert finish(house, challenge, sent(house, person)[0][0]).status == 200, "the newest one still works"


def test_no_telephone_is_flooded_by_several_people_and_no_address_floods(house: House) -> None:
    number = {"channel": "sms", "telephone": telephone()}
    people = [owner(house) for _ in range(SENDINGS_MAX + 1)]
    answers = [person.call("POST", FACTORS, number).status for person in people]
    assert answers == [200] * SENDINGS_MAX + [429]
    statuses = []
    while len(statuses) <= SENDINGS_OF_ADDRESS_MAX and 429 not in statuses:
        person = owner(house)
        for _ in range(SENDINGS_MAX):
            body = json.dumps({"channel": "sms", "telephone": telephone()}).encode()
            headers = {"content-type": "application/json", "authorization": f"Bearer {person.token}"}
            reply = house.call("POST", f"/api/v1{FACTORS}", None, body, headers=headers, address="203.0.113.9")
            statuses.append(reply.status)
    assert statuses.count(200) == SENDINGS_OF_ADDRESS_MAX


def test_a_factor_needs_a_verified_address_or_a_telephone_and_its_code(house: House) -> None:
    person = owner(house)
    assert person.call("POST", FACTORS, {"channel": "email"}).error["code"] == "email_unverified"
    for wrong in (
        {"channel": "sms"},
        {"channel": "sms", "telephone": "0151 1"},
        {"channel": "email", "telephone": "1"},
    ):
        assert person.call("POST", FACTORS, wrong).error["param"] == "telephone"
    nothing = person.call("POST", f"{FACTORS}/confirm", {"channel": "sms", "code": "123456"})
    assert (nothing.status, nothing.error["code"]) == (404, "code_missing")
    assert person.call("POST", FACTORS, {"channel": "sms", "telephone": telephone()}).status == 200
    assert person.sign_in().status == 200, "nothing is asked for yet"
    code = sent(house, person)[0][0]
    for _ in range(rules.CODE_TRIES_MAX):
        wrong_one = person.call("POST", f"{FACTORS}/confirm", {"channel": "sms", "code": other_than(code)})
        assert wrong_one.error["code"] == "code_invalid"
    over = person.call("POST", f"{FACTORS}/confirm", {"channel": "sms", "code": code})
    assert over.error["code"] == "code_missing"


def test_adding_and_taking_away_need_a_fresh_proof(house: House) -> None:
    stale = house.person(owner(house).org_id, proved_at=LONG_AGO)
    for method, path in (("POST", ""), ("POST", "/confirm"), ("DELETE", "/sms")):
        reply = house.call(method, f"/api/v1{FACTORS}{path}", stale, {} if method == "POST" else None)
        assert (reply.status, reply.error.get("code")) == (403, "step_up_required"), path


def test_members_whose_organisation_wants_a_second_factor_have_one_by_it(house: House) -> None:
    person = having(house, "email")
    (member,) = person.call("GET", "/members").json["data"]
    assert member["second_factor"] is True
