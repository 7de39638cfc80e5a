"""What a card's number tells of the card. Pure."""

from __future__ import annotations

from collections.abc import Mapping

LENGTH_MIN, LENGTH_MAX = 12, 19

# The first four digits, from and to, and the lengths that the brand's numbers have. Where two brands claim a range,
# the first holds: RuPay has what Discover leaves of 60 and 65.
_RANGES: tuple[tuple[int, int, str, frozenset[int]], ...] = (
    (4000, 4999, "visa", frozenset({13, 16, 19})),
    (5100, 5599, "mastercard", frozenset({16})),
    (2221, 2720, "mastercard", frozenset({16})),
    (3400, 3499, "amex", frozenset({15})),
    (3700, 3799, "amex", frozenset({15})),
    (6011, 6011, "discover", frozenset({16, 17, 18, 19})),
    (6440, 6599, "discover", frozenset({16, 17, 18, 19})),
    (3528, 3589, "jcb", frozenset({16, 17, 18, 19})),
    (3000, 3059, "diners", frozenset({14, 15, 16, 17, 18, 19})),
    (3600, 3699, "diners", frozenset({14, 15, 16, 17, 18, 19})),
    (3800, 3899, "diners", frozenset({14, 15, 16, 17, 18, 19})),
    (6200, 6299, "unionpay", frozenset({16, 17, 18, 19})),
    (6000, 6099, "rupay", frozenset({16})),
    (8100, 8299, "rupay", frozenset({16})),
    (5080, 5089, "rupay", frozenset({16})),
)
_ANY_LENGTH = frozenset(range(LENGTH_MIN, LENGTH_MAX + 1))

# The wire's own names of brands are a closed list, and RuPay is not on it.
_WIRE_BRANDS: Mapping[str, str] = {"rupay": "unknown"}
_DISPLAY_BRANDS: Mapping[str, str] = {
    "amex": "american_express",
    "diners": "diners_club",
    "unionpay": "union_pay",
    "rupay": "other",
    "unknown": "other",
}
# Digits in ASCII to what they count doubled.
_DOUBLED = bytes.maketrans(b"0123456789", bytes((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)))


def passes_luhn(number: str) -> bool:
    raw = number.encode("ascii")
    plain = raw[-1::-2]
    return (sum(plain) - 48 * len(plain) + sum(raw[-2::-2].translate(_DOUBLED))) % 10 == 0


def brand_of(number: str) -> str:
    return _range_of(number)[0]


def has_lawful_length(number: str) -> bool:
    return len(number) in _range_of(number)[1]


def wire_brand(brand: str) -> str:
    return _WIRE_BRANDS.get(brand, brand)


def display_brand(brand: str) -> str:
    return _DISPLAY_BRANDS.get(brand, brand)


def _range_of(number: str) -> tuple[str, frozenset[int]]:
    start = int(number[:4])
    for low, high, brand, lengths in _RANGES:
        if low <= start <= high:
            return brand, lengths
    return "unknown", _ANY_LENGTH
