"""Ports of this machine for tests: such as nobody listens at, and such as nobody else will take before their server."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

HOST = "127.0.0.1"
# Outside of what the system gives out by itself, and above those of the servers in scripts/service_kit.
FIRST, RANGE, RANGES = 20_000, 1_500, 8

_next: int | None = None


def free_port() -> int:
    """One that no other process of this suite is given, for a server that cannot report one it chose itself."""
    global _next  # noqa: PLW0603
    first = FIRST + RANGE * _range()
    if _next is None:
        _next = os.getpid() % RANGE  # so that two suites at once seldom begin alike
    for _ in range(RANGE):
        port = first + _next
        _next = (_next + 1) % RANGE
        if _is_free(port):
            return port
    raise RuntimeError(f"all ports from {first} to {first + RANGE - 1} are in use")


@contextmanager
def nobodys_port() -> Iterator[int]:
    """One where connections are refused for as long as this lasts: it is taken, but nobody listens."""
    with socket.socket() as held:
        held.bind((HOST, 0))
        yield int(held.getsockname()[1])


def _range() -> int:
    """Each process of pytest-xdist has its own; without it, the first."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")
    return (int(worker) + 1) % RANGES if worker.isdecimal() else 0


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True
