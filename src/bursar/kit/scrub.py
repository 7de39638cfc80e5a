"""Takes secrets and card numbers out of anything on its way to a log."""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from typing import Any

DEPTH_MAX = 8  # deeper than any log line of ours; what lies below is replaced whole
MASK = "[scrubbed]"
TEXT_LENGTH_MAX = 32 * 1024  # longer than any traceback; what is hostile must not stop the server
CUT = "[cut]"

CARD_LENGTHS = range(12, 20)  # digits of a card's number
LUHN_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)

# Wherever they stand: a name such as my_sk_live_… hides a key no better than none.
_SECRET = re.compile(
    r"(?:sk|rk|pk)_(?:test|live)_[A-Za-z0-9_]+|whsec_[A-Za-z0-9+/=_-]+|\bBearer\s+\S+|\bBasic\s+\S+", re.IGNORECASE
)
# To the last @ of the word, as people forget to encode an @ or a slash in their password.
_URL_PASSWORD = re.compile(r"(://[^:/?#\s]*):\S+@")
# Digits and the little that people and programs write between them; which of them are a card, is looked at closely.
_DIGITS = re.compile(r"\d(?:[\s._/,-]{0,3}\d){11,}", re.ASCII)
_GROUP = re.compile(r"\d+", re.ASCII)
SECRET_NAMES = frozenset(
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


def _mask_cards(match: re.Match[str]) -> str:
    """Masks from the first group of a number to its last, wherever in the run of digits it stands."""
    run = match.group()
    groups = [(found.start(), found.end()) for found in _GROUP.finditer(run)]
    parts, kept = [], 0
    first = 0
    while first < len(groups):
        last = _card_from(run, groups, first)
        if last is None:
            first += 1
            continue
        parts += [run[kept : groups[first][0]], MASK]
        kept = groups[last][1]
        first = last + 1
    return "".join(parts) + run[kept:]


def _card_from(run: str, groups: list[tuple[int, int]], first: int) -> int | None:
    """The last group of the longest card number that begins with the first, or None."""
    length, found = 0, None
    # Luhn's sum for either parity of the length, so that each further digit costs one step and no new sum.
    sums = [0, 0]
    for last in range(first, len(groups)):
        for position in range(*groups[last]):
            if length == CARD_LENGTHS.stop - 1:
                return found
            digit = int(run[position])
            sums[length % 2] += LUHN_DOUBLED[digit]
            sums[1 - length % 2] += digit
            length += 1
        if length in CARD_LENGTHS and sums[length % 2] % 10 == 0:
            found = last
    return found


def scrub_text(text: str) -> str:
    if len(text) > TEXT_LENGTH_MAX:
        # Half a number at the cut could no longer be told from any other digits.
        text = text[:TEXT_LENGTH_MAX].rstrip("0123456789 \t\n._/,-") + CUT
    return _DIGITS.sub(_mask_cards, _URL_PASSWORD.sub(rf"\1:{MASK}@", _SECRET.sub(MASK, text)))


def scrub(value: Any, depth: int = 0, names: frozenset[str] = SECRET_NAMES) -> Any:
    if depth > DEPTH_MAX:
        return MASK
    if isinstance(value, str):
        return scrub_text(value)
    if isinstance(value, bytes):
        return scrub_text(value.decode(errors="replace"))
    if isinstance(value, Mapping):
        return {
            _scrub_key(key): MASK if str(key).lower() in names else scrub(inner, depth + 1, names)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [scrub(inner, depth + 1, names) for inner in value]
    if isinstance(value, int | float):  # a card number may come as a number
        return value if abs(value) < 10**11 else _scrub_number(value)
    return value if value is None else scrub_text(str(value))


def _scrub_key(key: Any) -> Any:
    return key if key is None or isinstance(key, bool) else scrub(key)


def _scrub_number(value: float) -> float | str:
    text = f"{value:f}" if isinstance(value, float) else str(value)
    return value if scrub_text(text) == text else MASK


def scrub_event(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor."""
    return {key: MASK if key.lower() in SECRET_NAMES else scrub(value) for key, value in event.items()}
