"""The journal: an append-only file of JSON lines, each sealed over all lines before it, durable before any answer.

Whoever appends goes on at once; a thread writes what has gathered, calls fsync once for all of it, and only then tells
those who wait. While one batch is on its way to the disk, the next one gathers.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import sys
import threading
from array import array
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from piggybank.records import Record

FILE_NAME = "journal.jsonl"
LOCK_NAME = "lock"
SEAL_LENGTH = 16
_SEAL_START = b',"seal":"'
_SEAL_END = b'"}\n'
_TAIL_LENGTH = len(_SEAL_START) + SEAL_LENGTH + len(_SEAL_END)
READ_BUFFER_BYTES = 4 * 1024 * 1024
EXIT_DISK = 74

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Record)
_sync = getattr(os, "fdatasync", os.fsync)  # the file only grows, and its size is part of what fdatasync writes


class JournalDamaged(Exception):
    """The file is not what was written. Nothing is guessed: the bank does not start."""


class FolderInUse(Exception):
    """Another process works on this folder."""


class Journal:
    """Appended to by one thread, committed by another."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / FILE_NAME
        self._lock_file = _locked(folder / LOCK_NAME)
        existed = self.path.exists()
        self._file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        if not existed:
            sync_folder(folder)
        # Where each line begins, by its number, which counts from one; the last entry is the end of the file.
        self._offsets = array("Q", [0, 0])
        self._digest = b""
        self._gathered: deque[bytes] = deque()
        # Lines that the file does not have for sure; readers find them here.
        self._unwritten: dict[int, bytes] = {}
        self._waiting: deque[tuple[int, Callable[[], None]]] = deque()
        self.last = 0
        self.durable = 0
        self._committed = 0

    @property
    def gathered(self) -> bool:
        """Whether a commit would have anything to do."""
        return bool(self._gathered)

    def replay(self) -> Iterator[Record]:
        """Every record, checked; what a crash left of an unfinished line is cut off."""
        offset, number = 0, 0
        offsets, digest = self._offsets, self._digest
        with self.path.open("rb", buffering=READ_BUFFER_BYTES) as file:
            for line in file:
                if not line.endswith(b"\n"):
                    os.ftruncate(self._file, offset)
                    os.fsync(self._file)
                    break
                digest = hashlib.sha256(digest + line[:-_TAIL_LENGTH]).digest()
                number += 1
                if line[-_TAIL_LENGTH:] != _tail(digest):
                    raise JournalDamaged(f"line {number} of {self.path} is not as it was written")
                try:
                    record = _decoder.decode(line)
                except msgspec.MsgspecError as problem:
                    raise JournalDamaged(f"line {number} of {self.path} cannot be read: {problem}") from None
                if record.seq != number:
                    raise JournalDamaged(f"line {number} of {self.path} says that it is line {record.seq}")
                offset += len(line)
                offsets.append(offset)
                self.last = self.durable = self._committed = number
                self._digest = digest
                yield record

    def append(self, record: Record) -> None:
        assert record.seq == self.last + 1, "records are numbered without gaps"
        content = _encoder.encode(record)[:-1]
        self._digest = hashlib.sha256(self._digest + content).digest()
        line = content + _tail(self._digest)
        self._offsets.append(self._offsets[-1] + len(line))
        self.last = record.seq
        self._unwritten[record.seq] = line
        self._gathered.append(line)

    def commit(self) -> int:
        """Writes what has gathered; returns the last number that is on the disk for sure."""
        gathered, lines = self._gathered, []
        while gathered:
            lines.append(gathered.popleft())
        if not lines:
            return self._committed
        content = memoryview(b"".join(lines))
        while content:
            content = content[os.write(self._file, content) :]
        _sync(self._file)
        self._committed += len(lines)
        return self._committed

    def settle(self, durable: int) -> None:
        """Tells everybody who waited. To be called by the thread that appends."""
        for number in range(self.durable + 1, durable + 1):
            del self._unwritten[number]
        self.durable = durable
        waiting = self._waiting
        while waiting and waiting[0][0] <= durable:
            waiting.popleft()[1]()

    def when_durable(self, number: int, then: Callable[[], None]) -> None:
        if number <= self.durable:
            then()
        else:
            # Numbers come in their order or earlier ones later; a little late is harmless, early would not be.
            last = self._waiting[-1][0] if self._waiting else 0
            self._waiting.append((max(number, last), then))

    def read(self, number: int) -> Record:
        return _decoder.decode(self.line(number))

    def line(self, number: int) -> bytes:
        unwritten = self._unwritten.get(number)
        if unwritten is not None:
            return unwritten
        start = self._offsets[number]
        return os.pread(self._file, self._offsets[number + 1] - start, start)

    def durable_lines(self, after: int, limit: int) -> list[bytes]:
        last = min(self.durable, after + limit)
        if last <= after:
            return []
        start = self._offsets[after + 1]
        content = os.pread(self._file, self._offsets[last + 1] - start, start)
        return content.splitlines()

    def close(self) -> None:
        self.settle(self.commit())
        os.close(self._file)
        self._lock_file.close()


class Committer:
    """The thread that brings the journal to the disk."""

    def __init__(self, journal: Journal, tell: Callable[[int], None]) -> None:
        """`tell` is called from the thread, once per batch, with the last durable number."""
        self._journal = journal
        self._tell = tell
        self._wake = threading.Semaphore(0)
        self._asleep = False
        self._ends = False
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """After an append. Cheap while the thread is at work anyway."""
        if self._asleep:
            self._asleep = False
            self._wake.release()

    def stop(self) -> None:
        self._ends = True
        self._wake.release()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._ends:
                self._asleep = True
                # Looked at after saying so, or an append in between would wait for the next one.
                if not self._journal.gathered:
                    self._wake.acquire()
                self._asleep = False
                self._tell(self._journal.commit())
        except OSError as problem:
            # What is on the disk is not known any more. Whoever starts the bank again reads it from there.
            sys.stderr.write(f"piggybank: the journal cannot be written: {problem}\n")
            sys.stderr.flush()
            os._exit(EXIT_DISK)


def _tail(digest: bytes) -> bytes:
    return _SEAL_START + digest.hex()[:SEAL_LENGTH].encode() + _SEAL_END


def _locked(path: Path) -> BinaryIO:
    """The lock ends with the process, however that ends."""
    file = path.open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise FolderInUse(f"another process works on {path.parent}") from None
    return file


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
