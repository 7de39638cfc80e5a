"""Runs the product as its users do, as a child process behind a socket, for tests of the wire."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.ports import free_port

SECRET_KEY = "sk_test_bursar_dev"
PUBLISHABLE_KEY = "pk_test_bursar_dev"

HOST = "127.0.0.1"
START_SECONDS_MAX = 60.0  # A first start creates the database, on a machine that runs other suites too.
STOP_SECONDS_MAX = 10.0  # Longer than the server lets running requests finish.
POLL_SECONDS = 0.05
REQUEST_SECONDS_MAX = 10.0
COMMAND_SECONDS_MAX = 30.0
STDERR_CHARACTERS_MAX = 4_000  # The end of the log is what explains a failure.


@dataclass(frozen=True)
class Answer:
    """One response, before any SDK has had a chance to interpret it."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class ServerFailedError(Exception):
    """The child process did not start, died, or did not stop as it should; carries its last words."""


class RunningServer:
    """`bursar dev` on a free port; started and stopped by a `with` statement."""

    def __init__(self, directory: Path, environment: Mapping[str, str] | None = None) -> None:
        self._environment = {**os.environ, **(environment or {})}
        self.port = _free_port()
        self.base_url = f"http://{HOST}:{self.port}"
        self._data_directory = directory / "data"
        self._stderr_path = directory / "stderr.log"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._data_directory.mkdir(parents=True, exist_ok=True)
        command = [
            str(Path(sys.executable).parent / "bursar"),
            *("dev", "--port", str(self.port), "--data", str(self._data_directory)),
        ]
        # The log goes to a file: a pipe that nobody reads would block the server once it is full.
        with self._stderr_path.open("wb") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log, env=self._environment
            )
        try:
            self._wait_until_healthy(self._process)
        except BaseException:
            self._process.kill()
            self._process.wait()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process = self._process
        assert process is not None, "a server is stopped only after it was started"
        if process.poll() is not None:
            raise self._failure(f"died with exit status {process.returncode}")
        process.send_signal(signal.SIGTERM)
        try:
            status = process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise self._failure(f"ignored SIGTERM for {STOP_SECONDS_MAX:g} s") from None
        # Servers differ in whether they end with 0 or pass the signal on; both are an orderly end.
        if status not in (0, -signal.SIGTERM):
            raise self._failure(f"ended with exit status {status} after SIGTERM")

    def raw(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        key: str | None = SECRET_KEY,
    ) -> Answer:
        """Send exactly these bytes; `key=None` leaves the Authorization header to the caller."""
        sent = {} if key is None else {"Authorization": f"Bearer {key}"}
        if body is not None:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        connection = http.client.HTTPConnection(HOST, self.port, timeout=REQUEST_SECONDS_MAX)
        try:
            connection.request(method, path, body, {**sent, **(headers or {})})
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    @property
    def data_directory(self) -> Path:
        return self._data_directory

    def command(self, *arguments: str) -> str:
        """What `bursar` prints when it is called for this server's data."""
        program = str(Path(sys.executable).parent / "bursar")
        done = subprocess.run(
            [program, *arguments, "--data", str(self._data_directory)],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS_MAX,
            check=False,
        )
        if done.returncode != 0:
            raise ServerFailedError(f"bursar {arguments[0]} failed: {done.stderr[-STDERR_CHARACTERS_MAX:]}")
        return done.stdout

    def log(self) -> str:
        """All that the server has written to its standard error."""
        return self._stderr_path.read_text(errors="replace")

    def _wait_until_healthy(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS_MAX
        while not self._is_healthy():
            if process.poll() is not None:
                raise self._failure(f"died at its start with exit status {process.returncode}")
            if time.monotonic() > deadline:
                raise self._failure(f"was not healthy within {START_SECONDS_MAX:g} s")
            time.sleep(POLL_SECONDS)

    def _is_healthy(self) -> bool:
        try:
            return self.raw("GET", "/healthz", key=None).status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False

    def _failure(self, what: str) -> ServerFailedError:
        log = self.log()[-STDERR_CHARACTERS_MAX:]
        return ServerFailedError(f"bursar dev {what}; the end of its stderr:\n{log}")


def _free_port() -> int:
    """The server cannot report one that it chose itself, as its users name theirs."""
    return free_port()
