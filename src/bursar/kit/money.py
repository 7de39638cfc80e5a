"""Currencies: how many minor units they have, and which amounts can be paid in them."""

from __future__ import annotations

from dataclasses import dataclass

# Eight digits of minor units; currencies whose units are small get more.
AMOUNT_MAX = 99_999_999
AMOUNT_MAX_OF_SMALL_UNITS = 999_999_999_999
DEFAULT_EXPONENT = 2


@dataclass(frozen=True, slots=True)
class Currency:
    """An ISO 4217 currency in lower case. Amounts are whole minor units, `10 ** exponent` of them in one unit."""

    code: str
    exponent: int
    amount_min: int
    amount_max: int


_NO_MINOR_UNITS = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf"
_THOUSANDTHS = "bhd jod kwd omr tnd"
_HUNDREDTHS = (
    "usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd btn bwp byn bzd cad cdf chf cny "
    "cop crc cve czk dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl htg huf idr ils inr isk jmd kes "
    "kgs khr kyd kzt lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd pab "
    "pen pgk php pkr pln qar ron rsd rub sar sbd scr sek sgd shp sle sos srd std szl thb tjs top try ttd twd tzs uah "
    "ugx uyu uzs wst xcd xcg yer zar zmw"
)
# About half a US dollar where a card network sets no other; below it fees exceed what is paid.
_MINIMUMS = {
    "usd": 50, "aed": 200, "aud": 50, "bgn": 100, "brl": 50, "cad": 50, "chf": 50, "czk": 1500, "dkk": 250,
    "eur": 50, "gbp": 30, "hkd": 400, "huf": 17500, "inr": 50, "jpy": 50, "mxn": 1000, "myr": 200, "nok": 300,
    "nzd": 50, "pln": 200, "ron": 200, "sek": 300, "sgd": 50, "thb": 1000,
}  # fmt: skip
_SMALL_UNITS = frozenset(["cop", "huf", "idr", "inr", "jpy", "krw", "lbp", "uzs", "vnd"])


def _currency(code: str, exponent: int) -> Currency:
    maximum = AMOUNT_MAX_OF_SMALL_UNITS if code in _SMALL_UNITS else AMOUNT_MAX
    return Currency(code, exponent, _MINIMUMS.get(code, 1), maximum)


CURRENCIES: dict[str, Currency] = {
    code: _currency(code, exponent)
    for exponent, codes in ((0, _NO_MINOR_UNITS), (2, _HUNDREDTHS), (3, _THOUSANDTHS))
    for code in sorted(codes.split())
}


def find_currency(code: str) -> Currency | None:
    """By its code in any case."""
    return CURRENCIES.get(code.lower())


def display(amount_minor: int, code: str) -> str:
    """For people: `12.50 USD`, `500 JPY`."""
    exponent = CURRENCIES[code].exponent if code in CURRENCIES else DEFAULT_EXPONENT
    sign, digits = "-" if amount_minor < 0 else "", str(abs(amount_minor)).rjust(exponent + 1, "0")
    number = f"{digits[:-exponent]}.{digits[-exponent:]}" if exponent else digits
    return f"{sign}{number} {code.upper()}"
