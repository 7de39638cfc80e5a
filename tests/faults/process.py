"""The product as a child process that is killed, ended and started again."""

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.wire.harness import HOST, POLL_SECONDS, START_SECONDS_MAX, _free_port

PROGRAM = str(Path(sys.executable).parent / "bursar")
STOP_SECONDS_MAX = 40.0  # longer than the server's own limit for finishing what was begun


@dataclass
class ServerProcess:
    arguments: list[str]
    port: int
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self.process is not None, "the server was not started"
        return self.process.pid

    def start(self) -> float:
        """Returns after how many seconds it was ready to serve, its database included.

        What it waited for a free core is left out: this machine runs other suites too.
        """
        started = time.monotonic()
        # The log is appended to: what the killed ones said is what explains a failure.
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [PROGRAM, *self.arguments],
                env=clean_environment() | dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        while not self._is_ready():
            assert self.process.poll() is None, f"died at its start:\n{self.last_words()}"
            assert time.monotonic() - started < START_SECONDS_MAX, f"never became ready:\n{self.last_words()}"
            time.sleep(POLL_SECONDS)
        return time.monotonic() - started - self._seconds_without_a_core()

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

    def _seconds_without_a_core(self) -> float:
        """As the kernel tells of the main thread, which does nearly all of a start."""
        return int(Path(f"/proc/{self.pid}/schedstat").read_text().split()[1]) / 1e9

    def _is_ready(self) -> bool:
        connection = self.connection(timeout=2)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def dev_server(directory: Path) -> ServerProcess:
    port = _free_port()
    data = directory / "data"
    return ServerProcess(["dev", "--port", str(port), "--data", str(data)], port, directory / "server.log")


def clean_environment() -> dict[str, str]:
    """Without the settings of whoever runs the tests, and without a bursar.toml that lies about."""
    return {name: value for name, value in os.environ.items() if not name.startswith("BURSAR_")} | {"BURSAR_CONFIG": ""}
