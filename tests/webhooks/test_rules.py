"""What goes to whom, when it is tried again, and what each answer means."""

from __future__ import annotations

import email.utils

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.events.rules import PUBLIC_TYPES
from bursar.kit.clock import MICROSECONDS_PER_SECOND as SECOND
from bursar.kit.errors import InvalidRequest
from bursar.webhooks.rules import HOUR, JITTER, TESTED, Filter, Pace, check_events, judge

PACE = Pace()
NOW = 1_800_000_000 * SECOND
CHANCE = st.floats(0, 1)


def test_it_is_tried_often_enough_for_long_enough() -> None:
    assert PACE.tries_max >= 12
    assert sum(PACE.waits_seconds) * (1 - JITTER) >= 96 * HOUR
    assert PACE.total_seconds_max == 20
    assert list(PACE.waits_seconds) == sorted(PACE.waits_seconds)


@given(st.integers(1, PACE.tries_max - 1), CHANCE)
def test_each_wait_is_within_a_fifth_of_its_place_in_the_schedule(tries: int, chance: float) -> None:
    verdict = judge(PACE, NOW, tries, chance, 500, None, None)
    assert (verdict.decision, verdict.error, verdict.not_before) == ("retry", "status", 0)
    wait = (verdict.next_at - NOW) / SECOND
    assert 0.8 * PACE.waits_seconds[tries - 1] - 1e-3 <= wait <= 1.2 * PACE.waits_seconds[tries - 1] + 1e-3


@given(st.integers(200, 299), st.integers(1, 20), CHANCE)
def test_only_a_status_of_success_is_one(status: int, tries: int, chance: float) -> None:
    assert judge(PACE, NOW, tries, chance, status, None, "60").decision == "delivered"


@given(st.integers(0, 999).filter(lambda status: not 200 <= status < 300), st.integers(1, 30), CHANCE)
def test_everything_else_is_tried_again_until_the_last_time(status: int, tries: int, chance: float) -> None:
    verdict = judge(PACE, NOW, tries, chance, status, None, None)
    assert verdict.error == ("redirect" if 300 <= status < 400 else "status")
    assert verdict.is_gone == (status == 410)
    assert verdict.decision == ("dead" if status == 410 or tries >= PACE.tries_max else "retry")


def test_what_failed_without_an_answer_keeps_its_name() -> None:
    verdict = judge(PACE, NOW, 1, 0.5, None, "certificate_refused", None)
    assert (verdict.decision, verdict.error) == ("retry", "certificate_refused")


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        ("120", 120),
        (" 7200 ", 7200),
        ("999999999999999999999", 24 * HOUR),
        (email.utils.formatdate(1_800_000_600, usegmt=True), 600),
        (email.utils.formatdate(1_700_000_000, usegmt=True), 0),
        ("0", 0),
        ("-5", 0),
        ("soon", 0),
        ("１２", 0),
        ("Fri, 99 Foo 2026 00:00:00 GMT", 0),
        ("1.5", 0),
    ],
)
def test_retry_after_is_a_time_that_is_kept_to_within_a_day(retry_after: str, seconds: int) -> None:
    verdict = judge(PACE, NOW, 1, 0.5, 503, None, retry_after)
    assert verdict.not_before == (NOW + seconds * SECOND if seconds else 0)
    assert verdict.next_at == NOW + max(seconds, 5) * SECOND


@given(st.text(max_size=60))
def test_any_retry_after_can_be_read(text: str) -> None:
    verdict = judge(PACE, NOW, 1, 0.5, 429, None, text)
    assert NOW <= verdict.next_at <= NOW + int(PACE.retry_after_seconds_max * SECOND)


def test_who_fails_is_asked_less_and_less_often() -> None:
    pauses = [PACE.pause(failures) for failures in range(1, 100)]
    assert pauses[0] == 0
    assert pauses == sorted(pauses)
    assert pauses[-1] == PACE.pause_seconds_max == 60


@pytest.mark.parametrize(
    ("enabled", "wanted", "unwanted"),
    [
        (["*"], set(PUBLIC_TYPES), {"bursar.wallet.created", "bursar.user.created", TESTED}),
        (["charge.*"], {"charge.failed", "charge.dispute.created"}, {"refund.created", "charges.x"}),
        (["charge.dispute.*"], {"charge.dispute.created"}, {"charge.failed"}),
        (["refund.created"], {"refund.created"}, {"refund.created.x", "refund.updated"}),
        (["bursar.wallet.*"], {"bursar.wallet.created"}, {"bursar.wallet_pin.set", "charge.failed"}),
        (["*", "bursar.withdrawal.approved"], {"bursar.withdrawal.approved"}, {"bursar.withdrawal.refused"}),
        (["bursar.webhook_endpoint.*"], {"bursar.webhook_endpoint.disabled"}, {TESTED}),
        (["bursar.user.*", "bursar.*"], set(), {"bursar.user.created", "bursar.api_key.created"}),
    ],
    ids=lambda value: str(value) if isinstance(value, list) else "",
)
def test_who_hears_what(enabled: list[str], wanted: set[str], unwanted: set[str]) -> None:
    events = Filter(enabled)
    assert {name for name in wanted | unwanted if events.wants(name)} == wanted


@pytest.mark.parametrize(
    "name", ["*", "charge.*", "charge.pending", "invoice.paid", "v2.core.account.updated", "bursar.wallet.*"]
)
def test_types_that_programs_list_are_taken(name: str) -> None:
    assert check_events([name, name]) == [name]


@pytest.mark.parametrize(
    "name",
    ["charge", "charge.succeded", "Charge.*", "charge.**", "*.*", ".*", "", "a b.c", "bursar.*", "bursar.user.created",
     "bursar.user.*", TESTED, "chargé.failed", "charge.", ".charge", "x.*.y"],
)  # fmt: skip
def test_what_can_only_be_a_mistake_is_refused(name: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        check_events(["*", name])
    assert refused.value.param == "enabled_events[1]"


def test_every_type_that_the_sdks_know_is_taken() -> None:
    """So that whoever lists them all is served."""
    import inspect
    import re

    from stripe.params import _webhook_endpoint_create_params as params

    known = re.findall(r'^            "([a-z0-9_.*]+)",$', inspect.getsource(params), re.MULTILINE)
    types = [name for name in known if not re.fullmatch(r"\d{4}-\d{2}-\d{2}(\..*)?", name)]
    assert len(types) > 250
    assert check_events(types) == types
