"""Makes results durable: one commit for all tries that ended while the one before was on its way."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from bursar.store.errors import DuplicateKey, RowsExpected, StoreDefect, StoreError
from bursar.store.store import Store
from bursar.store.unit import Change, Unit

BATCH_MAX = 256
# Nobody waits for a result, so a few more may come together.
GATHER_SECONDS = 0.01
AGAIN_SECONDS = 0.5
# More tries than this are not begun before results of earlier ones are durable: each would be made once more after
# a crash.
BACKLOG_MAX = 2_000

# Trying the same once more would end alike.
UNWRITABLE = (RowsExpected, DuplicateKey, StoreDefect)

logger = logging.getLogger(__name__)


class Result(NamedTuple):
    changes: list[Change]
    # Called when it is durable, or when somebody else has written another one.
    recorded: Callable[[], None]


class Results:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: deque[Result] = deque()
        self._came = asyncio.Event()
        self._in_hand = 0

    @property
    def is_full(self) -> bool:
        return len(self._waiting) + self._in_hand >= BACKLOG_MAX

    def put(self, result: Result) -> None:
        self._waiting.append(result)
        self._came.set()

    async def run(self) -> None:
        while True:
            await self._came.wait()
            await asyncio.sleep(GATHER_SECONDS)
            self._came.clear()
            try:
                await self.flush()
            except Exception:  # without results, nothing is delivered after a while
                logger.exception("results of webhooks met a defect, and are written once more")
                self._came.set()
                await asyncio.sleep(AGAIN_SECONDS)

    async def flush(self) -> None:
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(BATCH_MAX, len(self._waiting)))]
            self._in_hand = len(batch)
            try:
                await self._write(batch)
            except BaseException:
                self._waiting.extendleft(reversed(batch))
                raise
            finally:
                self._in_hand = 0
            for result in batch:
                try:
                    result.recorded()
                except Exception:  # of one queue; the others must hear of theirs
                    logger.exception("what a result of a webhook leads to met a defect")

    async def _write(self, batch: Sequence[Result]) -> None:
        while True:
            try:
                if not await self._write_together(batch):
                    await self._write_each(batch)
            except StoreError as problem:
                logger.warning("results of webhooks are written later: %s", problem)
                await asyncio.sleep(AGAIN_SECONDS)
            else:
                return

    async def _write_together(self, batch: Sequence[Result]) -> bool:
        try:
            await self._store.commit(Unit([change for result in batch for change in result.changes]))
        except UNWRITABLE:
            return False
        except StoreError:
            raise
        except Exception:  # a defect: with which of them, is seen when each is written for itself
            return False
        return True

    async def _write_each(self, batch: Sequence[Result]) -> None:
        """One of them is of a delivery that is gone, or that another process has sent. It is not needed any more."""
        units = [Unit(list(result.changes)) for result in batch]
        for problem in await asyncio.gather(*map(self._store.commit, units), return_exceptions=True):
            if problem is None or isinstance(problem, RowsExpected | DuplicateKey):
                continue
            is_away = isinstance(problem, StoreError) and not isinstance(problem, StoreDefect)
            if is_away or not isinstance(problem, Exception):
                raise problem
            logger.error("the result of a webhook could not be written", exc_info=problem)
