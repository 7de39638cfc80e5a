"""Codes of wallets: short, safe to print, and told over the telephone without harm. Pure.

Nine characters of chance and one that checks them, in two groups: `7K3MQ-9TD2X`. Crockford's base 32 has no letters
that look like digits, and reads those that people write instead. The check finds every single wrong character and
every two that changed places.
"""

from __future__ import annotations

import secrets

from bursar.kit.errors import InvalidRequest
from bursar.kit.scrub import scrub_text

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CHANCE_LENGTH = 9  # 45 bits: among a million wallets a new code is taken already once in 35 million times
LENGTH = CHANCE_LENGTH + 1
GROUP_LENGTH = 5
SHOWN_LENGTH = LENGTH + LENGTH // GROUP_LENGTH - 1
GIVEN_LENGTH_MAX = 40

_DIGITS = {character: digit for digit, character in enumerate(ALPHABET)} | {"O": 0, "I": 1, "L": 1}
_SEPARATORS = str.maketrans("", "", " -_.\t\u2010\u2011\u2012\u2013\u2212")
_FIELD_BITS = 5
_POLYNOMIAL = 0b100101  # irreducible, so that the 32 digits are a field


def new_code() -> str:
    chance = [secrets.randbelow(len(ALPHABET)) for _ in range(CHANCE_LENGTH)]
    return _shown([*chance, _doubled(_sum(chance))])


def read_code(text: str, param: str = "code") -> str:
    """A code as it is kept, from however somebody has written it. Raises where it cannot be one."""
    characters = text[: GIVEN_LENGTH_MAX + 1].upper().translate(_SEPARATORS)
    digits = [_DIGITS[character] for character in characters if character in _DIGITS]
    if len(characters) != LENGTH or len(digits) != LENGTH:
        raise _typo(text, param, f"it has {LENGTH} letters and digits, and no U")
    if _sum(digits) != 0:
        raise _typo(text, param, "one of its characters is wrong, or two have changed places")
    return _shown(digits)


def _typo(text: str, param: str, why: str) -> InvalidRequest:
    """Scrubbed, as people put card numbers where codes belong."""
    shown = scrub_text(text[:GIVEN_LENGTH_MAX])
    return InvalidRequest(
        f"'{shown}' is no wallet's code: {why}. Compare it with the original.", param=param, code="wallet_code_invalid"
    )


def _sum(digits: list[int]) -> int:
    """Each digit times another power of two in the field: 0 for a whole code."""
    total = 0
    for digit in digits:
        total = _doubled(total) ^ digit
    return total


def _doubled(digit: int) -> int:
    doubled = digit << 1
    return doubled ^ _POLYNOMIAL if doubled >> _FIELD_BITS else doubled


def _shown(digits: list[int]) -> str:
    characters = "".join(ALPHABET[digit] for digit in digits)
    return "-".join(characters[start : start + GROUP_LENGTH] for start in range(0, LENGTH, GROUP_LENGTH))
