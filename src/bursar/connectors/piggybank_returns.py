"""The query that the bank sends a customer back with: who has signed it is checked here, and that is all.

A browser carried it, so it may come twice, late, or after the authorisation went on. It says where to look.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Literal
from urllib.parse import parse_qs

from bursar.connectors.contract import Returned, ReturnRefused

PREFIX = "piggybank_"
NAMES = ("operation", "reference", "status", "time", "signature")
QUERY_LENGTH_MAX = 8192
PARAMETERS_MAX = 64
# Nothing is believed that it says, so a page that a customer opens again within the hour may still work.
AGE_SECONDS_MAX = 3600
# A time from the future comes from a clock that cannot be believed.
AHEAD_SECONDS_MAX = 300

_STATUSES: dict[str, Literal["succeeded", "failed", "pending"]] = {
    "approved": "succeeded",
    "declined": "failed",
    "pending": "pending",
}


def read_return(secret: str, query: str, now_seconds: int) -> Returned:
    """Raises ReturnRefused. Other parameters may stand beside the bank's own, each of which stands once."""
    if not secret:
        raise ReturnRefused("No secret for this bank's messages is set.")
    operation, reference, status, time, signature = _given(query)
    signed = ".".join((operation, reference, status, time)).encode()
    expected = hmac.digest(secret.encode(), signed, hashlib.sha256).hex().encode()
    if not hmac.compare_digest(expected, signature.encode(errors="replace")):
        raise ReturnRefused("The signature does not hold.")
    if "." in operation or "." in reference:  # ids have none, and one could be taken for the border between two
        raise ReturnRefused("The query cannot be read.")
    # Signed by the bank; but what it may sign tomorrow is not known today.
    if status not in _STATUSES or not (time.isascii() and time.isdecimal() and len(time) <= 12):
        raise ReturnRefused("The query cannot be read.")
    if not -AHEAD_SECONDS_MAX <= now_seconds - int(time) <= AGE_SECONDS_MAX:
        raise ReturnRefused("The time of the return is too far from ours.")
    return Returned(operation_id=reference, bank_reference=operation, status=_STATUSES[status], created=int(time))


def _given(query: str) -> list[str]:
    if len(query) > QUERY_LENGTH_MAX:
        raise ReturnRefused("The query is too long.")
    try:
        given = parse_qs(query, keep_blank_values=True, max_num_fields=PARAMETERS_MAX)
    except ValueError:
        raise ReturnRefused("The query cannot be read.") from None
    values = [given.get(f"{PREFIX}{name}", []) for name in NAMES]
    if any(len(each) != 1 for each in values):
        raise ReturnRefused("The query lacks what the bank sends, or says it twice.")
    return [each[0] for each in values]
