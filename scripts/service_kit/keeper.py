"""Starts servers, remembers them in var/services/state.json, stops them when nobody uses them."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from . import packages, processes
from .errors import UnavailableError
from .processes import Process
from .servers import SERVERS, Place, Server

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDER = REPOSITORY / "var" / "services"
START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 30


@dataclass
class Running:
    """One server that we started."""

    process: Process
    url: str
    folder: str
    kept: bool = False  # asked for by `up`: it stays until `down`
    users: list[Process] = field(default_factory=list)  # the `run`s that need it

    @property
    def needed(self) -> bool:
        return self.kept or any(user.alive for user in self.users)


class Keeper:
    """The servers of this checkout. Made by `keeper()`, which holds the lock meanwhile."""

    def __init__(self) -> None:
        self.running = _read_state()

    def up(self, server: Server, *, user: Process | None = None) -> Running:
        """Start it unless it runs; without a user it stays until `down`."""
        found = self.running.get(server.name)
        if found is None or not found.process.alive:
            self.down(server)  # what a crash left behind
            found = self.running[server.name] = _start(server)
        if user is None:
            found.kept = True
        else:
            found.users.append(user)
        self._write_state()
        return found

    def release(self, server: Server, user: Process) -> None:
        """This user is done; the last one out stops the server."""
        found = self.running.get(server.name)
        if found is None:
            return
        found.users = [other for other in found.users if other != user and other.alive]
        self._write_state()
        if not found.needed:
            self.down(server)

    def down(self, server: Server) -> bool:
        """Stop it and remove its data; False when there was nothing to stop."""
        found = self.running.pop(server.name, None)
        if found is None:
            return False
        found.process.stop(server.stop_signal, STOP_SECONDS_MAX)
        _remove(Path(found.folder))
        self._write_state()
        return True

    def _write_state(self) -> None:
        written = FOLDER / "state.json.new"
        state = {name: asdict(one) for name, one in self.running.items()}
        written.write_text(json.dumps(state, indent=2) + "\n", encoding="utf-8")
        written.replace(FOLDER / "state.json")


@contextmanager
def keeper() -> Iterator[Keeper]:
    """One command at a time: two at once would start a server twice."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield Keeper()


def _read_state() -> dict[str, Running]:
    try:
        state = json.loads((FOLDER / "state.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return {
        name: Running(
            process=Process(**one["process"]),
            url=one["url"],
            folder=one["folder"],
            kept=one["kept"],
            users=[Process(**user) for user in one["users"]],
        )
        for name, one in state.items()
        if name in SERVERS
    }


def _start(server: Server) -> Running:
    if server.lacks() is not None:
        packages.install(server.packages)
        if (still := server.lacks()) is not None:
            raise UnavailableError(f"installed, but {still} cannot be found")
    place = _make_place(server)
    try:
        server.prepare(place)
        process = _launch(server, place)
    except BaseException:  # Ctrl-C too: no data folder is left behind
        _remove(place.folder)
        raise
    return Running(process=process, url=server.url(place), folder=str(place.folder))


def _make_place(server: Server) -> Place:
    """An empty folder that the server's user can reach: the checkout may be in a closed home."""
    key = hashlib.sha256(str(REPOSITORY).encode()).hexdigest()[:10]
    parent = Path("/var/tmp") / f"bursar-services-{os.geteuid()}-{key}"  # /var/tmp: a disk, where /tmp may be memory
    parent.mkdir(mode=0o755, exist_ok=True)
    if parent.is_symlink() or parent.stat().st_uid != os.geteuid():
        raise UnavailableError(f"{parent} belongs to somebody else")
    parent.chmod(0o755)
    folder = parent / server.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    user = processes.server_user(server.user)
    if user is not None:
        shutil.chown(folder, user)
    return Place(folder=folder, port=processes.free_port(server.port), user=user)


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):  # the other servers' folders are still there
        folder.parent.rmdir()


def _launch(server: Server, place: Place) -> Process:
    log = place.folder / "server.log"
    with log.open("wb") as output:
        child = subprocess.Popen(
            server.command(place),
            cwd=place.folder,
            env={**os.environ, **server.environment(place)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C in the terminal is meant for the tests, not for the server
            **processes.as_user(place.user),
        )
    process = Process.of(child.pid)
    try:
        _wait_until_ready(server, place, child)
        server.create_database(place)
    except BaseException as error:
        child.kill()
        child.wait()
        if isinstance(error, UnavailableError):
            said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-3:]
            raise UnavailableError(f"{error} ({' / '.join(said) or 'its log is empty'})") from error
        raise
    return process


def _wait_until_ready(server: Server, place: Place, child: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS_MAX
    while True:
        try:
            server.ready(place)
        except UnavailableError:
            if child.poll() is not None:
                raise UnavailableError(f"ended with exit code {child.returncode}") from None
            if time.monotonic() > deadline:
                raise UnavailableError(f"did not answer within {START_SECONDS_MAX} s") from None
            time.sleep(processes.POLL_SECONDS)
        else:
            return
