"""Programs: where they are, who runs them, whether they still live."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import UnavailableError

COMMAND_SECONDS_MAX = 120  # preparing a data folder takes seconds; a slow disk may need a minute
POLL_SECONDS = 0.05


def search_path() -> str:
    """PATH and the folders that Debian leaves out of it: administrators' and PostgreSQL's own."""
    versions = Path("/usr/lib/postgresql").glob("*/bin")
    newest_first = sorted(versions, key=lambda folder: _number(folder.parent.name), reverse=True)
    return os.pathsep.join(
        [*map(str, newest_first), os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin", "/usr/local/sbin"]
    )


def _number(version: str) -> float:
    found = re.match(r"\d+(\.\d+)?", version)
    return float(found[0]) if found else 0.0


def find_program(name: str) -> str | None:
    return shutil.which(name, path=search_path())


def program(name: str) -> str:
    found = find_program(name)
    if found is None:
        raise UnavailableError(f"{name} is not installed")
    return found


def lacking_programs(*names: str) -> str | None:
    """The names that are not installed, or None when all are."""
    return ", ".join(name for name in names if find_program(name) is None) or None


def succeeds(*command: str) -> bool:
    """Whether a command can be run, and ends well."""
    try:
        return subprocess.run(command, capture_output=True, timeout=COMMAND_SECONDS_MAX, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def server_user(wanted: str) -> str | None:
    """The user a server runs as: servers refuse root, and another user need not be switched."""
    if os.geteuid() != 0:
        return None
    try:
        pwd.getpwnam(wanted)
    except KeyError:
        return "nobody"
    return wanted


def as_user(user: str | None) -> dict[str, Any]:
    """The subprocess arguments that drop root's rights, groups included."""
    if user is None:
        return {}
    entry = pwd.getpwnam(user)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def run(
    arguments: list[str],
    *,
    folder: Path,
    user: str | None = None,
    environment: dict[str, str] | None = None,
    text: str = "",
) -> None:
    """Run to the end; what it said becomes the error's text when it fails."""
    try:
        child = subprocess.Popen(
            arguments,
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # so that its own children can be ended with it
            **as_user(user),
        )
    except OSError as error:
        raise UnavailableError(f"{arguments[0]}: {error}") from error
    try:
        output, _ = child.communicate(text, timeout=COMMAND_SECONDS_MAX)
    except BaseException as error:  # Ctrl-C too
        os.killpg(child.pid, signal.SIGKILL)
        child.communicate()
        if isinstance(error, subprocess.TimeoutExpired):
            raise UnavailableError(f"{arguments[0]}: no end within {COMMAND_SECONDS_MAX} s") from error
        raise
    if child.returncode != 0:
        said = " / ".join(output.strip().splitlines()[-3:])
        raise UnavailableError(f"{Path(arguments[0]).name} failed: {said or f'exit code {child.returncode}'}")


def free_port(wanted: int) -> int:
    """The wanted port, or any free one where something else listens there."""
    for port in (wanted, 0):
        with socket.socket() as listener:
            # As servers do, so that a port in TIME_WAIT from the last run counts as free.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(listener.getsockname()[1])
    raise UnavailableError("no free port on loopback")


def listens(port: int) -> bool:
    with socket.socket() as client:
        client.settimeout(1)
        return client.connect_ex(("127.0.0.1", port)) == 0


def greets(port: int, hello: bytes = b"") -> bool:
    """Whether a server says something, after this if it waits for it."""
    with socket.socket() as client:
        client.settimeout(1)
        try:
            client.connect(("127.0.0.1", port))
            client.sendall(hello)
            return bool(client.recv(1))
        except OSError:
            return False


@dataclass(frozen=True)
class Process:
    """A process that is still itself: a number alone may have gone to another one since."""

    pid: int
    started: str

    @classmethod
    def of(cls, pid: int) -> Process:
        return cls(pid, _start_time(pid) or "")

    @property
    def alive(self) -> bool:
        return _start_time(self.pid) == self.started

    def stop(self, stop_signal: signal.Signals, seconds_max: float) -> None:
        """Ask, wait, and only then kill."""
        for step in (stop_signal, signal.SIGKILL):
            if not self.alive:
                return
            os.kill(self.pid, step)
            deadline = time.monotonic() + seconds_max
            while self.alive and time.monotonic() < deadline:
                time.sleep(POLL_SECONDS)


def _start_time(pid: int) -> str | None:
    """When the process started, in the kernel's ticks; None when it is gone or a zombie."""
    if not Path("/proc/self/stat").exists():  # macOS: the number is all there is
        try:
            os.kill(pid, 0)
        except OSError:
            return None
        return ""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    state, *fields = stat.rpartition(")")[2].split()
    return None if state in "ZX" else fields[18]
