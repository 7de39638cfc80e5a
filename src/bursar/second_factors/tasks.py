"""What is done by itself: challenges that are too old to be answered make room."""

from __future__ import annotations

import asyncio
import logging

from bursar.second_factors.service import SecondFactorService
from bursar.store.errors import StoreError

INTERVAL_SECONDS = 600

logger = logging.getLogger(__name__)


async def run_forgetting(service: SecondFactorService) -> None:
    while True:
        await asyncio.sleep(INTERVAL_SECONDS)
        try:
            await service.forget_challenges()
        except StoreError as problem:
            logger.warning("old challenges make room later: %s", problem)
