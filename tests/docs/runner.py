"""Runs the blocks of one document as its reader would: in order, in one folder, against a server of its own."""

import contextlib
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.docs.blocks import Block, complaint
from tests.ports import free_port
from tests.wire.harness import HOST, RunningServer

RUN_SECONDS_MAX = 60
START_SECONDS_MAX = 30.0
STOP_SECONDS_MAX = 20.0
POLL_SECONDS = 0.05
DEVELOPMENT = "make run"
DOCUMENTED_PORT = "8420"
# Of what stands in front of the server.
OTHER_PORTS = ("8080", "8443", "9443")
DEPLOY = Path(__file__).parents[2] / "deploy"
ENVIRONMENT_FILE = ".environment"


class Reader:
    """What somebody has who follows a document: a folder, variables, perhaps a running server."""

    def __init__(self, document: Path, folder: Path) -> None:
        self._document = document
        self._folder = folder / "here"
        self._data = folder / "server" / "data"
        self._server_folder = folder / "server"
        self._port = ""
        self._other_ports: dict[str, str] = {}
        self._stopping = contextlib.ExitStack()
        programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
        own = {name: value for name, value in os.environ.items() if not name.startswith("BURSAR_")}
        self._environment = {**own, "PATH": programs, "COLUMNS": "200", "NO_COLOR": "1"}

    def __enter__(self) -> Self:
        for folder in (self._folder, self._server_folder):
            folder.mkdir(parents=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.close()

    def start_development(self) -> None:
        """What `make run` runs once .venv is there; a test holds the Makefile to that."""
        server = self._stopping.enter_context(RunningServer(self._server_folder))
        self._port = str(server.port)

    def follow(self, block: Block) -> None:
        """Does what the block says and checks what comes of it."""
        if block.action == "serve":
            self._serve(block)
            return
        command = {
            "bash": ["bash", "-euo", "pipefail", "-c", f"trap 'env -0 > {ENVIRONMENT_FILE}' EXIT\n{self._own(block)}"],
            "python": [sys.executable, "-c", self._own(block)],
        }[block.language]
        self.check(block, command)

    def check(self, block: Block, command: list[str], environment: dict[str, str] | None = None) -> None:
        done = subprocess.run(
            command,
            cwd=self._folder,
            env=environment or self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if _expects_text(block) else subprocess.PIPE,
            text=True,
            encoding="utf-8",
            timeout=RUN_SECONDS_MAX,
            check=False,
        )
        said = f"{self._place(block)}\n{done.stdout}\n{done.stderr or ''}"
        assert done.returncode == block.exit_code, f"exit code {done.returncode} instead of {block.exit_code}: {said}"
        for kind, expected in block.expected:
            wrong = complaint(kind, self.adapted(expected), done.stdout)
            assert wrong is None, f"{wrong}: {said}"
        if block.language == "bash":
            self._remember_variables()

    def _serve(self, block: Block) -> None:
        if block.text.strip() == DEVELOPMENT:
            self.start_development()
            return
        log = self._server_folder / "log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                shlex.split(self._own(block)),
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
            )
        self._stopping.callback(_stop, process, log)
        deadline = time.monotonic() + START_SECONDS_MAX
        while not _listens(int(self._port)):
            assert process.poll() is None, f"{self._place(block)}: the server ended\n{log.read_text()}"
            assert time.monotonic() < deadline, f"{self._place(block)}: the server does not listen\n{log.read_text()}"
            time.sleep(POLL_SECONDS)

    def _own(self, block: Block) -> str:
        return self.adapted(block.text)

    def adapted(self, text: str) -> str:
        """The same with a port and folders of this test, so that it meets no other."""
        if DOCUMENTED_PORT in text and not self._port:
            self._port = str(free_port())
        for port in OTHER_PORTS:
            if port in text:
                text = text.replace(port, self._other_ports.setdefault(port, str(free_port())))
        for documented, own in (
            ("var/dev", str(self._data)),
            ("/var/lib/bursar", str(self._folder)),
            (" deploy/", f" {DEPLOY}/"),
            (DOCUMENTED_PORT, self._port),
        ):
            text = text.replace(documented, own)
        return text

    def _remember_variables(self) -> None:
        """A reader types all blocks into the same shell."""
        written = (self._folder / ENVIRONMENT_FILE).read_bytes().decode()
        self._environment = dict(entry.split("=", 1) for entry in written.split("\0") if entry)

    def _place(self, block: Block) -> str:
        return f"{self._document.name}:{block.line}"


def _expects_text(block: Block) -> bool:
    """Complaints go to standard error and are shown to readers too; JSON is standard output alone."""
    return any(kind == "text" for kind, _ in block.expected)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def _stop(process: subprocess.Popen[bytes], log: Path) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        status = process.wait(STOP_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise AssertionError(f"the server ignored SIGTERM\n{log.read_text()}") from None
    assert status in (0, -signal.SIGTERM), f"the server ended with {status}\n{log.read_text()}"
