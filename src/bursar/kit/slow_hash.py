"""Hashes of what people remember: slow on purpose, so never many at once, and never before a payment."""

from __future__ import annotations

import asyncio
import logging
import selectors
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import IO, Any

import msgspec

from bursar.kit.errors import Unavailable

# What OWASP asks for at least: each hash takes some 20 ms of one core, and this much memory.
MEMORY_KIB = 19_456
PASSES = 2
LANES = 1
WAITING_MAX = 32  # beyond it people would wait longer than they do, and an attacker would fill the memory
STARTS_MAX = 2  # of one question: a process that was ended from outside is not the question's fault
ANSWER_SECONDS_MAX = 30.0  # of a process that everything else goes before; then it counts as ended
END_SECONDS_MAX = 5.0
LOOK_SECONDS = 1.0  # whether the server ends

logger = logging.getLogger(__name__)


class SlowHash:
    """argon2id in a process that gives way to everything else; it starts with the first question."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="bursar-hash")
        self._waiting = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._closing = threading.Event()

    async def hash(self, secret: str) -> str:
        hashed = await self._ask({"do": "hash", "secret": secret})
        assert isinstance(hashed, str)
        return hashed

    async def matches(self, secret: str, known: str | None) -> bool:
        """Takes as long for somebody who is not known at all: `known` is None then, and the answer no."""
        return await self._ask({"do": "match", "secret": secret, "known": known}) is True

    def is_outdated(self, known: str) -> bool:
        """Whether the hash was made with weaker parameters than today's, and should be made anew."""
        from argon2 import PasswordHasher

        return PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES).check_needs_rehash(known)

    def close(self) -> None:
        self._closing.set()
        self._thread.shutdown(wait=True, cancel_futures=True)
        self._end_process()

    async def _ask(self, question: dict[str, Any]) -> str | bool:
        if self._waiting >= WAITING_MAX:
            raise Unavailable("Too many people sign in at this moment; try again shortly.", retry_after_seconds=2)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._answer, question)
        finally:
            self._waiting -= 1

    def _answer(self, question: dict[str, Any]) -> str | bool:
        """In the one thread that talks to the process."""
        line = msgspec.json.encode(question) + b"\n"
        for _ in range(STARTS_MAX):
            told = self._exchange(line)
            if told.endswith(b"\n"):
                return msgspec.json.decode(told, type=str | bool)
            self._end_process()
            if self._closing.is_set():
                break
            logger.warning("the process that hashes passwords has ended; another is started")
        raise Unavailable("Passwords cannot be checked at this moment; try again shortly.", retry_after_seconds=2)

    def _exchange(self, line: bytes) -> bytes:
        """Nothing, or not all of a line, where the process has ended meanwhile."""
        if self._process is None:
            self._process = _started()
        assert self._process.stdin is not None and self._process.stdout is not None
        with suppress(OSError):
            self._process.stdin.write(line)
            self._process.stdin.flush()
            if self._answers(self._process.stdout):
                return self._process.stdout.readline()
        return b""

    def _answers(self, output: IO[bytes]) -> bool:
        """Waits no longer than an answer may take, and not as long where the server is about to end."""
        until = time.monotonic() + ANSWER_SECONDS_MAX
        with selectors.DefaultSelector() as selector:
            selector.register(output, selectors.EVENT_READ)
            while not selector.select(LOOK_SECONDS):
                if self._closing.is_set():
                    until = min(until, time.monotonic() + END_SECONDS_MAX)
                if time.monotonic() > until:
                    return False
        return True

    def _end_process(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        try:
            with suppress(OSError):
                process.communicate(timeout=END_SECONDS_MAX)  # closes its input, which is its end
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def _started() -> subprocess.Popen[bytes]:
    """Isolated, and without our environment: it needs none of the secrets in it."""
    return subprocess.Popen(
        [sys.executable, "-I", "-m", "bursar.kit.slow_hash_process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={},
    )
