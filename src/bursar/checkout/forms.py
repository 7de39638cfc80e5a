"""What a form holds: what is asked of the API, or what is wrong with which field. Pure.

What a person can have mistyped is found here, before it counts as one of the tries that a session has.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from bursar.kit.errors import InvalidRequest
from bursar.methods import cards

FIELDS_MAX = 20  # six are ours; a browser's helpers may add some of their own
VALUE_LENGTH_MAX = 400
CARD, UPI, NET_BANKING, WALLET, WALLET_CODE = "card", "upi", "net_banking", "wallet", "wallet_code"
# What is shown again. Never a number, a security code or a PIN.
KEPT = ("expiry", "name", "vpa", "bank_code", "wallet_id", "wallet_code")

_KEY = re.compile(r"[A-Za-z0-9_-]{16,64}")
_EXPIRY = re.compile(r"([0-9]{1,2})\s*[/.-]\s*([0-9]{2}|20[0-9]{2})|([0-9]{2})([0-9]{2})")
_BETWEEN_DIGITS = re.compile(r"[\s-]+")
_CODE = re.compile(r"[0-9]{3,4}")
_PIN = re.compile(r"[0-9]{6}")
_VPA = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,99}@[A-Za-z][A-Za-z0-9]{1,63}")
_CENTURY = 2000
_AMERICAN_EXPRESS = "amex"


@dataclass(frozen=True, slots=True)
class Problem:
    """With a field, or with the whole when it is of none."""

    field: str | None
    message: str


@dataclass(slots=True)
class Sent:
    """A form as it came. Its text shows nothing of it."""

    key: str
    method: str
    body: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Sent({self.method})"


def read(raw: bytes, now_seconds: int) -> Sent:
    fields = _fields(raw)
    key = fields.get("key", "")
    if not _KEY.fullmatch(key):
        raise InvalidRequest("The form is not complete. Open the page again, and pay there.", param="key")
    method = fields.get("method", "")
    reader = _READERS.get(method)
    if reader is None:
        raise InvalidRequest("The form does not say how to pay. Open the page again, and pay there.", param="method")
    sent = Sent(key, method, kept={name: fields[name] for name in KEPT if fields.get(name)})
    reader(sent, fields, now_seconds)
    return sent


def _fields(raw: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, max_num_fields=FIELDS_MAX, errors="strict")
    except ValueError:  # and whatever is no text
        raise InvalidRequest("The form cannot be read. Open the page again, and pay there.") from None
    fields = {name: value.strip() for name, value in pairs}
    if len(fields) != len(pairs):
        raise InvalidRequest("The form has a field twice. Open the page again, and pay there.")
    if any(len(value) > VALUE_LENGTH_MAX or "\x00" in value for value in fields.values()):
        raise InvalidRequest("A field of the form is too long. Open the page again, and pay there.")
    return fields


def _read_card(sent: Sent, fields: dict[str, str], now_seconds: int) -> None:
    number = _BETWEEN_DIGITS.sub("", fields.get("number", ""))
    code = fields.get("cvc", "")
    if not number:
        sent.problems.append(Problem("number", "Enter the number of the card."))
    elif not (number.isascii() and number.isdecimal() and cards.LENGTH_MIN <= len(number) <= cards.LENGTH_MAX):
        sent.problems.append(Problem("number", "A card number has 12 to 19 digits."))
    elif not (cards.passes_luhn(number) and cards.has_lawful_length(number)):
        sent.problems.append(Problem("number", "This is not the number of a card. Compare it digit by digit."))
    month, year = _read_expiry(sent, fields.get("expiry", ""), now_seconds)
    if not _CODE.fullmatch(code):
        sent.problems.append(Problem("cvc", "Enter the 3 digits on the back, or the 4 on the front of an Amex."))
    elif number.isascii() and number.isdecimal() and (len(code) == 4) != (cards.brand_of(number) == _AMERICAN_EXPRESS):
        sent.problems.append(Problem("cvc", "This card has a security code of another length. Look at the card again."))
    card: dict[str, Any] = {"number": number, "exp_month": month, "exp_year": year, "cvc": code}
    if fields.get("name"):
        card["name"] = fields["name"][:256]
    sent.body = {"method": CARD, "card": card}


def _read_expiry(sent: Sent, text: str, now_seconds: int) -> tuple[int, int]:
    found = _EXPIRY.fullmatch(text)
    month = int(found[1] or found[3]) if found else 0
    if found is None or not 1 <= month <= 12:
        sent.problems.append(Problem("expiry", "Enter month and year as on the card, such as 04 / 30."))
        return 0, 0
    given = int(found[2] or found[4])
    year = given if given > 99 else _CENTURY + given
    today = time.gmtime(now_seconds)
    if (year, month) < (today.tm_year, today.tm_mon):
        sent.problems.append(Problem("expiry", "The card has expired. Use another one."))
    return month, year


def _read_upi(sent: Sent, fields: dict[str, str], _now_seconds: int) -> None:
    """By address when the form is that of the address, else by a code to scan."""
    sent.body = {"method": UPI}
    if "vpa" in fields:
        if not _VPA.fullmatch(fields["vpa"]):
            sent.problems.append(Problem("vpa", "Enter a UPI address, such as name@bank."))
        sent.body["upi"] = {"vpa": fields["vpa"]}


def _read_net_banking(sent: Sent, fields: dict[str, str], _now_seconds: int) -> None:
    code = fields.get("bank_code", "")
    if not code:
        sent.problems.append(Problem("bank_code", "Choose your bank."))
    sent.body = {"method": NET_BANKING, "net_banking": {"bank_code": code[:40]}}


def _read_wallet(sent: Sent, fields: dict[str, str], _now_seconds: int) -> None:
    wallet_id = fields.get("wallet_id", "")
    if not wallet_id or len(wallet_id) > 100:
        sent.problems.append(Problem("wallet_id", "Enter the id that the bank has given to your wallet."))
    sent.body = {"method": WALLET, "wallet": {"wallet_id": wallet_id}}


def _read_wallet_code(sent: Sent, fields: dict[str, str], _now_seconds: int) -> None:
    code, pin = fields.get("wallet_code", ""), fields.get("pin", "")
    if not code or len(code) > 40:
        sent.problems.append(Problem("wallet_code", "Enter the code of the wallet that pays."))
    if not _PIN.fullmatch(pin):
        sent.problems.append(Problem("pin", "Enter the 6 digits of the wallet's PIN."))
    sent.body = {"fromWalletCode": code, "pin": pin}


_READERS = {
    CARD: _read_card,
    UPI: _read_upi,
    NET_BANKING: _read_net_banking,
    WALLET: _read_wallet,
    WALLET_CODE: _read_wallet_code,
}
