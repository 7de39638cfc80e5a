"""UPI and banks' pages: who waits, what the customer does, what comes too late, and what it costs."""

from typing import Any

import msgspec
import pytest

from piggybank import requests, views
from piggybank.requests import Refused
from piggybank_cards import methods
from piggybank_cards.declines import BANK_CODES, UPI_CODES
from tests.piggybank.harness import MERCHANT, VISA, House

ACTED = 1.0  # seconds after which an address has acted
DECIDED = 3.0  # and after which what was pending is decided


def told(house: House) -> list[tuple[str, str]]:
    """What webhooks say: the type, and the operation's status in it."""
    return [(event["type"], event["data"]["operation"]["status"]) for event in house.told()]


def standing(house: House, operation: views.Operation) -> tuple[str, str, str | None, int]:
    now = house.look(operation)
    return now.status, now.code, now.decline, now.captured


def test_a_link_says_whom_to_pay_and_how_much(house: House) -> None:
    asked = house.ask(123_456, link=True, descriptor="Books & more", expires_after_seconds=60)
    assert (asked.status, asked.method, asked.vpa, asked.page_url) == ("waiting", "upi", None, None)
    assert (asked.captured, asked.authorization_code, asked.network_transaction_id) == (0, None, None)
    assert asked.expires == house.now // 1000 + 60
    assert asked.upi_link == (
        "upi://pay?pa=bursar@piggybank&pn=Books%20%26%20more&mc=5999"
        f"&tr={asked.id}&tn=Payment%20to%20Books%20%26%20more&am=1234.56&cu=INR"
    )
    approved = house.act(asked.id, "approve")
    assert (approved.status, approved.code, approved.captured, approved.fee) == ("approved", "00", 123_456, 0)
    assert isinstance(approved, views.OperationWithoutCard)
    assert (approved.upi_link, approved.expires) == (None, None)
    assert told(house) == [("authorization.approved", "approved")]


@pytest.mark.parametrize("row", methods.table().upi, ids=lambda row: row.vpa)
def test_every_address_does_as_its_row_says(house: House, row: methods.TestAddress) -> None:
    asked = house.ask(vpa=row.vpa, expires_after_seconds=10)
    ends: dict[str, tuple[str, str, str | None, int]] = {
        "approved": ("approved", "00", None, 1000),
        "declined": ("declined", UPI_CODES.get(row.decline or "", ""), row.decline, 0),
        "expired": ("declined", "U69", "upi_expired", 0),
    }
    if row.act == "refuse":
        assert (asked.status, asked.code, asked.decline) == ("declined", "ZH", "vpa_unknown")
        assert house.told() == []
        return
    assert (asked.status, asked.vpa, asked.upi_link) == ("waiting", row.vpa, None)
    house.pass_time(ACTED)
    seen = standing(house, asked)
    if row.act == "defer":
        assert seen == ("pending", "RB", None, 0)
        assert house.told() == []
        house.pass_time(DECIDED)
        assert standing(house, asked) == ends["declined" if row.decline else "approved"]
    elif row.act in ("approve", "decline"):
        assert seen == ends["approved" if row.act == "approve" else "declined"]
    else:
        assert seen == ("waiting", "", None, 0)
        house.pass_time(10)
        assert standing(house, asked) == ends["expired"]
        house.pass_time(DECIDED)
        assert standing(house, asked) == ends["approved" if row.act == "late" else "expired"]
    house.pass_time(86_400)
    last = house.look(asked)
    assert told(house)[-1] == (f"authorization.{last.status}", last.status)
    assert len(told(house)) == (2 if row.act == "late" else 1)


def test_an_address_of_nobodys_own_waits_until_somebody_acts(house: House) -> None:
    asked = house.ask(vpa="Anna.99@PiggyBank")
    assert (asked.status, asked.vpa) == ("waiting", "anna.99@piggybank")
    house.pass_time(299)
    assert house.act(asked.id, "decline").decline == "upi_declined"
    assert told(house) == [("authorization.declined", "declined")]
    elsewhere = house.ask(vpa="anna@okbank")
    assert (elsewhere.status, elsewhere.code, elsewhere.decline) == ("declined", "U17", "vpa_unknown")


def test_time_is_over_by_the_clock_and_not_by_the_timer(house: House) -> None:
    asked = house.ask(link=True)
    house.now += 300_000
    with pytest.raises(Refused) as refused:
        house.act(asked.id, "approve")
    assert (refused.value.status, refused.value.code) == (409, "not_waiting")
    house.later.run()
    assert standing(house, asked) == ("declined", "U69", "upi_expired", 0)


def test_what_the_customer_did_can_be_said_again_but_not_changed(house: House) -> None:
    for first, second in (("approve", "decline"), ("decline", "approve"), ("defer", "decline")):
        asked = house.ask(link=True)
        done = house.act(asked.id, first)
        journal = house.journal.last
        assert house.act(asked.id, first) == done
        with pytest.raises(Refused) as refused:
            house.act(asked.id, second)
        assert refused.value.code == "not_waiting"
        assert house.journal.last == journal
    asked = house.ask(vpa="deemed@piggybank")
    house.act(asked.id, "defer")
    house.pass_time(DECIDED)
    assert house.act(asked.id, "defer").status == "approved", "said again after the bank decided"


def test_only_what_waits_can_be_acted_on(house: House) -> None:
    by_card, by_wallet = house.authorize(VISA), house.ask(wallet="pw_success")
    for authorization in (by_card.id, by_wallet.id):
        for act in ("approve", "decline"):
            with pytest.raises(Refused) as refused:
                house.act(authorization, act)
            assert refused.value.code == "not_waiting"
    asked = house.ask(link=True)
    with pytest.raises(Refused) as refused:
        house.bank.customers.act(asked.id, requests.CustomerAct(merchant="org_2:test", act="approve"))
    assert refused.value.status == 404
    house.reverse(asked.reference)
    with pytest.raises(Refused):
        house.act(asked.id, "approve")


@pytest.mark.parametrize("row", methods.table().banks, ids=lambda row: row.code)
def test_every_bank_does_as_its_row_says(house: House, row: methods.TestBank) -> None:
    asked = house.ask(20_000, bank=row.code)
    assert (asked.status, asked.method, asked.upi_link) == ("waiting", "net_banking", None)
    assert asked.page_url is not None and asked.page_url.startswith(f"/netbanking/{asked.id}/")
    assert asked.expires == house.now // 1000 + 900
    approved = house.act(asked.id, "approve")
    if row.act == "decline":
        assert standing(house, asked) == ("declined", BANK_CODES["bank_cancelled"], "bank_cancelled", 0)
        return
    if row.act == "late":
        assert (approved.status, approved.code) == ("pending", "RB")
        house.pass_time(DECIDED)
    assert standing(house, asked) == ("approved", "00", None, 20_000)
    assert house.look(asked).fee == 300
    refused = house.ask(bank=row.code)
    assert house.act(refused.id, "decline").decline == "bank_cancelled"


def test_nobody_on_the_page_in_time(house: House) -> None:
    asked = house.ask(bank="HDFC", net_banking={"bank_code": "HDFC", "account": "123456789012"})
    house.pass_time(901)
    assert standing(house, asked) == ("declined", "68", "bank_expired", 0)
    assert told(house) == [("authorization.declined", "declined")]
    written = repr(house.records())
    assert "9012" in written
    assert "123456789012" not in written


def test_refunds_by_upi_wait_and_others_do_not(house: House) -> None:
    by_upi = house.ask(vpa="success@piggybank")
    house.pass_time(ACTED)
    refund = house.refund(by_upi.id, 400)
    assert (refund.status, refund.method) == ("pending", "upi")
    house.pass_time(1.5)
    assert house.look(refund).status == "approved"
    assert told(house)[-1] == ("refund.succeeded", "approved")
    assert house.refund(by_upi.id, 601).decline == "invalid_amount"
    at_bank = house.ask(bank="DEMO", currency="usd")
    assert house.refund(at_bank.id, 1).decline == "invalid_transaction", "nothing was taken yet"
    house.act(at_bank.id, "approve")
    assert house.refund(at_bank.id, 1000).status == "approved"


@pytest.mark.parametrize("undo", ["reverse", "void"])
@pytest.mark.parametrize("waits", ["waiting", "pending"])
def test_what_is_called_off_never_comes(house: House, undo: str, waits: str) -> None:
    asked = house.ask(vpa="deemed@piggybank")
    if waits == "pending":
        house.pass_time(ACTED)
    assert house.look(asked).status == waits
    done = house.reverse(asked.reference) if undo == "reverse" else house.void(asked.id)
    assert (done.status, done.amount) == ("approved", 0)
    now = house.look(asked)
    assert (now.status, now.decline) == ("declined", "bank_cancelled")
    assert (now.reversed, now.voided) == (undo == "reverse", undo == "void")
    house.pass_time(86_400)
    assert house.look(asked) == now
    assert house.told() == []


def late(house: House, what: str) -> views.Operation:
    """One that is reversed now and succeeds later."""
    if what == "address":
        asked = house.ask(vpa="late@piggybank", expires_after_seconds=10)
    else:
        asked = house.ask(bank="LATE")
        house.act(asked.id, "approve")
    return asked


@pytest.mark.parametrize("undo", ["reverse", "void"])
@pytest.mark.parametrize("what", ["address", "bank"])
def test_a_success_after_a_reversal_is_told_and_can_be_reversed_for_good(house: House, what: str, undo: str) -> None:
    asked = late(house, what)
    first = house.reverse(asked.reference) if undo == "reverse" else house.void(asked.id)
    assert first.status == "approved"
    house.pass_time(12)
    now = house.look(asked)
    assert (now.status, now.captured, now.reversed, now.voided) == ("approved", 1000, False, False)
    assert told(house) == [("authorization.approved", "approved")]
    again = house.reverse(asked.reference)
    assert again.amount == 1000
    house.pass_time(86_400)
    assert house.look(asked).reversed
    assert len(house.told()) == 1


@pytest.mark.parametrize("what", ["address", "bank"])
def test_a_second_reversal_before_the_late_success_is_for_good(house: House, what: str) -> None:
    asked = late(house, what)
    house.reverse(asked.reference)
    house.reverse(asked.reference)
    house.pass_time(86_400)
    assert house.look(asked).status == "declined"
    assert house.told() == []


def test_a_success_after_the_expiry_is_reversed_for_good_at_once(house: House) -> None:
    house.faults.settings = msgspec.structs.replace(house.faults.settings, late_approval=1.0)
    asked = late(house, "address")
    house.pass_time(10)
    house.pass_time(DECIDED)
    assert [kind for kind, _ in told(house)] == ["authorization.declined", "authorization.approved"]
    assert house.reverse(asked.reference).amount == 1000
    house.pass_time(86_400)
    assert house.look(asked).reversed, "it came back once already"


def test_an_expired_one_that_is_reversed_comes_late_all_the_same(house: House) -> None:
    asked = late(house, "address")
    house.pass_time(10)
    assert house.look(asked).decline == "upi_expired"
    house.reverse(asked.reference)
    house.pass_time(DECIDED)
    assert (house.look(asked).status, house.look(asked).reversed) == ("approved", False)


@pytest.mark.parametrize("state", ["waiting", "pending", "approved"])
def test_the_fault_brings_back_whatever_was_reversed(house: House, state: str) -> None:
    house.faults.settings = msgspec.structs.replace(house.faults.settings, late_approval=1.0)
    asked = house.ask(bank="DEMO")
    if state != "waiting":
        house.act(asked.id, "defer" if state == "pending" else "approve")
    house.reverse(asked.reference)
    assert house.look(asked).reversed
    house.pass_time(1.5)
    now = house.look(asked)
    assert (now.status, now.captured, now.fee, now.reversed) == ("approved", 1000, 15, False)
    assert told(house)[-1] == ("authorization.approved", "approved")
    house.reverse(asked.reference)
    house.pass_time(86_400)
    assert house.look(asked).reversed


@pytest.mark.parametrize("options", [{"vpa": "success@piggybank"}, {"bank": "HDFC"}, {"wallet": "pw_success"}])
def test_what_was_reversed_before_it_came_is_barred(house: House, options: dict[str, Any]) -> None:
    house.reverse("later")
    asked = house.ask(reference="later", **options)
    assert (asked.status, asked.code, asked.decline) == ("declined", "94", "duplicate")
    assert asked.page_url is None
    house.pass_time(86_400)
    assert house.look(asked).status == "declined"
    assert house.told() == []


@pytest.mark.parametrize(
    "options", [{"vpa": "anna@piggybank"}, {"link": True}, {"bank": "HDFC"}, {"wallet": "pw_success"}], ids=str
)
def test_a_reference_counts_once(house: House, options: dict[str, Any]) -> None:
    first = house.ask(reference="once", **options)
    journal = house.journal.last
    assert house.ask(reference="once", **options) == first
    assert house.journal.last == journal
    others: list[dict[str, Any]] = [{"amount": 1001}, {"descriptor": "Other"}, {"expires_after_seconds": 7}]
    for other in others:
        with pytest.raises(Refused) as refused:
            house.ask(reference="once", **options, **other)
        assert (refused.value.status, refused.value.code) == (409, "reference_reused")
    with pytest.raises(Refused):
        house.authorize(reference="once")
    with pytest.raises(Refused):
        house.ask(reference="once", vpa="bela@piggybank")


def test_the_bank_may_decline_what_has_no_card_too(house: House) -> None:
    house.faults.settings = msgspec.structs.replace(house.faults.settings, decline=1.0, decline_code="issuer_down")
    ways: list[dict[str, Any]] = [{"vpa": "success@piggybank"}, {"bank": "HDFC"}, {"wallet": "pw_success"}]
    for options in ways:
        asked = house.ask(**options)
        assert (asked.status, asked.code, asked.decline) == ("declined", "91", "issuer_down")


def test_a_payment_by_upi_can_be_disputed(house: House) -> None:
    asked = house.ask(vpa="success@piggybank")
    house.pass_time(ACTED)
    opened, _ = house.disputes.open_by_hand(requests.NewDispute(merchant=MERCHANT, authorization=asked.id))
    assert (opened.amount, opened.currency) == (1000, "inr")
    assert house.refund(asked.id, 1).status == "declined"
