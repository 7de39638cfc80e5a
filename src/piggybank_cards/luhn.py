"""The check digit that card numbers end in."""

from __future__ import annotations

_ZERO = ord("0")
# A digit's text to the text of the sum of its double's digits.
_DOUBLED = bytes.maketrans(b"0123456789", b"0246813579")


def is_valid(number: str) -> bool:
    return number.isascii() and number.isdigit() and _sum(number) % 10 == 0


def check_digit(digits: str) -> str:
    """What must be appended to make a valid number."""
    return str(-_sum(digits + "0") % 10)


def _sum(number: str) -> int:
    digits = number.encode()
    return sum(digits[-1::-2]) + sum(digits[-2::-2].translate(_DOUBLED)) - _ZERO * len(digits)
