"""Every reason for a decline that the bank knows, with the response code that it sends for it.

The order is part of the table: it numbers the cards that decline with a code each, so rows are only appended.
"""

from __future__ import annotations

# ISO 8583 field 39 where the standard or a network has one; else two characters of the bank's own.
RESPONSE_CODES: dict[str, str] = {
    "do_not_honor": "05",
    "refer_issuer": "01",
    "invalid_merchant": "03",
    "pickup": "04",
    "pickup_fraud": "07",
    "invalid_transaction": "12",
    "invalid_amount": "13",
    "invalid_number": "14",
    "no_such_issuer": "15",
    "reenter": "19",
    "format_error": "30",
    "lost": "41",
    "stolen": "43",
    "closed_account": "46",
    "insufficient_funds": "51",
    "expired": "54",
    "bad_pin": "55",
    "pin_tries": "75",
    "not_permitted_cardholder": "57",
    "not_permitted_terminal": "58",
    "suspected_fraud": "59",
    "amount_limit": "61",
    "count_limit": "65",
    "restricted": "62",
    "security": "63",
    "sca_required": "1A",
    "cvv_fail": "N7",
    "avs_fail": "Z1",
    "issuer_down": "91",
    "duplicate": "94",
    "system_error": "96",
    "stop_payment": "R1",
    "three_ds_failed": "Z2",
    "psp_risk_block": "Z3",
}

# UPI's own codes, where a payment was to be made by it.
UPI_CODES: dict[str, str] = {
    "upi_expired": "U69",
    "upi_declined": "ZA",
    "upi_wrong_pin": "ZM",
    "upi_pin_tries": "Z6",
    "upi_frequency": "Z7",
    "upi_limit": "Z8",
    "insufficient_funds": "Z9",
    "upi_risk": "U16",
    "vpa_unknown": "ZH",
}
# Of banks' pages and wallets: codes of ISO 8583 again, under which a card was never declined.
BANK_CODES: dict[str, str] = {
    "bank_cancelled": "17",
    "bank_expired": "68",
    "wallet_closed": "78",
    "wallet_unknown": "25",
}
# UPI's while the customer has acted and the bank does not know yet.
DEEMED_CODE = "RB"
