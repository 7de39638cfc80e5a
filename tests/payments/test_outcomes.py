"""A decline as it is answered, as it is remembered, and as it is told again after a crash."""

import json

import pytest

from bursar.connectors import declines
from bursar.connectors.contract import Decline, Outcome
from bursar.http.errors import error_body
from bursar.kit.errors import CardError
from bursar.payments import outcomes
from tests.payments.objects import attempt, intent, method

ROWS = pytest.mark.parametrize("row", declines.DECLINES.values(), ids=declines.DECLINES.keys())


def told(error: CardError) -> dict[str, object]:
    content: dict[str, object] = json.loads(error_body(error))["error"]
    return content


@ROWS
def test_what_is_told_again_is_what_was_told_at_first(row: declines.DeclineRow) -> None:
    outcome = Outcome(kind="declined", decline=Decline(code=row.code, raw_code="51", advice_code="02"))
    after = intent(last_payment_error=outcomes.last_error(row, outcome, "ch_1", method()))
    first = outcomes.card_error(row, outcome, "ch_1", after, method())
    done = attempt(state="declined", outcome=outcome)
    again = outcomes.error_of(done, after)
    assert again is not None
    assert told(again) == told(first)
    assert (again.status, again.type) == (402, "card_error")


@ROWS
def test_every_decline_says_what_an_sdk_reads(row: declines.DeclineRow) -> None:
    outcome = Outcome(kind="declined", decline=Decline(code=row.code, raw_code="51"))
    error = told(outcomes.card_error(row, outcome, "ch_1", intent(), method()))
    assert error["code"] and error["message"]
    assert error["charge"] == "ch_1"
    assert error["payment_intent"]["id"] == "pi_1"  # type: ignore[index]
    assert error["payment_method"]["id"] == "pm_1"  # type: ignore[index]
    assert error.get("decline_code") == (None if row.code == "three_ds_failed" else row.decline_code)
    assert ("network_decline_code" in error) == (row.network_status == "declined_by_network")


@pytest.mark.parametrize(("kind", "word"), [("capture", "captured"), ("increment", "raised"), ("void", "canceled")])
def test_what_was_refused_to_an_authorisation_is_told_with_the_intent(kind: str, word: str) -> None:
    outcome = Outcome(kind="declined", decline=Decline(code="insufficient_funds", raw_code="51"))
    about = intent(latest_charge="ch_1", status="requires_capture")
    error = outcomes.error_of(attempt(kind, state="declined", outcome=outcome), about)  # type: ignore[arg-type]
    assert error is not None and word in error.message
    assert told(error)["decline_code"] == "insufficient_funds"
    assert told(error)["charge"] == "ch_1"


def test_an_action_that_was_not_wanted_is_an_error_after_a_crash_too() -> None:
    outcome = Outcome(kind="action_required", bank_reference="ba_1")
    row = declines.find("sca_required")
    about = intent(last_payment_error=outcomes.last_error(row, outcome, None, method()))
    refused = attempt(state="succeeded", outcome=outcome, notes={"error_on_requires_action": "true"})
    error = outcomes.error_of(refused, about)
    assert error is not None and error.code == "authentication_required"
    assert outcomes.error_of(attempt(state="succeeded", outcome=outcome), intent()) is None


@pytest.mark.parametrize("state", ["prepared", "unknown", "reversing"])
def test_nothing_is_told_of_what_is_not_known(state: str) -> None:
    assert outcomes.error_of(attempt(state=state), intent()) is None  # type: ignore[arg-type]
