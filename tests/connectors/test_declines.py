import string
from typing import Any, Literal, get_args, get_origin

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from bursar.connectors import declines
from bursar.connectors.declines import DECLINES, DO_NOT_HONOR, DeclineRow
from piggybank_cards import methods
from piggybank_cards.declines import BANK_CODES, RESPONSE_CODES, UPI_CODES

ROWS = list(DECLINES.values())
NETWORK_STATUSES = {"approved_by_network", "declined_by_network", "not_sent_to_network", "reversed_after_approval"}
OUTCOME_TYPES = {"authorized", "manual_review", "issuer_declined", "blocked", "invalid"}


def literals(annotation: Any) -> set[str]:
    """Every value that the SDK's annotation lists."""
    if get_origin(annotation) is Literal:
        return set(get_args(annotation))
    return {value for inner in get_args(annotation) for value in literals(inner)}


def listed(owner: type, field: str) -> set[str]:
    found = literals(owner.__annotations__[field])
    assert found, "the SDK no longer lists them"
    return found


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.code)
def test_every_row_is_what_the_official_sdk_lists(row: DeclineRow) -> None:
    assert row.error_code in listed(stripe.PaymentIntent.LastPaymentError, "code")
    assert row.error_code in listed(stripe.SetupIntent.LastSetupError, "code")
    assert row.error_type in listed(stripe.PaymentIntent.LastPaymentError, "type")
    assert row.network_status in NETWORK_STATUSES
    assert row.outcome_type in OUTCOME_TYPES
    assert {row.advice_code} - {None} <= listed(stripe.Charge.Outcome, "advice_code")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.code)
def test_every_row_says_something_to_the_customer_and_to_the_merchant(row: DeclineRow) -> None:
    for message in (row.message, row.seller_message):
        assert message.endswith(".")
        assert len(message) < 200
    assert row.outcome_reason
    assert (row.decline_code is None) == (row.error_type == "invalid_request_error")


@pytest.mark.parametrize("code", ["lost", "stolen", "pickup_fraud", "suspected_fraud", "psp_risk_block", "security"])
def test_a_thief_learns_nothing_from_the_message(code: str) -> None:
    harmless = {DECLINES["do_not_honor"].message, DECLINES["refer_issuer"].message}
    assert DECLINES[code].message in harmless


def test_the_bank_and_the_table_know_the_same_reasons() -> None:
    assert set(RESPONSE_CODES) == set(declines.CARD_DECLINES)


@pytest.mark.parametrize(("code", "iso_code"), RESPONSE_CODES.items())
def test_a_banks_response_code_leads_to_its_row(code: str, iso_code: str) -> None:
    row = DECLINES[code]
    if row.iso_codes:
        assert declines.find_by_iso_code(iso_code) is row
    else:
        assert declines.find_by_iso_code(iso_code) is DO_NOT_HONOR


def test_no_response_code_stands_in_two_rows() -> None:
    for codes in ([code for row in ROWS for code in row.iso_codes], [code for row in ROWS for code in row.upi_codes]):
        assert len(codes) == len(set(codes))


def test_the_bank_and_the_table_know_the_same_reasons_without_a_card() -> None:
    without_card = {row.code for row in declines.ROWS_WITHOUT_CARD}
    assert (set(UPI_CODES) | set(BANK_CODES)) - set(RESPONSE_CODES) == without_card
    table = methods.table()
    assert {row.decline for row in table.upi} | {row.decline for row in table.wallets} <= {None, *DECLINES}


@pytest.mark.parametrize(("code", "upi_code"), UPI_CODES.items())
def test_upis_own_code_leads_to_its_row(code: str, upi_code: str) -> None:
    assert declines.find_by_upi_code(upi_code) is DECLINES[code]
    assert declines.find_by_upi_code(upi_code.lower()) is DECLINES[code]


def test_what_upi_says_that_nobody_knows_has_no_reason() -> None:
    assert declines.find_by_upi_code("U17").code == "vpa_unknown"
    for code in (None, "", "05", "U99"):
        assert declines.find_by_upi_code(code) is DO_NOT_HONOR


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.code)
def test_without_a_card_no_word_of_one_is_said(row: DeclineRow) -> None:
    said = row.without_card()
    assert (said.code, said.retry, said.seller_message) == (row.code, row.retry, row.seller_message)
    assert said.decline_code is None
    assert said.outcome_reason == row.outcome_reason
    assert said.error_type == "invalid_request_error"
    assert said.without_card() is said
    if row.code != "three_ds_failed":  # it happens to cards only
        assert "card" not in said.message.lower()
        expired = row.code in ("upi_expired", "bank_expired")
        assert said.error_code == f"payment_intent_payment_attempt_{'expired' if expired else 'failed'}"
        assert said.param is None


@given(st.text())
def test_what_is_not_known_is_a_decline_without_a_reason(text: str) -> None:
    assert declines.find(text) is DECLINES.get(text, DO_NOT_HONOR)
    assert isinstance(declines.find_by_iso_code(text), DeclineRow)


def test_no_code_at_all_is_a_decline_without_a_reason() -> None:
    assert declines.find_by_iso_code(None) is DO_NOT_HONOR


def test_mastercard_asks_for_authentication_by_a_code_of_its_own() -> None:
    assert declines.find_by_iso_code("65").code == "count_limit"
    assert declines.find_by_iso_code("65", "mastercard").code == "sca_required"
    assert declines.find_by_iso_code("1a").code == "sca_required"


def test_the_card_networks_advice_overrides_the_table() -> None:
    row = DECLINES["insufficient_funds"]
    assert declines.advice(row, None) == "try_again_later"
    assert declines.advice(row, "03") == "do_not_try_again"
    assert declines.advice(row, "01") == "confirm_card_data"
    assert declines.advice(DECLINES["lost"], "24") == "try_again_later"
    assert declines.advice(row, "99") == "try_again_later"


def test_what_can_only_be_authenticated_gets_no_other_advice() -> None:
    assert declines.advice(DECLINES["sca_required"], None) is None
    assert declines.advice(DECLINES["suspected_fraud"], None) == "do_not_try_again"


@given(st.sampled_from(ROWS), st.text(string.digits, max_size=3))
def test_advice_is_always_one_that_the_wire_knows(row: DeclineRow, network_advice_code: str) -> None:
    assert declines.advice(row, network_advice_code) in {*listed(stripe.Charge.Outcome, "advice_code"), None}
