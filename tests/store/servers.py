"""A database server of a test's own, that it may kill."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.service_kit import processes
from scripts.service_kit.errors import UnavailableError
from scripts.service_kit.servers import SERVERS, Place, Server

START_SECONDS_MAX = 60.0
POLL_SECONDS = 0.05


class OwnServer:
    """On a free port and in a folder of its own; dies by `kill`, comes back by `start`."""

    def __init__(self, server: Server, place: Place) -> None:
        self._server = server
        self._place = place
        self._process: subprocess.Popen[bytes] | None = None
        self.url = server.url(place)

    def start(self) -> None:
        self._process = subprocess.Popen(
            self._server.command(self._place),
            cwd=self._place.folder,
            env={**os.environ, **self._server.environment(self._place)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # so that the processes it starts can be ended with it
            **processes.as_user(self._place.user),
        )
        self._await_answer()

    def _await_answer(self) -> None:
        deadline = time.monotonic() + START_SECONDS_MAX
        while True:
            try:
                self._server.ready(self._place)
                return
            except UnavailableError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(POLL_SECONDS)  # a server says nobody when it is ready: it must be asked

    def kill(self) -> None:
        """As when the power fails: nothing is said to anybody."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def prepare(self) -> None:
        self._server.prepare(self._place)
        self.start()
        self._server.create_database(self._place)


@contextmanager
def own_server(name: str) -> Iterator[OwnServer]:
    server = SERVERS[name]
    user = processes.server_user(server.user)
    folder = Path(tempfile.mkdtemp(prefix=f"bursar-{name}-"))
    if user is not None:
        shutil.chown(folder, user)
    own = OwnServer(server, Place(folder, processes.free_port(0), user))
    try:
        own.prepare()
        yield own
    finally:
        own.kill()
        shutil.rmtree(folder, ignore_errors=True)
