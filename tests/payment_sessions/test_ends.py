"""Sessions that nobody pays in time, and those that are paid late."""

from collections.abc import Iterator

import pytest

from bursar.http.authentication import Principal
from bursar.payment_sessions.tasks import ABANDONED_SECONDS
from bursar.store.engine import MEMORY_URL
from tests.databases import Database
from tests.payment_sessions.platform import Town, by_card, from_wallet, town_on
from tests.payments.bank import CHALLENGED
from tests.payments.harness import Json, run

LIFE_SECONDS = 600
UPI = {"method": "upi", "upi": {"vpa": "ada@bank"}}


@pytest.fixture
def town() -> Iterator[Town]:
    with town_on(Database("memory", MEMORY_URL)) as made:
        yield made


def line_of(town: Town) -> Json:
    (line,) = [one for one in run(town.platform.listed())["data"] if one["session"]]
    found: Json = line
    return found


def test_a_session_that_nobody_pays_expires_and_its_transaction_is_canceled(town: Town) -> None:
    trace = run(town.platform.open(town.payee))
    town.clock.advance(LIFE_SECONDS - 1)
    assert run(town.platform.look_at(trace))["status"] == "open"
    town.clock.advance(2)
    for body in (by_card(), from_wallet(town.payers[0])):
        refused = run(town.platform.accept(trace, body))
        assert (refused.status, refused.error["code"]) == (404, "session_expired")
    assert run(town.platform.ends.end_due()) == 1
    assert run(town.platform.look_at(trace))["status"] == "expired"
    assert (line_of(town)["status"], line_of(town)["reason"]) == ("canceled", "session_expired")
    assert run(town.platform.ends.end_due()) == 0
    assert town.bank.calls == []
    assert town.platform.available(town.payers[0]) == 10_000


def test_what_was_declined_is_canceled_with_its_session(town: Town) -> None:
    trace = run(town.platform.open(town.payee))
    run(town.platform.accept(trace, by_card("4000000000009995")))
    town.clock.advance(LIFE_SECONDS + 1)
    run(town.platform.ends.end_due())
    assert run(town.platform.look_at(trace))["status"] == "expired"
    (payment,) = run(town.platform.listed())["data"]
    assert payment["status"] == "canceled"


def test_money_that_comes_late_is_the_merchants_all_the_same(town: Town) -> None:
    """Nobody knew how it ended when the session's time was over."""
    trace = run(town.platform.open(town.payee))
    town.bank.script("lost_answer", "lost_answer", "lost_answer")
    asked = run(town.platform.accept(trace, by_card()))
    assert asked.json["status"] == "pending"
    assert run(town.platform.look_at(trace))["status"] == "processing"
    other = run(town.platform.accept(trace, from_wallet(town.payers[0])))
    assert (other.status, other.error["code"]) == (409, "session_in_payment")
    town.clock.advance(LIFE_SECONDS + 1)
    run(town.platform.ends.end_due())
    assert run(town.platform.look_at(trace))["status"] == "processing"
    run(town.platform.resolve())
    assert run(town.platform.look_at(trace))["status"] == "paid"
    assert line_of(town)["status"] == "captured"
    town.clock.advance(61)
    assert run(town.platform.ends.end_due()) == 1
    assert (run(town.platform.look_at(trace))["status"], line_of(town)["status"]) == ("paid", "captured")
    assert run(town.platform.ends.end_due()) == 0


def test_who_never_authenticates_is_waited_for_no_longer_than_an_hour(town: Town) -> None:
    trace = run(town.platform.open(town.payee))
    asked = run(town.platform.accept(trace, by_card(CHALLENGED))).json
    town.clock.advance(LIFE_SECONDS + 1)
    run(town.platform.ends.end_due())
    assert town.platform.intent(asked["payment_id"])["status"] == "requires_action"
    town.clock.advance(ABANDONED_SECONDS)
    run(town.platform.ends.end_due())
    assert town.platform.intent(asked["payment_id"])["status"] == "canceled"
    assert run(town.platform.look_at(trace))["status"] == "expired"
    assert line_of(town)["status"] == "canceled"


def test_who_authenticates_after_the_end_of_the_session_has_paid(town: Town) -> None:
    trace = run(town.platform.open(town.payee))
    asked = run(town.platform.accept(trace, by_card(CHALLENGED))).json
    town.clock.advance(LIFE_SECONDS + 1)
    run(town.platform.ends.end_due())
    run(town.platform.authenticate(town.platform.intent(asked["payment_id"])))
    assert run(town.platform.look_at(trace))["status"] == "paid"
    assert line_of(town)["status"] == "captured"


def test_an_approval_that_comes_after_somebody_else_has_paid_is_given_back(town: Town) -> None:
    (payer,) = town.payers
    trace = run(town.platform.open(town.payee))
    asked = run(town.platform.accept(trace, by_card(CHALLENGED))).json
    assert run(town.platform.accept(trace, from_wallet(payer))).json["status"] == "approved"
    assert town.platform.intent(asked["payment_id"])["status"] == "canceled"
    late = run(town.platform.accept(trace, by_card()))
    assert (late.status, late.error["code"]) == (409, "session_paid")
    town.clock.advance(60)
    run(town.platform.resolve())
    assert all(one.captured_minor == 0 for one in town.bank.journal)
    assert town.platform.available(town.payee) == 2500


def test_a_payment_that_its_merchant_cancels_closes_the_session(town: Town) -> None:
    trace = run(town.platform.open(town.payee))
    asked = run(town.platform.accept(trace, by_card(CHALLENGED))).json
    principal = Principal(town.payee.org_id, 0, "key_1")
    path = f"/api/v1/payments/{asked['payment_id']}/cancel"
    assert run(town.platform.send("POST", path, {}, principal=principal)).json["status"] == "canceled"
    assert run(town.platform.look_at(trace))["status"] == "closed"
    assert run(town.platform.accept(trace, by_card())).error["code"] == "session_closed"


def test_failures_leave_a_transaction_on_both_sides(town: Town) -> None:
    (payer,) = town.payers
    trace = run(town.platform.open(town.payee))
    run(town.platform.accept(trace, from_wallet(payer, pin="000001")))
    run(town.platform.accept(trace, from_wallet(payer, totalAmount=1)))
    credits = run(town.platform.listed(status="failed"))["data"]
    debits = run(town.platform.listed(payer.org_id, status="failed"))["data"]
    assert [one["reason"] for one in credits] == ["total_mismatch", "pin_wrong"]
    assert [(one["reason"], one["direction"]) for one in debits] == [("pin_wrong", "debit")]
    assert town.platform.available(payer) == 10_000
