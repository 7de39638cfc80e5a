"""The one table of test cards, and that the bank does what each row says."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import piggybank_cards
from piggybank.issuers import brand_of
from piggybank_cards import luhn
from tests.piggybank.harness import House

REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "reference" / "stripe-wire.md"
P = "400000000000"

# Written by hand from the reference, so that the table and the bank are held against something else than themselves:
# what a payment with the cardholder present comes to, and a payment without.
APPROVED = "approved"
CHARGES = {
    f"{P}0002": "do_not_honor", f"{P}9995": "insufficient_funds", f"{P}9987": "lost", f"{P}9979": "stolen",
    f"{P}6975": "amount_limit", f"{P}0069": "expired", f"{P}0127": "cvv_fail", f"{P}0119": "system_error",
    "4242424242424241": "invalid_number", f"{P}0341": "do_not_honor", "4100000000000019": "psp_risk_block",
    "4000002500003155": "challenge", "4000002760003184": "challenge", "4000003800000446": "challenge",
    "4000008260003178": "challenge", f"{P}3220": "challenge", "4000008400001629": "challenge",
}  # fmt: skip
OFF_SESSION = {
    "4000002500003155": "sca_required", "4000002760003184": "sca_required", "4000003800000446": APPROVED,
    "4000008260003178": "sca_required", f"{P}3220": "sca_required", "4000008400001629": "sca_required",
}  # fmt: skip
AGREED_BEFORE = OFF_SESSION | {"4000002500003155": APPROVED, "4000008260003178": "insufficient_funds"}
UNATTACHABLE = set(CHARGES) - {number for number in CHARGES if CHARGES[number] == "challenge"} - {
    f"{P}0341", "4100000000000019",
}  # fmt: skip


def came_to(operation: object) -> str:
    return getattr(operation, "decline", None) or str(getattr(operation, "status", ""))


@pytest.mark.parametrize("card", piggybank_cards.ALL, ids=lambda card: card.number)
class TestEveryRow:
    def test_a_payment_with_the_cardholder(self, house: House, card: piggybank_cards.TestCard) -> None:
        operation = house.authorize(card.number, cvc="1234" if card.brand == "amex" else "123")
        assert came_to(operation) == CHARGES.get(card.number, APPROVED)
        if operation.status == "approved":
            assert (operation.code, operation.captured, operation.fee) == ("00", 1000, 15)
        elif operation.status == "declined":
            assert operation.code not in ("", "00")
            assert (operation.captured, operation.fee, operation.authorization_code) == (0, 0, None)

    def test_a_payment_without_the_cardholder(self, house: House, card: piggybank_cards.TestCard) -> None:
        expected = CHARGES | OFF_SESSION
        assert came_to(house.authorize(card.number, off_session=True)) == expected.get(card.number, APPROVED)

    def test_a_payment_that_was_agreed_before(self, house: House, card: piggybank_cards.TestCard) -> None:
        expected = CHARGES | AGREED_BEFORE
        operation = house.authorize(card.number, off_session=True, agreed_before=True)
        assert came_to(operation) == expected.get(card.number, APPROVED)

    def test_a_verification(self, house: House, card: piggybank_cards.TestCard) -> None:
        operation = house.authorize(card.number, amount=0, capture=False)
        assert operation.status == ("declined" if card.number in UNATTACHABLE else "approved")
        assert card.attachable == (card.number not in UNATTACHABLE)

    def test_saving_it_for_later(self, house: House, card: piggybank_cards.TestCard) -> None:
        operation = house.authorize(card.number, amount=0, capture=False, save_for_later=True)
        if CHARGES.get(card.number) == "challenge":
            assert operation.status == "challenge"
            assert house.complete(operation.id).status == "approved"
        else:
            assert operation.status == ("declined" if card.number in UNATTACHABLE else "approved")


@pytest.mark.parametrize(
    ("number", "after"),
    [
        ("4000002500003155", APPROVED),
        ("4000002760003184", APPROVED),
        ("4000003800000446", APPROVED),
        ("4000008260003178", "insufficient_funds"),
        (f"{P}3220", APPROVED),
        ("4000008400001629", "do_not_honor"),
    ],
)
def test_what_follows_a_challenge(house: House, number: str, after: str) -> None:
    passed = house.complete(house.authorize(number).id)
    assert came_to(passed) == after
    assert passed.authentication == "passed"
    assert passed.captured == (1000 if after == APPROVED else 0)
    failed = house.complete(house.authorize(number).id, "failed")
    assert (failed.decline, failed.authentication, failed.captured) == ("three_ds_failed", "failed", 0)


@pytest.mark.parametrize(
    ("number", "asked", "status", "authentication"),
    [
        ("4242424242424242", "automatic", "approved", "not_needed"),
        ("4242424242424242", "any", "approved", "attempted"),
        ("378282246310005", "challenge", "approved", "not_needed"),
        (f"{P}3055", "automatic", "approved", "not_needed"),
        (f"{P}3055", "any", "challenge", None),
        ("4000000032200000", "automatic", "approved", "frictionless"),
    ],
)
def test_authentication_that_is_asked_for(
    house: House, number: str, asked: str, status: str, authentication: str | None
) -> None:
    operation = house.authorize(number, authentication=asked)
    assert (operation.status, operation.authentication) == (status, authentication)


@pytest.mark.parametrize(
    ("number", "cvc", "line1", "postal_code"),
    [
        (f"{P}0101", "fail", "pass", "pass"),
        (f"{P}0036", "pass", "pass", "fail"),
        (f"{P}0028", "pass", "fail", "pass"),
        (f"{P}0010", "pass", "fail", "fail"),
        (f"{P}0044", "pass", "unchecked", "unchecked"),
        ("4242424242424242", "pass", "pass", "pass"),
    ],
)
def test_checks_are_of_what_was_given(house: House, number: str, cvc: str, line1: str, postal_code: str) -> None:
    checks = house.authorize(number, cvc="123", line1="1 Main Street", postal_code="12345").checks
    assert (checks.cvc, checks.line1, checks.postal_code) == (cvc, line1, postal_code)
    nothing = house.authorize(number).checks
    assert (nothing.cvc, nothing.line1, nothing.postal_code) == (None, None, None)


@pytest.mark.parametrize(
    ("number", "level", "lowest"),
    [("4242424242424242", "normal", 0), (f"{P}9235", "elevated", 65), (f"{P}4954", "highest", 75)],
)
def test_risk_levels(house: House, number: str, level: str, lowest: int) -> None:
    risk = house.authorize(number).risk
    assert risk.level == level
    assert lowest <= risk.score <= 99


def test_money_of_one_card_is_available_at_once(house: House) -> None:
    assert house.authorize(f"{P}0077").available_at_once
    assert not house.authorize().available_at_once


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (f"{P}0259", [("dispute.opened", "fraudulent", 1000, 1500)]),
        (f"{P}2685", [("dispute.opened", "product_not_received", 1000, 1500)]),
        (f"{P}1976", [("dispute.opened", "general", 1000, 0)]),
        ("4000000404000079", [("dispute.opened", "fraudulent", 500, 1500)] * 2),
        (f"{P}5423", [("fraud_warning.opened", "unauthorized_use_of_card", 1000, None)]),
    ],
)
def test_what_cardholders_do_a_second_later(
    house: House, number: str, expected: list[tuple[str, str, int, int | None]]
) -> None:
    house.authorize(number)
    assert house.told() == []
    house.pass_time(1)
    house.pass_time(0)
    said = []
    for event in house.told():
        data = event["data"].get("dispute") or event["data"]["fraud_warning"]
        said.append((event["type"], data["reason"], data["amount"], data.get("fee")))
        assert data.get("inquiry", False) == (number == f"{P}1976")
    assert said == expected


@pytest.mark.parametrize("card", piggybank_cards.DECLINE_CARDS, ids=lambda card: str(card.decline))
def test_any_code_can_be_had_by_a_card(house: House, card: piggybank_cards.TestCard) -> None:
    assert luhn.is_valid(card.number)
    assert house.authorize(card.number, amount=0, capture=False).status == "approved"
    operation = house.authorize(card.number)
    assert (operation.decline, operation.code) == (card.decline, piggybank_cards.RESPONSE_CODES[str(card.decline)])


@pytest.mark.parametrize("code", piggybank_cards.RESPONSE_CODES)
def test_any_code_can_be_had_by_a_fault(tmp_path: Path, code: str) -> None:
    house = House(tmp_path, decline=1.0, decline_code=code)
    assert house.authorize().decline == code
    house.close()


@pytest.mark.service("shared_specs")
def test_every_number_and_name_of_the_reference_is_there() -> None:
    text = REFERENCE.read_text(encoding="utf-8").split("## Test cards")[1]
    numbers = {number.replace("…", P) for number in re.findall(r"…\d{4}|\b\d{13,19}\b", text)} - {P}
    assert numbers == {card.number for card in piggybank_cards.ALL}
    for name in re.findall(r"\b(?:charge|create|avs|risk|authentication|threeDSecure|cvc)[A-Z]\w+", text):
        if name != "chargeDeclined" or "…0002" in text:
            assert piggybank_cards.by_payment_method(f"pm_card_{name}"), name


def test_names_find_their_cards() -> None:
    assert piggybank_cards.by_token("tok_visa") is piggybank_cards.by_payment_method("pm_card_visa")
    for name in ("visa_chargeDeclined", "chargeDeclined"):
        card = piggybank_cards.by_payment_method(f"pm_card_{name}")
        assert card is not None
        assert card.number == f"{P}0002"
    assert piggybank_cards.by_payment_method("pm_card_nonsense") is None
    assert piggybank_cards.by_payment_method("tok_visa") is None
    assert piggybank_cards.by_token("visa") is None
    names = [name for card in piggybank_cards.ALL for name in card.suffixes]
    assert len(names) == len(set(names))


def test_brands_follow_from_numbers() -> None:
    for card in piggybank_cards.ALL:
        assert brand_of(card.number) == card.brand


def test_only_the_incorrect_number_fails_the_check_digit() -> None:
    assert [c.number for c in piggybank_cards.ALL if not luhn.is_valid(c.number)] == ["4242424242424241"]


def test_nothing_is_read_before_it_is_needed() -> None:
    program = "import piggybank_cards as cards; assert cards._all.cache_info().currsize == 0"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


@given(st.text("0123456789", min_size=1, max_size=18), st.integers(0, 18), st.integers(1, 9))
def test_the_check_digit_notices_a_wrong_digit(digits: str, place: int, change: int) -> None:
    number = digits + luhn.check_digit(digits)
    assert luhn.is_valid(number)
    place %= len(number)
    wrong = number[:place] + str((int(number[place]) + change) % 10) + number[place + 1 :]
    assert not luhn.is_valid(wrong)
