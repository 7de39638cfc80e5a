"""Authorisations and what is done with them."""

from pathlib import Path
from typing import Any

import pytest

from piggybank import requests
from piggybank.requests import Refused
from tests.piggybank.harness import MERCHANT, VISA, House

WEEK_SECONDS = 7 * 86_400


def test_an_authorisation_holds_and_a_capture_takes(house: House) -> None:
    held = house.authorize(capture=False)
    assert (held.status, held.captured, held.fee) == ("approved", 0, 0)
    taken = house.capture(held.id, 700)
    assert (taken.status, taken.captured, taken.fee, taken.authorization) == ("approved", 700, 11, held.id)
    assert house.capture(held.id, 100).decline == "invalid_transaction", "the rest was released"


def test_several_captures_must_be_agreed(house: House) -> None:
    with pytest.raises(Refused) as refusal:
        house.capture(house.authorize(capture=False).id, 100, final=False)
    assert (refusal.value.status, refusal.value.field) == (400, "final")
    held = house.authorize(capture=False, partial_captures=True)
    assert house.capture(held.id, 300, final=False).captured == 300
    assert house.capture(held.id, 800, final=False).decline == "invalid_amount"
    assert house.capture(held.id, 700, final=False).captured == 1000
    assert house.capture(held.id, 1).decline == "invalid_transaction"


def test_a_void_releases_what_is_not_captured(house: House) -> None:
    held = house.authorize(capture=False, partial_captures=True)
    house.capture(held.id, 300, final=False)
    voided = house.void(held.id)
    assert (voided.status, voided.amount, voided.captured, voided.voided) == ("approved", 700, 300, True)
    assert house.capture(held.id, 1).status == "declined"
    assert house.void(held.id).amount == 0, "under another reference, nothing is left to release"
    assert house.refund(held.id, 300).status == "approved"
    assert house.void(house.authorize().id).decline == "invalid_transaction"


def test_refunds_never_exceed_what_was_captured(house: House) -> None:
    sale = house.authorize()
    assert house.refund(sale.id, 600).refunded == 600
    assert house.refund(sale.id, 401).decline == "invalid_amount"
    last = house.refund(sale.id, 400)
    assert (last.refunded, last.fee) == (1000, 0)
    assert house.refund(sale.id, 1).decline == "invalid_transaction"
    assert house.refund(house.authorize(capture=False).id, 1).decline == "invalid_transaction"


def test_an_increment_sets_a_new_total(house: House) -> None:
    held = house.authorize(capture=False)
    assert house.increment(held.id, 1500).status == "approved"
    assert house.increment(held.id, 1500).decline == "invalid_amount"
    assert house.capture(held.id, 1501).decline == "invalid_amount"
    assert house.capture(held.id, 1500).status == "approved"


def test_a_declined_increment_leaves_the_authorisation_whole(house: House) -> None:
    account = house.open_account(balance=1200)
    held = house.authorize(account["number"], capture=False)
    assert held.status == "approved", held
    assert house.increment(held.id, 1300).decline == "insufficient_funds"
    assert house.capture(held.id, 1000).status == "approved"


@pytest.mark.parametrize(("amount", "fee"), [(1, 1), (50, 1), (99, 1), (100, 2), (1000, 15), (1033, 15), (1034, 16)])
def test_fees_are_rounded_half_up(house: House, amount: int, fee: int) -> None:
    assert house.authorize(amount=amount).fee == fee


def test_holds_end_after_seven_days(house: House) -> None:
    held, sale = house.authorize(capture=False), house.authorize()
    house.pass_time(WEEK_SECONDS - 1)
    assert house.told() == []
    house.again()
    house.pass_time(1)
    (event,) = house.told()
    assert event["type"] == "authorization.expired"
    assert event["data"]["operation"]["reference"] == held.reference
    assert house.look(held).voided
    assert house.capture(held.id, 1).status == "declined"
    assert not house.look(sale).voided


def test_holds_that_ended_while_the_bank_was_away_end_at_its_start(house: House) -> None:
    kept, lapsed = house.authorize(capture=False), house.authorize(capture=False)
    house.capture(kept.id, 1000)
    house.now += WEEK_SECONDS * 2000
    house.again()
    house.pass_time(0)
    assert [event["data"]["operation"]["id"] for event in house.told()] == [lapsed.id]


def test_refunds_that_are_pending_first(house: House) -> None:
    sale = house.authorize("4000000000007726")
    refund = house.refund(sale.id, 400)
    assert (refund.status, refund.refunded) == ("pending", 400)
    house.again()
    house.pass_time(1)
    assert house.look(refund).status == "approved"
    (event,) = house.told()
    assert (event["type"], event["data"]["operation"]["reference"]) == ("refund.succeeded", refund.reference)


def test_refunds_that_fail_later(house: House) -> None:
    sale = house.authorize("4000000000005126")
    refund = house.refund(sale.id, 1000)
    assert (refund.status, refund.refunded) == ("approved", 1000)
    house.pass_time(1)
    assert (house.look(refund).status, house.look(refund).refunded) == ("failed", 0)
    (event,) = house.told()
    assert (event["type"], event["data"]["operation"]["status"]) == ("refund.failed", "failed")
    assert house.refund(sale.id, 1000).status == "approved", "the money is there to be given back again"


class TestReferences:
    def test_the_same_request_gets_the_same_answer(self, house: House) -> None:
        first = house.authorize(reference="once", cvc="123")
        house.again()
        assert house.authorize(reference="once", cvc="123") == first
        assert house.authorize(reference="once") == first, "a CVC is kept nowhere, so it cannot be compared"
        assert sum(record.kind == "authorization" for record in house.records()) == 1

    @pytest.mark.parametrize("other", [{"amount": 999}, {"number": "5555555555554444"}, {"capture": False}])
    def test_another_request_is_refused(self, house: House, other: dict[str, Any]) -> None:
        house.authorize(reference="once")
        house.again()
        with pytest.raises(Refused) as refusal:
            house.authorize(reference="once", **other)
        assert (refusal.value.status, refusal.value.code) == (409, "reference_reused")

    def test_another_verb_is_refused(self, house: House) -> None:
        sale = house.authorize(reference="once")
        with pytest.raises(Refused):
            house.bank.refund(sale.id, requests.Refund(reference="once", merchant=MERCHANT, amount=1))

    def test_merchants_have_their_own(self, house: House) -> None:
        ours = house.authorize(reference="once")
        theirs = house.authorize(reference="once", merchant="org_2:test")
        assert ours.id != theirs.id
        with pytest.raises(Refused) as refusal:
            house.bank.void(ours.id, requests.Void(reference="x", merchant="org_2:test"))
        assert refusal.value.status == 404

    def test_what_was_never_seen_is_absent(self, house: House) -> None:
        with pytest.raises(Refused) as refusal:
            house.bank.inquire(MERCHANT, "never")
        assert (refusal.value.status, refusal.value.code) == (404, "absent")


class TestReversals:
    def test_a_sale_is_given_back(self, house: House) -> None:
        account = house.open_account()
        sale = house.authorize(account["number"])
        house.refund(sale.id, 200)
        assert house.reverse(sale.reference).amount == 800
        assert house.look(sale).reversed
        assert house.account(account["id"])["balance"] == 5000
        again = house.reverse(sale.reference)
        assert (again.status, again.amount) == ("approved", 0)
        assert house.refund(sale.id, 1).status == "declined"
        house.again()
        assert house.account(account["id"])["balance"] == 5000

    def test_an_operation_that_arrives_later_is_declined_for_ever(self, house: House) -> None:
        assert house.reverse("late").status == "approved"
        house.again()
        late = house.authorize(reference="late")
        assert (late.status, late.code, late.decline) == ("declined", "94", "duplicate")
        assert house.authorize(reference="late").decline == "duplicate"
        held = house.authorize(capture=False)
        house.reverse("late-capture")
        request = requests.Capture(reference="late-capture", merchant=MERCHANT, amount=1000)
        assert house.bank.capture(held.id, request)[0].decline == "duplicate"
        assert house.look(held).captured == 0
        with pytest.raises(Refused):
            house.bank.inquire(MERCHANT, "never")

    def test_a_capture_is_held_again(self, house: House) -> None:
        held = house.authorize(capture=False)
        capture = house.capture(held.id, 600)
        assert house.reverse(capture.reference).amount == 600
        assert house.look(capture).reversed
        assert not house.look(held).reversed
        assert house.capture(held.id, 1000).captured == 1000

    def test_a_hold_that_came_back_ends_in_its_time(self, house: House) -> None:
        held = house.authorize(capture=False)
        house.authorize(capture=False)
        house.reverse(house.capture(held.id, 1000).reference)
        house.pass_time(WEEK_SECONDS)
        assert len(house.told()) == 2

    def test_increments_refunds_and_voids(self, house: House) -> None:
        held = house.authorize(capture=False)
        increment = house.increment(held.id, 1500)
        assert house.reverse(increment.reference).amount == 500
        assert house.capture(held.id, 1001).decline == "invalid_amount"
        void = house.void(held.id)
        house.reverse(void.reference)
        assert house.capture(held.id, 1000).status == "approved"
        refund = house.refund(held.id, 1000)
        house.reverse(refund.reference)
        assert house.look(held).refunded == 0
        assert house.reverse(refund.reference).amount == 0

    def test_a_pending_refund_has_no_outcome_any_more(self, house: House) -> None:
        sale = house.authorize("4000000000007726")
        house.reverse(house.refund(sale.id, 400).reference)
        house.pass_time(1)
        assert house.told() == []
        assert house.later.next_due() is None

    def test_a_challenge_cannot_be_completed_any_more(self, house: House) -> None:
        challenge = house.authorize("4000002760003184")
        house.reverse(challenge.reference)
        assert house.complete(challenge.id).decline == "invalid_transaction"

    def test_a_completion_takes_its_authorisation_with_it(self, house: House) -> None:
        challenge = house.authorize("4000002760003184")
        completion = house.complete(challenge.id)
        assert house.look(challenge).status == "approved"
        assert house.reverse(completion.reference).amount == 1000
        assert house.look(challenge).reversed

    def test_a_reversal_cannot_be_reversed(self, house: House) -> None:
        sale = house.authorize()
        reversal = house.reverse(sale.reference)
        assert house.reverse(reversal.reference).status == "declined"
        assert house.look(sale).reversed


class TestLateApproval:
    @pytest.fixture
    def house(self, tmp_path: Path) -> House:
        return House(tmp_path, late_approval=1.0)

    def test_it_comes_back_and_goes_for_good(self, house: House) -> None:
        sale = house.authorize()
        assert house.reverse(sale.reference).status == "approved"
        assert house.look(sale).reversed
        house.again()
        house.pass_time(1)
        (event,) = house.told()
        assert event["type"] == "authorization.approved"
        assert not event["data"]["operation"]["reversed"]
        assert not house.look(sale).reversed
        assert house.reverse(sale.reference).amount == 1000
        house.pass_time(60)
        assert house.look(sale).reversed
        assert len(house.told()) == 1
        house.close()

    def test_a_second_reversal_in_time_prevents_it(self, house: House) -> None:
        sale = house.authorize(VISA)
        house.reverse(sale.reference)
        house.reverse(sale.reference)
        house.pass_time(60)
        assert house.look(sale).reversed
        assert house.told() == []
        house.close()
