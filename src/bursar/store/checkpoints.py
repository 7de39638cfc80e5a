"""Copies SQLite's write-ahead log into its file while commits go on.

A commit that has to copy makes everybody wait for thousands of pages, scattered over a large file, to reach
the disk. A thread with a connection of its own copies what is there and holds nobody up. But under load
there is always more, and the log starts over only when all of it is copied: so once the log has grown to
SQLITE_LOG_PAGES_MAX, the next commit copies what little is left. Durability is not touched by any of this:
each commit is on the disk with the log.
"""

from __future__ import annotations

import logging
import threading

from sqlalchemy import Engine

# Between two copies: a page that many commits change is copied once, and a commit gets its turn to finish.
PAUSE_SECONDS = 0.5
JOIN_TIMEOUT_SECONDS = 30

logger = logging.getLogger(__name__)


class Checkpointer:
    """A thread that works only while there are commits."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._written = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bursar-checkpointer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def written(self) -> None:
        """A writer committed something."""
        self._written.set()

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
                _copy(self._engine)
            except Exception as problem:  # the next copy, or else a commit, does what this one did not
                logger.warning("the log of the database was not copied: %s", type(problem).__name__)


def _copy(engine: Engine) -> None:
    """Never waits for a writer, and no writer waits for it."""
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        cursor.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        cursor.close()
    finally:
        connection.close()
