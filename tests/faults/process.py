"""Bursar and PiggyBank as child processes that are killed, ended and started again."""

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.wire.harness import HOST, POLL_SECONDS, _free_port

FOLDER_OF_PROGRAMS = Path(sys.executable).parent
PROGRAM = str(FOLDER_OF_PROGRAMS / "bursar")
BANK_PROGRAM = str(FOLDER_OF_PROGRAMS / "piggybank")
# What a start may take where the machine does nothing else: the long forms demand it. Beside other tests it is a matter
# of luck, so there only a start that is given up is wrong.
READY_SECONDS_MAX = 5.0
START_SECONDS_MAX = 60.0  # a start that takes longer is given up, whatever is demanded of its speed
STOP_SECONDS_MAX = 40.0  # longer than the server's own limit for finishing what was begun


@dataclass
class ServerProcess:
    """A program that serves HTTP, `bursar` unless another is named."""

    arguments: list[str]
    port: int
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    program: str = PROGRAM
    ready_path: str = "/readyz"
    process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self.process is not None, "the server was not started"
        return self.process.pid

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def start(self) -> float:
        """Returns after how many seconds on the clock it was ready to serve, its database included."""
        seconds = self.start_to_end({}, None)
        assert seconds is not None, "it was not to end"
        return seconds

    def start_to_end(self, environment: Mapping[str, str], status: int | None) -> float | None:
        """With more in its environment, by which it will end with a status: None when it has done so at once."""
        started = time.monotonic()
        # The log is appended to: what the killed ones said is what explains a failure.
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [self.program, *self.arguments],
                env=clean_environment() | dict(self.environment) | dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        while not self._is_ready():
            ended = self.process.poll()
            if ended is not None and ended == status:
                return None
            assert ended is None, f"died at its start:\n{self.last_words()}"
            assert time.monotonic() - started < START_SECONDS_MAX, f"never became ready:\n{self.last_words()}"
            time.sleep(POLL_SECONDS)
        return time.monotonic() - started

    def kill(self) -> None:
        """As a crash: no handler runs, no buffer is written out."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def terminate(self) -> int:
        """As an operator stops it; returns the exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_SECONDS_MAX)

    def wait(self, seconds: float) -> int | None:
        """The exit status once it has ended by itself; None when it still runs."""
        assert self.process is not None
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def discard(self) -> None:
        """Whatever its state, it is gone afterwards."""
        if self.process is not None and self.process.poll() is None:
            self.kill()

    def connection(self, timeout: float = 10.0) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(HOST, self.port, timeout=timeout)

    def last_words(self) -> str:
        return self.log.read_text(errors="replace")[-4_000:]

    def resident_bytes(self) -> int:
        """What the process holds in memory now."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("the kernel tells no resident size")

    def _is_ready(self) -> bool:
        connection = self.connection(timeout=2)
        try:
            connection.request("GET", self.ready_path)
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def dev_server(directory: Path, environment: Mapping[str, str] | None = None) -> ServerProcess:
    port = _free_port()
    arguments = ["dev", "--port", str(port), "--data", str(directory / "data")]
    return ServerProcess(arguments, port, directory / "server.log", environment or {})


def bank_server(directory: Path, api_key: str) -> ServerProcess:
    """A PiggyBank that no server of ours has started, and that none ends."""
    port = _free_port()
    arguments = ["serve", "--port", str(port), "--data", str(directory / "bank")]
    environment = {"PIGGYBANK_API_KEY": api_key}
    return ServerProcess(arguments, port, directory / "bank.log", environment, BANK_PROGRAM, "/healthz")


def clean_environment() -> dict[str, str]:
    """Without the settings of whoever runs the tests, and without a bursar.toml that lies about."""
    ours = ("BURSAR_", "PIGGYBANK_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)} | {"BURSAR_CONFIG": ""}
