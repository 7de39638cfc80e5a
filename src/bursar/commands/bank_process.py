"""PiggyBank as a child process of `bursar dev`: started beside the server, started again when it dies."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import msgspec

FOLDER_NAME = "piggybank"
ADDRESS_NAME = "address.json"
API_KEY_NAME = "api_key"
WEBHOOK_SECRET_NAME = "webhook_secret"  # noqa: S105 - a file's name
LOG_NAME = "log"
HOST = "127.0.0.1"
WAIT_SECONDS_MIN = 0.2
WAIT_SECONDS_MAX = 10.0
STEADY_SECONDS = 30.0  # what has lived this long did not fail at its start
STOP_SECONDS_MAX = 8.0


class Address(msgspec.Struct, frozen=True):
    """Where `bursar sim` finds the bank of a folder."""

    url: str
    api_key: str


class BankProcess:
    """Address and secrets are known at once; the process itself starts in the background."""

    def __init__(self, data: Path, *, webhook_url: str) -> None:
        self._folder = data / FOLDER_NAME
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._webhook_url = webhook_url
        self.api_key = _kept_secret(self._folder / API_KEY_NAME, "pbk_")
        self.webhook_secret = _kept_secret(self._folder / WEBHOOK_SECRET_NAME, "pbs_")
        self._port = _free_port()
        self.url = f"http://{HOST}:{self._port}"
        address = msgspec.json.encode(Address(self.url, self.api_key))
        _write_private(self._folder / ADDRESS_NAME, address)
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._keeper = threading.Thread(target=self._keep_running, name="piggybank", daemon=True)

    def start(self) -> None:
        """Returns at once."""
        self._keeper.start()

    def stop(self) -> None:
        """Lets it finish what it has begun. A parent that is killed cannot call this: then its end of the bank's
        standard input closes, and the bank ends by itself.
        """
        self._ending.set()
        with self._lock:
            process = self._process
        if process is not None:
            _close_stdin(process)
            try:
                process.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self._keeper.is_alive():
            self._keeper.join(STOP_SECONDS_MAX)

    def _keep_running(self) -> None:
        wait_seconds = WAIT_SECONDS_MIN
        while True:
            started = time.monotonic()
            with self._lock:
                if self._ending.is_set():
                    return
                process = self._process = self._spawn()
            process.wait()
            _close_stdin(process)
            if time.monotonic() - started > STEADY_SECONDS:
                wait_seconds = WAIT_SECONDS_MIN
            if self._ending.wait(wait_seconds):
                return
            sys.stderr.write(f"PiggyBank has ended ({process.returncode}) and is started again; see {self._log}\n")
            wait_seconds = min(wait_seconds * 2, WAIT_SECONDS_MAX)

    @property
    def _log(self) -> Path:
        return self._folder / LOG_NAME

    def _spawn(self) -> subprocess.Popen[bytes]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("BURSAR_")}
        environment |= {
            "PIGGYBANK_API_KEY": self.api_key,
            "PIGGYBANK_WEBHOOK_URL": self._webhook_url,
            "PIGGYBANK_WEBHOOK_SECRET": self.webhook_secret,
        }
        command = [sys.executable, "-m", "piggybank", "serve", "--exit-with-stdin"]
        command += ["--host", HOST, "--port", str(self._port), "--data", str(self._folder / "data")]
        with self._log.open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - our own program
                command,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                # Ctrl-C reaches the whole terminal; the bank goes last, when the server has finished with it.
                start_new_session=True,
            )


def _close_stdin(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None, "it was given one"
    with contextlib.suppress(OSError):
        process.stdin.close()


def read_address(data: Path) -> Address:
    """Raises FileNotFoundError where no bank was started for the folder."""
    content = (data / FOLDER_NAME / ADDRESS_NAME).read_bytes()
    return msgspec.json.decode(content, type=Address)


def _kept_secret(path: Path, prefix: str) -> str:
    """The same at every start, so that what was signed or sent before stays valid."""
    if path.exists():
        kept = path.read_text(encoding="ascii").strip()
        if kept:
            return kept
    made = prefix + secrets.token_hex(24)
    _write_private(path, made.encode())
    return made


def _write_private(path: Path, content: bytes) -> None:
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    new.replace(path)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port
