"""The process that hashes what people remember: one line of JSON in, one out, until its input ends.

A process, because a thread that gives way to all others keeps the interpreter's lock while it does, and whoever pays
would wait for it.
"""

from __future__ import annotations

import os
import secrets
import signal
import sys
from contextlib import suppress
from typing import Any

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from bursar.kit.slow_hash import LANES, MEMORY_KIB, PASSES

NICENESS = 19  # whoever guesses passwords must not slow down whoever pays


def main() -> None:
    # Its end is the end of its input: what is asked while the server ends gracefully is still answered.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with suppress(OSError, AttributeError):
        os.nice(NICENESS)
    hasher = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES)
    of_nobody = hasher.hash(secrets.token_hex(16))
    for line in sys.stdin.buffer:
        sys.stdout.buffer.write(msgspec.json.encode(answer(hasher, of_nobody, msgspec.json.decode(line))) + b"\n")
        sys.stdout.buffer.flush()


def answer(hasher: PasswordHasher, of_nobody: str, asked: dict[str, Any]) -> str | bool:
    if asked["do"] == "hash":
        return hasher.hash(asked["secret"])
    known = asked["known"]
    try:
        return hasher.verify(known or of_nobody, asked["secret"]) and known is not None
    except (Argon2Error, InvalidHashError):
        return False


if __name__ == "__main__":
    main()
