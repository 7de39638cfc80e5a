"""Copies SQLite's write-ahead log into its file while commits go on.

A commit that has to copy makes everybody wait for thousands of pages, scattered over a large file, to reach
the disk. A thread with a connection of its own copies what is there and holds nobody up. But under load
there is always more, and the log starts over only when all of it is copied. So once the log is long, the
thread copies again and again, each time less, and then asks the writer to copy the little that is left
between two commits, when nothing is added. A log that starts over often is written where it was written
before, which a disk takes much faster than what makes a file grow.

Durability is not touched by any of this: each commit is on the disk with the log.
"""

from __future__ import annotations

import logging
import threading
from typing import NamedTuple

from sqlalchemy import Connection, Engine, PoolProxiedConnection

# Between two copies: a page that many commits change is copied once, and a commit gets its turn to finish.
PAUSE_SECONDS = 0.5
JOIN_TIMEOUT_SECONDS = 30
# 32 MiB: half a second to a few seconds of the highest load.
LONG_LOG_PAGES = 8_000
# What the writer may copy between two commits: a few milliseconds.
LITTLE_PAGES = 100
COPIES_MAX = 8

logger = logging.getLogger(__name__)


class Log(NamedTuple):
    """How long the log is, and how much of it is in the file."""

    pages: int
    copied: int

    @property
    def left(self) -> int:
        return self.pages - self.copied


class Checkpointer:
    """A thread that works only while there are commits."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._written = threading.Event()
        self._closing = threading.Event()
        self._little_is_left = False
        self._thread = threading.Thread(target=self._run, name="bursar-checkpointer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def written(self, connection: Connection) -> None:
        """A writer committed something, and begins nothing new until this is done."""
        self._written.set()
        if not self._little_is_left:
            return
        self._little_is_left = False
        try:
            _copy(connection.connection)
        except Exception as problem:
            _tell(problem)

    def close(self) -> None:
        self._closing.set()
        self._written.set()
        self._thread.join(JOIN_TIMEOUT_SECONDS)

    def _run(self) -> None:
        while not self._closing.wait(PAUSE_SECONDS):
            self._written.wait()
            self._written.clear()
            if self._closing.is_set():
                return
            try:
                self._copy_most()
            except Exception as problem:
                _tell(problem)

    def _copy_most(self) -> None:
        """Never waits for a writer, and no writer waits for it."""
        connection = self._engine.raw_connection()
        try:
            log = _copy(connection)
            if log.pages < LONG_LOG_PAGES:
                return
            for _ in range(COPIES_MAX):
                if log.left <= LITTLE_PAGES:
                    break
                log = _copy(connection)
            self._little_is_left = True
        finally:
            connection.close()


def _copy(connection: PoolProxiedConnection) -> Log:
    cursor = connection.cursor()
    try:
        cursor.execute("PRAGMA wal_checkpoint(PASSIVE)")
        _, pages, copied = cursor.fetchone()  # type: ignore[misc]  # one row, whatever happened
        return Log(pages, copied)
    finally:
        cursor.close()


def _tell(problem: Exception) -> None:
    """The next copy, or else a commit, does what this one did not."""
    logger.warning("the log of the database was not copied: %s", type(problem).__name__)
