"""What processes cost: CPU time and memory, from /proc. Linux only, as are the servers that are compared."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Container
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
STOP_SECONDS_MAX = 30.0  # a graceful stop writes what was accepted; it has never taken one second
MIB = 1024 * 1024


class BenchError(Exception):
    """A measurement that cannot be trusted, or could not be made. Its text is for people."""


def program(name: str) -> str:
    """Debian keeps pgbench out of PATH on some releases."""
    folders = [os.environ.get("PATH", os.defpath), *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin")))]
    found = shutil.which(name, path=os.pathsep.join(folders))
    if found is None:
        raise BenchError(f"{name} is not installed; `scripts/services tools {name}` installs it")
    return found


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _fields(pid: int, thread: int | None = None) -> list[str]:
    """The fields behind the name, which may itself contain spaces and brackets; none when it is gone."""
    path = f"/proc/{pid}/stat" if thread is None else f"/proc/{pid}/task/{thread}/stat"
    try:
        stat = Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return stat.rpartition(")")[2].split()


def parent_of(pid: int) -> int:
    fields = _fields(pid)
    if not fields:
        raise BenchError(f"process {pid} is not on this machine")
    return int(fields[1])


def tree(root: int, without: Container[int] = ()) -> list[int]:
    """The process and all its descendants, but for those named and what they started."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _fields(int(entry.name))):
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [root]
    for pid in found:  # grows while it is walked: breadth first
        found.extend(child for child in children.get(pid, []) if child not in without)
    return found


def cpu_seconds(root: int) -> float:
    """User and system time of the tree, with what its root's children used that have ended already."""
    ticks = sum(int(fields[11]) + int(fields[12]) for pid in tree(root) if (fields := _fields(pid)))
    own = _fields(root)
    waited_for = int(own[13]) + int(own[14]) if own else 0
    return (ticks + waited_for) / TICKS_PER_SECOND


def running_module(root: int, module: str) -> list[int]:
    """Those of the tree that were started as `python -m MODULE`."""
    found = []
    for pid in tree(root):
        try:
            arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if [b"-m", module.encode()] == arguments[1:3]:
            found.append(pid)
    return found


def thread_seconds(root: int) -> dict[int, float]:
    """What each thread of the tree has used, by the kernel's number of it."""
    found = {}
    for pid in tree(root):
        for entry in Path(f"/proc/{pid}/task").iterdir():
            if fields := _fields(pid, int(entry.name)):
                found[int(entry.name)] = (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND
    return found


def resident_mib(root: int, without: Container[int] = ()) -> float:
    """Resident memory of the tree. Pages that processes share count once for each of them."""
    pages = 0
    for pid in tree(root, without):
        fields = _fields(pid)
        pages += int(fields[21]) if fields else 0
    return pages * os.sysconf("SC_PAGE_SIZE") / MIB


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ask, wait, and only then kill; whatever it started goes with it."""
    if process.poll() is not None:
        return
    family = tree(process.pid)
    process.terminate()
    try:
        process.wait(STOP_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        for pid in reversed(family):  # children first, while they can still be told from strangers
            if pid in tree(process.pid):
                os.kill(pid, signal.SIGKILL)
        process.wait(STOP_SECONDS_MAX)


class Waiting:
    """A bounded wait for a child process: ends early, with its last words, when the child does."""

    def __init__(self, description: str, seconds_max: float, process: subprocess.Popen[bytes], log: Path) -> None:
        self._description = description
        self._deadline = time.monotonic() + seconds_max
        self._process = process
        self._log = log

    def pause(self, seconds: float) -> None:
        if self._process.poll() is not None:
            raise BenchError(f"the server ended with exit code {self._process.returncode}: {self._last_words()}")
        if time.monotonic() > self._deadline:
            raise BenchError(f"{self._description} took too long: {self._last_words()}")
        time.sleep(seconds)

    def _last_words(self) -> str:
        lines = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return " / ".join(lines[-5:]) or "its log is empty"
