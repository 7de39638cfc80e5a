"""Amounts as people read them."""

from __future__ import annotations

from decimal import Decimal
from functools import cache

from bursar.kit.money import CURRENCIES, DEFAULT_EXPONENT

RUPEES = "inr"


def shown(amount_minor: int, code: str) -> str:
    """`₹1,00,000.00`, `$12.50`, `CHF 12.50`, `¥500`: by our own table of minor units, which decides what is taken."""
    from babel.numbers import format_decimal

    exponent = CURRENCIES[code].exponent if code in CURRENCIES else DEFAULT_EXPONENT
    places = f".{'0' * exponent}" if exponent else ""
    grouping, locale = ("#,##,##0", "en_IN") if code == RUPEES else ("#,##0", "en")
    number = format_decimal(
        Decimal(amount_minor).scaleb(-exponent), format=f"{grouping}{places}", locale=locale, decimal_quantization=False
    )
    symbol = _symbol(code)
    return f"{symbol}\N{NO-BREAK SPACE}{number}" if symbol[-1].isalpha() else f"{symbol}{number}"


@cache
def _symbol(code: str) -> str:
    from babel.numbers import get_currency_symbol

    return get_currency_symbol(code.upper(), locale="en") or code.upper()
