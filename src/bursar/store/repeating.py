"""Transactions that lost a race against another one, begun anew on what that has left."""

from __future__ import annotations

from typing import Any

from bursar.store.errors import DuplicateKey, RowsExpected
from bursar.store.store import Store
from bursar.store.writer import Work

REPEATS_MAX = 5


async def transact_again(store: Store, work: Work) -> Any:
    """Like `Store.transact`. The work reads and decides once more if what it had read has changed meanwhile."""
    for repeats_left in reversed(range(REPEATS_MAX)):
        try:
            return await store.transact(work)
        except (RowsExpected, DuplicateKey):
            if not repeats_left:
                raise
    raise AssertionError("the loop above returns or raises")
