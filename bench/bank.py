"""PiggyBank as a process of its own, and the sales in its journal."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench.processes import Waiting, cpu_seconds, resident_mib, stop

START_SECONDS_MAX = 15.0
POLL_SECONDS = 0.02
_READY = re.compile(rb"ready at (http://\S+)")


class _Record(msgspec.Struct):
    kind: str
    status: str = ""
    capture: bool = False


_decode = msgspec.json.Decoder(_Record).decode


@dataclass(frozen=True)
class Bank:
    process: subprocess.Popen[bytes]
    url: str
    api_key: str
    journal: Path

    def cpu_seconds(self) -> float:
        return cpu_seconds(self.process.pid)

    def resident_mib(self) -> float:
        return resident_mib(self.process.pid)

    def settings(self) -> dict[str, str]:
        """With these `bursar dev` starts no bank of its own, so what each process costs can be told apart."""
        return {"BURSAR_PIGGYBANK_URL": self.url, "BURSAR_PIGGYBANK_API_KEY": self.api_key}


class Sales:
    """Counts the approved sales that have come to the journal, reading each line once."""

    def __init__(self, journal: Path) -> None:
        self._journal = journal
        self._offset = 0
        self._count = 0

    def count(self) -> int:
        with self._journal.open("rb") as file:
            file.seek(self._offset)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self._offset += len(line)
                record = _decode(line)
                self._count += record.kind == "authorization" and record.status == "approved" and record.capture
        return self._count


@contextmanager
def running_bank(folder: Path) -> Iterator[Bank]:
    """Its journal is in the folder, on the same disk as what it is measured with."""
    folder.mkdir(parents=True)
    log, api_key = folder / "log", "pbk_" + secrets.token_hex(24)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("BURSAR_", "PIGGYBANK_"))}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "piggybank", "serve", "--port", "0", "--data", str(folder / "data")],
            env=clean | {"PIGGYBANK_API_KEY": api_key},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        waiting = Waiting("the start of the bank", START_SECONDS_MAX, process, log)
        while (ready := _READY.search(log.read_bytes())) is None:
            waiting.pause(POLL_SECONDS)
        yield Bank(process, ready[1].decode(), api_key, folder / "data" / "journal.jsonl")
    finally:
        stop(process)
