"""Which cards are taken, and in which words others are refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

import piggybank_cards
from bursar.customers.schemas import Address
from bursar.kit.clock import MICROSECONDS_PER_SECOND
from bursar.kit.errors import CardError, InvalidRequest, RequestError
from bursar.methods import rules
from bursar.methods.schemas import AddressParams, BillingDetails, BillingDetailsParams, CardParams, NetworksParams

NOW = 1_800_000_000 * MICROSECONDS_PER_SECOND  # January 2027
TEST, LIVE = 0, 1
VISA = "4242424242424242"
LIVE_VISA = "4539578763621486"
AMEX = "378282246310005"


def card(
    number: str | None = VISA, month: int | None = 12, year: int | None = 2034, cvc: str | None = "123"
) -> CardParams:
    return CardParams(number=number, exp_month=month, exp_year=year, cvc=cvc)


@pytest.mark.parametrize(
    ("params", "code", "param"),
    [
        (card("4242424242424241"), "incorrect_number", "number"),
        (card("42424242424242426"), "incorrect_number", "number"),  # seventeen digits: no visa has them
        (card("4242"), "invalid_number", "number"),
        (card(""), "invalid_number", "number"),
        (card("42424242424242424242"), "invalid_number", "number"),
        (card("４２４２424242424242"), "invalid_number", "number"),
        (card("visa"), "invalid_number", "number"),
        (card(month=13), "invalid_expiry_month", "exp_month"),
        (card(month=0), "invalid_expiry_month", "exp_month"),
        (card(month=-1), "invalid_expiry_month", "exp_month"),
        (card(year=1999), "invalid_expiry_year", "exp_year"),
        (card(year=2026), "invalid_expiry_year", "exp_year"),
        (card(year=26), "invalid_expiry_year", "exp_year"),
        (card(year=2078), "invalid_expiry_year", "exp_year"),
        (card(year=-5), "invalid_expiry_year", "exp_year"),
        (card(cvc="12"), "invalid_cvc", "cvc"),
        (card(cvc="1234"), "invalid_cvc", "cvc"),
        (card(cvc="12a"), "invalid_cvc", "cvc"),
        (card(cvc="１２３"), "invalid_cvc", "cvc"),
        (card(AMEX, cvc="123"), "invalid_cvc", "cvc"),
    ],
)
def test_wrong_card_data_are_named_as_card_forms_expect(params: CardParams, code: str, param: str) -> None:
    with pytest.raises(CardError) as caught:
        rules.given_card(params, livemode=TEST, now=NOW)
    assert (caught.value.status, caught.value.type) == (402, "card_error")
    assert (caught.value.code, caught.value.param) == (code, param)


def test_a_month_of_this_year_that_is_over_is_refused() -> None:
    in_march = NOW + 50 * 86_400 * MICROSECONDS_PER_SECOND
    with pytest.raises(CardError) as caught:
        rules.given_card(card(month=2, year=2027), livemode=TEST, now=in_march)
    assert caught.value.code == "invalid_expiry_month"
    assert rules.given_card(card(month=3, year=2027), livemode=TEST, now=in_march).exp_year == 2027


@pytest.mark.parametrize("name", ["number", "exp_month", "exp_year"])
def test_what_is_missing_is_named(name: str) -> None:
    params = card()
    setattr(params, name, None)
    with pytest.raises(InvalidRequest) as caught:
        rules.given_card(params, livemode=TEST, now=NOW)
    assert (caught.value.code, caught.value.param) == ("parameter_missing", f"card[{name}]")


def test_a_card_that_is_missing_altogether_is_named() -> None:
    with pytest.raises(InvalidRequest) as caught:
        rules.given_card(None, livemode=TEST, now=NOW)
    assert (caught.value.code, caught.value.param) == ("parameter_missing", "card")


@pytest.mark.parametrize(
    ("number", "livemode", "decline_code"),
    [(LIVE_VISA, TEST, "test_mode_live_card"), (VISA, LIVE, "live_mode_test_card")],
)
def test_cards_of_the_other_mode_are_declined(number: str, livemode: int, decline_code: str) -> None:
    with pytest.raises(CardError) as caught:
        rules.given_card(card(number), livemode=livemode, now=NOW)
    assert (caught.value.code, caught.value.decline_code) == ("card_declined", decline_code)


@pytest.mark.parametrize("row", [row for row in piggybank_cards.ALL if row.decline != "invalid_number"])
def test_every_test_card_is_taken_in_test_mode(row: piggybank_cards.TestCard) -> None:
    code = "1234" if row.brand == "amex" else "123"
    given_card = rules.given_card(card(row.number, cvc=code), livemode=TEST, now=NOW)
    details = rules.card_details(given_card, "f" * 16, BillingDetails())
    assert (details.brand, details.funding, details.country) == (row.brand, row.funding, row.country)
    assert details.last4 == row.number[-4:]
    assert details.three_d_secure_usage is not None
    assert details.three_d_secure_usage.supported == (row.brand != "amex")


def test_of_a_real_card_only_what_its_number_tells_is_said() -> None:
    given_card = rules.given_card(card(LIVE_VISA), livemode=LIVE, now=NOW)
    details = rules.card_details(given_card, "f" * 16, BillingDetails())
    assert (details.brand, details.funding, details.country) == ("visa", "unknown", None)
    assert details.regulated_status is None


def test_numbers_may_be_written_in_groups_and_years_in_two_digits() -> None:
    given_card = rules.given_card(card("4242 4242-4242 4242", year=34), livemode=TEST, now=NOW)
    assert (given_card.number, given_card.exp_year) == (VISA, 2034)


@given(st.text(max_size=40), st.integers(), st.integers(), st.none() | st.text(max_size=10), st.sampled_from([0, 1]))
def test_whatever_is_given_is_taken_or_refused_without_repeating_it(
    number: str, month: int, year: int, cvc: str | None, livemode: int
) -> None:
    try:
        taken = rules.given_card(card(number, month, year, cvc), livemode=livemode, now=NOW)
    except RequestError as refusal:
        digits = "".join(filter(str.isdecimal, number))
        assert len(digits) < 5 or digits not in refusal.message
    else:
        assert taken.number.isdecimal()


@given(st.text("0123456789", min_size=12, max_size=19))
def test_no_text_of_a_card_shows_its_number_or_code(number: str) -> None:
    params = card(number, cvc="737")
    shown = rules.GivenCard(number, 12, 2034, "737")
    for text in (repr(params), str(params), repr(shown), str(shown)):
        assert number not in text
        assert "737" not in text.replace(number[-4:], "")


@pytest.mark.parametrize(
    ("number", "code", "decline_code"),
    [
        ("4000000000000002", "card_declined", "generic_decline"),
        ("4000000000009995", "card_declined", "insufficient_funds"),
        ("4000000000009987", "card_declined", "lost_card"),
        ("4000000000000069", "expired_card", "expired_card"),
        ("4000000000000127", "incorrect_cvc", "incorrect_cvc"),
        ("4000000000000119", "processing_error", "processing_error"),
    ],
)
def test_cards_that_cannot_be_attached_say_why(number: str, code: str, decline_code: str) -> None:
    refusal = rules.attachment_refusal(number)
    assert refusal is not None
    assert (refusal.code, refusal.decline_code) == (code, decline_code)


@pytest.mark.parametrize("number", [VISA, "4000000000000341", LIVE_VISA])
def test_other_cards_can_be_attached(number: str) -> None:
    assert rules.attachment_refusal(number) is None


@pytest.mark.parametrize(("preferred", "known"), [(None, None), ("visa", "visa"), ("mastercard", "invalid_preference")])
def test_a_preferred_network_must_be_one_of_the_card(preferred: str | None, known: str | None) -> None:
    params = card()
    params.networks = NetworksParams(preferred=preferred)  # type: ignore[arg-type]
    details = rules.card_details(rules.given_card(params, livemode=TEST, now=NOW), "f" * 16, BillingDetails())
    assert details.networks is not None
    assert (details.networks.available, details.networks.preferred) == (["visa"], known)


def test_billing_details_change_where_something_was_given() -> None:
    before = BillingDetails(address=Address(city="Köln", line1="Am Hof 1"), email="ada@example.com", name="Ada")
    given_details = BillingDetailsParams(address=AddressParams(city="Bonn"), name="", phone="1")
    after = rules.billing_details(before, given_details)
    assert after == BillingDetails(
        address=Address(city="Bonn", line1="Am Hof 1"), email="ada@example.com", name=None, phone="1"
    )
    assert rules.billing_details(before, UNSET) == before
    assert rules.billing_details(before, None) == BillingDetails()
    assert rules.billing_details(before, BillingDetailsParams(address=None)).address == Address()


def test_an_email_that_can_be_none_is_named_in_the_form_s_spelling() -> None:
    with pytest.raises(InvalidRequest) as caught:
        rules.billing_details(BillingDetails(), BillingDetailsParams(email="no address"))
    assert caught.value.param == "billing_details[email]"


def test_other_types_are_refused_with_what_is_possible() -> None:
    with pytest.raises(InvalidRequest, match="possible are: card, upi, net_banking, wallet"):
        rules.check_type("sepa_debit")
