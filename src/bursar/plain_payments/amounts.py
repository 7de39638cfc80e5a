"""Amounts as people write them: in major units, with a point. Pure, and never a float."""

from __future__ import annotations

import re

from bursar.kit.errors import InvalidRequest
from bursar.kit.money import Currency

# Digits, and at most one point with digits on both sides: no sign, no exponent, no separator, no blank.
_PLAIN = re.compile(r"(?P<whole>[0-9]{1,15})(?:\.(?P<part>[0-9]{1,15}))?")
CODE = "amount_invalid"


def minor_units(text: str, currency: Currency, param: str = "amount") -> int:
    """`10.50` of a currency with two places is 1050. A place too many is an error, even if it is a nought:
    whoever sends it means another currency, or rounds somewhere."""
    found = _PLAIN.fullmatch(text)
    if found is None:
        raise InvalidRequest(
            f"Invalid {param}: it must be a positive number in plain digits, such as {_example(currency)}.",
            param=param,
            code=CODE,
        )
    part = found["part"] or ""
    if len(part) > currency.exponent:
        raise InvalidRequest(
            f"Invalid {param}: {currency.code.upper()} has {_places(currency)}, so an amount looks like "
            f"{_example(currency)}.",
            param=param,
            code=CODE,
        )
    return int(found["whole"] + part.ljust(currency.exponent, "0"))


def major_units(amount_minor: int, currency: Currency) -> str:
    """The same the other way round."""
    digits = str(amount_minor).rjust(currency.exponent + 1, "0")
    return f"{digits[: -currency.exponent]}.{digits[-currency.exponent :]}" if currency.exponent else digits


def _example(currency: Currency) -> str:
    return f"10.{'50000'[: currency.exponent]}" if currency.exponent else "10"


def _places(currency: Currency) -> str:
    return f"{currency.exponent} decimal places at most" if currency.exponent else "no decimal places"
