"""When a message is looked at again, what is kept of it, and how often anything may be done because of strangers."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.connectors.contract import BankEvent
from bursar.hooks import bodies, rules
from bursar.hooks.budgets import Budgets
from bursar.hooks.places import Place, account_of, is_about
from bursar.kit.clock import MICROSECONDS_PER_SECOND, ManualClock

SECOND = MICROSECONDS_PER_SECOND
CARD = "4242424242424242"
OPERATION = "att_" + "0" * 24


def test_what_matches_nothing_is_tried_for_a_while_and_rests_then() -> None:
    now = 10**15
    early = rules.ending([("unmatched", "why")], now, 0, now)
    assert (early.state, early.reason, early.next_at) == ("received", "why", now + SECOND // 20)
    received = now - rules.UNMATCHED_SECONDS * SECOND
    late = rules.ending([("unmatched", "why")], received, rules.WAITING_TRIES_MIN, now)
    assert (late.state, late.next_at) == ("unmatched", None)


def test_what_is_asked_for_once_more_has_its_ten_minutes_again() -> None:
    now = 10**15
    began = now
    for tries in range(100):
        ending = rules.ending([("unmatched", "why")], 0, tries, now)
        if ending.next_at is None:
            break
        now = ending.next_at
    assert ending.state == "unmatched"
    assert rules.UNMATCHED_SECONDS <= (now - began) / SECOND <= rules.UNMATCHED_SECONDS + rules.WAIT_SECONDS_MAX
    assert rules.postponed("why", 0, 0, now).state == "received"


@pytest.mark.parametrize(
    ("verdicts", "state"),
    [
        (["applied"], "processed"),
        (["known", "duplicate"], "processed"),
        (["duplicate", "duplicate"], "duplicate"),
        (["applied", "contradicted"], "contradicted"),
        (["contradicted", "unmatched", "applied"], "unmatched"),
    ],
    ids=" ".join,
)
def test_of_several_events_the_one_that_a_person_should_see_counts(verdicts: Any, state: str) -> None:
    assert rules.ending([(one, None) for one in verdicts], 0, 99, 10**15).state == state


def test_waits_grow_and_end() -> None:
    waits = [rules.wait_after(tries) for tries in range(40)]
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (SECOND // 20, 60 * SECOND)
    now = 10**15
    assert rules.postponed("x", now, 0, now).state == "received"
    assert rules.postponed("x", now - (rules.GIVE_UP_SECONDS + 1) * SECOND, 99, now).state == "failed"
    assert rules.defective("X", 0, now).state == "received"
    assert rules.defective("X", rules.DEFECT_TRIES_MAX - 1, now).state == "failed"


def test_a_body_without_secrets_is_kept_byte_by_byte() -> None:
    body = b'{ "id":"bev_1",\n "amount": 1000 }'
    kept = bodies.kept({"PiggyBank-Signature": "t=1,v1=ab", "Authorization": "Bearer x", "Cookie": "a=b"}, body)
    assert (kept.body, kept.is_exact, kept.length) == (body.decode(), True, len(body))
    assert json.loads(kept.headers) == {"piggybank-signature": "t=1,v1=ab"}


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (json.dumps({"card": {"number": CARD, "cvc": "737"}}).encode(), "application/json"),
        (json.dumps([f"paid with {CARD}", {"CVC": 737}]).encode(), "application/json"),
        (f"number={CARD}&cvc=737&amount=1".encode(), "application/x-www-form-urlencoded"),
        (f"<card>{CARD}</card><cvc>737</cvc>".encode(), "text/xml"),
        (b'{"cut": "737", "number": "4242424242', "application/json"),
        (b"\xff\xfe 737", "application/json"),
        (b'{"a":"\x00", "cvc":"737"}', "application/json"),
    ],
    ids=["named", "anywhere", "form", "what cannot be read", "cut", "no text", "nul"],
)
def test_secrets_are_never_kept(body: bytes, content_type: str) -> None:
    kept = bodies.kept({"content-type": content_type}, body)
    assert not kept.is_exact
    assert CARD not in (kept.body or "") and "737" not in (kept.body or "")
    assert (kept.length, len(kept.digest)) == (len(body), 64)


def test_what_is_kept_is_bounded() -> None:
    headers = {f"x-signature-{number}": "a" for number in range(100)} | {"x-signature": "a" * 2_000}
    kept = bodies.kept(headers, b'"' + b"a" * bodies.KEPT_BYTES_MAX + b'"')
    assert kept.body is None
    assert len(json.loads(kept.headers)) == bodies.HEADERS_MAX


def test_operations_are_found_whatever_surrounds_them() -> None:
    others = [OPERATION[:-1] + str(number) for number in range(1, 6)]
    body = f'{{"reference":"{OPERATION}","x":"{OPERATION}","y":"catt_{"0" * 24}","{others[0]}":1}}'
    assert bodies.operations_in(body.encode()) == [OPERATION, others[0]]
    assert len(bodies.operations_in(",".join(others).encode())) == bodies.OPERATIONS_MAX
    assert bodies.operations_in(b"\xff att_short") == []


@given(steps=st.lists(st.tuples(st.integers(0, 90), st.sampled_from("ab")), max_size=80))
def test_a_budget_is_never_exceeded(steps: list[tuple[int, str]]) -> None:
    clock = ManualClock()
    budgets = Budgets(clock, 6, 60)
    taken: dict[str, list[int]] = {"a": [], "b": []}
    for seconds, key in steps:
        clock.advance(seconds)
        if budgets.take(key):
            taken[key].append(clock.now_microseconds())
    for times in taken.values():
        for begin in times:
            assert sum(begin <= moment < begin + 60 * SECOND for moment in times) <= 12
            assert sum(begin <= moment < begin + 10 * SECOND for moment in times) <= 7


def test_a_budget_is_whole_again_and_forgets_who_was_long_ago() -> None:
    clock = ManualClock()
    budgets = Budgets(clock, 2, 60, keys_max=2)
    assert [budgets.take("a") for _ in range(3)] == [True, True, False]
    clock.advance(30)
    assert [budgets.take("a"), budgets.take("a")] == [True, False]
    assert [budgets.take(key) for key in "bc"] == [True, True]
    assert budgets.take("a"), "others have taken its place"


def test_an_account_is_an_organisation_and_a_mode() -> None:
    assert account_of("piggybank", "org_1:test") == Place("org_1", 0)
    assert account_of("piggybank", "org_1:live") == Place("org_1", 1)
    for nobody in ("org_1", "org_1:prod", ":test", "org 1:test", "ä:test", "x" * 41 + ":test", "installation:test"):
        assert account_of("piggybank", nobody) is None
    event = BankEvent(event_id="e", kind="refund_failed", merchant="org_1:test", created=1)
    assert is_about(event, "org_1:test") and not is_about(event, "org_1:live")
