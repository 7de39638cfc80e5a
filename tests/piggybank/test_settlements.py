"""What a merchant's operations come to: booked with each, kept through restarts, announced once."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from piggybank.requests import Evidence, NewSettlement, Refused
from tests.piggybank.harness import MERCHANT, VISA, WEBHOOK_SECRET, House, Receiver, authorization, served

DISPUTED = "4000000000000259"
FAILING_REFUND = "4000000000005126"
DAY = 86_400


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path / "bank")
    yield house
    house.close()


def settled(house: House, merchant: str = MERCHANT) -> list[dict[str, Any]]:
    shown = house.settlements.settle(NewSettlement(merchant=merchant))[0]["settlements"]
    return [{name: getattr(one, name) for name in one.__struct_fields__} for one in shown]


def figures(one: dict[str, Any]) -> tuple[int, ...]:
    return tuple(one[name] for name in ("payments", "gross", "refunds", "disputes", "fees", "net"))


def test_a_batch_has_all_that_was_booked_and_says_so(house: House) -> None:
    first = house.authorize(amount=1000)
    house.authorize(amount=500)
    house.refund(first.authorization or "", 300)
    house.authorize(amount=2000, capture=False)
    house.authorize("4000000000000002")
    (one,) = settled(house)
    assert figures(one) == (2, 1500, 300, 0, 15 + 8, 1177)
    (told,) = house.told()
    assert (told["type"], told["merchant"], told["data"]["settlement"]) == ("settlement.ready", MERCHANT, one)
    with pytest.raises(Refused, match="Nothing was booked"):
        settled(house)


def test_each_currency_and_each_merchant_has_its_own(house: House) -> None:
    house.authorize(amount=1000)
    house.authorize(amount=700, currency="eur")
    house.authorize(amount=1, merchant="org_2:test")
    assert [(one["currency"], one["gross"]) for one in settled(house)] == [("eur", 700), ("usd", 1000)]
    assert [one["gross"] for one in settled(house, "org_2:test")] == [1]


def test_what_was_reversed_or_failed_comes_to_nothing(house: House) -> None:
    house.reverse(house.authorize(amount=999).reference)
    refunded = house.authorize(FAILING_REFUND, 1000)
    house.refund(refunded.authorization or "", 400)
    house.pass_time(2)
    (one,) = settled(house)
    assert figures(one) == (1, 1000, 0, 0, 15, 985)


def test_a_dispute_takes_its_fee_and_brings_it_back_when_it_is_won(house: House) -> None:
    house.authorize(DISPUTED, 1000)
    house.pass_time(2)
    assert figures(settled(house)[0]) == (1, 1000, 0, 1000, 15 + 1500, -1515)
    dispute = house.told()[0]["data"]["dispute"]["id"]
    house.disputes.submit_evidence(dispute, Evidence(merchant=MERCHANT, text="winning_evidence"))
    house.pass_time(2)
    assert figures(settled(house)[0]) == (0, 0, 0, -1000, -1500, 2500)


def test_a_restart_forgets_nothing_and_settles_nothing_twice(house: House) -> None:
    house.authorize(amount=1000)
    settled(house)
    house.authorize(amount=200)
    house.again()
    assert [one["gross"] for one in settled(house)] == [200]
    house.again()
    with pytest.raises(Refused):
        settled(house)


def test_a_day_ends_with_a_batch(tmp_path: Path) -> None:
    house = House(tmp_path / "bank", settles_daily=True)
    house.authorize(VISA, 1000)
    house.authorize(VISA, 300, merchant="org_2:live")
    end = house.settlements.next_due()
    assert end is not None and end % (DAY * 1000) == 0 and 0 < end - house.now <= DAY * 1000
    house.pass_time((end - house.now) / 1000 - 1)
    assert house.told() == []
    house.pass_time(1)
    assert sorted((event["merchant"], event["data"]["settlement"]["gross"]) for event in house.told()) == [
        (MERCHANT, 1000),
        ("org_2:live", 300),
    ]
    house.pass_time(3 * DAY)
    assert len(house.told()) == 2
    assert house.settlements.next_due() is None
    house.close()


def test_it_is_asked_for_by_http_and_sent_to_the_merchants_own_address(tmp_path: Path) -> None:
    receiver = Receiver()
    url = receiver.url.replace("/hooks?", "/hooks/piggybank/{merchant}?")
    try:
        with served(tmp_path, PIGGYBANK_WEBHOOK_URL=url, PIGGYBANK_WEBHOOK_SECRET=WEBHOOK_SECRET) as bank:
            bank.post("/v1/authorizations", authorization("sale", 1000))
            (made,) = bank.post("/v1/settlements", {"merchant": MERCHANT})["settlements"]
            ((_, body),) = receiver.wait_for(1)
            assert json.loads(body)["data"]["settlement"] == made
            assert receiver.paths == [f"/hooks/piggybank/{MERCHANT}?from=bank"]
            assert bank.call("POST", "/v1/settlements", {"merchant": MERCHANT})[0] == 409
    finally:
        receiver.close()
