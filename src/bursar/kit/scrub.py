"""Takes secrets and card numbers out of anything on its way to a log."""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from typing import Any

DEPTH_MAX = 8  # deeper than any log line of ours; what lies below is replaced whole
MASK = "[scrubbed]"

_SECRET = re.compile(
    r"\b(?:sk|rk|pk)_(?:test|live)_[A-Za-z0-9_]+|\bwhsec_[A-Za-z0-9+/=_-]+|\bBearer\s+\S+|\bBasic\s+\S+"
)
_URL_PASSWORD = re.compile(r"(://[^:/?#\s]*):[^@/\s]+@")
_DIGITS = re.compile(r"(?<!\d)\d(?:[ -]?\d){11,18}(?!\d)")
_SECRET_NAMES = frozenset(
    {
        "authorization",
        "password",
        "secret",
        "secret_key",
        "api_key",
        "client_secret",
        "number",
        "cvc",
        "cvv",
        "card_number",
        "pin",
        "token",
        "cookie",
    }
)


def passes_luhn(digits: str) -> bool:
    total = 0
    for position, character in enumerate(reversed(digits)):
        value = int(character)
        if position % 2:
            value = value * 2 - 9 if value > 4 else value * 2
        total += value
    return total % 10 == 0


def _mask_card(match: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", match.group())
    return MASK if passes_luhn(digits) else match.group()


def scrub_text(text: str) -> str:
    return _DIGITS.sub(_mask_card, _URL_PASSWORD.sub(rf"\1:{MASK}@", _SECRET.sub(MASK, text)))


def scrub(value: Any, depth: int = 0) -> Any:
    if depth > DEPTH_MAX:
        return MASK
    if isinstance(value, str):
        return scrub_text(value)
    if isinstance(value, bytes):
        return scrub_text(value.decode(errors="replace"))
    if isinstance(value, Mapping):
        return {
            key: MASK if str(key).lower() in _SECRET_NAMES else scrub(inner, depth + 1) for key, inner in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [scrub(inner, depth + 1) for inner in value]
    if isinstance(value, int):  # a card number may come as a number
        return value if abs(value) < 10**11 else _scrub_number(value)
    return value if isinstance(value, float | bool | None) else scrub_text(str(value))


def _scrub_number(value: int) -> int | str:
    text = str(value)
    return value if scrub_text(text) == text else MASK


def scrub_event(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor."""
    return {key: MASK if key.lower() in _SECRET_NAMES else scrub(value) for key, value in event.items()}
