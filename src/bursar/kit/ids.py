"""Object ids: a prefix, eleven characters of time, thirteen of chance.

Ids sort by creation time, so the primary key is also the order of every list, new rows land on the
same index pages, and a range of time is a range of ids. The alphabet is digits and lower-case letters
because every database and every collation orders those alike.
"""

from __future__ import annotations

import os
import re
import threading

from bursar.kit.clock import MICROSECONDS_PER_SECOND, Clock, SystemClock

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u
TIME_LENGTH = 11  # 55 bits of microseconds: until the year 3111
CHANCE_LENGTH = 13  # 65 bits: two ids of one microsecond collide once in 3.7e19
ID_LENGTH_MAX = 40
CHANCE_POOL_LENGTH = CHANCE_LENGTH * 256

_PLAIN = re.compile(r"[!-~]{1,100}")
_PAIRS = [first + second for first in ALPHABET for second in ALPHABET]
_TRIPLES = [pair + third for pair in _PAIRS for third in ALPHABET]
# Any byte to a digit, each digit by as many bytes.
_TO_DIGIT = (ALPHABET * 8).encode()


def time_part(microseconds: int) -> str:
    """Eleven digits: the last six from two tables of three, the rest pair by pair."""
    number = max(microseconds, 0)
    high = number >> 30
    pairs = _PAIRS[(high >> 20) & 31][1] + _PAIRS[(high >> 10) & 1023] + _PAIRS[high & 1023]
    return pairs + _TRIPLES[(number >> 15) & 32767] + _TRIPLES[number & 32767]


def created_microseconds(object_id: str) -> int:
    """When an id of ours was made."""
    stamp = object_id.rpartition("_")[2][:TIME_LENGTH]
    number = 0
    for character in stamp:
        number = (number << 5) | ALPHABET.index(character)
    return number


def may_be_id(text: str) -> bool:
    """Whether a database can be asked for it: some refuse NUL, or letters that a key's column cannot hold."""
    return _PLAIN.fullmatch(text) is not None


def lowest_id_at(prefix: str, epoch_seconds: int) -> str:
    """The lower bound of all ids made at or after the second."""
    return f"{prefix}_{time_part(epoch_seconds * MICROSECONDS_PER_SECOND)}"


class IdFactory:
    """Makes ids that rise strictly within this process, even when the clock steps back."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._last_microseconds = 0
        self._chance = ""
        self._chance_used = 0

    def new(self, prefix: str) -> str:
        return self.new_with_time(prefix)[0]

    def new_with_time(self, prefix: str) -> tuple[str, int]:
        """An id, and the microsecond that stands in it."""
        with self._lock:
            microseconds = max(self._clock.now_microseconds(), self._last_microseconds + 1)
            self._last_microseconds = microseconds
            chance = self._take_chance()
        return f"{prefix}_{time_part(microseconds)}{chance}", microseconds

    def secret(self) -> str:
        """130 bits that nobody can guess."""
        with self._lock:
            return self._take_chance() + self._take_chance()

    def _take_chance(self) -> str:
        """From a pool of the system's randomness: asking the system each time lets go of the interpreter."""
        start = self._chance_used
        if start >= len(self._chance):
            self._chance = os.urandom(CHANCE_POOL_LENGTH).translate(_TO_DIGIT).decode()
            start = 0
        self._chance_used = start + CHANCE_LENGTH
        return self._chance[start : start + CHANCE_LENGTH]

    def never_before(self, object_id: str) -> None:
        """Makes sure that every later id sorts after this one."""
        with self._lock:
            self._last_microseconds = max(self._last_microseconds, created_microseconds(object_id))
