"""What wallets may do. Pure."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import NamedTuple

from bursar.kit.clock import MICROSECONDS_PER_SECOND
from bursar.kit.errors import Conflict, InvalidRequest
from bursar.kit.money import display, find_currency
from bursar.wallets.errors import WalletRefused
from bursar.wallets.schemas import Wallet

PIN_LENGTH = 6
TRIES_MAX = 5
PAUSE_SECONDS = 15 * 60
PAUSE_SECONDS_MAX = 24 * 3_600
_DIGITS = re.compile(r"[0-9]{6}")
_YEARS = range(1900, 2100)


class Tries(NamedTuple):
    """What is known of the tries of a PIN. `paused_until` in microseconds."""

    tries: int = 0
    pauses: int = 0
    paused_until: int = 0


def begin_try(before: Tries, now: int) -> Tries:
    """Each try counts before it is looked at, so that of many at once no more than the allowed ones are.

    The last one begins the pause at once, and being right ends it. A pause that is over leaves as many tries
    again, and the next one is twice as long.
    """
    assert before.paused_until <= now, "nobody tries during a pause"
    tries = 1 if before.tries >= TRIES_MAX else before.tries + 1
    if tries < TRIES_MAX:
        return Tries(tries, before.pauses)
    pause = min(PAUSE_SECONDS << min(before.pauses, 10), PAUSE_SECONDS_MAX)
    return Tries(tries, before.pauses + 1, now + pause * MICROSECONDS_PER_SECOND)


def without_try(before: Tries) -> Tries:
    """One that was begun could not be looked at, so nobody has learnt anything by it."""
    if before.tries < TRIES_MAX:
        return before._replace(tries=max(before.tries - 1, 0))
    return Tries(before.tries - 1, before.pauses - 1)


def check_new_pin(pin: str, param: str = "pin") -> None:
    """Six digits that nobody would try among the first."""
    if _DIGITS.fullmatch(pin) is None:
        raise InvalidRequest(f"A PIN has {PIN_LENGTH} digits.", param=param, code="pin_invalid")
    if _is_row(pin) or _is_repetition(pin) or _may_be_date(pin):
        raise InvalidRequest(
            "This PIN is among those that are tried first: rows, repetitions and dates. Choose six other digits.",
            param=param,
            code="pin_too_simple",
        )


def check_currency(code: str, param: str = "currency") -> str:
    currency = find_currency(code)
    if currency is None:
        raise InvalidRequest(f"There is no currency {code!r}; send three letters, such as eur.", param=param)
    return currency.code


def check_takes(wallet: Wallet, currency: str, param: str | None = None) -> None:
    """Whether a wallet may pay or be paid in a currency."""
    if wallet.closed:
        raise WalletRefused(
            "wallet_closed", f"The wallet {wallet.code} is closed; open it again or use another.", param=param
        )
    if wallet.currency is not None and wallet.currency != currency:
        raise WalletRefused(
            "wrong_currency",
            f"The wallet {wallet.code} keeps {wallet.currency.upper()} only, not {currency.upper()}.",
            param=param or "currency",
        )


def check_different(payer: Wallet, payee: Wallet, param: str | None = None) -> None:
    if payer.id == payee.id:
        raise WalletRefused("own_wallet", "A wallet cannot pay itself; name another one.", param=param)
    if payer.livemode != payee.livemode:
        raise WalletRefused("wrong_mode", "One of the wallets is of test mode, the other of live mode.", param=param)


def check_primary(payer: Wallet, param: str | None = None) -> None:
    if not payer.is_primary:
        raise WalletRefused(
            "not_primary",
            f"Only an organisation's primary wallet pays others; {payer.code} is another one.",
            param=param,
        )


def check_enough(wallet: Wallet, available_minor: int, amount_minor: int, currency: str) -> None:
    """What is not there is not named: whoever pays may be somebody else than whoever may see the balance."""
    if available_minor < amount_minor:
        raise WalletRefused(
            "insufficient_balance",
            f"The wallet {wallet.code} has less than {display(amount_minor, currency)} available.",
            param="amount",
        )


def check_may_close(wallet: Wallet, has_money: bool) -> None:
    if wallet.is_primary:
        raise Conflict("The primary wallet cannot be closed: all payments go there.", param="closed", code="primary")
    if has_money:
        raise Conflict(
            "There is money in this wallet, or on its way to it. Transfer it to another wallet first.",
            param="closed",
            code="wallet_not_empty",
        )


def _is_row(pin: str) -> bool:
    """123456, 654321, 246802 and the like: each digit the same step from the one before."""
    steps = {(int(second) - int(first)) % 10 for first, second in pairwise(pin)}
    return len(steps) == 1


def _is_repetition(pin: str) -> bool:
    """121212, 123123, 112233, 111222, 123321."""
    halves, pairs = {pin[:3], pin[3:]}, {pin[:2], pin[2:4], pin[4:]}
    doubled = pin[::2] == pin[1::2]
    return len(halves) == 1 or len(pairs) == 1 or doubled or pin == pin[::-1] or len(set(pin)) <= 2


def _may_be_date(pin: str) -> bool:
    """Birthdays in any order, and months of a year: 311299, 991231, 123199, 121999, 199912."""
    first, second, third = int(pin[:2]), int(pin[2:4]), int(pin[4:])
    if (_is_day(first) and _is_month(second)) or (_is_month(first) and _is_day(second)):
        return True
    if _is_month(second) and _is_day(third):
        return True
    return (int(pin[:4]) in _YEARS and _is_month(third)) or (_is_month(first) and int(pin[2:]) in _YEARS)


def _is_day(number: int) -> bool:
    return 1 <= number <= 31


def _is_month(number: int) -> bool:
    return 1 <= number <= 12
