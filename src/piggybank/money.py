"""How many minor units make one of a currency, and amounts as people write them."""

from __future__ import annotations

_NO_MINOR_UNITS = frozenset(
    ["bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"]
)
_THOUSANDTHS = frozenset(("bhd", "jod", "kwd", "omr", "tnd"))


def minor_digits(currency: str) -> int:
    if currency in _NO_MINOR_UNITS:
        return 0
    return 3 if currency in _THOUSANDTHS else 2


def major_units(amount: int, currency: str, separator: str = "") -> str:
    """`1234567` of a currency with hundredths is 12345.67; `separator` stands between thousands."""
    digits = minor_digits(currency)
    whole, rest = divmod(amount, 10**digits)
    grouped = f"{whole:,}".replace(",", separator)
    return f"{grouped}.{rest:0{digits}}" if digits else grouped
