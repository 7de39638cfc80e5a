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
