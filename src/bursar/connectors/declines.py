"""The one table of declines: what a bank's refusal is called here, on the wire, and to people.

Every connector translates into the codes of this table, and only this table says what a decline means
to a merchant, to the customer, and to whoever thinks of trying again.
"""

from __future__ import annotations

from bursar.connectors.decline_row import ADVICE_BY_NETWORK_CODE, AdviceCode, DeclineRow
from bursar.connectors.declines_without_card import ROWS as ROWS_WITHOUT_CARD

__all__ = [
    "CARD_DECLINES",
    "DECLINES",
    "DO_NOT_HONOR",
    "ROWS_WITHOUT_CARD",
    "AdviceCode",
    "DeclineRow",
    "advice",
    "find",
    "find_by_iso_code",
    "find_by_upi_code",
]

ASK_ISSUER = "The card was declined. The bank that issued it can say why."
TRY_LATER = "The card was declined for now. Try again later or use another one."
OTHER_CARD = "The card was declined. Use another one."

DO_NOT_HONOR = DeclineRow(
    "do_not_honor", ("05",), "generic_decline", "later", "The bank declined the payment without giving a reason."
)
_ROWS = (
    DO_NOT_HONOR,
    DeclineRow(
        "refer_issuer",
        ("01", "02"),
        "call_issuer",
        "later",
        "The bank wants its customer to call before it approves this.",
        message=ASK_ISSUER,
    ),
    DeclineRow(
        "invalid_merchant",
        ("03",),
        "processing_error",
        "another_acquirer",
        "The card network does not know this merchant account; another acquirer may succeed.",
        error_code="processing_error",
        message="The payment could not be processed. Try again in a moment.",
    ),
    DeclineRow("pickup", ("04",), "pickup_card", "never", "The bank wants the card withdrawn.", message=ASK_ISSUER),
    DeclineRow(
        "pickup_fraud",
        ("07",),
        "pickup_card",
        "never",
        "The bank wants the card withdrawn because of fraud. Do not tell the customer why.",
        message=ASK_ISSUER,
    ),
    DeclineRow(
        "invalid_transaction",
        ("12",),
        "transaction_not_allowed",
        "never",
        "The bank does not allow a transaction of this kind.",
        message=OTHER_CARD,
    ),
    DeclineRow(
        "invalid_amount",
        ("13",),
        "invalid_amount",
        "fix_data",
        "The bank does not take this amount.",
        message="The bank does not take a payment of this amount.",
    ),
    DeclineRow(
        "invalid_number",
        ("14",),
        "incorrect_number",
        "never",
        "No card has this number.",
        error_code="incorrect_number",
        param="number",
        message="The card number is not correct. Check it and try again.",
    ),
    DeclineRow(
        "no_such_issuer",
        ("15",),
        "invalid_account",
        "never",
        "No bank issues cards of this number.",
        message=OTHER_CARD,
    ),
    DeclineRow(
        "reenter",
        ("19",),
        "reenter_transaction",
        "another_acquirer",
        "The bank could not handle the payment and wants it once more.",
        message="The payment could not be processed. Try again.",
    ),
    DeclineRow(
        "format_error",
        ("30",),
        "processing_error",
        "fix_data",
        "The bank could not read the request. Its data need correcting before it is sent again.",
        error_code="processing_error",
        message="The payment could not be processed.",
    ),
    DeclineRow(
        "lost",
        ("41",),
        "lost_card",
        "never",
        "The card is reported lost. Do not tell the customer why.",
        message=ASK_ISSUER,
    ),
    DeclineRow(
        "stolen",
        ("43",),
        "stolen_card",
        "never",
        "The card is reported stolen. Do not tell the customer why.",
        message=ASK_ISSUER,
    ),
    DeclineRow(
        "closed_account",
        ("46",),
        "invalid_account",
        "never",
        "The account behind the card is closed.",
        message=OTHER_CARD,
    ),
    DeclineRow(
        "insufficient_funds",
        ("51",),
        "insufficient_funds",
        "later",
        "The account has not enough money for this.",
        message="The card has not enough funds for this payment.",
        upi_codes=("Z9",),
        message_without_card="There is not enough money for this payment.",
    ),
    DeclineRow(
        "expired",
        ("54",),
        "expired_card",
        "fix_data",
        "The card is past its expiry date.",
        error_code="expired_card",
        param="exp_month",
        message="The card has expired. Use another one.",
    ),
    DeclineRow(
        "bad_pin", ("55",), "incorrect_pin", "fix_data", "The PIN is not the card's.", message="The PIN is not correct."
    ),
    DeclineRow(
        "pin_tries", ("75",), "pin_try_exceeded", "later", "A wrong PIN was given too often.", message=OTHER_CARD
    ),
    DeclineRow(
        "not_permitted_cardholder",
        ("57",),
        "transaction_not_allowed",
        "never",
        "The card does not allow payments of this kind.",
        message=OTHER_CARD,
    ),
    DeclineRow(
        "not_permitted_terminal",
        ("58",),
        "service_not_allowed",
        "another_acquirer",
        "The merchant account does not allow payments of this kind; another acquirer may.",
        message=OTHER_CARD,
    ),
    DeclineRow(
        "suspected_fraud",
        ("59",),
        "fraudulent",
        "authenticate",
        "The bank suspects fraud. Do not tell the customer why.",
        retry_otherwise="never",
    ),
    DeclineRow(
        "amount_limit",
        ("61",),
        "card_velocity_exceeded",
        "later",
        "The payment exceeds what the card may spend in a period.",
        message=TRY_LATER,
    ),
    DeclineRow(
        "count_limit",
        ("65",),
        "withdrawal_count_limit_exceeded",
        "later",
        "The card has been used too often in a period.",
        message=TRY_LATER,
    ),
    DeclineRow(
        "restricted", ("62",), "restricted_card", "later", "The bank restricts the use of the card.", message=ASK_ISSUER
    ),
    DeclineRow(
        "security",
        ("63",),
        "security_violation",
        "never",
        "The bank sees a breach of its security rules.",
        message=ASK_ISSUER,
    ),
    DeclineRow(
        "sca_required",
        ("1A",),
        "authentication_required",
        "authenticate",
        "The bank wants its customer to authenticate.",
        error_code="authentication_required",
        message="The bank asks that this payment is authenticated.",
    ),
    DeclineRow(
        "cvv_fail",
        ("N7", "82"),
        "incorrect_cvc",
        "fix_data",
        "The security code is not the card's.",
        error_code="incorrect_cvc",
        param="cvc",
        message="The security code is not correct.",
    ),
    DeclineRow(
        "avs_fail",
        (),
        "incorrect_zip",
        "fix_data",
        "The postal code is not the one that the bank has.",
        error_code="incorrect_zip",
        param="address_zip",
        message="The postal code does not belong to the card.",
    ),
    DeclineRow(
        "issuer_down",
        ("91",),
        "issuer_not_available",
        "another_acquirer",
        "The card's bank could not be reached.",
        message="The card's bank could not be reached. Try again in a moment.",
    ),
    DeclineRow(
        "duplicate",
        ("94",),
        "duplicate_transaction",
        "never",
        "The same payment came just before. See how that one ended before anything is tried again.",
        message="The same payment was made just before.",
    ),
    DeclineRow(
        "system_error",
        ("96",),
        "processing_error",
        "another_acquirer",
        "A system on the way to the bank failed.",
        error_code="processing_error",
        message="The payment could not be processed. Try again in a moment.",
    ),
    DeclineRow(
        "stop_payment",
        ("R0", "R1", "R3"),
        "stop_payment_order",
        "never",
        "The cardholder told the bank to stop payments to this merchant.",
        message=ASK_ISSUER,
    ),
    DeclineRow(
        "three_ds_failed",
        (),
        None,
        "authenticate",
        "The customer did not authenticate.",
        retry_otherwise="never",
        error_code="payment_intent_authentication_failure",
        error_type="invalid_request_error",
        message="The card could not be authenticated. Try again or use another one.",
        network_status="not_sent_to_network",
        outcome_type="invalid",
        own_reason="authentication_failed",
    ),
    DeclineRow(
        "psp_risk_block",
        (),
        "fraudulent",
        "never",
        "The payment was stopped before it reached the bank because its risk is too high.",
        network_status="not_sent_to_network",
        outcome_type="blocked",
        own_reason="highest_risk_level",
    ),
)

CARD_DECLINES: dict[str, DeclineRow] = {row.code: row for row in _ROWS}
DECLINES: dict[str, DeclineRow] = CARD_DECLINES | {row.code: row for row in ROWS_WITHOUT_CARD}
_BY_UPI_CODE: dict[str, DeclineRow] = {upi_code: row for row in DECLINES.values() for upi_code in row.upi_codes}
_BY_ISO_CODE: dict[str, DeclineRow] = {iso_code: row for row in _ROWS for iso_code in row.iso_codes}
# Mastercard asks for authentication by the code that others use for a card used too often.
_BY_ISO_CODE_OF_BRAND: dict[tuple[str, str], DeclineRow] = {("mastercard", "65"): DECLINES["sca_required"]}


def find(code: str) -> DeclineRow:
    """A code that nobody has heard of is a decline without a reason; it must not stop a payment's answer."""
    return DECLINES.get(code, DO_NOT_HONOR)


def find_by_iso_code(iso_code: str | None, brand: str | None = None) -> DeclineRow:
    key = (iso_code or "").strip().upper()
    if brand is not None and (brand, key) in _BY_ISO_CODE_OF_BRAND:
        return _BY_ISO_CODE_OF_BRAND[brand, key]
    return _BY_ISO_CODE.get(key, DO_NOT_HONOR)


def find_by_upi_code(upi_code: str | None) -> DeclineRow:
    return _BY_UPI_CODE.get((upi_code or "").strip().upper(), DO_NOT_HONOR)


def advice(row: DeclineRow, network_advice_code: str | None) -> AdviceCode | None:
    """What a merchant should do next. The card network knows better than the table."""
    return ADVICE_BY_NETWORK_CODE.get(network_advice_code or "", row.advice_code)
