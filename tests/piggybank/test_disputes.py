"""Disputes from their opening to their end."""

from typing import Any

import msgspec
import pytest

from piggybank import requests, views
from piggybank.requests import Refused
from tests.piggybank.harness import MERCHANT, House

INQUIRY = "4000000000001976"
FRAUDULENT = "4000000000000259"


def opened(house: House, number: str) -> tuple[views.Operation, dict[str, Any]]:
    sale = house.authorize(number)
    house.pass_time(1)
    dispute: dict[str, Any] = house.told()[-1]["data"]["dispute"]
    return sale, dispute


def answer(house: House, dispute_id: str, text: str) -> views.DisputeView:
    return house.disputes.submit_evidence(dispute_id, requests.Evidence(merchant=MERCHANT, text=text))[0]


@pytest.mark.parametrize(
    ("number", "text", "told", "status", "inquiry", "refundable"),
    [
        (FRAUDULENT, "winning_evidence", "dispute.won", "won", False, 1000),
        (FRAUDULENT, "losing_evidence", "dispute.lost", "lost", False, 0),
        (INQUIRY, "winning_evidence", "dispute.won", "won", True, 1000),
        (INQUIRY, "losing_evidence", "dispute.lost", "lost", True, 1000),
        (INQUIRY, "escalate_inquiry_evidence", "dispute.updated", "open", False, 0),
        (FRAUDULENT, "escalate_inquiry_evidence", "dispute.updated", "under_review", False, 0),
        (FRAUDULENT, "a long story", "dispute.updated", "under_review", False, 0),
    ],
)
def test_evidence_decides(
    house: House, number: str, text: str, told: str, status: str, inquiry: bool, refundable: int
) -> None:
    sale, dispute = opened(house, number)
    assert answer(house, dispute["id"], text).status == "under_review"
    assert answer(house, dispute["id"], text).status == "under_review", "sent again"
    house.again()
    house.pass_time(1)
    event = house.told()[-1]
    assert event["type"] == told
    assert (event["data"]["dispute"]["status"], event["data"]["dispute"]["inquiry"]) == (status, inquiry)
    assert event["data"]["dispute"]["reference"] == sale.reference
    if refundable:
        assert house.refund(sale.id, refundable).status == "approved"
    else:
        assert house.refund(sale.id, 1).status == "declined", "it is in the cardholder's hands"
    if status in ("won", "lost"):
        with pytest.raises(Refused) as refusal:
            answer(house, dispute["id"], text)
        assert refusal.value.status == 409


def test_an_escalated_inquiry_is_a_dispute_with_its_fee(house: House) -> None:
    _, dispute = opened(house, INQUIRY)
    assert dispute["fee"] == 0
    answer(house, dispute["id"], "escalate_inquiry_evidence")
    house.pass_time(1)
    assert house.told()[-1]["data"]["dispute"]["fee"] == 1500
    answer(house, dispute["id"], "winning_evidence")
    house.pass_time(1)
    assert house.told()[-1]["type"] == "dispute.won"


def test_accepting_loses_at_once(house: House) -> None:
    _, dispute = opened(house, FRAUDULENT)
    request = requests.Acceptance(merchant=MERCHANT)
    assert house.disputes.accept(dispute["id"], request)[0].status == "lost"
    assert house.disputes.accept(dispute["id"], request)[0].status == "lost"
    assert [event["type"] for event in house.told()] == ["dispute.opened", "dispute.lost"]


def test_missing_the_last_day_loses(house: House) -> None:
    _, dispute = opened(house, FRAUDULENT)
    house.now = dispute["evidence_due"] * 1000 - 1
    house.later.run()
    assert len(house.told()) == 1
    house.again()
    house.pass_time(0.001)
    assert house.told()[-1]["type"] == "dispute.lost"


def test_what_was_refunded_meanwhile_is_not_disputed(house: House) -> None:
    sale = house.authorize(FRAUDULENT)
    house.refund(sale.id, 1000)
    house.pass_time(1)
    assert house.told() == []
    assert house.later.next_due() is None
    sale = house.authorize(FRAUDULENT)
    house.refund(sale.id, 300)
    house.pass_time(1)
    assert house.told()[-1]["data"]["dispute"]["amount"] == 700


@pytest.mark.parametrize("captures", [1, 2])
def test_a_hold_is_disputed_once_it_is_captured(house: House, captures: int) -> None:
    held = house.authorize(FRAUDULENT, capture=False, partial_captures=True)
    house.pass_time(60)
    assert house.told() == []
    for _ in range(captures):
        house.capture(held.id, 500, final=False)
    house.pass_time(1)
    assert [event["data"]["dispute"]["amount"] for event in house.told()] == [500 * captures]


def test_a_dispute_by_hand_takes_no_more_than_there_is(house: House) -> None:
    sale = house.authorize()
    by_hand = requests.NewDispute(merchant=MERCHANT, authorization=sale.id, amount=400, reason="duplicate")
    view = house.disputes.open_by_hand(by_hand)[0]
    assert (view.amount, view.reason, view.status) == (400, "duplicate", "open")
    with pytest.raises(Refused):
        house.disputes.open_by_hand(msgspec.structs.replace(by_hand, amount=601))
    with pytest.raises(Refused):
        house.disputes.open_by_hand(msgspec.structs.replace(by_hand, merchant="org_2:test"))
    assert house.refund(sale.id, 601).status == "declined"


@pytest.mark.parametrize(("currency", "fee"), [("usd", 1500), ("jpy", 15), ("kwd", 15_000)])
def test_the_fee_is_fifteen_units(house: House, currency: str, fee: int) -> None:
    house.authorize(FRAUDULENT, currency=currency)
    house.pass_time(1)
    assert house.told()[0]["data"]["dispute"]["fee"] == fee


def test_disputes_are_their_merchants_own(house: House) -> None:
    _, dispute = opened(house, FRAUDULENT)
    with pytest.raises(Refused) as refusal:
        house.disputes.accept(dispute["id"], requests.Acceptance(merchant="org_2:test"))
    assert refusal.value.status == 404
