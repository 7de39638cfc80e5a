"""What accounts do by themselves."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from bursar.accounts.uses import KeyUses
from bursar.store.errors import StoreError

INTERVAL_SECONDS = 60

logger = logging.getLogger(__name__)


async def run_key_uses(uses: KeyUses) -> None:
    """Writes when keys were last used, and what was gathered since once more when the server stops."""
    try:
        while True:
            await asyncio.sleep(INTERVAL_SECONDS)
            try:
                await uses.write()
            except StoreError as problem:
                logger.warning("when keys were last used is written later: %s", problem)
    finally:
        with suppress(StoreError):
            await uses.write()
