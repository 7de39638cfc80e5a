"""What a refusal means to a payer: which field it is about, and what to do next. Pure."""

from __future__ import annotations

from bursar.checkout.forms import Problem
from bursar.connectors.declines import ROWS_WITHOUT_CARD

OTHER_WAY = "Use another card, or choose another way to pay."
AGAIN = "Nothing was taken. Try again, or choose another way to pay."
NEXT_FIELD = {
    "invalid_number": "number",
    "incorrect_number": "number",
    "invalid_expiry_month": "expiry",
    "invalid_expiry_year": "expiry",
    "expired_card": "expiry",
    "invalid_cvc": "cvc",
    "incorrect_cvc": "cvc",
    "vpa_unknown": "vpa",
    "wallet_unknown": "wallet_id",
    "wallet_closed": "wallet_id",
}
# What to do about a decline, in words that tell nobody what only the bank and its customer should know.
NEXT_STEPS = {
    "incorrect_number": "Compare the number with the card, digit by digit.",
    "incorrect_cvc": "The security code is not right. Look at the card again, and enter all its digits once more.",
    "expired_card": "The card has expired. Use another one.",
    "insufficient_funds": f"There is not enough money for this payment. {OTHER_WAY}",
    "card_velocity_exceeded": f"The bank allows no more with this card for now. {OTHER_WAY}",
    "issuer_not_available": "The bank could not be reached. Try again in a moment.",
    "processing_error": "The bank could not handle the payment. Try again in a moment.",
    "try_again_later": "The bank could not handle the payment. Try again in a moment.",
    "authentication_required": "Your bank wants to know that it is you. Try again, and confirm it there.",
    "payment_intent_authentication_failure": "Your bank was not shown that it is you. Try again.",
    "test_mode_live_card": "No real money moves here: this page takes test cards only.",
    "live_mode_test_card": "This is a test card. Use a real one.",
    "generic_decline": f"The bank declined the payment. {OTHER_WAY}",
}
# Of paying from a wallet, and what a merchant cannot take.
BY_CODE: dict[str, tuple[str | None, str]] = {
    "pin_wrong": ("pin", "This is not the wallet's PIN, or the wallet has none yet. After some wrong ones nobody can "
                  "try for a while."),
    "wallet_code_invalid": ("wallet_code", "This is not the code of a wallet. Compare it with the original."),
    "resource_missing": ("wallet_code", "There is no wallet with this code. Compare it with the original."),
    "wallet_closed": ("wallet_code", "This wallet is closed. Choose another way to pay."),
    "wrong_currency": ("wallet_code", "This wallet has another currency. Choose another way to pay."),
    "own_wallet": ("wallet_code", "This is the wallet that is paid. Use another one."),
    "wrong_mode": ("wallet_code", "This wallet cannot pay here: one is for tests, the other for real money."),
    "not_primary": ("wallet_code", "Only the primary wallet of an organisation pays others."),
    "insufficient_balance": ("wallet_code", "There is not enough money in this wallet. Choose another way to pay."),
    "invalid_merchant": (None, "The seller cannot take payments at the moment. Nothing was taken."),
    "limit_exceeded": (None, "The seller does not take a payment of this amount. Nothing was taken."),
    "idempotency_key_reused": (None, "This form was sent before with something else in it. Look it through and send "
                               "it once more."),
    "idempotency_key_in_use": (None, "The payment is still on its way. Look again in a moment."),
}  # fmt: skip
# What is no card's has one code for all reasons on the wire, and only the words tell them apart.
_REASONS_BY_WORDS = {row.message: row.code for row in ROWS_WITHOUT_CARD}
_BY_PARAM = {"net_banking[bank_code]": "bank_code", "upi[vpa]": "vpa", "wallet[wallet_id]": "wallet_id"}


def of_decline(reason: str, message: str | None, method: str | None) -> Problem:
    """The bank's no, or a card that is none."""
    words = NEXT_STEPS.get(reason) or message or "The payment was declined."
    if "." not in words.rstrip(".") and reason not in NEXT_STEPS:
        words = f"{words} {OTHER_WAY if method == 'card' else AGAIN}"
    return Problem(NEXT_FIELD.get(_REASONS_BY_WORDS.get(message or "", reason)), words)


def of_refusal(status: int, code: str | None, param: str | None) -> Problem:
    """What the service said no to. Its own words are for programs, so only its code is used."""
    if status == 429:
        return Problem("pin", "There were too many wrong PINs for this wallet. Wait some minutes, and try again.")
    field, words = BY_CODE.get(code or "", (None, ""))
    if words:
        return Problem(field, words)
    known = _BY_PARAM.get(param or "")
    return Problem(known, "This cannot be used. Check it, or choose another way to pay." if known else AGAIN)
