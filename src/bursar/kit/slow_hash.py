"""Hashes of what people remember: slow on purpose, so never many at once, and never before a payment."""

from __future__ import annotations

import asyncio
import os
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from bursar.kit.errors import Unavailable

if TYPE_CHECKING:
    from argon2 import PasswordHasher

T = TypeVar("T")

# What OWASP asks for at least: each hash takes some 20 ms of one core, and this much memory.
MEMORY_KIB = 19_456
PASSES = 2
LANES = 1
WAITING_MAX = 32  # beyond it people would wait longer than they do, and an attacker would fill the memory
NICENESS = 19  # whoever guesses passwords must not slow down whoever pays


class SlowHash:
    """argon2id in one thread that gives way to everything else."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="bursar-hash", initializer=_give_way)
        self._waiting = 0

    async def hash(self, secret: str) -> str:
        return await self._run(lambda: self._hasher.hash(secret))

    async def matches(self, secret: str, known: str | None) -> bool:
        """Takes as long for somebody who is not known at all: `known` is None then, and the answer no."""
        return await self._run(lambda: self._matches(secret, known))

    def is_outdated(self, known: str) -> bool:
        """Whether the hash was made with weaker parameters than today's, and should be made anew."""
        return self._hasher.check_needs_rehash(known)

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _matches(self, secret: str, known: str | None) -> bool:
        from argon2.exceptions import Argon2Error, InvalidHashError

        try:
            return self._hasher.verify(known or self._of_nobody, secret) and known is not None
        except (Argon2Error, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], T]) -> T:
        if self._waiting >= WAITING_MAX:
            raise Unavailable("Too many people sign in at this moment; try again shortly.", retry_after_seconds=2)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        finally:
            self._waiting -= 1

    @cached_property
    def _hasher(self) -> PasswordHasher:
        from argon2 import PasswordHasher

        return PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES)

    @cached_property
    def _of_nobody(self) -> str:
        return self._hasher.hash(secrets.token_hex(16))


def _give_way() -> None:
    """Linux knows the priority of a single thread; elsewhere the one thread is all there is to it."""
    with suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
