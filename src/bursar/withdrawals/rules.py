"""Which withdrawals may be, and what becomes of them. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from bursar.kit.errors import Conflict, InvalidRequest, PermissionMissing
from bursar.withdrawals.schemas import Account, Destination, DestinationParams, Status, Withdrawal

# What may follow. An approved one can be called back as long as nobody has sent the money; `paid` and `failed`
# will follow `approved` when transfers to banks do.
TRANSITIONS: Mapping[Status, frozenset[Status]] = {
    "requested": frozenset({"approved", "refused", "canceled"}),
    "approved": frozenset({"canceled"}),
    "refused": frozenset(),
    "canceled": frozenset(),
}
# In these the ledger keeps the amount reserved.
OPEN = frozenset({"requested", "approved"})
LAST_DIGITS = 4

_SEPARATORS = str.maketrans("", "", " -.\t")
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
_IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BR": 29, "BY": 28,
    "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18,
    "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22,
    "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20,
    "LU": 20, "LV": 21, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MR": 27, "MT": 31, "MU": 30, "NL": 18, "NO": 15,
    "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "SA": 24, "SE": 24, "SI": 19, "SK": 24,
    "SM": 27, "TN": 24, "TR": 26, "UA": 29, "VG": 24, "XK": 20,
}  # fmt: skip
_ROUTING_NUMBER = re.compile(r"[0-9]{9}")
_ROUTING_WEIGHTS = (3, 7, 1) * 3
_IFSC = re.compile(r"[A-Z]{4}0[A-Z0-9]{6}")
_ACCOUNT_NUMBER = re.compile(r"[A-Z0-9]{4,34}")


def read_account(given: DestinationParams) -> Account:
    """The account that was named, or an error that says which part of it cannot be right. Never repeats a number."""
    holder, bank = given.account_holder.strip(), given.bank_name.strip() if given.bank_name else None
    named = [name for name in ("iban", "routing_number", "ifsc") if getattr(given, name) is not None]
    if len(named) != 1 or (given.account_number is None) == (named != ["iban"]):
        raise InvalidRequest(
            "Name the account by an iban, by account_number and routing_number, or by account_number and ifsc.",
            param="destination",
            code="destination_invalid",
        )
    if given.iban is not None:
        return Account(
            account_holder=holder, bank_name=bank, kind="iban", number=_read_iban(given.iban), bank_code=None
        )
    assert given.account_number is not None, "looked at above"
    number = _compact(given.account_number)
    if _ACCOUNT_NUMBER.fullmatch(number) is None:
        raise _invalid("account_number", "An account number has 4 to 34 letters and digits.")
    if given.routing_number is not None:
        code = _compact(given.routing_number)
        if not _is_routing_number(code):
            raise _invalid("routing_number", "A routing number has nine digits, the last of which checks the others.")
        return Account(account_holder=holder, bank_name=bank, kind="routing_number", number=number, bank_code=code)
    code = _compact(given.ifsc or "")
    if _IFSC.fullmatch(code) is None:
        raise _invalid("ifsc", "An IFSC has four letters, a zero, and six letters or digits, such as HDFC0000001.")
    return Account(account_holder=holder, bank_name=bank, kind="ifsc", number=number, bank_code=code)


def shown(account: Account) -> Destination:
    country = {"routing_number": "US", "ifsc": "IN"}.get(account.kind, account.number[:2])
    return Destination(
        account_holder=account.account_holder,
        bank_name=account.bank_name,
        country=country,
        kind=account.kind,
        last4=account.number[-LAST_DIGITS:],
    )


def needs_second_approval(amount_minor: int, currency: str, above_minor: Mapping[str, int]) -> bool:
    """Without a limit of its own, a currency has none."""
    limit = above_minor.get(currency)
    return limit is not None and amount_minor > limit


def decided(
    withdrawal: Withdrawal, status: Status, by: str, at: int, reason: str | None, reversal: str | None
) -> Withdrawal:
    check_transition(withdrawal, status)
    return msgspec.structs.replace(
        withdrawal,
        status=status,
        decided_by=by,
        decided_at=at,
        reason=reason or None,
        reversal_transaction=reversal,
    )


def check_transition(withdrawal: Withdrawal, status: Status) -> None:
    if status not in TRANSITIONS[withdrawal.status]:
        raise Conflict(
            f"The withdrawal {withdrawal.id} is {withdrawal.status} and cannot become {status} any more.",
            param="withdrawal",
            code="withdrawal_decided",
        )


def check_second_person(withdrawal: Withdrawal, approver: str) -> None:
    if withdrawal.asked_by == approver:
        raise PermissionMissing(
            "You have asked for this withdrawal yourself. Somebody else with the permission withdrawals.approve "
            "must approve it.",
            code="second_person_required",
        )


def _read_iban(text: str) -> str:
    iban = _compact(text)
    fits = _IBAN.fullmatch(iban) is not None and len(iban) == _IBAN_LENGTHS.get(iban[:2], len(iban))
    if not fits or _remainder(iban) != 1:
        raise _invalid("iban", "This is no IBAN: its length or one of its characters is wrong. Compare it once more.")
    return iban


def _remainder(iban: str) -> int:
    """ISO 13616: the first four characters come last, letters count from 10, and all of it leaves 1."""
    return int("".join(str(int(character, 36)) for character in iban[4:] + iban[:4])) % 97


def _is_routing_number(code: str) -> bool:
    if _ROUTING_NUMBER.fullmatch(code) is None or code == "0" * 9:
        return False
    return sum(weight * int(digit) for weight, digit in zip(_ROUTING_WEIGHTS, code, strict=True)) % 10 == 0


def _compact(text: str) -> str:
    return text.translate(_SEPARATORS).upper()


def _invalid(name: str, message: str) -> InvalidRequest:
    return InvalidRequest(message, param=f"destination[{name}]", code=f"{name}_invalid")
