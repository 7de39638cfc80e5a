"""Why UPI, banks' pages and customers' wallets decline. No word of a card: there is none."""

from __future__ import annotations

from bursar.connectors.decline_row import ATTEMPT_EXPIRED, ATTEMPT_FAILED, DeclineRow, Retry

NO_ANSWER = "You did not approve the payment in time. Try again."
OTHER_WAY = "The payment was declined. Try again, or pay in another way."


def _upi(code: str, upi_code: tuple[str, ...], retry: Retry, seller_message: str, message: str) -> DeclineRow:
    return DeclineRow(
        code,
        (),
        None,
        retry,
        seller_message,
        error_code=ATTEMPT_EXPIRED if code == "upi_expired" else ATTEMPT_FAILED,
        error_type="invalid_request_error",
        message=message,
        own_reason=code,
        upi_codes=upi_code,
    )


def _bank(code: str, retry: Retry, seller_message: str, message: str) -> DeclineRow:
    """No network between the bank and its own customer."""
    return DeclineRow(
        code,
        (),
        None,
        retry,
        seller_message,
        error_code=ATTEMPT_EXPIRED if code == "bank_expired" else ATTEMPT_FAILED,
        error_type="invalid_request_error",
        message=message,
        network_status="not_sent_to_network",
        own_reason=code,
    )


ROWS = (
    _upi("upi_expired", ("U69",), "later", "The customer did not approve the payment in time.", NO_ANSWER),
    _upi("upi_declined", ("ZA",), "later", "The customer declined the payment in the UPI app.", OTHER_WAY),
    _upi("upi_wrong_pin", ("ZM",), "fix_data", "The customer gave a wrong UPI PIN.", "The UPI PIN is not correct."),
    _upi(
        "upi_pin_tries",
        ("Z6",),
        "later",
        "The customer gave a wrong UPI PIN too often.",
        "A wrong UPI PIN was given too often. Try again tomorrow, or pay in another way.",
    ),
    _upi(
        "upi_frequency",
        ("Z7",),
        "later",
        "The customer has paid by UPI too often in a day.",
        "The bank allows no more UPI payments today. Pay in another way.",
    ),
    _upi(
        "upi_limit",
        ("Z8",),
        "later",
        "The payment exceeds what the customer may pay by UPI at once or in a day.",
        "The payment exceeds the limit that the bank has for UPI. Pay in another way.",
    ),
    _upi(
        "upi_risk",
        ("U16",),
        "never",
        "UPI stopped the payment because its risk is too high. Do not tell the customer why.",
        OTHER_WAY,
    ),
    _upi(
        "vpa_unknown",
        ("ZH", "U17"),
        "fix_data",
        "Nobody has this UPI address.",
        "Nobody has this UPI address. Check it and try again.",
    ),
    _bank("bank_cancelled", "later", "The customer or the bank said no on the bank's page.", OTHER_WAY),
    _bank("bank_expired", "later", "The customer did not approve the payment in time.", NO_ANSWER),
    _bank(
        "wallet_closed",
        "never",
        "The customer's wallet is closed.",
        "This wallet is closed. Pay in another way.",
    ),
    _bank(
        "wallet_unknown",
        "fix_data",
        "The bank knows no such wallet.",
        "The bank knows no such wallet. Check it and try again.",
    ),
)
